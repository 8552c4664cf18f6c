/* Thousands of interpreters: at once, and one after the other. What they leave behind is measured. */
#include "support/compare.h"
#include "support/interpreter.h"
#include "support/memory.h"
#include "support/random.h"
#include "support/sanitizer.h"

enum { KIB = 1024, MIB = 1024 * KIB, AT_ONCE = UNDER_SANITIZER ? 2000 : 10000, SETTLING = 1000, BLOCKS = 6 };

static unsigned cycles(void) {
    return UNDER_SANITIZER || is_emulated() ? 10000 : 100000;
}

/* ---- at once ---- */

static fief *fs[AT_ONCE];
static unsigned char *blocks[AT_ONCE][BLOCKS];

static size_t size_of(unsigned i, unsigned k) {
    return (i * 31 + k * 97) % (i % 100 == 0 ? 40000 : 800);
}

static void create_all(void) {
    for (unsigned i = 0; i < AT_ONCE; i++) {
        fs[i] = create(named(NULL));
        for (unsigned k = 0; k < BLOCKS; k++) {
            blocks[i][k] = fief_alloc(fs[i], size_of(i, k));
            cr_assert_not_null(blocks[i][k]);
            memset(blocks[i][k], (int)(i % 251), size_of(i, k));
        }
    }
}

static void destroy_all(void) {
    for (unsigned i = 0; i < AT_ONCE; i++)
        assert_equal(fief_destroy(fs[(i * 7) % AT_ONCE]), FIEF_OK); /* in another order than they came */
}

Test(scale, thousands_at_once_keep_their_blocks_apart, .timeout = 120) {
    create_all();
    for (unsigned i = 0; i < AT_ONCE; i++) {
        fief_id id = fief_id_of(fs[i]);
        cr_assert_eq(fief_find(id), fs[i]);
        for (unsigned k = 0; k < BLOCKS; k++) {
            assert_equal(fief_owner(blocks[i][k]), id);
            for (size_t at = 0; at < size_of(i, k); at++)
                assert_equal(blocks[i][k][at], i % 251);
        }
        assert_equal(exact_stats(fs[i]).live_blocks, BLOCKS);
    }
    destroy_all();
    fief_leaks leaks;
    fief_leaks_read(&leaks);
    assert_equal(leaks.interpreters, AT_ONCE);
    assert_equal(leaks.blocks, (uint64_t)AT_ONCE * BLOCKS);
}

Test(scale, thousands_at_once_give_all_memory_back, .timeout = 120) {
    skip_unless_memory_is_measured();
    fief_destroy(create(named("the first")));
    memset(blocks, 1, sizeof blocks); /* the test's own memory is in use from here on */
    memset(fs, 1, sizeof fs);
    create_all();
    destroy_all();
    fief_trim(NULL);
    size_t once = resident_bytes();
    for (unsigned turn = 0; turn < 3; turn++) {
        create_all();
        assert_at_least(resident_bytes(), once + AT_ONCE * (size_t)4 * KIB);
        destroy_all();
        fief_trim(NULL);
        assert_at_most(resident_bytes(), once + 2 * MIB);
    }
}

Test(scale, the_first_thousands_leave_a_few_mebibytes, .timeout = 120) {
    skip_unless_memory_is_measured();
    fief_destroy(create(named("the first")));
    memset(blocks, 1, sizeof blocks);
    memset(fs, 1, sizeof fs);
    size_t before = resident_bytes();
    create_all();
    destroy_all();
    fief_trim(NULL);
    assert_at_most(resident_bytes(), before + 8 * MIB); /* their slots, and their arenas' descriptors */
}

/* ---- one after the other ---- */

static void live_shortly(unsigned turn) {
    static const size_t sizes[] = {24, 64, 500, 3000, 16000, 100000};
    fief *f = create(named("short"));
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        if (sizes[i] > 16 * KIB && turn % 8 != 0)
            break;
        unsigned char *block = fief_alloc(f, sizes[i]);
        cr_assert_not_null(block);
        block[0] = block[sizes[i] - 1] = 1;
        if (i % 2 == 0)
            fief_free(f, block);
    }
    if (turn % 64 == 0)
        ((unsigned char *)fief_alloc(f, MIB))[0] = 1;
    assert_equal(fief_destroy(f), FIEF_OK);
}

Test(scale, a_hundred_thousand_lives_leave_nothing_behind, .timeout = 120) {
    for (unsigned turn = 0; turn < SETTLING; turn++)
        live_shortly(turn);
    size_t settled = resident_bytes();
    for (unsigned turn = SETTLING; turn < cycles(); turn++)
        live_shortly(turn);
    skip_unless_memory_is_measured();
    assert_at_most(resident_bytes(), settled + 512 * KIB);
}

/* The worst case for reuse: always a few alive, so that places move. */
Test(scale, overlapping_lives_leave_nothing_behind, .timeout = 120) {
    enum { ALIVE = 50 };
    static fief *alive[ALIVE];
    size_t settled = 0;
    random_source rng = random_seeded(9);
    for (unsigned turn = 0; turn < cycles(); turn++) {
        unsigned i = (unsigned)random_below(&rng, ALIVE);
        assert_equal(fief_destroy(alive[i]), FIEF_OK);
        alive[i] = create(named("overlapping"));
        for (unsigned k = 0; k < 20; k++)
            ((unsigned char *)fief_alloc(alive[i], 100 + 50 * k))[0] = 1;
        if (turn == cycles() / 10)
            settled = resident_bytes();
    }
    skip_unless_memory_is_measured();
    assert_at_most(resident_bytes(), settled + 2 * MIB);
}

/* ---- warm arenas ---- */

Test(scale, trimming_the_process_releases_warm_arenas) {
    enum { COUNT = 20 };
    for (unsigned i = 0; i < COUNT; i++)
        fs[i] = create(named("warm"));
    for (unsigned i = 0; i < COUNT; i++)
        memset(fief_alloc(fs[i], 100000), 1, 100000);
    for (unsigned i = 0; i < COUNT; i++)
        fief_destroy(fs[i]);
    size_t warm = resident_bytes();
    size_t given = fief_trim(NULL);
    assert_at_least(given, COUNT * 50000);
    assert_equal(fief_trim(NULL), 0);
    skip_unless_memory_is_measured();
    assert_at_most(resident_bytes() + COUNT * 50000, warm);
}
