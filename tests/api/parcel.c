/* Parcels: what is built in one by its maker is the receiver's afterwards, at the same addresses, counted and
 * freed as its own; and whoever ends first, at whatever step, nothing is lost. Both sides are this one thread's,
 * so that each step is where the test wants it; tests/race/parcel.c has the threads. */
#include "support/child.h"
#include "support/compare.h"
#include "support/host.h"
#include "support/kinds.h"
#include "support/levels.h"
#include "support/sound.h"

#include <fief/inline.h>
#include <fief/parcel.h>
#include <signal.h>

static witness heard;

static void set_up(void) {
    conf("");
}

TestSuite(parcel, .init = set_up);

/* ---- both sides ---- */

typedef struct sides {
    fief *a, *b; /* "maker" and "target" */
} sides;

static fief_config side(const char *name, fief_debug level) {
    fief_config config = watched(name, &heard);
    config.debug = level;
    return config;
}

static sides both(fief_debug level) {
    heard = (witness){0};
    return (sides){create(side("maker", level)), create(side("target", level))};
}

static void end_both(sides s) {
    assert_equal(fief_destroy(s.a), FIEF_OK);
    assert_equal(fief_destroy(s.b), FIEF_OK);
    assert_equal(heard.count, 0);
}

static fief_parcel *make(fief *f) {
    fief_parcel *parcel = NULL;
    assert_equal(fief_parcel_create(f, NULL, &parcel), FIEF_OK);
    return parcel;
}

/* A block that this test has no name for. */
static void occupy(fief *f, size_t size) {
    cr_assert_not_null(fief_alloc(f, size));
}

/* ---- what arrives ---- */

static unsigned arrivals;
static fief_parcel *arrived;
static fief *arrived_in;
static void *arrived_arg;

static int keep(fief *target, fief_parcel *parcel, void *arg) {
    arrivals++;
    arrived = parcel;
    arrived_in = target;
    arrived_arg = arg;
    return 0;
}

static void *received;
static fief_status receive_status;

static int receive(fief *target, fief_parcel *parcel, void *arg) {
    keep(target, parcel, arg);
    receive_status = fief_parcel_receive(target, parcel, &received);
    return 0;
}

static void pass_with(sides s, fief_parcel *parcel, fief_parcel_fn *deliver) {
    unsigned before = arrivals;
    assert_equal(fief_parcel_send(s.a, parcel, fief_id_of(s.b), deliver, &arrivals), FIEF_XI_QUEUED);
    assert_equal(arrivals, before);
    fief_poll(s.b);
    assert_equal(arrivals, before + 1);
    cr_assert(arrived == parcel && arrived_in == s.b && arrived_arg == &arrivals);
}

/* Sends it, and has it received at once. */
static void *pass(sides s, fief_parcel *parcel) {
    receive_status = FIEF_BAD_ARGUMENT;
    pass_with(s, parcel, receive);
    assert_equal(receive_status, FIEF_OK);
    return received;
}

/* ---- nested data ---- */

typedef struct node {
    struct node *left, *right;
    char *text;
    unsigned value;
} node;

/* A tree whose nodes have texts of many sizes, some of them large. */
static node *plant(fief *f, unsigned depth, unsigned *value) {
    node *n = fief_alloc(f, sizeof *n);
    unsigned number = (*value)++;
    size_t size = number % 100 == 7 ? 30000 : number % 997;
    *n = (node){.value = number, .text = fief_alloc(f, size + 1)};
    memset(n->text, 'a' + (int)(number % 26), size);
    n->text[size] = '\0';
    if (depth > 0) {
        n->left = plant(f, depth - 1, value);
        n->right = plant(f, depth - 1, value);
    }
    return n;
}

/* Sees that all is as it was planted, and is f's, and frees it. */
static unsigned fell(fief *f, node *n, unsigned *value) {
    unsigned number = (*value)++, count = 1;
    size_t size = number % 100 == 7 ? 30000 : number % 997;
    assert_equal(n->value, number);
    assert_equal(strlen(n->text), size);
    cr_assert(size == 0 || (n->text[0] == 'a' + (int)(number % 26) && n->text[size - 1] == n->text[0]));
    assert_equal(fief_owner(n), fief_id_of(f));
    assert_equal(fief_owner(n->text), fief_id_of(f));
    if (n->left != NULL)
        count += fell(f, n->left, value) + fell(f, n->right, value);
    fief_free(f, n->text);
    fief_inline_free(f, n);
    return count;
}

Test(parcel, a_tree_stays_at_its_addresses_and_is_the_receivers_to_free) {
    FOR_LEVELS(level) {
        unsigned depth = level == FIEF_DEBUG_GUARD ? 6 : 11, planted = 0, felled = 0;
        sides s = both(level);
        fief_parcel *parcel = make(s.a);
        node *tree = plant(fief_parcel_heap(parcel), depth, &planted);
        assert_equal(fief_parcel_root_set(parcel, tree), FIEF_OK);
        cr_assert_eq(pass(s, parcel), tree);
        assert_equal(fell(s.b, tree, &felled), planted);
        assert_equal(felled, planted);
        fief_stats stats = exact_stats(s.b);
        assert_equal(stats.live_blocks, 0);
        assert_equal(stats.remote_in, 0);
        assert_equal(stats.foreign_in, 0);
        assert_equal(stats.frees, 2 * planted);
        assert_equal(fief_check(s.b), 0);
        cr_assert(is_sound(s.b));
        end_both(s);
    }
}

/* ---- every kind of block ---- */

static void assert_holds(const unsigned char *block, size_t size, unsigned number) {
    for (size_t i = 0; i < size; i += 1 + i / 512)
        assert_equal(block[i], number % 251 + 1);
}

Test(parcel, blocks_of_every_kind_arrive) {
    FOR_LEVELS(level) {
        sides s = both(level);
        fief_parcel *parcel = make(s.a);
        fief *heap = fief_parcel_heap(parcel);
        unsigned char *blocks[KINDS];
        for (unsigned i = 0; i < KINDS; i++) {
            blocks[i] = allocate_kind(heap, kind_number(i));
            cr_assert_not_null(blocks[i]);
            memset(blocks[i], (int)(i % 251 + 1), kind_number(i).size);
        }
        pass(s, parcel);
        assert_equal(exact_stats(s.b).live_blocks, KINDS);
        assert_equal(fief_check(s.b), 0);
        for (unsigned i = 0; i < KINDS; i++) {
            size_t size = kind_number(i).size;
            cr_assert_geq(fief_usable_size(blocks[i]), size);
            assert_holds(blocks[i], size, i);
            blocks[i] = fief_realloc(s.b, blocks[i], 2 * size + 1);
            cr_assert_not_null(blocks[i]);
            assert_holds(blocks[i], size, i);
            fief_free_sized(s.b, blocks[i], 2 * size + 1);
        }
        assert_equal(exact_stats(s.b).live_blocks, 0);
        assert_equal(fief_check(s.b), 0);
        end_both(s);
    }
}

/* Whether both sides together have what the parcel had. */
Test(parcel, counters_move_exactly) {
    FOR_LEVELS(level) {
        sides s = both(level);
        for (unsigned i = 0; i < 3000; i++) /* so that what is there before is not zero */
            occupy(s.b, i % 700);
        fief_parcel *parcel = make(s.a);
        fief *heap = fief_parcel_heap(parcel);
        void *blocks[2000];
        for (unsigned i = 0; i < 2000; i++)
            blocks[i] = fief_alloc(heap, i % 100 == 3 ? 50000 : i % 900);
        occupy(heap, 3000000);
        for (unsigned i = 0; i < 2000; i += 3)
            fief_free(heap, blocks[i]);
        fief_trim(heap);
        fief_stats maker = exact_stats(s.a), moved = exact_stats(heap), before = exact_stats(s.b);
        pass(s, parcel);
        fief_stats after = exact_stats(s.b), left = exact_stats(s.a);
        assert_equal(moved.live_blocks, 1334 - 1 + 1);
        assert_equal(after.live_blocks, before.live_blocks + moved.live_blocks);
        assert_equal(after.live_bytes, before.live_bytes + moved.live_bytes);
        assert_equal(after.allocations, before.allocations + moved.allocations);
        assert_equal(after.frees, before.frees + moved.frees);
        assert_equal(after.large_blocks, before.large_blocks + moved.large_blocks);
        assert_equal(after.pools, before.pools + moved.pools);
        assert_equal(after.arenas, before.arenas + moved.arenas);
        assert_equal(after.reserved_bytes, before.reserved_bytes + moved.reserved_bytes);
        assert_equal(after.committed_bytes, before.committed_bytes + moved.committed_bytes);
        assert_at_least(after.charged_bytes + 4096, before.charged_bytes + moved.charged_bytes);
        assert_at_most(after.charged_bytes, before.charged_bytes + moved.charged_bytes);
        assert_equal(after.charged_peak_bytes >= after.charged_bytes, true);
        left.remote_in = maker.remote_in;
        cr_assert_eq(memcmp(&left, &maker, sizeof left), 0, "the maker's stay as they were");
        end_both(s);
    }
}

static bool free_it(void *block, size_t usable_bytes, void *arg) {
    (void)usable_bytes;
    fief_free(arg, block);
    return true;
}

Test(parcel, what_it_used_is_given_back_by_the_receiver) {
    FOR_LEVELS(level) {
        sides s = both(level);
        for (unsigned round = 0; round < 20; round++) {
            fief_parcel *parcel = make(s.a);
            fief *heap = fief_parcel_heap(parcel);
            for (unsigned i = 0; i < 300; i++)
                cr_assert_not_null(fief_alloc(heap, i * 17 % 5000));
            pass(s, parcel);
            fief_visit(s.b, free_it, s.b);
        }
        fief_trim(s.b);
        fief_stats stats = exact_stats(s.b);
        assert_equal(stats.live_blocks, 0);
        assert_equal(stats.pools, 0);
        assert_equal(stats.arenas, 1);
        assert_equal(stats.charged_bytes, stats.committed_bytes);
        end_both(s);
    }
}

/* ---- free blocks in it ---- */

/* Every other block is free when it is sent: the receiver allocates them, with the rest of its pools. */
Test(parcel, its_free_blocks_and_its_room_are_used) {
    FOR_LEVELS(level) {
        if (level == FIEF_DEBUG_GUARD)
            continue; /* has no pools to speak of */
        sides s = both(level);
        fief_parcel *parcel = make(s.a);
        fief *heap = fief_parcel_heap(parcel);
        static char *blocks[20000];
        for (unsigned i = 0; i < 20000; i++)
            blocks[i] = fief_alloc(heap, 48);
        for (unsigned i = 0; i < 20000; i += 2)
            fief_free(heap, blocks[i]);
        pass(s, parcel);
        fief_stats before = exact_stats(s.b);
        for (unsigned i = 0; i < 20000; i += 2) {
            blocks[i] = fief_alloc(s.b, 48);
            memset(blocks[i], 1, 48);
        }
        fief_stats after = exact_stats(s.b);
        assert_equal(after.live_blocks, 20000);
        assert_at_most(after.charged_bytes, before.charged_bytes + 64 * 1024);
        assert_equal(fief_check(s.b), 0);
        for (unsigned i = 0; i < 20000; i++)
            fief_free(s.b, blocks[i]);
        assert_equal(exact_stats(s.b).live_blocks, 0);
        cr_assert(is_sound(s.b));
        end_both(s);
    }
}

static bool count_block(void *block, size_t usable_bytes, void *arg) {
    (void)block, (void)usable_bytes;
    ++*(unsigned *)arg;
    return true;
}

/* The first who reads a list of free blocks that has come with a parcel finds its end. */
Test(parcel, lists_of_free_blocks_end_whoever_reads_them_first) {
    for (unsigned reader = 0; reader < 6; reader++) {
        sides s = both(FIEF_DEBUG_OFF);
        fief_parcel *parcel = make(s.a);
        fief *heap = fief_parcel_heap(parcel);
        char *blocks[5000];
        for (unsigned i = 0; i < 5000; i++)
            blocks[i] = fief_alloc(heap, 64);
        for (unsigned i = 0; i < 5000; i++)
            if (i % 5 != 0)
                fief_free(heap, blocks[i]);
        pass(s, parcel);
        unsigned seen = 0, twice = 0;
        switch (reader) {
        case 0:
            fief_visit(s.b, count_block, &seen);
            assert_equal(seen, 1000);
            break;
        case 1:
            assert_equal(fief_check(s.b), 0);
            break;
        case 2: /* a double free walks the list */
            fief_free(s.b, blocks[1]);
            twice = 1;
            break;
        case 3: /* and one that comes home */
            fief_free_remote(blocks[1]);
            fief_poll(s.b);
            twice = 1;
            break;
        case 4: /* at the limit the least is taken */
            fief_limit_set(s.b, &(fief_limit){.hard_bytes = exact_stats(s.b).charged_bytes});
            for (unsigned i = 0; i < 4000; i++)
                cr_assert_not_null(fief_alloc(s.b, 64));
            break;
        default:
            break;
        }
        assert_equal(heard.kinds[FIEF_MISUSE_DOUBLE_FREE], twice);
        fief_limit_set(s.b, &(fief_limit){.hard_bytes = 0});
        cr_assert(is_sound(s.b));
        assert_equal(fief_check(s.b), 0);
        assert_equal(exact_stats(s.b).live_blocks, reader == 4 ? 5000 : 1000);
        heard.count -= twice;
        end_both(s);
    }
}

/* At the hard limit the few free blocks of pools that count as full are used. */
Test(parcel, the_last_free_blocks_are_used) {
    sides s = both(FIEF_DEBUG_OFF);
    fief_parcel *parcel = make(s.a);
    fief *heap = fief_parcel_heap(parcel);
    static char *blocks[5000];
    unsigned freed = 0;
    for (unsigned i = 0; i < 5000; i++)
        blocks[i] = fief_alloc(heap, 64);
    for (unsigned i = 0; i < 4000; i += 100, freed++)
        fief_free(heap, blocks[i]);
    pass(s, parcel);
    fief_limit_set(s.b, &(fief_limit){.hard_bytes = exact_stats(s.b).charged_bytes});
    unsigned got = 0;
    for (char *block; (block = fief_alloc(s.b, 64)) != NULL; got++)
        memset(block, 1, 64);
    assert_at_least(got, freed);
    assert_equal(exact_stats(s.b).live_blocks, 5000 - freed + got);
    assert_equal(fief_check(s.b), 0);
    end_both(s);
}

/* A live block that looks like a free one is none: no list has it. */
Test(parcel, what_a_block_holds_does_not_make_it_free) {
    sides s = both(FIEF_DEBUG_OFF);
    fief_parcel *parcel = make(s.a);
    fief *heap = fief_parcel_heap(parcel);
    void **blocks[100];
    for (unsigned i = 0; i < 100; i++)
        blocks[i] = fief_alloc(heap, 64);
    for (unsigned i = 0; i < 50; i++)
        fief_free(heap, blocks[i]);
    blocks[70][1] = blocks[70];
    pass(s, parcel);
    fief_free(s.b, blocks[70]);
    assert_equal(exact_stats(s.b).live_blocks, 49);
    end_both(s);
}

/* A link of a free block was overwritten on the way. */
Test(parcel, a_free_block_that_was_written_to_is_found) {
    sides s = both(FIEF_DEBUG_OFF);
    fief_parcel *parcel = make(s.a);
    fief *heap = fief_parcel_heap(parcel);
    char *blocks[3000];
    for (unsigned i = 0; i < 3000; i++)
        blocks[i] = fief_alloc(heap, 64);
    for (unsigned i = 0; i < 3000; i++)
        if (i % 10 != 0)
            fief_free(heap, blocks[i]);
    pass_with(s, parcel, keep);
    char *freed = opaque(blocks[5]);
    memset(freed, 'x', 8);
    assert_equal(fief_parcel_receive(s.b, parcel, NULL), FIEF_OK);
    unsigned seen = 0;
    fief_visit(s.b, count_block, &seen);
    assert_equal(heard.kinds[FIEF_MISUSE_WRITE_AFTER_FREE], 1);
    assert_at_least(seen, 300); /* what lay behind it is not known to be free */
    assert_at_most(seen, 2999);
    assert_equal(exact_stats(s.b).live_blocks, seen);
    cr_assert(is_sound(s.b));
    heard.count = 0;
    end_both(s);
}

/* ---- small ones, and many ---- */

Test(parcel, an_empty_one_arrives) {
    FOR_LEVELS(level) {
        sides s = both(level);
        fief_trim(s.b);
        fief_stats before = exact_stats(s.b);
        cr_assert_null(pass(s, make(s.a)));
        fief_trim(s.b);
        fief_stats after = exact_stats(s.b);
        assert_equal(after.arenas, before.arenas);
        assert_equal(after.charged_bytes, before.charged_bytes);
        assert_equal(after.committed_bytes, before.committed_bytes);
        assert_equal(after.allocations, 0);
        cr_assert(is_sound(s.b));
        end_both(s);
    }
}

enum { MANY = 500 };

/* So that the table of arenas has holes and grows. */
Test(parcel, many_at_once) {
    FOR_LEVELS(level) {
        unsigned many = level == FIEF_DEBUG_GUARD ? 40 : MANY;
        sides s = both(level);
        fief_parcel *parcels[MANY];
        char *texts[MANY];
        for (unsigned i = 0; i < many; i++) {
            parcels[i] = make(s.a);
            texts[i] = fief_alloc(fief_parcel_heap(parcels[i]), 100 + i);
            snprintf(texts[i], 100, "parcel %u", i);
        }
        for (unsigned i = 0; i < many; i++) {
            unsigned which = i * 7 % many; /* prime to both */
            pass(s, parcels[which]);
            if (which % 3 == 0) {
                fief_free(s.b, texts[which]);
                texts[which] = NULL;
                fief_trim(s.b);
            }
        }
        for (unsigned i = 0; i < many; i++) {
            char wanted[32];
            snprintf(wanted, sizeof wanted, "parcel %u", i);
            cr_assert(texts[i] == NULL || strcmp(texts[i], wanted) == 0);
            fief_free(s.b, texts[i]);
        }
        assert_equal(fief_check(s.b), 0);
        assert_equal(exact_stats(s.b).live_blocks, 0);
        fief_trim(s.b);
        assert_equal(exact_stats(s.b).arenas, 1);
        end_both(s);
    }
}

Test(parcel, small_ones_fill_each_others_room) {
    sides s = both(FIEF_DEBUG_OFF);
    for (unsigned i = 0; i < 50; i++) {
        fief_parcel *parcel = make(s.a);
        for (unsigned n = 0; n < 100; n++)
            occupy(fief_parcel_heap(parcel), 64);
        pass(s, parcel);
    }
    fief_stats before = exact_stats(s.b);
    for (unsigned n = 0; n < 20000; n++)
        occupy(s.b, 64);
    assert_equal(exact_stats(s.b).arenas, before.arenas);
    end_both(s);
}

/* ---- sent on ---- */

static fief *third;

static int send_on(fief *target, fief_parcel *parcel, void *arg) {
    (void)arg;
    cr_assert_null(fief_parcel_heap(parcel), "it is sealed");
    assert_equal(fief_parcel_send(target, parcel, fief_id_of(third), receive, NULL), FIEF_XI_QUEUED);
    return 0;
}

Test(parcel, sent_on_unread) {
    FOR_LEVELS(level) {
        sides s = both(level);
        unsigned planted = 0, felled = 0;
        third = create(side("third", level));
        fief_parcel *parcel = make(s.a);
        fief_parcel_root_set(parcel, plant(fief_parcel_heap(parcel), 5, &planted));
        assert_equal(fief_parcel_send(s.a, parcel, fief_id_of(s.b), send_on, NULL), FIEF_XI_QUEUED);
        fief_poll(s.b);
        fief_destroy(s.a);
        fief_destroy(s.b);
        fief_poll(third);
        assert_equal(receive_status, FIEF_OK);
        fell(third, received, &felled);
        assert_equal(felled, planted);
        assert_equal(exact_stats(third).live_blocks, 0);
        fief_destroy(third);
        assert_equal(heard.count, 0);
    }
}

/* What was received is freed, and what its memory is used for is sent on: back and forth. */
Test(parcel, to_and_fro) {
    FOR_LEVELS(level) {
        sides s = both(level);
        for (unsigned round = 0; round < 30; round++) {
            unsigned planted = 0, felled = 0;
            fief_parcel *parcel = make(s.a);
            fief_parcel_root_set(parcel, plant(fief_parcel_heap(parcel), 5, &planted));
            fell(s.b, pass(s, parcel), &felled);
            s = (sides){s.b, s.a};
        }
        cr_assert(is_sound(s.a) && is_sound(s.b));
        assert_equal(fief_check(s.a) + fief_check(s.b), 0);
        end_both(s);
    }
}

Test(parcel, to_oneself) {
    FOR_LEVELS(level) {
        sides s = both(level);
        unsigned planted = 0, felled = 0;
        fief_parcel *parcel = make(s.a);
        fief_parcel_root_set(parcel, plant(fief_parcel_heap(parcel), 4, &planted));
        assert_equal(fief_parcel_send(s.a, parcel, fief_id_of(s.a), receive, NULL), FIEF_XI_RAN);
        fell(s.a, received, &felled);
        assert_equal(exact_stats(s.a).live_blocks, 0);

        parcel = make(s.a);
        planted = felled = 0;
        fief_parcel_root_set(parcel, plant(fief_parcel_heap(parcel), 4, &planted));
        void *root = NULL;
        assert_equal(fief_parcel_receive(s.a, parcel, &root), FIEF_OK);
        fell(s.a, root, &felled);
        assert_equal(exact_stats(s.a).live_blocks, 0);
        end_both(s);
    }
}

/* ---- limits ---- */

Test(parcel, the_receivers_hard_limit_refuses_it) {
    FOR_LEVELS(level) {
        sides s = both(level);
        fief_parcel *parcel = make(s.a);
        fief *heap = fief_parcel_heap(parcel);
        for (unsigned i = 0; i < 30; i++)
            cr_assert_not_null(fief_alloc(heap, 10000));
        char *text = fief_alloc(heap, 100);
        strcpy(text, "intact");
        fief_parcel_root_set(parcel, text);
        assert_equal(fief_limit_set(s.b, &(fief_limit){.hard_bytes = 200000}), FIEF_OK);
        pass_with(s, parcel, keep);
        fief_stats before = exact_stats(s.b);
        void *root = s.a;
        assert_equal(fief_parcel_receive(s.b, parcel, &root), FIEF_NO_MEMORY);
        cr_assert_eq(root, s.a);
        fief_stats after = exact_stats(s.b);
        assert_equal(after.limit_failures, before.limit_failures + 1);
        after.limit_failures = before.limit_failures;
        cr_assert_eq(memcmp(&after, &before, sizeof after), 0);
        cr_assert_eq(fief_parcel_root(parcel), text);
        fief_limit_set(s.b, &(fief_limit){.hard_bytes = 10000000});
        assert_equal(fief_parcel_receive(s.b, parcel, &root), FIEF_OK);
        cr_assert_str_eq(root, "intact");
        assert_equal(exact_stats(s.b).live_blocks, 31);
        end_both(s);
    }
}

typedef struct collector {
    void *ballast;
    unsigned calls;
} collector;

static bool collect_garbage(fief *f, size_t wanted_bytes, void *arg) {
    collector *c = arg;
    cr_assert_gt(wanted_bytes, 100000);
    c->calls++;
    bool any = c->ballast != NULL;
    fief_free(f, c->ballast);
    c->ballast = NULL;
    return any;
}

Test(parcel, the_receivers_pressure_callback_makes_room) {
    sides s = both(FIEF_DEBUG_OFF);
    collector c = {.ballast = fief_alloc(s.b, 150000)};
    fief_limit_set(s.b, &(fief_limit){.hard_bytes = 250000, .pressure = collect_garbage, .pressure_arg = &c});
    fief_parcel *parcel = make(s.a);
    occupy(fief_parcel_heap(parcel), 130000);
    pass(s, parcel);
    assert_equal(c.calls, 1);
    assert_equal(exact_stats(s.b).live_blocks, 1);
    end_both(s);
}

static fief_parcel *wanted_parcel;
static fief_status nested_status;

static bool grab_it(fief *f, size_t wanted_bytes, void *arg) {
    (void)wanted_bytes, (void)arg;
    nested_status = fief_parcel_destroy(f, wanted_parcel);
    return false;
}

Test(parcel, a_pressure_callback_has_no_right_to_what_is_being_received) {
    sides s = both(FIEF_DEBUG_OFF);
    wanted_parcel = make(s.a);
    occupy(fief_parcel_heap(wanted_parcel), 130000);
    pass_with(s, wanted_parcel, keep);
    fief_limit_set(s.b, &(fief_limit){.hard_bytes = 50000, .pressure = grab_it});
    assert_equal(fief_parcel_receive(s.b, wanted_parcel, NULL), FIEF_NO_MEMORY);
    assert_equal(nested_status, FIEF_BAD_STATE);
    assert_equal(heard.kinds[FIEF_MISUSE_DEAD_HANDLE], 1);
    heard.count = 0;
    end_both(s);
}

Test(parcel, a_parcel_has_a_limit_of_its_own) {
    fief_config config = side("maker", FIEF_DEBUG_OFF);
    config.limit.hard_bytes = 1000000;
    fief *f = create(config);
    fief_parcel *parcel = make(f);
    cr_assert_null(fief_alloc(fief_parcel_heap(parcel), 1100000));
    cr_assert_not_null(fief_alloc(fief_parcel_heap(parcel), 900000));
    cr_assert_not_null(fief_alloc(f, 900000), "it does not count in its maker's");
    fief_parcel_config small = FIEF_PARCEL_CONFIG_INIT;
    small.most_bytes = 100000;
    fief_parcel *other;
    assert_equal(fief_parcel_create(f, &small, &other), FIEF_OK);
    cr_assert_null(fief_alloc(fief_parcel_heap(other), 110000));
    cr_assert_not_null(fief_alloc(fief_parcel_heap(other), 50000));
    fief_destroy(f);
}

Test(parcel, its_memory_is_the_systems_whatever_the_sides_have) {
    host one = {0}, two = {0};
    fief_config config = side("maker", FIEF_DEBUG_OFF);
    config.provider = (fief_provider){&one, host_alloc, host_free};
    sides s = {create(config), NULL};
    config.name = "target";
    config.provider.ctx = &two;
    s.b = create(config);
    unsigned planted = 0, felled = 0, out = one.out;
    fief_parcel *parcel = make(s.a);
    fief_parcel_root_set(parcel, plant(fief_parcel_heap(parcel), 9, &planted));
    void *huge = fief_alloc(fief_parcel_heap(parcel), 3000000);
    assert_equal(one.out, out);
    fell(s.b, pass(s, parcel), &felled);
    huge = fief_realloc(s.b, huge, 5000000);
    cr_assert_not_null(huge);
    fief_free(s.b, huge);
    assert_equal(exact_stats(s.b).live_blocks, 0);
    fief_trim(s.b);
    end_both(s);
    cr_assert(one.out == 0 && two.out == 0 && one.strangers == 0 && two.strangers == 0);
}

/* ---- debug levels ---- */

Test(parcel, levels_must_be_the_same) {
    FOR_LEVELS(from) {
        FOR_LEVELS(to) {
            sides s = {create(side("maker", from)), create(side("target", to))};
            fief_parcel *parcel = make(s.a);
            char *text = fief_alloc(fief_parcel_heap(parcel), 1000);
            text[999] = 'x';
            pass_with(s, parcel, keep);
            fief_stats before = exact_stats(s.b);
            assert_equal(fief_parcel_receive(s.b, parcel, NULL), from == to ? FIEF_OK : FIEF_BAD_STATE);
            fief_stats after = exact_stats(s.b);
            assert_equal(after.live_blocks, before.live_blocks + (from == to));
            assert_equal(text[999], 'x');
            if (from != to)
                assert_equal(fief_parcel_destroy(s.b, parcel), FIEF_OK);
            end_both(s);
        }
    }
}

static void say_all(fief *f, told *t) {
    *t = (told){0};
    assert_equal(fief_leaks_report(f, FIEF_TEXT, collect, t), FIEF_OK);
}

Test(parcel, records_and_leak_accounts_go_with_it) {
    FOR_DEBUG_LEVELS(level) {
        sides s = both(level);
        fief_tag tag = 0;
        assert_equal(fief_tag_register("letter", &tag), FIEF_OK);
        fief_parcel *parcel = make(s.a);
        fief *heap = fief_parcel_heap(parcel);
        for (unsigned i = 0; i < 9; i++)
            cr_assert_not_null(fief_alloc_tagged(heap, 123, tag));
        char *freed = fief_alloc(heap, 50);
        char *letter = fief_alloc_tagged(heap, 123, tag);
        fief_free(heap, freed);
        told t;
        pass(s, parcel);
        say_all(s.b, &t);
        assert_told(t, "letter");
        assert_told(t, "10 blocks");
        say_all(s.a, &t);
        assert_not_told(t, "letter");
        fief_free(s.b, letter);
        fief_free(s.b, letter);
        assert_equal(heard.kinds[FIEF_MISUSE_DOUBLE_FREE], 1);
        assert_equal(heard.last.serial, 11);
        assert_equal(heard.last.requested_size, 123);
        assert_equal(fief_check(s.b), 0);
        heard.count = 0;
        end_both(s);
    }
}

Test(parcel, an_overflow_in_it_is_found_by_the_receiver) {
    sides s = both(FIEF_DEBUG_CHECK);
    fief_parcel *parcel = make(s.a);
    char *block = opaque(fief_alloc(fief_parcel_heap(parcel), 40));
    block[40] = 'x';
    pass(s, parcel);
    assert_equal(fief_check(s.b), 1);
    assert_equal(heard.kinds[FIEF_MISUSE_OVERFLOW], 1);
    cr_assert_str_eq(heard.last.owner_name, "target");
    heard.count = 0;
    end_both(s);
}

/* ---- use by who has no right to it ---- */

static void assert_told_of_use(const char *operation, unsigned times) {
    assert_equal(heard.kinds[FIEF_MISUSE_DEAD_HANDLE], times);
    assert_equal(heard.count, times);
    cr_assert_str_eq(heard.operation, operation);
    cr_assert_not_null(strstr(heard.text, "parcel"), "%s", heard.text);
}

/* Each verb with a parcel's handle after it was sent: it does nothing, and is told with both names. */
Test(parcel, its_handle_is_sealed_on_its_way) {
    FOR_LEVELS(level) {
        sides s = both(level);
        fief_parcel *parcel = make(s.a);
        fief *heap = fief_parcel_heap(parcel);
        char *block = fief_alloc(heap, 112),
             *large = fief_alloc(heap, 100000); /* with a fence it fills its slot */
        fief_parcel_send(s.a, parcel, fief_id_of(s.b), keep, NULL);
        unsigned times = 0;
        cr_assert_null(fief_parcel_heap(parcel));
        cr_assert_null(fief_alloc(heap, 64));
        assert_told_of_use("fief_alloc", ++times);
        cr_assert_str_eq(heard.owner_name, "parcel of maker");
        cr_assert_null(fief_inline_alloc(heap, 64));
        assert_told_of_use("fief_alloc", ++times);
        cr_assert_null(fief_alloc(heap, 100000));
        assert_told_of_use("fief_alloc", ++times);
        cr_assert_null(fief_zalloc(heap, 5000));
        ++times;
        fief_free(heap, block);
        assert_told_of_use("fief_free", ++times);
        fief_inline_free(heap, block);
        assert_told_of_use("fief_free", ++times);
        fief_free_sized(heap, block, 112);
        assert_told_of_use("fief_free_sized", ++times);
        fief_free(heap, large);
        assert_told_of_use("fief_free", ++times);
        cr_assert_null(fief_realloc(heap, block, 1000));
        assert_told_of_use("fief_realloc", ++times);
        cr_assert_null(fief_realloc(heap, large, 1000));
        assert_told_of_use("fief_realloc", ++times);
        unsigned seen = 0;
        assert_equal(fief_visit(heap, count_block, &seen), FIEF_BAD_STATE);
        assert_told_of_use("fief_visit", ++times);
        fief_trim(heap);
        assert_told_of_use("fief_trim", ++times);
        fief_poll(heap);
        assert_told_of_use("fief_poll", ++times);
        assert_equal(fief_destroy(heap), FIEF_BAD_STATE);
        assert_told_of_use("fief_destroy", ++times);
        assert_equal(fief_at_exit(heap, NULL, NULL), FIEF_BAD_ARGUMENT);

        fief_poll(s.b);
        assert_equal(fief_parcel_receive(s.b, parcel, NULL), FIEF_OK);
        assert_equal(exact_stats(s.b).live_blocks, 2);
        assert_equal(exact_stats(s.b).misuses, 0);
        assert_equal(fief_check(s.b), 0);
        heard.count = 0;
        end_both(s);
    }
}

static fief_status use_all(sides s, fief_parcel *parcel) {
    unsigned times = heard.kinds[FIEF_MISUSE_DEAD_HANDLE];
    assert_equal(fief_parcel_send(s.a, parcel, fief_id_of(s.b), keep, NULL), FIEF_XI_BAD_ARGUMENT);
    assert_told_of_use("fief_parcel_send", ++times);
    assert_equal(fief_parcel_receive(s.a, parcel, NULL), FIEF_BAD_STATE);
    assert_told_of_use("fief_parcel_receive", ++times);
    assert_equal(fief_parcel_destroy(s.a, parcel), FIEF_BAD_STATE);
    assert_told_of_use("fief_parcel_destroy", ++times);
    cr_assert_str_eq(heard.caller_name, "maker");
    return fief_parcel_root_set(parcel, s.a);
}

Test(parcel, who_sent_it_has_no_right_to_it) {
    FOR_LEVELS(level) {
        sides s = both(level);
        fief_parcel *parcel = make(s.a);
        occupy(fief_parcel_heap(parcel), 10);
        fief_parcel_send(s.a, parcel, fief_id_of(s.b), keep, NULL);
        assert_equal(use_all(s, parcel), FIEF_BAD_STATE);
        cr_assert_str_eq(heard.owner_name, "parcel of maker");
        cr_assert_null(fief_parcel_root(parcel));
        fief_poll(s.b);
        assert_equal(use_all(s, parcel), FIEF_BAD_STATE);
        assert_equal(fief_parcel_receive(s.b, parcel, NULL), FIEF_OK);
        assert_equal(use_all(s, parcel), FIEF_BAD_STATE);
        cr_assert_str_eq(heard.owner_name, "target");
        cr_assert_null(fief_parcel_heap(parcel));
        cr_assert_null(fief_parcel_root(parcel));
        assert_equal(fief_parcel_maker(parcel), FIEF_ID_NONE);
        assert_equal(fief_check(s.b), 0);
        heard.count = 0;
        end_both(s);
    }
}

Test(parcel, any_pointer_but_a_parcels_is_told) {
    sides s = both(FIEF_DEBUG_OFF);
    char *block = fief_alloc(s.a, 5000);
    fief_parcel *parcel = make(s.a);
    void *wrong[] = {&s,  block, s.a, (void *)(uintptr_t)0x1234567, fief_parcel_heap(parcel), (char *)parcel + 8,
                     NULL};
    for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_equal(fief_parcel_receive(s.a, wrong[i], NULL), FIEF_BAD_STATE);
        assert_told_of_use("fief_parcel_receive", i + 1);
        cr_assert_null(fief_parcel_heap(wrong[i]));
    }
    assert_equal(fief_parcel_destroy(s.a, parcel), FIEF_OK);
    assert_equal(fief_parcel_destroy(s.a, NULL), FIEF_OK);
    unsigned times = heard.kinds[FIEF_MISUSE_DEAD_HANDLE];
    assert_equal(fief_parcel_destroy(s.a, parcel), FIEF_BAD_STATE);
    assert_told_of_use("fief_parcel_destroy", times + 1);
    heard.count = 0;
    end_both(s);
}

/* Its blocks, with the sender's own handle, are another's. */
Test(parcel, the_senders_own_free_is_a_foreign_one) {
    FOR_LEVELS(level) {
        sides s = both(level);
        fief_parcel *parcel = make(s.a);
        fief *heap = fief_parcel_heap(parcel);
        char *blocks[4];
        for (unsigned i = 0; i < 4; i++)
            blocks[i] = fief_alloc(heap, 100);
        fief_free(s.a, blocks[0]); /* before */
        assert_equal(heard.kinds[FIEF_MISUSE_FOREIGN_FREE], 1);
        fief_parcel_send(s.a, parcel, fief_id_of(s.b), receive, NULL);
        fief_free(s.a, blocks[1]); /* on its way */
        assert_equal(heard.kinds[FIEF_MISUSE_FOREIGN_FREE], 2);
        cr_assert_str_eq(heard.owner_name, "parcel of maker");
        cr_assert_str_eq(heard.caller_name, "maker");
        fief_poll(s.b);
        fief_free(s.a, blocks[2]); /* afterwards */
        assert_equal(heard.kinds[FIEF_MISUSE_FOREIGN_FREE], 3);
        cr_assert_str_eq(heard.owner_name, "target");
        fief_free(s.a, blocks[1]); /* once more */
        assert_equal(heard.kinds[FIEF_MISUSE_DOUBLE_FREE], 1);
        fief_poll(s.b);
        assert_equal(exact_stats(s.b).live_blocks, 1);
        assert_equal(fief_check(s.b), 0);
        heard.count = 0;
        end_both(s);
    }
}

static fief_debug level_of_writer;

/* The first block shares its page with the handle; of the others each has a page that is its own. */
static int write_on_its_way(void *arg) {
    fief_config config = FIEF_CONFIG_INIT;
    config.debug = level_of_writer;
    fief *a, *b;
    fief_parcel *parcel;
    if (fief_create(&a, &config) != FIEF_OK || fief_create(&b, &config) != FIEF_OK ||
        fief_parcel_create(a, NULL, &parcel) != FIEF_OK)
        return 1;
    char *large = fief_alloc(fief_parcel_heap(parcel), *(size_t *)arg);
    large[0] = 'x';
    fief_parcel_send(a, parcel, fief_id_of(b), receive, NULL);
    if (((char *)opaque(large))[0] != 'x')
        return 2;
    if (level_of_writer == FIEF_DEBUG_OFF)
        return 0;
    *(volatile char *)large = 'y';
    return 3;
}

static int write_afterwards(void *arg) {
    fief_config config = FIEF_CONFIG_INIT;
    config.debug = level_of_writer;
    fief *a, *b;
    fief_parcel *parcel;
    if (fief_create(&a, &config) != FIEF_OK || fief_create(&b, &config) != FIEF_OK ||
        fief_parcel_create(a, NULL, &parcel) != FIEF_OK)
        return 1;
    char *large = fief_alloc(fief_parcel_heap(parcel), *(size_t *)arg);
    fief_parcel_send(a, parcel, fief_id_of(b), receive, NULL);
    fief_poll(b);
    large[0] = 'y';
    return fief_destroy(b) == FIEF_OK && fief_destroy(a) == FIEF_OK ? 0 : 4;
}

Test(parcel, from_check_on_it_cant_be_written_to_on_its_way) {
    size_t sizes[] = {3000, 100000, 2000000};
    FOR_LEVELS(level) {
        level_of_writer = level;
        for (unsigned i = 0; i < 3; i++) {
            if (level == FIEF_DEBUG_OFF) {
                assert_returned(run_in_child(write_on_its_way, &sizes[i]));
            } else {
                child_end end = run_in_child(write_on_its_way, &sizes[i]);
                cr_assert_eq(end.signal, SIGSEGV, "level %d, size %zu: signal %d, status %d", level, sizes[i],
                             end.signal, end.status);
            }
            assert_returned(run_in_child(write_afterwards, &sizes[i]));
        }
    }
}

/* ---- remote frees ---- */

/* Before it is sealed, on its way, once it has arrived, and afterwards: all come home. */
Test(parcel, blocks_may_be_freed_remotely_at_any_step) {
    FOR_LEVELS(level) {
        sides s = both(level);
        enum { BLOCKS = 1200 };
        static char *blocks[BLOCKS];
        fief_parcel *parcel = make(s.a);
        fief *heap = fief_parcel_heap(parcel);
        for (unsigned i = 0; i < BLOCKS; i++)
            blocks[i] = fief_alloc(heap, i % 50 == 0 ? 40000 : i % 50 == 1 ? 600000 : i % 700);
        for (unsigned i = 0; i < BLOCKS; i += 5)
            fief_free_remote(blocks[i]);
        assert_equal(fief_parcel_send(s.a, parcel, fief_id_of(s.b), keep, NULL), FIEF_XI_QUEUED);
        for (unsigned i = 1; i < BLOCKS; i += 5)
            fief_free_remote(blocks[i]);
        fief_poll(s.b);
        for (unsigned i = 2; i < BLOCKS; i += 5)
            fief_free_remote(blocks[i]);
        assert_equal(fief_parcel_receive(s.b, parcel, NULL), FIEF_OK);
        for (unsigned i = 3; i < BLOCKS; i += 5)
            fief_free_remote(blocks[i]);
        fief_poll(s.b);
        fief_stats stats = exact_stats(s.b);
        assert_equal(stats.live_blocks, BLOCKS / 5);
        assert_equal(stats.remote_in, BLOCKS / 5 * 4);
        for (unsigned i = 4; i < BLOCKS; i += 5)
            fief_free(s.b, blocks[i]);
        assert_equal(exact_stats(s.b).live_blocks, 0);
        assert_equal(fief_check(s.b), 0);
        end_both(s);
    }
}

Test(parcel, all_its_blocks_are_freed_remotely) {
    FOR_LEVELS(level) {
        sides s = both(level);
        char *blocks[300];
        fief_parcel *parcel = make(s.a);
        for (unsigned i = 0; i < 300; i++)
            blocks[i] = fief_alloc(fief_parcel_heap(parcel), i * 40);
        fief_parcel_send(s.a, parcel, fief_id_of(s.b), receive, NULL);
        for (unsigned i = 0; i < 300; i++)
            fief_free_remote(blocks[i]);
        fief_poll(s.b);
        fief_poll(s.b);
        assert_equal(exact_stats(s.b).live_blocks, 0);
        fief_trim(s.b);
        assert_equal(exact_stats(s.b).arenas, 1);
        end_both(s);
    }
}

/* ---- who ends when ---- */

static fief_leaks leaks_now(void) {
    fief_leaks leaks;
    fief_leaks_read(&leaks);
    return leaks;
}

static unsigned returns;
static fief_parcel *came_back;

static int take_back(fief *maker, fief_parcel *parcel, void *arg) {
    cr_assert_eq(fief_parcel_maker(parcel), fief_id_of(maker));
    cr_assert_eq(arg, &returns);
    cr_assert_null(fief_parcel_heap(parcel));
    returns++;
    came_back = parcel;
    return 0;
}

static fief_parcel *make_returning(fief *f, fief_parcel_fn *returned) {
    fief_parcel_config config = FIEF_PARCEL_CONFIG_INIT;
    config.returned = returned;
    config.returned_arg = &returns;
    fief_parcel *parcel = NULL;
    assert_equal(fief_parcel_create(f, &config, &parcel), FIEF_OK);
    return parcel;
}

static const size_t counted_sizes[] = {40, 600, 70000, 2000000};

/* Fills it with 4 blocks. */
static void fill(fief_parcel *parcel) {
    for (unsigned i = 0; i < 4; i++)
        memset(fief_alloc(fief_parcel_heap(parcel), counted_sizes[i]), 1, counted_sizes[i]);
}

static void assert_lost(fief_leaks before, uint64_t interpreters, uint64_t blocks) {
    fief_leaks after = leaks_now();
    assert_equal(after.interpreters - before.interpreters, interpreters);
    assert_equal(after.blocks - before.blocks, blocks);
}

Test(parcel, destroyed_by_its_maker_it_is_no_leak) {
    FOR_LEVELS(level) {
        sides s = both(level);
        fief_leaks before = leaks_now();
        fief_parcel *parcel = make(s.a);
        fief_id id = fief_id_of(fief_parcel_heap(parcel));
        fill(parcel);
        fief_parcel *other = make(s.a);
        fill(other);
        assert_equal(fief_parcel_destroy(s.a, parcel), FIEF_OK);
        assert_equal(fief_parcel_destroy(s.a, other), FIEF_OK);
        cr_assert_null(fief_find(id));
        assert_lost(before, 0, 0);
        end_both(s);
        assert_lost(before, 2, 0);
    }
}

Test(parcel, destroyed_by_its_target_it_is_no_leak) {
    FOR_LEVELS(level) {
        sides s = both(level);
        fief_leaks before = leaks_now();
        fief_parcel *parcel = make_returning(s.a, take_back);
        fill(parcel);
        pass_with(s, parcel, keep);
        assert_equal(fief_parcel_destroy(s.b, parcel), FIEF_OK);
        end_both(s);
        assert_lost(before, 2, 0);
        assert_equal(returns, 0);
    }
}

/* What was never sent dies with its maker. */
Test(parcel, its_maker_ends_before_it_is_sent) {
    FOR_LEVELS(level) {
        sides s = both(level);
        fief_leaks before = leaks_now();
        for (unsigned i = 0; i < 3; i++)
            fill(i % 2 == 0 ? make(s.a) : make_returning(s.a, take_back));
        end_both(s);
        assert_lost(before, 2, 12);
        assert_equal(returns, 0);
    }
}

/* What was sent lives on. */
Test(parcel, its_maker_ends_before_it_arrives) {
    FOR_LEVELS(level) {
        sides s = both(level);
        fief_leaks before = leaks_now();
        fief_parcel *parcel = make_returning(s.a, take_back);
        fill(parcel);
        fief_parcel_send(s.a, parcel, fief_id_of(s.b), receive, NULL);
        fief_destroy(s.a);
        fief_poll(s.b);
        assert_equal(receive_status, FIEF_OK);
        assert_equal(exact_stats(s.b).live_blocks, 4);
        assert_equal(fief_check(s.b), 0);
        fief_destroy(s.b);
        assert_lost(before, 2, 4);
        assert_equal(heard.count, 0);
    }
}

/* Its target ends with it in the queue, or in its hands. */
static void end_target(fief_debug level, bool arrives, fief_parcel_fn *returned) {
    sides s = both(level);
    fief_leaks before = leaks_now();
    fief_parcel *parcel = returned != NULL ? make_returning(s.a, returned) : make(s.a);
    fill(parcel);
    returns = 0;
    fief_parcel_send(s.a, parcel, fief_id_of(s.b), keep, NULL);
    if (arrives)
        fief_poll(s.b);
    fief_destroy(s.b);
    assert_equal(returns, 0);
    fief_poll(s.a);
    assert_equal(returns, returned != NULL);
    assert_lost(before, 1, returned != NULL ? 0 : 4);
    if (returned != NULL) {
        cr_assert_eq(came_back, parcel);
        assert_equal(fief_parcel_receive(s.a, parcel, NULL), FIEF_OK);
        assert_equal(exact_stats(s.a).live_blocks, 4);
        assert_equal(fief_check(s.a), 0);
    }
    fief_destroy(s.a);
    assert_equal(heard.count, 0);
    assert_lost(before, 2, 4);
}

Test(parcel, its_target_ends_with_it_unread) {
    FOR_LEVELS(level) {
        for (unsigned way = 0; way < 4; way++)
            end_target(level, way % 2 != 0, way / 2 != 0 ? take_back : NULL);
    }
}

/* Both end, in either order, with it in the queue, in the target's hands, or on its way back. */
Test(parcel, both_end_with_it_unread) {
    FOR_LEVELS(level) {
        for (unsigned way = 0; way < 8; way++) {
            sides s = both(level);
            fief_leaks before = leaks_now();
            fief_parcel *parcel = way & 1 ? make_returning(s.a, take_back) : make(s.a);
            fill(parcel);
            returns = 0;
            fief_parcel_send(s.a, parcel, fief_id_of(s.b), keep, NULL);
            if (way & 2)
                fief_poll(s.b);
            fief_destroy(way & 4 ? s.a : s.b);
            fief_destroy(way & 4 ? s.b : s.a);
            assert_lost(before, 2, 4);
            assert_equal(returns, 0);
            assert_equal(heard.count, 0);
        }
    }
}

Test(parcel, what_came_back_is_sent_again) {
    FOR_LEVELS(level) {
        sides s = both(level);
        fief_parcel *parcel = make_returning(s.a, take_back);
        fill(parcel);
        for (unsigned i = 0; i < 3; i++) {
            fief *other = create(side("other", level));
            assert_equal(fief_parcel_send(s.a, parcel, fief_id_of(other), keep, NULL), FIEF_XI_QUEUED);
            fief_destroy(other);
            fief_poll(s.a);
            assert_equal(returns, i + 1);
        }
        pass(s, parcel);
        assert_equal(exact_stats(s.b).live_blocks, 4);
        returns = 0;
        end_both(s);
    }
}

/* Who is gone or closing gets nothing; the parcel stays open. */
static fief_id closing_id;
static fief_xi_result result_then;
static fief *sender_then;
static fief_parcel *parcel_then;

static void send_to_closing(fief *f, void *arg) {
    (void)arg;
    result_then = fief_parcel_send(sender_then, parcel_then, fief_id_of(f), keep, NULL);
}

Test(parcel, who_is_closing_or_gone_gets_none) {
    FOR_LEVELS(level) {
        sides s = both(level);
        parcel_then = make(s.a);
        sender_then = s.a;
        fill(parcel_then);
        closing_id = fief_id_of(s.b);
        fief_at_exit(s.b, send_to_closing, NULL);
        fief_destroy(s.b);
        assert_equal(result_then, FIEF_XI_CLOSING);
        assert_equal(fief_parcel_send(s.a, parcel_then, closing_id, keep, NULL), FIEF_XI_GONE);
        assert_equal(fief_parcel_send(s.a, parcel_then, 0, keep, NULL), FIEF_XI_GONE);
        assert_equal(fief_parcel_send(s.a, parcel_then, fief_id_of(s.a), NULL, NULL), FIEF_XI_BAD_ARGUMENT);
        fief *heap = fief_parcel_heap(parcel_then);
        cr_assert_not_null(heap);
        cr_assert(is_sound(heap));
        assert_equal(fief_check(heap), 0);
        s.b = create(side("target", level));
        pass((sides){s.a, s.b}, parcel_then);
        assert_equal(exact_stats(s.b).live_blocks, 4);
        end_both(s);
    }
}

static int receive_at_last(fief *f, fief_parcel *parcel, void *arg) {
    (void)f;
    *(fief_parcel **)arg = parcel;
    return 0;
}

static void use_at_exit(fief *f, void *arg) {
    fief_parcel **parcels = arg, *late;
    assert_equal(fief_parcel_receive(f, parcels[0], NULL), FIEF_OK);
    assert_equal(exact_stats(f).live_blocks, 4);
    assert_equal(fief_parcel_destroy(f, parcels[1]), FIEF_OK);
    assert_equal(fief_parcel_create(f, NULL, &late), FIEF_BAD_STATE);
    cr_assert_null(late);
}

Test(parcel, at_exit_callbacks_may_use_what_was_not_read) {
    FOR_LEVELS(level) {
        sides s = both(level);
        fief_leaks before = leaks_now();
        fief_parcel *parcels[3];
        fief_at_exit(s.b, use_at_exit, parcels);
        for (unsigned i = 0; i < 3; i++) {
            fief_parcel *parcel = make(s.a);
            fill(parcel);
            fief_parcel_send(s.a, parcel, fief_id_of(s.b), receive_at_last, &parcels[i]);
        }
        fief_poll(s.b);
        end_both(s);
        assert_lost(before, 2, 8);
    }
}

/* ---- at random ---- */

enum { PEOPLE = 4, THINGS = 600, TURNS = 20000 };

/* Where a thing is: nowhere, in an interpreter's heap, or in one of its parcels. */
typedef struct thing {
    sound_block block;
    int owner, parcel; /* -1: none */
} thing;

typedef struct world {
    fief *people[PEOPLE];
    fief_parcel *parcels[PEOPLE]; /* each fills one at a time */
    thing things[THINGS];
    random_source rng;
} world;

static void check_thing(const world *w, unsigned i) {
    const thing *t = &w->things[i];
    fief *f = t->parcel >= 0 ? fief_parcel_heap(w->parcels[t->parcel]) : w->people[t->owner];
    cr_assert(sound_is_filled(&t->block, i));
    assert_equal(fief_owner(t->block.start), fief_id_of(f));
}

static void make_thing(world *w, unsigned i) {
    int who = (int)random_below(&w->rng, PEOPLE);
    thing *t = &w->things[i];
    bool packed = w->parcels[who] != NULL && random_below(&w->rng, 2) == 0;
    *t = (thing){.owner = packed ? -1 : who, .parcel = packed ? who : -1};
    cr_assert(sound_allocate(packed ? fief_parcel_heap(w->parcels[who]) : w->people[who], &t->block, i, &w->rng));
}

static void drop_thing(world *w, unsigned i) {
    thing *t = &w->things[i];
    check_thing(w, i);
    if (random_below(&w->rng, 4) == 0)
        fief_free_remote(t->block.start);
    else
        fief_free(t->parcel >= 0 ? fief_parcel_heap(w->parcels[t->parcel]) : w->people[t->owner], t->block.start);
    t->block.start = NULL;
}

static void hand_over(world *w, int from, int to) {
    sides s = {w->people[from], w->people[to]};
    pass(s, w->parcels[from]);
    w->parcels[from] = NULL;
    for (unsigned i = 0; i < THINGS; i++)
        if (w->things[i].block.start != NULL && w->things[i].parcel == from)
            w->things[i].parcel = -1, w->things[i].owner = to;
}

static void take_a_turn(world *w) {
    unsigned i = (unsigned)random_below(&w->rng, THINGS);
    int who = (int)random_below(&w->rng, PEOPLE);
    if (w->things[i].block.start != NULL)
        drop_thing(w, i);
    else
        make_thing(w, i);
    switch (random_below(&w->rng, 60)) {
    case 0:
        if (w->parcels[who] == NULL)
            w->parcels[who] = make(w->people[who]);
        break;
    case 1:
        if (w->parcels[who] != NULL)
            hand_over(w, who, (who + 1 + (int)random_below(&w->rng, PEOPLE - 1)) % PEOPLE);
        break;
    case 2:
        fief_poll(w->people[who]);
        break;
    case 3:
        fief_trim(w->people[who]);
        break;
    default:
        break;
    }
}

Test(parcel, at_random) {
    FOR_LEVELS(level) {
        static world w;
        w = (world){.rng = random_seeded(7)};
        heard = (witness){0};
        for (unsigned i = 0; i < PEOPLE; i++)
            w.people[i] = create(side("somebody", level));
        for (unsigned turns = level == FIEF_DEBUG_GUARD ? TURNS / 10 : TURNS; turns > 0; turns--)
            take_a_turn(&w);
        for (int i = 0; i < PEOPLE; i++)
            if (w.parcels[i] != NULL)
                hand_over(&w, i, (i + 1) % PEOPLE);
        for (unsigned i = 0; i < THINGS; i++)
            if (w.things[i].block.start != NULL)
                drop_thing(&w, i);
        for (unsigned i = 0; i < PEOPLE; i++) {
            fief_poll(w.people[i]);
            assert_equal(exact_stats(w.people[i]).live_blocks, 0);
            assert_equal(fief_check(w.people[i]), 0);
            fief_trim(w.people[i]);
            assert_equal(exact_stats(w.people[i]).arenas, 1);
            assert_equal(fief_destroy(w.people[i]), FIEF_OK);
        }
        assert_equal(heard.count, 0);
    }
}

/* ---- the rest ---- */

Test(parcel, what_it_is_made_with) {
    sides s = both(FIEF_DEBUG_OFF);
    fief_parcel *parcel = (fief_parcel *)&s;
    fief_parcel_config config = FIEF_PARCEL_CONFIG_INIT;
    assert_equal(fief_parcel_create(s.a, NULL, NULL), FIEF_BAD_ARGUMENT);
    config.size--;
    assert_equal(fief_parcel_create(s.a, &config, &parcel), FIEF_BAD_ARGUMENT);
    cr_assert_null(parcel);
    config.size++;
    config.most_bytes = SIZE_MAX;
    assert_equal(fief_parcel_create(s.a, &config, &parcel), FIEF_BAD_ARGUMENT);
    config.most_bytes = 0;
    config.name = "post";
    assert_equal(fief_parcel_create(s.a, &config, &parcel), FIEF_OK);
    fief *heap = fief_parcel_heap(parcel);
    cr_assert_str_eq(fief_name(heap), "post");
    cr_assert_null(fief_find(fief_id_of(heap)), "it is no interpreter");
    assert_equal(fief_xi_call(s.a, fief_id_of(heap), NULL, NULL), FIEF_XI_BAD_ARGUMENT);
    assert_equal(fief_parcel_send(s.a, parcel, fief_id_of(heap), keep, NULL), FIEF_XI_GONE);
    assert_equal(fief_owner(fief_alloc(heap, 10)), fief_id_of(heap));
    assert_equal(fief_destroy(heap), FIEF_BAD_STATE);
    assert_equal(fief_parcel_create(heap, NULL, &parcel), FIEF_BAD_STATE);
    end_both(s);
}

Test(parcel, its_alignment_is_its_makers) {
    for (size_t alignment = 8; alignment <= 16; alignment += 8) {
        fief_config config = side("maker", FIEF_DEBUG_OFF);
        config.alignment = alignment;
        fief *f = create(config);
        fief_parcel *parcel = make(f);
        assert_equal(fief_good_size(fief_parcel_heap(parcel), 56), alignment == 8 ? 56 : 64);
        fief_destroy(f);
    }
}

/* Blocks of the other alignment's classes are freed by their pools. */
Test(parcel, between_heaps_of_different_alignment) {
    fief_config config = side("maker", FIEF_DEBUG_OFF);
    config.alignment = 8;
    sides s = {create(config), create(side("target", FIEF_DEBUG_OFF))};
    char *blocks[1000];
    fief_parcel *parcel = make(s.a);
    for (unsigned i = 0; i < 1000; i++)
        blocks[i] = fief_alloc(fief_parcel_heap(parcel), 24 + i % 3 * 16);
    pass(s, parcel);
    for (unsigned i = 0; i < 1000; i++)
        fief_free(s.b, blocks[i]);
    assert_equal(exact_stats(s.b).live_blocks, 0);
    for (unsigned i = 0; i < 10000; i++)
        cr_assert_eq((uintptr_t)fief_alloc(s.b, 24 + i % 3 * 16) % 16, 0);
    end_both(s);
}

Test(parcel, samples_go_with_it) {
    conf("sample:2");
    sides s = {create(side("maker", FIEF_DEBUG_OFF)), create(side("target", FIEF_DEBUG_OFF))};
    char *blocks[100];
    fief_parcel *parcel = make(s.a);
    for (unsigned i = 0; i < 100; i++)
        blocks[i] = fief_alloc(fief_parcel_heap(parcel), 1000);
    pass(s, parcel);
    assert_equal(exact_stats(s.b).live_blocks, 100);
    for (unsigned i = 0; i < 100; i++)
        fief_free(s.b, blocks[i]);
    assert_equal(exact_stats(s.b).live_blocks, 0);
    cr_assert(is_sound(s.b));
    heard.count = 0;
    end_both(s);
}

/* ---- what must not be ---- */

static fief_parcel *pressed;
static fief *presser;
static unsigned refusals;

static int not_called(fief *f, fief_parcel *parcel, void *arg) {
    (void)f, (void)parcel, (void)arg;
    cr_assert_fail("it was not to be sent");
    return 0;
}

static bool under_pressure(fief *f, size_t wanted, void *arg) {
    (void)f, (void)wanted, (void)arg;
    refusals += fief_parcel_destroy(presser, pressed) == FIEF_BAD_STATE;
    refusals += fief_parcel_receive(presser, pressed, NULL) == FIEF_BAD_STATE;
    refusals += fief_parcel_send(presser, pressed, fief_id_of(presser), not_called, NULL) == FIEF_XI_BAD_ARGUMENT;
    return false;
}

Test(parcel, its_own_pressure_callback_does_not_take_it_away) {
    FOR_LEVELS(level) {
        sides s = both(level);
        fief_limit limit = {.hard_bytes = 1 << 20, .pressure = under_pressure};
        presser = s.a;
        pressed = make(s.a);
        refusals = 0;
        assert_equal(fief_limit_set(fief_parcel_heap(pressed), &limit), FIEF_OK);
        cr_assert_null(fief_alloc(fief_parcel_heap(pressed), 4 << 20));
        assert_equal(refusals, 3);
        assert_equal(fief_parcel_receive(s.a, pressed, NULL), FIEF_OK);
        end_both(s);
    }
}

Test(parcel, who_wants_zeros_gets_no_memory_that_was_used) {
    fief_config config = side("zeroed", FIEF_DEBUG_OFF);
    config.zeroed = true;
    fief *zeroed = create(config), *other = create(side("other", FIEF_DEBUG_OFF));
    fief_parcel *used = make(other), *clean = make(zeroed);
    assert_equal(fief_parcel_send(other, used, fief_id_of(zeroed), keep, NULL), FIEF_XI_QUEUED);
    fief_poll(zeroed);
    assert_equal(fief_parcel_receive(zeroed, used, NULL), FIEF_BAD_STATE);
    assert_equal(fief_parcel_destroy(zeroed, used), FIEF_OK);
    assert_equal(fief_parcel_receive(zeroed, clean, NULL), FIEF_OK);
    fief_destroy(other);
    fief_destroy(zeroed);
}
