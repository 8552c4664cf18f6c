#include "tenant.h"

#include "failure.h"
#include "host.h"
#include "process.h"
#include "script.h"

#include <fief/adapter/lua.h>
#include <fief/adapter/lua_trace.h>

#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    NAME_BYTES = 64,
    RESERVE_SHARE = 64, /* of the limit, kept for finalizers and for describing what went wrong */
    MOST_RESERVE_BYTES = 256 * 1024
};

static tenant **home_of(lua_State *L) {
    return lua_getextraspace(L); /* every coroutine has a copy of its state's */
}

tenant *tenant_of(lua_State *L) {
    return *home_of(L);
}

/* ---- slices ---- */

static void end_slice(lua_State *L, lua_Debug *where);

static void call_after(lua_State *L, int instructions) {
    lua_sethook(L, end_slice, LUA_MASKCOUNT, instructions);
}

/* The first state is the one that misuses its own blocks. */
static void step_plant(tenant *t) {
    if (t->number == 1)
        plant_step(t->options->plant, &t->planted, t->heap);
}

int tenant_leave(lua_State *L) {
    return luaL_error(L, "os.exit was called");
}

/* Lua cannot yield everywhere. In a sort's comparison, for instance, it cannot: the turn goes on for another
 * slice. In a coroutine that the script has made it would yield to the script: that yields as soon as it is
 * back in its own. */
static void end_slice(lua_State *L, lua_Debug *where) {
    (void)where;
    tenant *t = tenant_of(L);
    step_plant(t);
    if (t->exiting) {
        tenant_leave(L);
    } else if (L != t->coroutine) {
        call_after(t->coroutine, 1);
    } else {
        call_after(L, t->options->slice_instructions);
        if (lua_isyieldable(L))
            lua_yield(L, 0);
    }
}

/* A pcall that catches the error does not get far: it is raised again at the next instruction. */
int tenant_exit(lua_State *L, int status) {
    tenant *t = tenant_of(L);
    t->exiting = true;
    t->exit_status = status;
    call_after(L, 1);
    call_after(t->coroutine, 1);
    return tenant_leave(L);
}

/* ---- creation ---- */

static void fail(tenant *t, char *error) {
    t->error = error;
    t->ended = true;
}

static fief_status create_heap(tenant *t) {
    const options *o = t->options;
    char name[NAME_BYTES];
    snprintf(name, sizeof name, "state-%u %s", t->number, options_file_name(t->script));
    fief_config config = FIEF_CONFIG_INIT;
    config.name = name;
    config.alignment = o->alignment;
    config.debug = o->debug;
    if (o->plant != PLANT_NONE)
        config.on_misuse = FIEF_MISUSE_REPORT; /* to be seen, and no more */
    config.limit.hard_bytes = o->limit_bytes;
    config.limit.reserve_bytes = o->limit_bytes / RESERVE_SHARE;
    if (config.limit.reserve_bytes > MOST_RESERVE_BYTES)
        config.limit.reserve_bytes = MOST_RESERVE_BYTES;
    return fief_create(&t->heap, &config);
}

/* Whose lines stand in front of the stacks that the heap keeps; NULL: nobody's. */
static void trace_lines_of(tenant *t, lua_State *L) {
    fief_trace_frames(t->heap, L != NULL ? fief_lua_frames : NULL, L);
}

static void create_lua(tenant *t) {
    t->lua = lua_newstate(fief_lua_alloc_inline, t->heap);
    if (t->lua == NULL) {
        fail(t, host_copy_text("not enough memory"));
        return;
    }
    *home_of(t->lua) = t;
    trace_lines_of(t, t->lua);
    lua_pushcfunction(t->lua, script_prepare);
    int status = lua_pcall(t->lua, 0, 0, 0);
    if (status == LUA_OK) {
        call_after(t->coroutine, t->options->slice_instructions);
        return;
    }
    fief_unwind_begin(t->heap);
    fail(t, failure_describe(t->lua, t->lua, status));
    fief_unwind_end(t->heap);
}

void tenant_create(tenant *all, const options *o, unsigned number) {
    tenant *t = &all[number - 1];
    *t = (tenant){.options = o, .all = all, .number = number, .script = options_script_of(o, number)};
    capture_init(&t->output);
    fief_status status = create_heap(t);
    if (status != FIEF_OK) {
        fail(t, host_copy_text(fief_status_text(status)));
        return;
    }
    t->id = fief_id_of(t->heap);
    fief *previous = fief_enter(t->heap);
    create_lua(t);
    fief_leave(previous);
}

/* ---- turns ---- */

/* The coroutine's pending to-be-closed variables run now, outside of any slice. */
static void end(tenant *t, int status) {
    char text[32];
    snprintf(text, sizeof text, "exit status %d", t->exit_status);
    lua_sethook(t->coroutine, NULL, 0, 0);
    fief_unwind_begin(t->heap);
    if (t->exiting)
        t->error = t->exit_status != 0 ? host_copy_text(text) : NULL;
    else if (status != LUA_OK)
        t->error = failure_describe(t->lua, t->coroutine, status);
    lua_resetthread(t->coroutine);
    fief_unwind_end(t->heap);
    t->ended = true;
}

/* Until the end of its slice, or its own. */
static void resume(tenant *t) {
    int result_count;
    trace_lines_of(t, t->coroutine);
    int status = lua_resume(t->coroutine, NULL, t->argument_count, &result_count);
    t->argument_count = 0;
    if (status == LUA_YIELD)
        lua_pop(t->coroutine, result_count); /* the script's own yield may have some; it ends the turn, too */
    else
        end(t, status);
    for (int left = t->ended ? PLANT_STEPS : 0; left > 0; left--)
        step_plant(t);
    fief_free(t->heap, t->planted_foreign);
    t->planted_foreign = NULL;
}

tenant_turn tenant_run_turn(tenant *t) {
    uint64_t begin_ns = process_thread_clock_ns();
    fief *previous = fief_enter(t->heap);
    if (t->turn_count > 0 || t->ended) /* before, there is nothing in it that could be called */
        fief_poll(t->heap);
    if (!t->ended && (t->stalled || t->exiting || !channel_has_to_wait(&t->channel)))
        resume(t);
    fief_leave(previous);
    t->stalled = false;
    t->turn_count++;
    t->run_ns += process_thread_clock_ns() - begin_ns;
    return t->ended ? TENANT_ENDED : channel_has_to_wait(&t->channel) ? TENANT_WAITS : TENANT_GOES_ON;
}

/* ---- the end ---- */

/* Finalizers may need memory that the limit had refused. */
static void close_lua(tenant *t) {
    trace_lines_of(t, t->lua);
    fief_unwind_begin(t->heap);
    lua_close(t->lua);
    trace_lines_of(t, NULL);
    fief_unwind_end(t->heap);
    t->lua = t->coroutine = NULL;
}

void tenant_count(tenant *t) {
    if (t->heap == NULL)
        return;
    fief_poll(t->heap);
    fief_stats_publish(t->heap);
    fief_stats_read(t->heap, &t->stats);
}

void tenant_close(tenant *t) {
    fief *previous = fief_enter(t->heap);
    if (t->lua != NULL)
        close_lua(t);
    channel_fini(&t->channel);
    fief_leave(previous);
    capture_seal(&t->output);
}

void tenant_destroy(tenant *t) {
    fief_destroy(t->heap);
    t->heap = NULL;
}

void tenant_fini(tenant *t) {
    capture_fini(&t->output);
    free(t->error);
}
