/* What a program says of a block, and is not so: its size, its alignment, its domain. And two threads at once. */
#include "misuse/cases.h"

#include <stdio.h>

static void free_it(scene *s) {
    free_block(s->owner, s->how, s->it.p);
}

/* Where nothing keeps records the call has freed it. */
static void free_what_is_left(scene *s) {
    if (is_watched(s))
        free_it(s);
}

static bool is_plain(const scene *s) {
    return s->it.domain == NULL && s->how->way != DOMAIN && s->how->way != DOMAIN_CALLOC;
}

static unsigned promise_refusal(const scene *s, expected *e, fief_misuse kind, const char *operation,
                                const char *here) {
    if (!is_watched(s))
        return 0;
    const char *given = e->given;
    *e = expect(s, kind, operation, here);
    e->given = given;
    return 1;
}

/* ---- its size ---- */

static const char *wrong_size_line(const scene *s) {
    static char line[100];
    snprintf(line, sizeof line, "given    %zu bytes, not %zu", s->it.size + 1, s->it.size);
    return line;
}

BUG(wrong_size) {
    fief_free_sized(s->owner, s->it.p, s->it.size + 1);
}

static void right_size(scene *s) {
    fief_free_sized(s->owner, s->it.p, s->it.size);
}

static unsigned promise_wrong_size(const scene *s, expected out[MOST_EXPECTED]) {
    out[0].given = wrong_size_line(s);
    return promise_refusal(s, out, FIEF_MISUSE_WRONG_SIZE, "fief_free_sized", "wrong_size");
}

const misuse_case case_wrong_size = {.name = "wrong size",
                                     .fits = is_plain,
                                     .wrong = wrong_size,
                                     .right = right_size,
                                     .tidy = free_what_is_left,
                                     .promise = promise_wrong_size};

BUG(wrong_size_of_realloc) {
    void *moved = opaque(fief_realloc_sized(s->owner, s->it.p, s->it.size + 1, s->it.size + 9));
    if ((moved == NULL) != is_watched(s))
        say("it is %s", moved == NULL ? "not resized" : "resized");
    s->it.p = moved != NULL ? moved : s->it.p;
}

static void right_size_of_realloc(scene *s) {
    void *moved = opaque(fief_realloc_sized(s->owner, s->it.p, s->it.size, s->it.size + 9));
    if (moved == NULL)
        say("it is not resized");
    s->it.p = moved;
    free_it(s);
}

static unsigned promise_wrong_size_of_realloc(const scene *s, expected out[MOST_EXPECTED]) {
    out[0].given = wrong_size_line(s);
    return promise_refusal(s, out, FIEF_MISUSE_WRONG_SIZE, "fief_realloc_sized", "wrong_size_of_realloc");
}

const misuse_case case_wrong_size_of_realloc = {.name = "wrong size, of a realloc",
                                                .fits = is_plain,
                                                .wrong = wrong_size_of_realloc,
                                                .right = right_size_of_realloc,
                                                .tidy = free_it,
                                                .promise = promise_wrong_size_of_realloc};

/* ---- its alignment ---- */

enum { NOBODYS_ALIGNMENT = 256 };

static size_t alignment_of(const scene *s) {
    return s->how->alignment > s->alignment ? s->how->alignment : s->alignment;
}

BUG(wrong_alignment) {
    fief_free_aligned_sized(s->owner, s->it.p, NOBODYS_ALIGNMENT, s->it.size);
}

static void right_alignment(scene *s) {
    fief_free_aligned_sized(s->owner, s->it.p, alignment_of(s), s->it.size);
}

static unsigned promise_wrong_alignment(const scene *s, expected out[MOST_EXPECTED]) {
    static char line[100];
    snprintf(line, sizeof line, "given    alignment %d, not %zu", NOBODYS_ALIGNMENT, alignment_of(s));
    out[0].given = line;
    return promise_refusal(s, out, FIEF_MISUSE_WRONG_ALIGNMENT, "fief_free_aligned_sized", "wrong_alignment");
}

const misuse_case case_wrong_alignment = {.name = "wrong alignment",
                                          .fits = is_plain,
                                          .wrong = wrong_alignment,
                                          .right = right_alignment,
                                          .tidy = free_what_is_left,
                                          .promise = promise_wrong_alignment};

/* ---- its domain ---- */

BUG(wrong_domain) {
    fief_domain_free(s->owner, FIEF_DOMAIN_MEM, s->it.p);
}

static unsigned promise_wrong_domain(const scene *s, expected out[MOST_EXPECTED]) {
    out[0].given = s->it.domain[0] != 0 ? "given    domain mem, not obj" : "given    domain mem, not plain";
    return promise_refusal(s, out, FIEF_MISUSE_WRONG_DOMAIN, "fief_domain_free", "wrong_domain");
}

const misuse_case case_wrong_domain = {.name = "wrong domain",
                                       .wrong = wrong_domain,
                                       .right = free_it,
                                       .tidy = free_what_is_left,
                                       .promise = promise_wrong_domain};

/* ---- two threads ---- */

BUG(allocate_and_free) {
    fief_free(s->owner, opaque(fief_alloc(s->owner, 24)));
}

/* Two verbs, of which the first takes the other thread's place. */
static expected expect_two(const scene *s, const char *inside) {
    static char line[100];
    snprintf(line, sizeof line, "other    thread ");
    expected e = and_goes_on(and_no_block(expect(s, FIEF_MISUSE_TWO_THREADS, "fief_alloc", "allocate_and_free")));
    e.pointer = s->owner;
    e.given = line;
    (void)inside;
    return e;
}

static bool press(fief *f, size_t wanted, void *arg) {
    (void)f, (void)wanted;
    scene *s = arg;
    if (s->extra != NULL)
        return false;
    s->extra = s;
    in_a_thread(allocate_and_free, s);
    return false;
}

static bool press_alone(fief *f, size_t wanted, void *arg) {
    (void)f, (void)wanted;
    allocate_and_free(arg);
    return false;
}

static void allocate_under_pressure(scene *s, fief_pressure_fn *fn) {
    const fief_limit limit = {.soft_bytes = 4096, .pressure = fn, .pressure_arg = s}, none = {0};
    free_it(s);
    if (fief_limit_set(s->owner, &limit) != FIEF_OK)
        say("no limit");
    fief_free(s->owner, opaque(fief_alloc(s->owner, 200000)));
    fief_limit_set(s->owner, &none);
}

BUG(wrong_two_threads) {
    allocate_under_pressure(s, press);
    if (s->extra == NULL)
        say("there was no pressure");
}

static void right_two_threads(scene *s) {
    allocate_under_pressure(s, press_alone);
}

static unsigned promise_two_threads(const scene *s, expected out[MOST_EXPECTED]) {
    out[0] = expect_two(s, "fief_alloc");
    return is_watched(s) ? 1 : 0;
}

const misuse_case case_two_threads = {.name = "two threads in a heap",
                                      .any_block = true,
                                      .wrong = wrong_two_threads,
                                      .right = right_two_threads,
                                      .promise = promise_two_threads};

static void come_in(scene *s) {
    in_a_thread(allocate_and_free, s);
}

BUG(wrong_two_threads_in_a_report) {
    free_it(s);
    when_told(come_in, s);
    fief_free(s->owner, s->it.p);
}

static bool is_told_by_a_callback(const scene *s) {
    return !s->fatal && is_watched(s);
}

static unsigned promise_two_threads_in_a_report(const scene *s, expected out[MOST_EXPECTED]) {
    out[0] = and_freed(expect(s, FIEF_MISUSE_DOUBLE_FREE, "fief_free", "wrong_two_threads_in_a_report"),
                       s->owner_is.id, "free_block");
    out[1] = expect_two(s, "fief_free");
    return 2;
}

const misuse_case case_two_threads_in_a_report = {.name = "the same, while a report is taken",
                                                  .any_block = true,
                                                  .fits = is_told_by_a_callback,
                                                  .wrong = wrong_two_threads_in_a_report,
                                                  .right = free_it,
                                                  .promise = promise_two_threads_in_a_report};
