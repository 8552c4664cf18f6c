/* Uses the objects, with memory and without, and checks what comes of it. */
#include "objects.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define REQUIRE(condition)                                                                                        \
    do {                                                                                                          \
        if (!(condition)) {                                                                                       \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                               \
            exit(1);                                                                                              \
        }                                                                                                         \
    } while (0)

static void print_list(const fief_freelist *list) {
    fief_freelist_stats s;
    fief_freelist_stats_read(list, &s);
    printf("%-10s %3zu bytes: %7llu hits, %5llu allocated, %4llu from the reserve, %4llu overflows, at most %zu\n",
           s.name, s.block_bytes, (unsigned long long)s.hits, (unsigned long long)s.allocated,
           (unsigned long long)s.from_reserve, (unsigned long long)s.overflows, s.high_water);
}

/* ((0, 0.5, "zero"), (1, 1.5, "one"), ...): each of its own objects. */
static object *make_table(runtime *r, size_t rows) {
    static const char *const names[] = {"zero", "one", "two", "three"};
    object *row[16];
    for (size_t i = 0; i < rows; i++) {
        object *cells[] = {int_new(r, (int64_t)i), float_new(r, (double)i + 0.5), string_new(r, names[i % 4])};
        row[i] = tuple_new(r, 3, cells);
    }
    return tuple_new(r, rows, row);
}

static double sum_of(const object *o) {
    double sum = 0;
    if (o->type == &int_type)
        return (double)((const int_object *)o)->value;
    if (o->type == &float_type)
        return ((const float_object *)o)->value;
    const tuple_object *t = (const tuple_object *)o;
    for (size_t i = 0; o->type == &tuple_type && i < t->length; i++)
        sum += sum_of(t->items[i]);
    return sum;
}

static void work(runtime *r) {
    for (unsigned turn = 0; turn < 10000; turn++) {
        object *table = make_table(r, 1 + turn % 16);
        REQUIRE(table != NULL && r->pending == NULL);
        size_t n = 1 + turn % 16;
        double wanted = (double)(n * (n - 1)) + 0.5 * (double)n;
        REQUIRE(sum_of(table) == wanted);
        object_drop(r, table);
    }
}

/* A pair of the chain and the chain. NULL: there is no memory, and an error is pending. */
static object *pair_of(runtime *r, object *chain) {
    object *items[] = {object_keep(chain), object_keep(chain)};
    return tuple_new(r, 2, items);
}

static object *fill(runtime *r) {
    object *chain = int_new(r, 0), *longer;
    while ((longer = pair_of(r, chain)) != NULL) {
        object_drop(r, chain);
        chain = longer;
    }
    return chain;
}

/* A long chain can't be dropped by recursion. */
static void drop_chain(runtime *r, object *chain) {
    while (chain->type == &tuple_type) {
        object *rest = object_keep(((tuple_object *)chain)->items[0]);
        object_drop(r, chain);
        chain = rest;
    }
    object_drop(r, chain);
}

static void *drop_error(void *arg) {
    runtime *r = arg;
    object_drop(r, error_take(r));
    return NULL;
}

/* A runtime may change threads, whatever is pending. */
static void drop_error_elsewhere(runtime *r) {
    pthread_t thread;
    REQUIRE(pthread_create(&thread, NULL, drop_error, r) == 0);
    pthread_join(thread, NULL);
}

/* Each error is the next one's cause. The first may still come from the heap, if it has a block of that size. */
static void run_out_of_memory(runtime *r) {
    object *chain = fill(r);
    unsigned errors = 0;
    for (; !error_is_last_resort(r, r->pending); errors++)
        REQUIRE(pair_of(r, chain) == NULL && r->pending != NULL);
    REQUIRE(errors >= ERRORS_IN_RESERVE);
    drop_error_elsewhere(r);
    drop_chain(r, chain);
    object *number = int_new(r, 42); /* it goes on */
    REQUIRE(number != NULL && r->pending == NULL);
    object_drop(r, number);
}

int main(void) {
    runtime r;
    REQUIRE(runtime_begin(&r, 1024 * 1024));
    work(&r);
    for (unsigned turn = 0; turn < 100; turn++)
        run_out_of_memory(&r);
    print_list(r.ints);
    print_list(r.floats);
    print_list(fief_freelist_at(r.tuples, 1));
    print_list(fief_freelist_at(r.tuples, 2));
    print_list(r.errors);
    fief_trim(r.heap);
    fief_stats_publish(r.heap);
    fief_stats stats;
    fief_stats_read(r.heap, &stats);
    REQUIRE(stats.live_blocks == ERRORS_IN_RESERVE);
    runtime_end(&r);
    return 0;
}
