/* adapter/lua.h under Lua 5.4: a state lives on a fief, within its limit, on any thread, and leaves nothing
 * behind. */
#include "busy.h"

#include "support/compare.h"

#include <fief/adapter/lua.h>

#include <criterion/criterion.h>
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { MEBIBYTE = 1 << 20 };

/* A state and its heap. */
typedef struct guest {
    fief *heap;
    lua_State *lua;
} guest;

static const lua_Alloc allocators[] = {fief_lua_alloc, fief_lua_alloc_inline};

static guest guest_create(const char *name, lua_Alloc allocate, const fief_config *config) {
    guest g;
    fief_config own = *config;
    own.name = name;
    cr_assert_eq(fief_create(&g.heap, &own), FIEF_OK);
    g.lua = lua_newstate(allocate, g.heap);
    cr_assert_not_null(g.lua);
    luaL_openlibs(g.lua);
    return g;
}

static guest guest_create_limited(const char *name, size_t hard_bytes) {
    fief_config config = FIEF_CONFIG_INIT;
    config.alignment = 8;
    config.limit.hard_bytes = hard_bytes;
    return guest_create(name, fief_lua_alloc_inline, &config);
}

static fief_stats read_stats(fief *f) {
    fief_stats stats;
    fief_poll(f);
    fief_stats_publish(f);
    fief_stats_read(f, &stats);
    return stats;
}

/* Ends both; Lua must have freed all it had. */
static void guest_destroy(guest *g) {
    lua_close(g->lua);
    fief_stats stats = read_stats(g->heap);
    assert_equal(stats.live_blocks, 0);
    assert_equal(stats.live_bytes, 0);
    assert_equal(stats.misuses, 0);
    cr_assert_eq(fief_destroy(g->heap), FIEF_OK);
}

static int run(lua_State *L, const char *script) {
    int status = luaL_loadstring(L, script);
    return status != LUA_OK ? status : lua_pcall(L, 0, 1, 0);
}

/* Runs a script that returns a text, which it must do. */
static void assert_gives(lua_State *L, const char *script, const char *wanted) {
    int status = run(L, script);
    const char *text = lua_tostring(L, -1);
    cr_assert_eq(status, LUA_OK, "%s", text);
    cr_assert_str_eq(text, wanted);
    lua_pop(L, 1);
}

static void assert_memory_error(lua_State *L, const char *script) {
    cr_assert_eq(run(L, script), LUA_ERRMEM);
    cr_assert_str_eq(lua_tostring(L, -1), "not enough memory");
    lua_pop(L, 1);
}

/* ---- a state's life ---- */

Test(lua_adapter, a_state_runs_and_leaves_nothing) {
    for (size_t i = 0; i < sizeof allocators / sizeof *allocators; i++)
        for (size_t alignment = 8; alignment <= 16; alignment += 8) {
            fief_config config = FIEF_CONFIG_INIT;
            config.alignment = alignment;
            guest g = guest_create("busy", allocators[i], &config);
            assert_gives(g.lua, busy_script, busy_result);
            assert_at_least(read_stats(g.heap).allocations, 10000);
            guest_destroy(&g);
        }
}

Test(lua_adapter, the_same_as_on_the_stock_allocator) {
    lua_State *stock = luaL_newstate();
    luaL_openlibs(stock);
    assert_gives(stock, busy_script, busy_result);
    lua_close(stock);
}

/* A process may end an interpreter without its help: the heap counts what was still there, and takes it. */
Test(lua_adapter, a_state_that_is_never_closed_goes_with_its_heap) {
    guest g = guest_create_limited("abandoned", 0);
    assert_gives(g.lua, busy_script, busy_result);
    fief_stats stats = read_stats(g.heap);
    cr_assert_eq(fief_destroy(g.heap), FIEF_OK);
    fief_leaks leaks;
    fief_leaks_read(&leaks);
    assert_at_least(stats.live_blocks, 1000);
    assert_equal(leaks.blocks, stats.live_blocks);
    assert_equal(leaks.bytes, stats.live_bytes);
}

/* ---- limits ---- */

static const char hoarding_script[] = "hoard = {}\n"
                                      "for i = 1, 1e7 do hoard[i] = { i } end";

Test(lua_adapter, the_limit_is_an_error_of_lua) {
    guest g = guest_create_limited("hoarder", 2 * MEBIBYTE);
    assert_memory_error(g.lua, hoarding_script);
    fief_stats stats = read_stats(g.heap);
    assert_at_least(stats.limit_failures, 1);
    assert_at_most(stats.charged_peak_bytes, 2 * MEBIBYTE);
    guest_destroy(&g);
}

/* What fills the heap is still referred to: even a look at it takes memory, and that is what the reserve is for.
 */
Test(lua_adapter, a_state_goes_on_after_that_error) {
    fief_config config = FIEF_CONFIG_INIT;
    config.limit.hard_bytes = 2 * MEBIBYTE;
    config.limit.reserve_bytes = MEBIBYTE / 16;
    guest g = guest_create("survivor", fief_lua_alloc_inline, &config);
    for (int turn = 0; turn < 5; turn++) {
        assert_memory_error(g.lua, hoarding_script);
        fief_unwind_begin(g.heap);
        assert_gives(g.lua, "local count = #hoard; hoard = nil; return count > 5000 and 'some' or 'few'", "some");
        fief_unwind_end(g.heap);
        assert_gives(g.lua, busy_script, busy_result);
    }
    guest_destroy(&g);
}

Test(lua_adapter, one_state_at_its_limit_is_no_matter_to_another) {
    guest hoarder = guest_create_limited("hoarder", MEBIBYTE);
    guest neighbour = guest_create_limited("neighbour", 4 * MEBIBYTE);
    assert_memory_error(hoarder.lua, hoarding_script);
    assert_gives(neighbour.lua, busy_script, busy_result);
    guest_destroy(&hoarder);
    guest_destroy(&neighbour);
}

/* Some ten times the limit in garbage. The collector is stopped: what takes the weak reference away can only be
 * the emergency collection, which Lua makes when an allocation has failed. */
static const char littering_script[] = "collectgarbage('stop')\n"
                                       "local sentinel = setmetatable({ {} }, { __mode = 'v' })\n"
                                       "for i = 1, 200000 do local garbage = { i } end\n"
                                       "return sentinel[1] and 'never collected' or 'collected'";

Test(lua_adapter, garbage_is_collected_before_the_limit_becomes_an_error) {
    guest g = guest_create_limited("litterer", 2 * MEBIBYTE);
    assert_gives(g.lua, littering_script, "collected");
    assert_at_least(read_stats(g.heap).limit_failures, 5); /* refused, collected, and granted */
    guest_destroy(&g);
}

Test(lua_adapter, without_a_limit_nothing_collects_that_garbage) {
    guest g = guest_create_limited("litterer", 0);
    assert_gives(g.lua, littering_script, "never collected");
    assert_equal(read_stats(g.heap).limit_failures, 0);
    guest_destroy(&g);
}

/* The string that did not fit is not there; those that it was to be made of are. */
Test(lua_adapter, a_block_that_cannot_grow_stays_as_it_was) {
    guest g = guest_create_limited("grower", MEBIBYTE);
    assert_gives(g.lua, "part = ('0123456789'):rep(10000); return #part", "100000");
    assert_memory_error(g.lua, "local parts = {} for i = 1, 10 do parts[i] = part end return table.concat(parts)");
    assert_gives(g.lua, "return part == ('0123456789'):rep(10000) and 'intact' or 'damaged'", "intact");
    guest_destroy(&g);
}

/* Lua 5.1 to 5.3 have no answer to a shrink that fails. */
Test(lua_adapter, a_shrink_succeeds_when_nothing_is_left) {
    enum { BLOCKS = 100, OLD_BYTES = 1000 };
    fief_config config = FIEF_CONFIG_INIT;
    config.limit.hard_bytes = 256 * 1024;
    fief *heap;
    cr_assert_eq(fief_create(&heap, &config), FIEF_OK);
    char *blocks[BLOCKS];
    for (int i = 0; i < BLOCKS; i++)
        blocks[i] = memset(fief_lua_alloc(heap, NULL, 0, OLD_BYTES), i, OLD_BYTES);
    for (size_t size = 16 * 1024; size > 0; size /= 2) /* down to the last byte */
        while (fief_lua_alloc(heap, NULL, 0, size) != NULL)
            continue;
    for (int i = 0; i < BLOCKS; i++) {
        size_t new_bytes = (size_t)(OLD_BYTES - 1 - i * 9);
        blocks[i] = fief_lua_alloc(heap, blocks[i], OLD_BYTES, new_bytes);
        cr_assert_not_null(blocks[i]);
        for (size_t at = 0; at < new_bytes; at++)
            assert_equal(blocks[i][at], i);
    }
    fief_destroy(heap);
}

/* ---- threads ---- */

enum { HANDOVERS = 400 };

/* A state on a table between two players: the mutex is all that hands it over. */
typedef struct shared_state {
    pthread_mutex_t lock;
    pthread_cond_t moved;
    lua_State *lua;
    int turn;
    int failures; /* counted here: Criterion's assertions are for the main thread */
} shared_state;

typedef struct player {
    shared_state *shared;
    int number;
} player;

static void *play(void *arg) {
    player *p = arg;
    shared_state *s = p->shared;
    pthread_mutex_lock(&s->lock);
    for (int turn = p->number; turn < HANDOVERS; turn += 2) {
        while (s->turn != turn)
            pthread_cond_wait(&s->moved, &s->lock);
        if (luaL_dostring(s->lua, "return step()") != LUA_OK)
            s->failures++;
        lua_settop(s->lua, 0);
        s->turn++;
        pthread_cond_broadcast(&s->moved);
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

Test(lua_adapter, a_mutex_is_enough_to_hand_a_state_over) {
    guest g = guest_create_limited("handed over", 8 * MEBIBYTE);
    assert_gives(g.lua,
                 "local kept, count = {}, 0\n"
                 "function step()\n"
                 "  count = count + 1\n"
                 "  kept[count % 50] = { count, ('x'):rep(count), { count } }\n"
                 "  for i = 1, 200 do local garbage = { i } end\n"
                 "end\n"
                 "function result() local n = 0; for _, k in pairs(kept) do n = n + #k[2] end return n end\n"
                 "return 'ready'",
                 "ready");
    shared_state s = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, g.lua, 0, 0};
    player players[] = {{&s, 0}, {&s, 1}};
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, play, &players[i]), 0);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    assert_equal(s.failures, 0);
    assert_gives(g.lua, "return result()", "18775"); /* 351 + ... + 400 */
    assert_equal(read_stats(g.heap).foreign_out, 0);
    assert_equal(read_stats(g.heap).remote_in, 0);
    guest_destroy(&g);
}

/* ---- neighbours ---- */

Test(lua_adapter, two_hundred_states_at_once) {
    enum { STATES = 200, ROUNDS = 5 };
    static guest guests[STATES];
    for (int i = 0; i < STATES; i++) {
        guests[i] = guest_create_limited("one of many", 4 * MEBIBYTE);
        lua_pushinteger(guests[i].lua, i);
        lua_setglobal(guests[i].lua, "number");
    }
    for (int round = 0; round < ROUNDS; round++)
        for (int i = 0; i < STATES; i++)
            assert_gives(guests[i].lua,
                         "sum, kept = (sum or 0) + number, kept or {}\n"
                         "for i = 1, 100 do kept[i] = { number, tostring(i) } end\n"
                         "for i = 1, 100 do assert(kept[i][1] == number) end\n"
                         "return 'well'",
                         "well");
    for (int i = 0; i < STATES; i++) {
        lua_getglobal(guests[i].lua, "sum");
        assert_equal(lua_tointeger(guests[i].lua, -1), i * ROUNDS);
    }
    for (int i = 0; i < STATES; i++)
        guest_destroy(&guests[i]);
    fief_leaks leaks;
    fief_leaks_read(&leaks);
    assert_equal(leaks.interpreters, STATES);
    assert_equal(leaks.blocks, 0);
}

typedef struct told {
    unsigned count;
    fief_misuse kind;
    char owner_name[64], caller_name[64];
} told;

static void hear(const fief_report *report, void *arg) {
    told *t = arg;
    t->count++;
    t->kind = report->kind;
    strncpy(t->owner_name, report->owner_name, sizeof t->owner_name - 1);
    strncpy(t->caller_name, report->caller_name, sizeof t->caller_name - 1);
}

Test(lua_adapter, a_block_in_the_wrong_state_is_noticed_and_goes_home) {
    told heard = {0};
    fief_config config = FIEF_CONFIG_INIT;
    config.report = hear;
    config.report_arg = &heard;
    for (size_t i = 0; i < sizeof allocators / sizeof *allocators; i++) {
        guest owner = guest_create("owner", allocators[i], &config);
        guest other = guest_create("other", allocators[i], &config);
        void *block = allocators[i](owner.heap, NULL, LUA_TTABLE, 56);
        uint64_t live_blocks = read_stats(owner.heap).live_blocks;
        heard = (told){0};
        cr_assert_null(allocators[i](other.heap, block, 56, 0));
        assert_equal(heard.count, 1);
        assert_equal(heard.kind, FIEF_MISUSE_FOREIGN_FREE);
        cr_assert_str_eq(heard.owner_name, "owner");
        cr_assert_str_eq(heard.caller_name, "other");
        assert_equal(read_stats(other.heap).foreign_out, 1);
        assert_equal(read_stats(owner.heap).foreign_in, 1);
        assert_equal(read_stats(owner.heap).live_blocks, live_blocks - 1);
        guest_destroy(&owner);
        guest_destroy(&other);
    }
}
