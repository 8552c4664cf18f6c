/* One misuse that is about to be made, what its report must say, and what must follow by policy. */
#ifndef FI_TESTS_SUPPORT_WRONG_H
#define FI_TESTS_SUPPORT_WRONG_H

#include "support/child.h"
#include "support/compare.h"
#include "support/interpreter.h"
#include "support/kinds.h"
#include "support/sound.h"

#include <fief/inline.h>
#include <inttypes.h>
#include <signal.h>
#include <sys/syscall.h>

typedef struct wrong {
    void *pointer; /* what is passed */
    fief_misuse kind;
    const void *block; /* that it lies in; NULL: none is known */
    size_t block_size;
    const fief *owner;  /* of the address; NULL: nobody */
    const fief *caller; /* NULL: by fief_free_remote */
} wrong;

/* Does in `f` all that comes before the misuse. */
typedef wrong wrong_maker(fief *f, block_kind kind);

static inline const char *wrong_name(fief_misuse kind) {
    static const char *const names[FIEF_MISUSE_COUNT] = {
        [FIEF_MISUSE_FOREIGN_FREE] = "foreign free", [FIEF_MISUSE_FOREIGN_REALLOC] = "foreign realloc",
        [FIEF_MISUSE_LATE_FREE] = "late free",       [FIEF_MISUSE_DOUBLE_FREE] = "double free",
        [FIEF_MISUSE_INTERIOR] = "interior pointer", [FIEF_MISUSE_MISALIGNED] = "misaligned pointer",
        [FIEF_MISUSE_WILD] = "wild pointer",         [FIEF_MISUSE_WRITE_AFTER_FREE] = "write after free",
        [FIEF_MISUSE_DEAD_HANDLE] = "dead handle"};
    return names[kind];
}

static inline void assert_who(fief_id id, const char *name, const fief *f) {
    assert_equal(id, f != NULL ? fief_id_of(f) : FIEF_ID_NONE);
    cr_assert_not_null(name);
    if (f != NULL)
        cr_assert_str_eq(name, fief_name(f));
}

/* The fields, exactly. */
static inline void assert_reported(const witness *w, const wrong *made, const char *operation) {
    const fief_report *report = &w->last;
    assert_equal(report->kind, made->kind);
    cr_assert_str_eq(report->kind_name, wrong_name(made->kind));
    cr_assert_str_eq(report->operation, operation);
    cr_assert_str_eq(report->verdict, "the call does nothing");
    cr_assert_eq(report->pointer, made->pointer);
    cr_assert_eq(report->block, made->block, "%p in block %p", made->pointer, report->block);
    size_t into = made->block != NULL ? (size_t)((const char *)made->pointer - (const char *)made->block) : 0;
    assert_equal(report->displacement, into);
    assert_equal(report->block_size, made->block_size);
    assert_who(report->owner, report->owner_name, made->owner);
    assert_who(report->caller, report->caller_name, made->caller);
    assert_equal(report->owner_state, made->owner != NULL ? FIEF_LIVE : FIEF_DEAD);
    assert_equal(report->thread, syscall(SYS_gettid));
}

/* What is written to stderr: the class, the address, and both by number and name. */
static inline void assert_written(const char *said, const wrong *made, const char *operation,
                                  const char *verdict) {
    char line[256];
    snprintf(line, sizeof line, "fief: %s in %s\n", wrong_name(made->kind), operation);
    cr_assert_not_null(strstr(said, line), "%sis not in: %s", line, said);
    snprintf(line, sizeof line, "  pointer  %p", made->pointer);
    cr_assert_not_null(strstr(said, line), "%s is not in: %s", line, said);
    if (made->owner != NULL)
        snprintf(line, sizeof line, "  owner    interpreter %" PRIu64 " \"%s\" (live)\n", fief_id_of(made->owner),
                 fief_name(made->owner));
    else
        snprintf(line, sizeof line, "  owner    none\n");
    cr_assert_not_null(strstr(said, line), "%sis not in: %s", line, said);
    if (made->caller != NULL) {
        snprintf(line, sizeof line, "  caller   interpreter %" PRIu64 " \"%s\" (live), thread ",
                 fief_id_of(made->caller), fief_name(made->caller));
        cr_assert_not_null(strstr(said, line), "%s is not in: %s", line, said);
    }
    cr_assert_not_null(strstr(said, verdict), "%s is not in: %s", verdict, said);
}

/* ---- every verb that takes a block ---- */

static inline void do_free(fief *f, void *p) {
    fief_free(f, p);
}
static inline void do_free_sized(fief *f, void *p) {
    fief_free_sized(f, p, 100);
}
static inline void do_inline_free(fief *f, void *p) {
    fief_inline_free(f, p);
}
static inline void do_realloc(fief *f, void *p) {
    cr_assert_null(opaque(fief_realloc(f, p, 100)));
}
static inline void do_realloc_much(fief *f, void *p) {
    cr_assert_null(opaque(fief_realloc(f, p, 3 << 20)));
}
static inline void do_realloc_sized(fief *f, void *p) {
    cr_assert_null(opaque(fief_realloc_sized(f, p, 50, 100)));
}

typedef void wrong_verb(fief *f, void *p);

static wrong_verb *const wrong_verbs[] = {do_free,    do_free_sized,   do_inline_free,
                                          do_realloc, do_realloc_much, do_realloc_sized};

enum { WRONG_VERBS = sizeof wrong_verbs / sizeof *wrong_verbs };

/* ---- by policy ---- */

static witness wrong_witness;

static inline fief *wrong_heap(const char *name, fief_misuse_policy policy, size_t alignment) {
    fief_config config = watched(name, &wrong_witness);
    config.on_misuse = policy;
    config.alignment = alignment;
    if (policy == FIEF_MISUSE_ABORT)
        config.report = NULL;
    return create(config);
}

static inline void assert_goes_on(wrong_maker *make, block_kind kind, size_t alignment,
                                  fief_misuse_policy policy) {
    fief *f = wrong_heap("the heap", policy, alignment);
    wrong made = make(f, kind);
    unsigned told = wrong_witness.count;
    uint64_t misuses = exact_stats(f).misuses, live = exact_stats(f).live_blocks;
    for (unsigned i = 0; i < WRONG_VERBS; i++) {
        wrong_verbs[i](f, made.pointer);
        assert_equal(exact_stats(f).misuses, ++misuses);
        if (policy == FIEF_MISUSE_REPORT) {
            assert_equal(wrong_witness.count, ++told);
            assert_reported(&wrong_witness, &made,
                            i < 3   ? wrong_witness.operation
                            : i < 5 ? "fief_realloc"
                                    : "fief_realloc_sized");
        }
        assert_equal(wrong_witness.count, told);
    }
    assert_equal(exact_stats(f).live_blocks, live);
    fief_destroy(f);
}

typedef struct fatal_wrong {
    fief *f;
    void *pointer;
    wrong_verb *verb;
} fatal_wrong;

static inline int make_fatal(void *arg) {
    const fatal_wrong *fatal = arg;
    fatal->verb(fatal->f, fatal->pointer);
    return 0;
}

static inline void assert_fatal_wrong(wrong_maker *make, block_kind kind, wrong_verb *verb,
                                      const char *operation) {
    fief *f = wrong_heap("strict", FIEF_MISUSE_ABORT, 16);
    wrong made = make(f, kind);
    child_end end = run_in_child(make_fatal, &(fatal_wrong){f, made.pointer, verb});
    assert_aborted(end);
    assert_written(end.said, &made, operation, "  verdict  abort\n");
    fief_destroy(f);
}

/* A heap that had it done to it many times still works. */
static inline void assert_stays_sound(wrong_maker *make, fief_misuse_policy policy) {
    fief *f = wrong_heap("the heap", policy, 16);
    FOR_KINDS (kind) {
        wrong made = make(f, kind);
        for (unsigned i = 0; i < WRONG_VERBS; i++)
            wrong_verbs[i](f, made.pointer);
    }
    uint64_t live = exact_stats(f).live_blocks, misuses = exact_stats(f).misuses;
    assert_equal(misuses, KINDS * WRONG_VERBS);
    cr_assert(is_sound(f));
    assert_equal(exact_stats(f).live_blocks, live);
    assert_equal(exact_stats(f).misuses, misuses);
    fief_destroy(f);
}

static const block_kind wrong_few[] = {{16, 0},     {40, 0},     {512, 0},     {3000, 0},  {16384, 0},
                                       {100000, 0}, {507905, 0}, {5000000, 0}, {100, 256}, {70000, 4096}};

/* All of that, over every kind of block. */
static inline void assert_by_every_policy(wrong_maker *make) {
    FOR_KINDS (kind) {
        for (size_t alignment = 8; alignment <= 16; alignment += 8) {
            assert_goes_on(make, kind, alignment, FIEF_MISUSE_REPORT);
            assert_goes_on(make, kind, alignment, FIEF_MISUSE_IGNORE);
        }
    }
    for (unsigned i = 0; i < sizeof wrong_few / sizeof *wrong_few; i++) {
        assert_fatal_wrong(make, wrong_few[i], do_free, "fief_free");
        assert_fatal_wrong(make, wrong_few[i], do_inline_free, "fief_free");
        assert_fatal_wrong(make, wrong_few[i], do_realloc, "fief_realloc");
    }
    assert_stays_sound(make, FIEF_MISUSE_REPORT);
    assert_stays_sound(make, FIEF_MISUSE_IGNORE);
}

#endif
