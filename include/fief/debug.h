/* debug.h - finding what a program does wrong, and what it leaves behind.
 *
 * Everything here works at every debug level; what a level does not record is reported as unknown. The level is
 * fief_config.debug, or FIEF_CONF in the environment: docs/debugging.md. */
#ifndef FIEF_DEBUG_H
#define FIEF_DEBUG_H

#include "fief.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- type tags and domains ----------------------------------------------------------------------------- */

typedef uint16_t fief_tag; /* what a block is, for reports: 0 is none */
typedef uint8_t fief_domain;

/* A domain is an API of the runtime's: a block is freed and resized through the one that allocated it. Blocks of
 * fief_alloc and its kin are of domain 0. */
enum { FIEF_DOMAIN_PLAIN = 0, FIEF_DOMAIN_RAW, FIEF_DOMAIN_MEM, FIEF_DOMAIN_OBJ };

/* Names a tag, or a domain of the runtime's own, for the whole process. The same name gives the same number. The
 * name is copied, cut to 31 bytes. FIEF_NO_MEMORY once there are 4095 tags, or 255 domains; FIEF_BAD_ARGUMENT for
 * NULL and for "". Any thread. */
FIEF_API fief_status fief_tag_register(const char *name, fief_tag *out);
FIEF_API fief_status fief_domain_register(const char *name, fief_domain *out);

/* fief_alloc, for a block whose tag reports are to show. A tag that was never registered counts as 0. */
FIEF_API void *fief_alloc_tagged(fief *f, size_t size, fief_tag tag) FIEF_ALLOCATES(2);

/* fief_alloc, fief_realloc and fief_free of a domain. Below FIEF_DEBUG_CHECK the domain is not looked at. A
 * realloc keeps the tag. */
FIEF_API void *fief_domain_alloc(fief *f, fief_domain domain, size_t size) FIEF_ALLOCATES(3);
FIEF_API void *fief_domain_calloc(fief *f, fief_domain domain, size_t count, size_t size) FIEF_ALLOCATES(3, 4);
FIEF_API void *fief_domain_realloc(fief *f, fief_domain domain, void *p, size_t size) FIEF_MUST_USE;
FIEF_API void fief_domain_free(fief *f, fief_domain domain, void *p);

/* fief_free_sized, with the alignment that was asked for, too. */
FIEF_API void fief_free_aligned_sized(fief *f, void *p, size_t alignment, size_t size);

/* ---- looking ------------------------------------------------------------------------------------------- */

/* Looks at every block and every list of the heap: guards, freed memory, links, counts. Each thing that is wrong
 * is reported as it would be when a verb meets it, but never aborts; returns how many there were. Below
 * FIEF_DEBUG_CHECK there are only lists and counts to look at. By the interpreter's holder. Cost: in the memory of
 * the heap. */
FIEF_API size_t fief_check(fief *f);

/* The policy for one kind of misuse, in place of on_misuse or on_foreign. FIEF_BAD_ARGUMENT for what is no kind,
 * or a policy that its kind does not know. By the interpreter's holder. */
typedef enum fief_policy {
    FIEF_POLICY_DEFAULT = 0, /* by on_foreign, on_misuse */
    FIEF_POLICY_ABORT,       /* report, then abort() */
    FIEF_POLICY_REPORT,      /* report; the call does nothing */
    FIEF_POLICY_ROUTE,       /* foreign frees and reallocs: report; the block goes home */
    FIEF_POLICY_IGNORE       /* count; the call does nothing */
} fief_policy;
FIEF_API fief_status fief_policy_set(fief *f, fief_misuse kind, fief_policy policy);

/* Stops the program (SIGTRAP) in the allocation with this serial number, from FIEF_DEBUG_CHECK on; 0: never.
 * Serials count a heap's allocations from 1, and are in its reports. By the interpreter's holder. */
FIEF_API void fief_break_at(fief *f, uint64_t serial);

/* ---- leaks --------------------------------------------------------------------------------------------- */

typedef enum fief_format {
    FIEF_TEXT = 0,
    FIEF_JSON /* one object, on one line */
} fief_format;

/* Takes a part of a text. It must not call into fief. */
typedef void fief_text_fn(const char *text, size_t bytes, void *arg);

/* Tells the live blocks, grouped by the stack that allocated them and by type tag, those of most bytes first.
 * `out` NULL: stderr, or the file of FIEF_CONF=text. By the interpreter's holder. FIEF_NO_MEMORY: nothing was told. Cost: in the blocks. */
FIEF_API fief_status fief_leaks_report(fief *f, fief_format format, fief_text_fn *out, void *arg);

/* Suppressions, in LeakSanitizer's format, for all reports from now on: a text, or a file. FIEF_BAD_ARGUMENT for a
 * file that can't be read. Any thread. */
FIEF_API fief_status fief_leaks_suppress(const char *text);
FIEF_API fief_status fief_leaks_suppress_file(const char *path);

/* What is live at a moment, to be compared with another. It lies outside of the heap, and outlives it. */
typedef struct fief_snapshot fief_snapshot;

/* NULL on exhaustion. By the interpreter's holder. Cost: in the blocks. */
FIEF_API fief_snapshot *fief_snapshot_take(fief *f) FIEF_MUST_USE;
FIEF_API void fief_snapshot_free(fief_snapshot *snapshot); /* any thread; NULL is nothing */

/* Tells what grew between two snapshots: by group, the largest growth first. Any thread. */
FIEF_API fief_status fief_snapshot_diff(const fief_snapshot *before, const fief_snapshot *after,
                                        fief_format format, fief_text_fn *out, void *arg);

#ifdef __cplusplus
}
#endif

#endif
