/* tenant.h - a Lua state on a fief of its own: its life, turn by turn, and what it leaves for the report.
 *
 *     created --> turn --> ... --> turn --> ended --> counted --> closed --> destroyed
 *
 * A tenant ends when its script does, by an error as well. One that cannot even be created is born ended, with an
 * error, and goes through the rest of its life like any other.
 *
 * A tenant is used by one thread at a time, whichever that is: the scheduler's lock hands it over. Nothing here
 * knows which thread it was, and neither does Lua nor the fief. */
#ifndef FIEF_LUA_TENANT_H
#define FIEF_LUA_TENANT_H

#include "capture.h"
#include "channel.h"
#include "options.h"

#include <fief/fief.h>
#include <lua.h>

#include <stdbool.h>
#include <stdint.h>

typedef struct tenant {
    const options *options;
    unsigned number;    /* from 1 */
    const char *script; /* path as it was given */
    fief *heap;         /* NULL: could not be created, or was destroyed */
    lua_State *lua;     /* NULL: could not be created, or was closed */
    lua_State *coroutine;
    int argument_count; /* values that wait on the coroutine's stack for its first turn */
    capture output;
    char *error; /* what the script failed with, in malloc's memory; NULL: it has not failed */
    bool ended;
    bool exiting; /* os.exit was called: the script is on its way out */
    int exit_status;
    channel channel;
    struct tenant *all;    /* the first of them */
    fief_id id;            /* of its heap */
    bool stalled;          /* it waits for a message, and nobody is left to send one */
    void *planted_foreign; /* a block of another tenant's that this one frees after its first turn; NULL: none */
    planted planted;       /* a block of its own that it misuses */

    uint64_t turn_count;
    uint64_t move_count; /* turns on another thread than the one before; counted by the scheduler */
    uint64_t run_ns;     /* processor time of all turns */
    fief_stats stats;    /* as of tenant_count */

    /* The scheduler's. */
    struct scheduler *scheduler;
    unsigned worker;
    bool resting; /* in no queue: it waits, or has ended */
    bool woken;   /* something was queued for its interpreter while it was not resting */
    struct tenant *next;
} tenant;

/* `all`: where the tenants are, of which this is to be the `number`th. */
void tenant_create(tenant *all, const options *o, unsigned number);

typedef enum tenant_turn {
    TENANT_GOES_ON, /* it wants another turn */
    TENANT_WAITS,   /* once something has been queued for its interpreter */
    TENANT_ENDED    /* the same: whoever calls it is to be told */
} tenant_turn;

/* Takes in messages, and runs the script until its slice is used up, it waits, or it ends. */
tenant_turn tenant_run_turn(tenant *t);

/* Reads the counters of its heap. */
void tenant_count(tenant *t);

/* Has Lua free every object, and completes the output: finalizers may write. */
void tenant_close(tenant *t);

/* Ends the heap. The output and the error stay until fini. */
void tenant_destroy(tenant *t);
void tenant_fini(tenant *t);

/* The tenant that a Lua state, or a coroutine of it, belongs to. */
tenant *tenant_of(lua_State *L);

/* os.exit: makes the script end, without a look at who would catch the error that this raises. */
int tenant_exit(lua_State *L, int status);

/* Raises that error again. */
int tenant_leave(lua_State *L);

#endif
