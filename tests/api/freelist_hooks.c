/* The revive and clear hooks: once for each block that comes out, and that goes back to the heap. */
#include "support/levels.h"
#include "support/lists.h"

#include <fief/inline.h>

enum { BYTES = 48, CAPACITY = 6, RESERVE = 3, LIVE = 0x11, DEAD = 0x22 };

/* An object that holds on to another block of the heap while it is kept. */
typedef struct object {
    unsigned state;
    void *held;
} object;

static witness heard;
static fief *heap;
static fief_freelist *list;
static unsigned revived_new, revived_kept, cleared;

static void revive(fief *f, void *block, bool kept, void *arg) {
    object *o = block;
    cr_assert(f == heap && arg == &heard);
    if (kept) {
        assert_equal(o->state, DEAD);
        revived_kept++;
    } else {
        o->held = fief_alloc(f, 100);
        revived_new++;
    }
    o->state = LIVE;
}

static void clear(fief *f, void *block, void *arg) {
    object *o = block;
    cr_assert(f == heap && arg == &heard);
    assert_equal(o->state, DEAD);
    fief_free(f, o->held);
    cleared++;
}

static object *pop(void) {
    object *o = fief_freelist_pop(list);
    cr_assert_not_null(o);
    assert_equal(o->state, LIVE);
    return o;
}

static void push(object *o) {
    o->state = DEAD;
    fief_freelist_push(list, o);
}

static void begin(fief_debug level) {
    conf("");
    heard.count = revived_new = revived_kept = cleared = 0;
    heap = create(at_level(level, &heard));
    fief_freelist_config config = list_config(BYTES, CAPACITY, RESERVE);
    config.revive = revive;
    config.clear = clear;
    config.arg = &heard;
    list = create_list(heap, config);
}

static void end(void) {
    fief_freelist_stats stats = list_stats(list);
    fief_leaks before, after;
    fief_leaks_read(&before);
    assert_equal(revived_kept, stats.hits);
    fief_destroy(heap);
    fief_leaks_read(&after);
    assert_equal(after.blocks, before.blocks);
    assert_equal(cleared, revived_new); /* whatever was made, once */
    assert_equal(heard.count, 0);
}

Test(freelist_hooks, what_is_made_once_is_cleared_once) {
    FOR_LEVELS (level) {
        begin(level);
        object *objects[2 * CAPACITY];
        for (unsigned turn = 0; turn < 5; turn++) {
            for (unsigned i = 0; i < 2 * CAPACITY; i++)
                objects[i] = pop();
            for (unsigned i = 0; i < 2 * CAPACITY; i++)
                push(objects[i]);
            if (turn == 3)
                fief_trim(heap);
        }
        assert_books(list, 10 * CAPACITY, 10 * CAPACITY);
        assert_equal(list_stats(list).held, level == FIEF_DEBUG_OFF ? CAPACITY : 0);
        assert_equal(list_stats(list).high_water, level == FIEF_DEBUG_OFF ? CAPACITY : 0);
        end();
    }
}

Test(freelist_hooks, a_hooked_list_is_last_in_first_out) {
    begin(FIEF_DEBUG_OFF);
    object *a = pop(), *b = pop();
    push(a);
    push(b);
    cr_assert_eq(pop(), b);
    cr_assert_eq(pop(), a);
    push(a);
    push(b);
    fief_freelist_push(list, opaque(NULL));
    assert_equal(list_stats(list).held, 2);
    end();
}

/* The reserve's own blocks were never an object until they were popped. */
Test(freelist_hooks, the_reserve_is_new_once_and_then_kept) {
    begin(FIEF_DEBUG_OFF);
    static void *used_up[100000];
    unsigned used = 0;
    object *objects[RESERVE];
    fief_limit limit = {.hard_bytes = 512 * 1024}, none = {.hard_bytes = 0};
    assert_equal(fief_limit_set(heap, &limit), FIEF_OK);
    static const size_t sizes[] = {4096, 100, BYTES};
    for (unsigned i = 0; i < 3; i++)
        while ((used_up[used] = fief_alloc(heap, sizes[i])) != NULL)
            used++;
    for (unsigned turn = 0; turn < 3; turn++) {
        unsigned kept = revived_kept, new = revived_new;
        for (unsigned i = 0; i < RESERVE; i++)
            objects[i] = pop();
        assert_equal(revived_new - new, turn == 0 ? RESERVE : 0);
        assert_equal(revived_kept - kept, turn == 0 ? 0 : RESERVE);
        for (unsigned i = 0; i < RESERVE; i++)
            push(objects[i]);
    }
    assert_equal(list_stats(list).from_reserve, 3 * RESERVE);
    assert_equal(fief_limit_set(heap, &none), FIEF_OK);
    while (used > 0)
        fief_free(heap, used_up[--used]);
    fief_destroy(heap);
    assert_equal(cleared, RESERVE);
}

Test(freelist_hooks, a_foreign_block_is_not_cleared) {
    FOR_LEVELS (level) {
        begin(level);
        fief *other = create(named("other"));
        fief_freelist_push(list, opaque(fief_alloc(other, BYTES)));
        assert_equal(cleared, 0);
        assert_equal(heard.kinds[FIEF_MISUSE_FOREIGN_FREE], 1);
        heard = (witness){.count = 0};
        fief_destroy(other);
        end();
    }
}

/* ---- objects that hold on to others of their kind ---- */

typedef struct node {
    struct node *next;
} node;

static fief_freelist *nodes;

static void push_next(fief *f, void *block, void *arg) {
    node *n = block, *next = n->next;
    (void)f, (void)arg;
    cleared++;
    if (next != NULL)
        fief_freelist_push(nodes, next);
}

/* Each kept node has one behind it that only its clearing lets go of. */
enum { MOST_CHAINS = 5, LENGTH = 10 };

static void push_chains(unsigned chains) {
    node *all[MOST_CHAINS][LENGTH];
    for (unsigned c = 0; c < chains; c++)
        for (unsigned i = 0; i < LENGTH; i++) {
            all[c][i] = fief_freelist_pop(nodes);
            all[c][i]->next = i > 0 ? all[c][i - 1] : NULL;
        }
    for (unsigned c = 0; c < chains; c++)
        fief_freelist_push(nodes, all[c][LENGTH - 1]);
}

Test(freelist_hooks, a_clear_hook_may_push_to_its_own_list) {
    FOR_LEVELS (level) {
        conf("");
        heap = create(at_level(level, &heard));
        fief_freelist_config config = list_config(sizeof(node), 5, 2);
        config.clear = push_next;
        nodes = create_list(heap, config);
        cleared = 0;
        push_chains(5);
        fief_trim(heap);
        assert_equal(exact_stats(heap).live_blocks, 2);
        assert_equal(cleared, 50);
        push_chains(4);
        fief_destroy(heap);
        assert_equal(cleared, 90);
        assert_equal(heard.count, 0);
    }
}
