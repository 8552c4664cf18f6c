/* fief.h - a memory allocator for each interpreter of a process.
 *
 * A fief is one interpreter's heap: everything it allocates is counted, limited and given back on its own,
 * and a block that another interpreter frees is noticed, with both names.
 *
 * Threading contract, for every function below unless it says otherwise:
 *   - A function that takes a `fief *` may be called by whoever holds that interpreter, from any thread, one
 *     thread at a time. Handing an interpreter to another thread needs nothing but the lock that hands it over.
 *   - The handle passed is always the caller's own. A block of another interpreter that is passed beside it is
 *     a foreign free, or a foreign realloc: counted, reported, then handled by the caller's `on_foreign`.
 *   - "Any thread" means: no lock and no handle needed, and safe beside the owner.
 *
 * Sizes are in bytes, times in nanoseconds. "Exhaustion" means the hard limit, the address space or the
 * system's memory; it never aborts, and it leaves every block as it was.
 */
#ifndef FIEF_FIEF_H
#define FIEF_FIEF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FIEF_VERSION_MAJOR 0
#define FIEF_VERSION_MINOR 1
#define FIEF_VERSION_PATCH 0

#if defined(__GNUC__)
#define FIEF_API __attribute__((visibility("default")))
#define FIEF_ALLOCATES(...) __attribute__((malloc, warn_unused_result, alloc_size(__VA_ARGS__)))
#define FIEF_MUST_USE __attribute__((warn_unused_result))
#else
#define FIEF_API
#define FIEF_ALLOCATES(...)
#define FIEF_MUST_USE
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- types ------------------------------------------------------------------------------------------- */

typedef struct fief fief; /* one interpreter's heap: opaque */
typedef uint64_t fief_id; /* names one interpreter for ever: counted up from 1, never reused */

#define FIEF_ID_NONE ((fief_id)0)

typedef enum fief_status {
    FIEF_OK = 0,
    FIEF_NO_MEMORY,    /* exhaustion; nothing was changed */
    FIEF_BAD_ARGUMENT, /* an argument is outside what the function's comment allows; nothing was changed */
    FIEF_BAD_STATE     /* the interpreter is closing or dead, or no such one; nothing was changed */
} fief_status;

/* A short English text, static, never NULL. Any thread. */
FIEF_API const char *fief_status_text(fief_status status);

/* An interpreter's life; there is no way back. */
typedef enum fief_state { FIEF_LIVE = 1, FIEF_CLOSING, FIEF_DEAD } fief_state;

/* What a program did wrong. */
typedef enum fief_misuse {
    FIEF_MISUSE_FOREIGN_FREE = 1, /* the block belongs to another living interpreter */
    FIEF_MISUSE_FOREIGN_REALLOC,
    FIEF_MISUSE_LATE_FREE, /* the block's interpreter is closing or dead */
    FIEF_MISUSE_DOUBLE_FREE,
    FIEF_MISUSE_INTERIOR,         /* inside a block, not at its start */
    FIEF_MISUSE_MISALIGNED,       /* the same, and not even a multiple of 8 */
    FIEF_MISUSE_WILD,             /* no block is known there, or the address is not fief's */
    FIEF_MISUSE_WRITE_AFTER_FREE, /* a free block's second word was written to; found when it was about to be
                                     handed out. A write to its first word alone may crash the next allocations. */
    FIEF_MISUSE_DEAD_HANDLE,      /* the handle itself was used after its end, or a parcel's once it was sent */

    /* These take a debug level, FIEF_DEBUG_CHECK if nothing else is said. */
    FIEF_MISUSE_OVERFLOW,           /* bytes behind a block's end were written to */
    FIEF_MISUSE_UNDERFLOW,          /* bytes before its start */
    FIEF_MISUSE_REALLOC_AFTER_FREE, /* below FIEF_DEBUG_CHECK it is told as a double free */
    FIEF_MISUSE_WRONG_SIZE,         /* a sized free or realloc with another size than was asked for */
    FIEF_MISUSE_WRONG_ALIGNMENT,    /* fief_free_aligned_sized with another alignment */
    FIEF_MISUSE_WRONG_DOMAIN,       /* freed or resized through another domain than it was allocated from */
    FIEF_MISUSE_TWO_THREADS,        /* two threads were inside the same handle at once */
    FIEF_MISUSE_USE_AFTER_FREE,     /* a guarded block's page was read or written after its free */
    FIEF_MISUSE_CORRUPTION,         /* fief_check found a list or a count that can't be */
    FIEF_MISUSE_LEAK,               /* blocks were live at the end, and on_leak is FIEF_LEAK_STRICT */

    FIEF_MISUSE_IMMORTAL_FREE /* an immortal heap's block was freed, or resized: counted and no more, unless the
                                 policy for it says so */
} fief_misuse;

#define FIEF_MISUSE_COUNT 21 /* one more than the largest fief_misuse */
#define FIEF_POLICY_ROOM 24  /* leaves room for more */

/* How closely a heap is watched, from its creation on; docs/debugging.md says what each level finds and costs. The
 * environment's FIEF_CONF can raise the level of every heap, never lower it. */
typedef enum fief_debug {
    FIEF_DEBUG_OFF = 0, /* what costs nothing: foreign, late, double, interior, misaligned, wild */
    FIEF_DEBUG_CHECK,   /* guards, fills, quarantine, sizes, domains, tags, serials, call sites */
    FIEF_DEBUG_FULL,    /* and a stack for each allocation and free */
    FIEF_DEBUG_GUARD    /* and every block beside an inaccessible page, and inaccessible once freed */
} fief_debug;

/* What becomes of blocks that are live when their interpreter ends. From FIEF_DEBUG_CHECK on they are reported. */
typedef enum fief_leak_policy {
    FIEF_LEAK_FORCE = 0, /* all memory is taken back */
    FIEF_LEAK_KEEP,  /* arenas with live blocks stay readable and writable for ever, for whoever still uses them */
    FIEF_LEAK_STRICT /* report, then abort(); without any, as FORCE */
} fief_leak_policy;

/* What happens to a foreign free or realloc once it has been counted and reported. A callback is told of each; on
 * stderr stands the first of each caller for an owner (for one of the owners whose ids are the same modulo 64). */
typedef enum fief_foreign_policy {
    FIEF_FOREIGN_ROUTE = 0, /* the block goes home to its owner; a realloc moves the data to the caller's heap */
    FIEF_FOREIGN_ABORT,     /* abort() */
    FIEF_FOREIGN_IGNORE     /* the block stays as it is; a realloc returns NULL */
} fief_foreign_policy;

/* What happens after any other misuse has been counted. Late frees never abort: by default they are reported
 * once for each interpreter, and the block stays dead. */
typedef enum fief_misuse_policy {
    FIEF_MISUSE_ABORT = 0, /* report, then abort() */
    FIEF_MISUSE_REPORT,    /* report and go on as if the call had not been made */
    FIEF_MISUSE_IGNORE     /* count and go on */
} fief_misuse_policy;

/* One misuse. Valid during the callback only. Strings are never NULL. */
typedef struct fief_report {
    fief_misuse kind;
    const char *kind_name; /* "foreign free" */
    const char *operation; /* the verb that was called: "fief_free" */
    const char *verdict;   /* what happens next: "routed", "abort", ... */
    const void *pointer;   /* what was passed */
    const void *block;     /* start of the block it lies in, NULL if unknown */
    size_t displacement;   /* pointer - block, 0 if the block is unknown */
    size_t block_size;     /* usable bytes of that block, 0 if unknown */
    fief_id owner;         /* FIEF_ID_NONE where nobody owns the address */
    fief_id caller;        /* FIEF_ID_NONE for fief_free_remote */
    const char *owner_name;
    const char *caller_name;
    fief_state owner_state; /* FIEF_DEAD where nobody owns the address */
    uint64_t thread;        /* the system's number of the calling thread */
    const char *text;       /* the whole report as it is written to stderr */
    const char *json;       /* the same as a JSON object, without a line end */

    /* From FIEF_DEBUG_CHECK on, of the owner; else 0 and "". */
    size_t requested_size; /* what was asked for */
    uint64_t serial;       /* of the allocation: its heap's allocations are counted from 1 */
    uint64_t age_ms;       /* of the allocation */
    uint64_t alloc_thread; /* who allocated */
    bool is_freed;         /* it was freed before: the next two tell by whom */
    uint64_t free_thread;  /* who freed it before */
    fief_id freed_by;      /* for which interpreter */
    const char *tag;       /* its type tag */
    const char *domain;    /* its domain */
    ptrdiff_t damage;      /* where the first changed byte is, from the block's start */
    size_t damaged_bytes;  /* how many were changed, as far as was looked */
} fief_report;

/* Takes a report instead of stderr. May run on any thread that misuses a block, and inside any verb: it must not
 * call into fief except for fief_owner, fief_usable_size and fief_name. */
typedef void fief_report_fn(const fief_report *report, void *arg);

/* Called by the owner's own thread inside an allocation that would pass the soft limit, or that has met the hard
 * one. A runtime runs its collector here: it may allocate, free and poll. True: something was given back, try
 * again. It is not called from within itself. */
typedef bool fief_pressure_fn(fief *f, size_t wanted_bytes, void *arg);

/* Limits are charged when pools grow and when large blocks are taken, in whole OS pages. 0 means none. */
typedef struct fief_limit {
    size_t hard_bytes;    /* beyond it an allocation returns NULL */
    size_t soft_bytes;    /* crossing it calls `pressure` once, and again for each further eighth */
    size_t reserve_bytes; /* the last bytes below hard_bytes, usable between fief_unwind_begin and _end only */
    fief_pressure_fn *pressure; /* NULL: none */
    void *pressure_arg;
} fief_limit;

/* Memory from the host instead of the operating system. Called under the interpreter's lock.
 * `alloc` returns a span of `bytes` bytes (a multiple of 256 KiB) aligned to `alignment` (a power of two, at least
 * 256 KiB), or NULL. `free` gets back each span whole. `alloc` NULL: the operating system's memory. */
typedef struct fief_provider {
    void *ctx;
    void *(*alloc)(void *ctx, size_t bytes, size_t alignment);
    void (*free)(void *ctx, void *span, size_t bytes);
} fief_provider;

/* What a provider is asked for. */
typedef enum fief_provider_use {
    FIEF_PROVIDER_FOR_ALL = 0, /* everything: where it returns NULL there is no memory */
    FIEF_PROVIDER_FOR_LARGE    /* each block of more than 508 KiB, or with an alignment of more than 64 KiB:
                                  where it returns NULL, the operating system's memory is used, as for the rest */
} fief_provider_use;

/* Makes a span longer where it is: true, and it will be given back as one of `new_bytes` bytes; or false, and it
 * is as it was. */
typedef bool fief_provider_extend_fn(void *ctx, void *span, size_t old_bytes, size_t new_bytes);

/* Called with the provider's ctx at the very end of fief_destroy: it is asked for nothing any more, and spans that
 * are out now, leaks that were to be kept, are out for ever. Not called where fief_create failed. */
typedef void fief_provider_end_fn(void *ctx);

typedef struct fief_config {
    size_t size;      /* sizeof(fief_config): lets the struct grow. A smaller one is an earlier version's */
    const char *name; /* copied, cut to 63 bytes; NULL: "interpreter <id>" */
    size_t alignment; /* of small blocks: 8 or 16 */
    fief_limit limit;
    fief_foreign_policy on_foreign;
    fief_misuse_policy on_misuse;
    fief_report_fn *report; /* NULL: stderr */
    void *report_arg;
    fief_provider provider;
    bool zeroed; /* memory of the system that an earlier interpreter used arrives as zeros */
    fief_debug debug;
    fief_leak_policy on_leak;
    size_t quarantine_bytes;            /* freed memory that is held back, from FIEF_DEBUG_CHECK on; 0: 256 KiB */
    uint8_t policies[FIEF_POLICY_ROOM]; /* fief_policy (debug.h) by fief_misuse: 0 is by on_foreign, on_misuse */
    uint32_t sample; /* at FIEF_DEBUG_OFF: guards about one allocation in so many; 0: none. Blocks up to a page, 64
                        at once, 64 in a row and then one each four milliseconds: it is not to be felt */
    bool immortal;   /* its blocks are for all interpreters, and never freed: see below */
    fief_provider_use provider_use;
    fief_provider_extend_fn *provider_extend; /* NULL: what outgrows its span is copied to another */
    fief_provider_end_fn *provider_end;       /* NULL: none */
} fief_config;

#define FIEF_CONFIG_INIT                                                                                          \
    {                                                                                                             \
        sizeof(fief_config), NULL, 16, {0, 0, 0, NULL, NULL}, FIEF_FOREIGN_ROUTE, FIEF_MISUSE_ABORT, NULL, NULL,  \
            {NULL, NULL, NULL}, false, FIEF_DEBUG_OFF, FIEF_LEAK_FORCE, 0, {0}, 0, false, FIEF_PROVIDER_FOR_ALL,  \
            NULL, NULL                                                                                            \
    }

/* ---- life -------------------------------------------------------------------------------------------- */

/* Creates an interpreter's heap. `config` NULL means FIEF_CONFIG_INIT. Any thread.
 * On failure *out is NULL, nothing is left behind, and the status tells why: FIEF_BAD_ARGUMENT or
 * FIEF_NO_MEMORY. Cost: constant, without a system call where an ended interpreter left its memory warm. */
FIEF_API fief_status fief_create(fief **out, const fief_config *config);

/* Makes what the first fief_create makes for the process: handlers of a fork, address space. For a library that
 * must have its handlers before others, which fork calls after those that came later. Without effect if it is
 * done. Any thread. FIEF_NO_MEMORY: nothing is left behind. */
FIEF_API fief_status fief_prepare(void);

/* Ends the interpreter: runs or cancels the calls that are queued for it (xi.h), then its at-exit callbacks, then
 * takes every byte back at once, live blocks included. Cost: in the number of arenas, and of blocks that others
 * have freed and it has not taken in. NULL is FIEF_OK. FIEF_BAD_STATE from within an at-exit or a pressure
 * callback, or a call of xi.h; FIEF_NO_MEMORY if a frozen heap can't be thawed: nothing was changed. The handle
 * and every block are dead afterwards: a later free of one is caught as a late free, as long as the memory is not
 * another interpreter's by then (as free or used memory of its own), and with nothing but the owner's id after
 * fief_trim(NULL). */
FIEF_API fief_status fief_destroy(fief *f);

typedef void fief_exit_fn(fief *f, void *arg);

/* Has `fn` called when the interpreter ends, last in, first out, while the heap still works.
 * FIEF_NO_MEMORY on exhaustion; FIEF_BAD_STATE once callbacks run. */
FIEF_API fief_status fief_at_exit(fief *f, fief_exit_fn *fn, void *arg);

/* ---- blocks ------------------------------------------------------------------------------------------ */

/* Each returns a block that is distinct from every other live one, aligned to the handle's alignment (blocks
 * below 16 bytes included), or NULL on exhaustion, for sizes above PTRDIFF_MAX and where count * size
 * overflows. Size 0 is a size like any other. zalloc and calloc return zeros. Cost: constant. */
FIEF_API void *fief_alloc(fief *f, size_t size) FIEF_ALLOCATES(2);
FIEF_API void *fief_zalloc(fief *f, size_t size) FIEF_ALLOCATES(2);
FIEF_API void *fief_calloc(fief *f, size_t count, size_t size) FIEF_ALLOCATES(2, 3);

/* `alignment` is a power of two; anything else gives NULL. Freed and resized like any block; a realloc keeps
 * the handle's alignment only. */
FIEF_API void *fief_alloc_aligned(fief *f, size_t size, size_t alignment) FIEF_ALLOCATES(2);

/* Resizes, as in C: p NULL allocates, the content is kept up to the smaller size, NULL leaves the block as it
 * was. Size 0 gives a block of size 0, not a free. `old_size` is what was asked for last; the block's own size
 * class is what counts, so that a wrong one does no harm. Large blocks grow and shrink in place where the
 * neighbours allow it, huge ones are moved by remapping. */
FIEF_API void *fief_realloc(fief *f, void *p, size_t size) FIEF_MUST_USE;
FIEF_API void *fief_realloc_sized(fief *f, void *p, size_t old_size, size_t new_size) FIEF_MUST_USE;

/* Frees a block of the caller's own. NULL is nothing. Anything but a live block of f is misuse: see the table in
 * README.md for what is caught and what follows. Cost: constant. */
FIEF_API void fief_free(fief *f, void *p);
FIEF_API void fief_free_sized(fief *f, void *p, size_t size);

/* The sanctioned way to free another interpreter's block: any thread, no handle. The owner gets it back at its
 * next refill or fief_poll. NULL is nothing; misuse is reported as for fief_free, by the owner's policy. */
FIEF_API void fief_free_remote(void *p);

/* Frees a block whoever's it is: one of f's own as fief_free does, another interpreter's as fief_free_remote. For
 * runtimes whose interpreters pass blocks to each other by design: neither is misuse, nothing is reported. Up to
 * 64 of others' blocks wait with f, and are sent together, at the latest with its next refill or fief_poll: an
 * owner that ends before has them live at its end. Cost: constant. */
FIEF_API void fief_free_home(fief *f, void *p);

/* Usable bytes of the block that starts at p: at least what was asked for. 0 if no block starts there. The
 * block's holder may call it from any thread. */
FIEF_API size_t fief_usable_size(const void *p);

/* The usable size that fief_alloc(f, size) is going to give, at least; 0 if it must fail. */
FIEF_API size_t fief_good_size(const fief *f, size_t size);

/* ---- immortal heaps ----------------------------------------------------------------------------------- */

/* With fief_config.immortal a heap serves objects that outlive every interpreter and are shared by all. Whoever
 * holds its handle allocates; any thread may read, with whatever synchronisation the objects need. No free of its
 * blocks is one, with the heap's own handle or any other or none: it is counted, and by the policy for
 * FIEF_MISUSE_IMMORTAL_FREE reported, or the end of the program; the block stays as it is. A realloc gives the
 * caller a copy in the caller's heap, and leaves the original. It lives as long as the process, or until
 * fief_destroy, which takes all of it back; what it holds then is no leak. docs/immortal.md tells more. */

/* Makes all blocks read-only: whoever writes to one from now on is stopped by a fault (SIGSEGV). What is not in
 * use goes back to the system first. Allocations return NULL, and are counted; everything that looks works.
 * FIEF_BAD_STATE if f is not immortal, is ending, or is in a pressure callback; FIEF_NO_MEMORY if the system
 * refuses: it is not frozen then (and if it is refused even that, it stays frozen, for fief_thaw to try again). Of
 * a frozen heap: FIEF_OK. By the heap's holder. Cost: a system call an arena, at FIEF_DEBUG_GUARD a block. */
FIEF_API fief_status fief_freeze(fief *f);

/* Undoes it. FIEF_BAD_STATE if f is not immortal; FIEF_NO_MEMORY if the system refuses: it is still frozen, and it
 * may be tried again. Of one that is not frozen: FIEF_OK. By the heap's holder. Cost: as fief_freeze. */
FIEF_API fief_status fief_thaw(fief *f);

/* Whether an address is an immortal heap's, for any address at all. Any thread; constant cost; never reads what p
 * points to. */
FIEF_API bool fief_is_immortal(const void *p);

/* ---- who is who -------------------------------------------------------------------------------------- */

/* The living interpreter whose memory holds this address, for any address at all: fief's, another allocator's,
 * garbage, unmapped. FIEF_ID_NONE if there is none. Any thread; constant cost; never reads what p points to. */
FIEF_API fief_id fief_owner(const void *p);

FIEF_API fief_id fief_id_of(const fief *f);    /* any thread */
FIEF_API const char *fief_name(const fief *f); /* any thread; lives as long as f */
FIEF_API fief *fief_find(fief_id id); /* any thread; NULL once it is closing. Keep the owner from ending it. */

/* A thread's current interpreter, for code that can't pass the handle. Only these three functions use it.
 * enter binds f (NULL: none) and returns what was bound before, for leave to restore. */
FIEF_API fief *fief_enter(fief *f);
FIEF_API fief *fief_current(void);
FIEF_API void fief_leave(fief *previous);

/* ---- housekeeping ------------------------------------------------------------------------------------ */

/* Takes in the blocks that others have freed, and runs the calls that they have queued (xi.h); returns how many
 * blocks. Constant cost when there is nothing. */
FIEF_API size_t fief_poll(fief *f);

/* Gives back to the operating system what is not in use, and returns the bytes given back; typed freelists are
 * drained first. NULL: what the process keeps warm, arenas of ended interpreters and huge blocks that were freed
 * (these are what it returns), and all that is known of ended interpreters but their ids (any thread). */
FIEF_API size_t fief_trim(fief *f);

/* Between these two calls allocations may use the limit's reserve: for unwinding after a failure. They nest; an
 * end without a beginning does nothing. */
FIEF_API void fief_unwind_begin(fief *f);
FIEF_API void fief_unwind_end(fief *f);

/* Replaces the limits. FIEF_BAD_ARGUMENT if soft or reserve exceed hard, or hard PTRDIFF_MAX. What is in use
 * already stays. */
FIEF_API fief_status fief_limit_set(fief *f, const fief_limit *limit);

/* Counters of one interpreter. The figures of memory (charged, committed, reserved, arenas, pools) are as of the
 * owner's last slow path; the counts of blocks are as of its last fief_stats_publish, fief_trim, or fief_poll that
 * took something in: counting each call would cost more than the call. */
typedef struct fief_stats {
    fief_id id;
    fief_state state;
    uint64_t live_blocks;   /* handed out and not freed, and those that typed freelists hold; remote frees count
                               once the owner took them in */
    uint64_t live_bytes;    /* their usable bytes */
    uint64_t allocations;   /* blocks handed out, ever; a realloc that moves is one */
    uint64_t frees;         /* blocks given back, ever */
    uint64_t charged_bytes; /* what the limits count: pages of pools and large blocks in use */
    uint64_t charged_peak_bytes;
    uint64_t committed_bytes; /* charged, plus free memory not yet given back to the operating system */
    uint64_t reserved_bytes;  /* address space of its arenas */
    uint64_t arenas;
    uint64_t pools;          /* in use, all size classes */
    uint64_t large_blocks;   /* live blocks of whole pages: all above 16 KiB, and some that have grown beyond 8 */
    uint64_t foreign_out;    /* others' blocks that this interpreter freed or resized with its own handle */
    uint64_t foreign_in;     /* its own blocks that others freed that way */
    uint64_t remote_in;      /* blocks that came home, sanctioned or not */
    uint64_t late_out;       /* blocks of closing or dead interpreters that it freed */
    uint64_t misuses;        /* every other misuse with this handle */
    uint64_t limit_failures; /* times that the hard limit refused pages */
    uint64_t pressure_calls;
    uint64_t immortal_frees;  /* of immortal blocks, with this handle: frees and reallocs; of an immortal heap also
                                 those without a handle */
    uint64_t frozen_failures; /* allocations that a frozen heap refused */
    uint64_t reserved[6];     /* 0 */
} fief_stats;

/* Copies the last published counters: any thread, a consistent snapshot. In a forked child, of an interpreter that
 * another thread was publishing at the fork, it is not. */
FIEF_API void fief_stats_read(const fief *f, fief_stats *out);

/* Counts exactly and publishes. Cost: in the number of pools. */
FIEF_API void fief_stats_publish(fief *f);

/* What ended interpreters had not freed when they ended, since the process started. Any thread. */
typedef struct fief_leaks {
    uint64_t interpreters; /* ended so far */
    uint64_t blocks;
    uint64_t bytes;
    uint64_t late_frees;
} fief_leaks;
FIEF_API void fief_leaks_read(fief_leaks *out);

/* The sum of what the living interpreters have published, each of its figures as of its own last time. Any thread.
 * Cost: in the number of interpreters that ever lived at once; meanwhile none is created or ends. */
typedef struct fief_totals {
    uint64_t interpreters; /* living, those that are closing left out */
    uint64_t live_blocks;
    uint64_t live_bytes;
    uint64_t committed_bytes;
    uint64_t reserved[4]; /* 0 */
} fief_totals;
FIEF_API void fief_totals_read(fief_totals *out);

/* Sees every live block once, in address order within an arena. False stops the visit. The visitor may free the
 * block it is shown, and must not allocate, free or resize anything else. Remote frees are taken in first, and
 * typed freelists are drained: their reserves are not shown. */
typedef bool fief_visitor(void *block, size_t usable_bytes, void *arg);
FIEF_API fief_status fief_visit(fief *f, fief_visitor *visit, void *arg);

#ifdef __cplusplus
}
#endif

#endif
