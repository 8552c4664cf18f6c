#include "channel.h"

#include "gift.h"
#include "host.h"
#include "tenant.h"
#include "value.h"

#include <fief/xi.h>
#include <lauxlib.h>

#include <stdlib.h>
#include <string.h>

typedef enum message_kind {
    MESSAGE_VALUES,
    MESSAGE_GIFT,
    MESSAGE_REQUEST,
    MESSAGE_ANSWER,
    MESSAGE_FAILURE
} message_kind;

/* As it travels: the argument of a call, copied. */
typedef struct message {
    struct message *next; /* in a mailbox */
    tenant *from, *to;
    message_kind kind;
    uint64_t number; /* of a request, and in its answer */
    fief_xi_data *values;
    gift *gift;
} message;

/* ---- the receiver's side ---- */

static void drop(message *m) {
    fief_xi_data_free(NULL, m->values);
    gift_free(m->gift);
}

static void drop_kept(message *m) {
    drop(m);
    free(m);
}

/* In memory of the host: a mailbox is not the script's. */
static message *keep(const message *m) {
    message *kept = host_alloc_zeros(1, sizeof *kept);
    *kept = *m;
    kept->next = NULL;
    return kept;
}

static void take_in(channel *c, const message *m) {
    message *kept = keep(m);
    *(c->first != NULL ? &c->last->next : &c->first) = kept;
    c->last = kept;
}

static void take_answer(channel *c, message *m) {
    if (m->number != c->asked || c->answer != NULL) { /* of a call that was given up */
        drop(m);
        return;
    }
    c->answer = keep(m);
}

static fief_xi_result post(const message *m);

static void answer(const message *request, message_kind kind, fief_xi_data *values) {
    message back = {
        .from = request->to, .to = request->from, .kind = kind, .number = request->number, .values = values};
    if (post(&back) != FIEF_XI_QUEUED)
        drop(&back);
}

/* A request as it runs in Lua. */
typedef struct service {
    const message *request;
    fief_xi_data *results;
    const char *why;
} service;

/* The first value is the function's name. */
static int serve_in_lua(lua_State *L) {
    service *s = lua_touserdata(L, 1);
    lua_settop(L, 0);
    int count = value_push(L, s->request->values);
    if (lua_getglobal(L, lua_tostring(L, 1)) == LUA_TNIL)
        return luaL_error(L, "state %d has no function '%s'", (int)s->request->to->number, lua_tostring(L, 1));
    lua_replace(L, 1);
    lua_call(L, count - 1, LUA_MULTRET);
    s->results = value_pack(L, s->request->to->heap, 1, lua_gettop(L), &s->why);
    return 0;
}

/* The text of an error, as a tuple of one like all results. NULL on exhaustion: that is said by no value at all.
 */
static fief_share_status text_item(fief *f, size_t index, fief_xi_data *item, void *arg) {
    (void)index;
    return fief_xi_share_bytes(f, item, arg, strlen(arg));
}

static fief_xi_data *pack_text(fief *f, const char *text) {
    fief_xi_data *data = fief_xi_data_new();
    if (data == NULL || fief_xi_share_tuple(f, data, 1, text_item, (void *)(uintptr_t)text) == FIEF_SHARE_OK)
        return data;
    fief_xi_data_free(f, data);
    return NULL;
}

static const char *error_text(lua_State *L) {
    return lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "an error that is no text";
}

static void serve(tenant *t, const message *request) {
    service s = {.request = request};
    lua_State *L = t->ended ? NULL : t->lua;
    if (L == NULL || !lua_checkstack(L, LUA_MINSTACK)) {
        answer(request, MESSAGE_FAILURE, NULL);
        return;
    }
    lua_pushcfunction(L, serve_in_lua);
    lua_pushlightuserdata(L, &s);
    bool failed = lua_pcall(L, 1, 0, 0) != LUA_OK;
    if (failed) {
        s.results = pack_text(t->heap, error_text(L));
        lua_pop(L, 1);
    } else if (s.results == NULL) {
        s.results = pack_text(t->heap, s.why);
        failed = true;
    }
    answer(request, failed ? MESSAGE_FAILURE : MESSAGE_ANSWER, s.results);
}

/* Runs in the receiver's interpreter, in one of its turns or when it ends. */
static int deliver(fief *target, void *arg) {
    message *m = arg;
    tenant *t = m->to;
    (void)target;
    switch (m->kind) {
    case MESSAGE_REQUEST:
        serve(t, m);
        drop(m);
        break;
    case MESSAGE_ANSWER:
    case MESSAGE_FAILURE:
        take_answer(&t->channel, m);
        break;
    case MESSAGE_VALUES:
        if (t->ended)
            drop(m);
        else
            take_in(&t->channel, m);
        break;
    case MESSAGE_GIFT: /* goes with its parcel */
        break;
    }
    return 0;
}

/* ---- the sender's side ---- */

/* What is not QUEUED, nor RAN since it is for the sender itself, is still the caller's. */
static fief_xi_result post(const message *m) {
    return fief_xi_call_copied(m->from->heap, m->to->id, deliver, m, sizeof *m);
}

static tenant *tenant_with(tenant *all, unsigned count, fief_id id) {
    unsigned i = 0;
    while (i < count - 1 && all[i].id != id)
        i++;
    return &all[i];
}

static tenant *check_state(lua_State *L, int index) {
    tenant *own = tenant_of(L);
    lua_Integer number = luaL_checkinteger(L, index);
    luaL_argcheck(L, number >= 1 && number <= (lua_Integer)own->options->state_count, index, "no such state");
    return &own->all[number - 1];
}

static int tell(lua_State *L, fief_xi_result result) {
    if (result == FIEF_XI_QUEUED || result == FIEF_XI_RAN) {
        lua_pushboolean(L, true);
        return 1;
    }
    lua_pushnil(L);
    lua_pushstring(L, fief_xi_result_text(result));
    return 2;
}

static int lua_send(lua_State *L) {
    message m = {.from = tenant_of(L), .to = check_state(L, 1), .kind = MESSAGE_VALUES};
    const char *why;
    m.values = value_pack(L, m.from->heap, 2, lua_gettop(L) - 1, &why);
    if (m.values == NULL)
        return luaL_error(L, "%s", why);
    fief_xi_result result = post(&m);
    if (result != FIEF_XI_QUEUED && result != FIEF_XI_RAN)
        drop(&m);
    return tell(L, result);
}

/* Runs in the receiver's interpreter. */
static int deliver_gift(fief *target, fief_parcel *parcel, void *arg) {
    tenant *from = arg, *to = tenant_with(from->all, from->options->state_count, fief_id_of(target));
    if (to->ended) {
        fief_parcel_destroy(target, parcel);
        return 0;
    }
    const message m = {.from = from, .to = to, .kind = MESSAGE_GIFT, .gift = gift_receive(target, parcel)};
    take_in(&to->channel, &m);
    return 0;
}

static int lua_give(lua_State *L) {
    tenant *own = tenant_of(L), *to = check_state(L, 1);
    const char *why;
    luaL_checkany(L, 2);
    lua_settop(L, 2);
    fief_parcel *parcel = gift_pack(L, own->heap, 2, &why);
    if (parcel == NULL)
        return luaL_error(L, "%s", why);
    fief_xi_result result = fief_parcel_send(own->heap, parcel, to->id, deliver_gift, own);
    if (result != FIEF_XI_QUEUED && result != FIEF_XI_RAN)
        fief_parcel_destroy(own->heap, parcel);
    return tell(L, result);
}

/* ---- waiting ---- */

bool channel_has_to_wait(const channel *c) {
    return (c->waits_for_message && c->first == NULL) || (c->waits_for_answer && c->answer == NULL);
}

/* Only the script itself can wait: in a coroutine of its own, or in a function that another state has called, a
 * yield would go elsewhere. */
static int wait(lua_State *L, bool *waits, lua_KFunction go_on) {
    if (L != tenant_of(L)->coroutine || !lua_isyieldable(L))
        return luaL_error(L, "cannot wait here: not in the script's own coroutine");
    *waits = true;
    return lua_yieldk(L, 0, 0, go_on);
}

/* Whether it is of no use to wait any longer: an error then. */
static void check_stall(lua_State *L, bool *waits) {
    tenant *t = tenant_of(L);
    *waits = false;
    if (t->exiting) /* by a function that was called */
        tenant_leave(L);
    if (t->stalled)
        luaL_error(L, "every state waits for another");
}

/* Pushes what came, called so that an error leaves the message to be dropped. A gift goes over to the stack. */
static int push_content(lua_State *L) {
    message *m = lua_touserdata(L, 1);
    lua_settop(L, 0);
    if (m->kind == MESSAGE_GIFT && m->gift == NULL)
        return luaL_error(L, "there is no memory for what state %d gives", (int)m->from->number);
    if (m->kind == MESSAGE_GIFT)
        return gift_push(L, &m->gift);
    return value_push(L, m->values);
}

static int push_message(lua_State *L, message *m) {
    int below = lua_gettop(L);
    lua_pushcfunction(L, push_content);
    lua_pushlightuserdata(L, m);
    int status = lua_pcall(L, 1, LUA_MULTRET, 0);
    drop_kept(m);
    return status == LUA_OK ? lua_gettop(L) - below : lua_error(L);
}

static int push_first(lua_State *L, channel *c) {
    message *m = c->first;
    c->first = m->next;
    lua_pushinteger(L, m->from->number);
    return 1 + push_message(L, m);
}

static int lua_poll(lua_State *L) {
    tenant *t = tenant_of(L);
    lua_settop(L, 0);
    if (t->channel.first == NULL)
        fief_poll(t->heap);
    return t->channel.first != NULL ? push_first(L, &t->channel) : 0;
}

static int receive(lua_State *L, int status, lua_KContext context) {
    channel *c = &tenant_of(L)->channel;
    (void)status, (void)context;
    if (c->first == NULL)
        check_stall(L, &c->waits_for_message);
    c->waits_for_message = false;
    lua_settop(L, 0);
    return c->first != NULL ? push_first(L, c) : wait(L, &c->waits_for_message, receive);
}

static int lua_receive(lua_State *L) {
    return receive(L, LUA_OK, 0);
}

/* ---- calls ---- */

static int take_result(lua_State *L, int status, lua_KContext context) {
    channel *c = &tenant_of(L)->channel;
    (void)status, (void)context;
    if (c->answer == NULL)
        check_stall(L, &c->waits_for_answer);
    c->waits_for_answer = false;
    if (c->answer == NULL)
        return wait(L, &c->waits_for_answer, take_result);
    message *m = c->answer;
    c->answer = NULL;
    bool failed = m->kind == MESSAGE_FAILURE, is_mute = m->values == NULL;
    if (is_mute)
        drop_kept(m);
    if (is_mute)
        return luaL_error(L, "the state has ended, or has no memory to answer");
    int count = push_message(L, m);
    return failed ? lua_error(L) : count;
}

/* The arguments travel with the name before them. */
static int lua_call_state(lua_State *L) {
    tenant *own = tenant_of(L);
    message m = {.from = own, .to = check_state(L, 1), .kind = MESSAGE_REQUEST};
    const char *why;
    luaL_checkstring(L, 2);
    luaL_argcheck(L, m.to != own, 1, "a state cannot call itself");
    if (L != own->coroutine || !lua_isyieldable(L))
        return luaL_error(L, "cannot wait here: not in the script's own coroutine");
    m.number = ++own->channel.asked;
    m.values = value_pack(L, m.from->heap, 2, lua_gettop(L) - 1, &why);
    if (m.values == NULL)
        return luaL_error(L, "%s", why);
    fief_xi_result result = post(&m);
    if (result == FIEF_XI_QUEUED)
        return take_result(L, LUA_OK, 0);
    drop(&m);
    return luaL_error(L, "%s", fief_xi_result_text(result));
}

/* ---- the table ---- */

int channel_open(lua_State *L) {
    static const luaL_Reg functions[] = {
        {"send", lua_send},       {"give", lua_give},       {"poll", lua_poll}, {"receive", lua_receive},
        {"call", lua_call_state}, {"table", gift_to_table}, {NULL, NULL}};
    const tenant *t = tenant_of(L);
    luaL_newlib(L, functions);
    lua_pushinteger(L, t->number);
    lua_setfield(L, -2, "state");
    lua_pushinteger(L, t->options->state_count);
    lua_setfield(L, -2, "states");
    return 1;
}

void channel_fini(channel *c) {
    while (c->first != NULL) {
        message *m = c->first;
        c->first = m->next;
        drop_kept(m);
    }
    if (c->answer != NULL)
        drop_kept(c->answer);
    *c = (channel){0};
}
