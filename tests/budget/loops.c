/* Loops whose instructions are counted: `loops NAME TURNS`. Built with the same flags whatever the build type, as
 * a runtime's own code would be. */
#include <fief/freelist.h>

#include <stdlib.h>
#include <string.h>

/* The compiler may not look into p, nor keep anything of it. */
#define USE(p) __asm__ volatile("" : "+r"(p)::"memory")

static void empty(fief *f, long turns) {
    for (long i = 0; i < turns; i++) {
        void *p = f;
        USE(p);
    }
}

static void pair_called(fief *f, long turns) {
    for (long i = 0; i < turns; i++) {
        void *p = fief_alloc(f, 64);
        USE(p);
        fief_free(f, p);
    }
}

static void pair_inlined(fief *f, long turns) {
    for (long i = 0; i < turns; i++) {
        void *p = fief_inline_alloc(f, 64);
        USE(p);
        fief_inline_free(f, p);
    }
}

/* A size that the compiler does not know, of a class that depends on the alignment. */
static void pair_inlined_variable(fief *f, long turns) {
    size_t size = 56;
    for (long i = 0; i < turns; i++) {
        USE(size);
        void *p = fief_inline_alloc(f, size);
        USE(p);
        fief_inline_free(f, p);
    }
}

static void pair_hot(fief *f, long turns) {
    for (long i = 0; i < turns; i++) {
        void *p = fief_inline_alloc(f, 64);
        USE(p);
        fief_inline_free_hot(f, p);
    }
}

static void pair_sized(fief *f, long turns) {
    for (long i = 0; i < turns; i++) {
        void *p = fief_alloc(f, 64);
        USE(p);
        fief_free_sized(f, p, 64);
    }
}

/* A realloc that stays where it is. */
static void realloc_in_place(fief *f, long turns) {
    void *p = fief_alloc(f, 64);
    for (long i = 0; i < turns; i++) {
        p = fief_realloc(f, p, 40 + (size_t)(i & 15));
        USE(p);
    }
    fief_free(f, p);
}

static void life(fief *f, long turns) {
    (void)f;
    for (long i = 0; i < turns; i++) {
        fief *g;
        if (fief_create(&g, NULL) != FIEF_OK || fief_destroy(g) != FIEF_OK)
            abort();
    }
}

static void life_of_one(fief *f, long turns) {
    (void)f;
    for (long i = 0; i < turns; i++) {
        fief *g;
        if (fief_create(&g, NULL) != FIEF_OK)
            abort();
        void *p = fief_alloc(g, 48);
        USE(p);
        fief_destroy(g);
    }
}

static void remote(fief *f, long turns) {
    for (long i = 0; i < turns; i++) {
        void *p = fief_alloc(f, 64);
        USE(p);
        fief_free_remote(p);
    }
}

static fief_freelist *make_list(fief *f, fief_freelist_revive_fn *revive) {
    fief_freelist_config config = FIEF_FREELIST_CONFIG_INIT;
    fief_freelist *list;
    config.block_bytes = 64;
    config.capacity = 100;
    config.reserve = 16;
    config.revive = revive;
    if (fief_freelist_create(f, &config, &list) != FIEF_OK)
        abort();
    return list;
}

static void use_list(fief_freelist *list, long turns) {
    for (long i = 0; i < turns; i++) {
        void *p = fief_freelist_pop(list);
        USE(p);
        fief_freelist_push(list, p);
    }
}

static void pair_freelist(fief *f, long turns) {
    use_list(make_list(f, NULL), turns);
}

static void revive(fief *f, void *block, bool kept, void *arg) {
    (void)f, (void)block, (void)kept, (void)arg;
}

static void pair_freelist_hooked(fief *f, long turns) {
    use_list(make_list(f, revive), turns);
}

typedef struct loop {
    const char *name;
    void (*run)(fief *f, long turns);
} loop;

static const loop loops[] = {
    {"empty", empty},
    {"pair_called", pair_called},
    {"pair_inlined", pair_inlined},
    {"pair_inlined_variable", pair_inlined_variable},
    {"pair_hot", pair_hot},
    {"pair_sized", pair_sized},
    {"pair_freelist", pair_freelist},
    {"pair_freelist_hooked", pair_freelist_hooked},
    {"realloc_in_place", realloc_in_place},
    {"life", life},
    {"life_of_one", life_of_one},
    {"remote", remote},
};

int main(int argc, char **argv) {
    fief *f;
    if (argc != 3 || fief_create(&f, NULL) != FIEF_OK)
        return 2;
    for (size_t i = 0; i < sizeof loops / sizeof *loops; i++)
        if (strcmp(argv[1], loops[i].name) == 0)
            loops[i].run(f, atol(argv[2]));
    return fief_destroy(f) == FIEF_OK ? 0 : 1;
}
