/* channel.h - what a script uses to reach other states: the table `fief`.
 *
 *     fief.state, fief.states     its own number, and how many there are
 *     fief.send(to, ...)          values, to a state's mailbox; true, or nil and why not
 *     fief.give(to, value)        the same by parcel: the state gets the very memory, nothing is copied
 *     fief.receive()              who sent, and what; waits for it
 *     fief.poll()                 the same without waiting: nothing if nothing is there
 *     fief.table(gift)            a gift, or a part of one, as a table of Lua's own
 *     fief.call(to, name, ...)    what the global function `name` of that state returns; waits for it
 *
 * A state is known by its number, from 1. Values are what value.h says. What waits does not keep a thread: its
 * turn is over, and the next one comes with the message. If every state waits, none can come: that is an error in
 * all of them. A function that is called runs between two turns of its state, after the first, to its end; or
 * within one, when the script calls fief.poll.
 *
 * A mailbox is the host's memory: messages that were not received do not count for --limit, but for gifts.
 *
 * Everything goes through fief_xi_call: a message is made in the sender's turn and taken in by the receiver's. */
#ifndef FIEF_LUA_CHANNEL_H
#define FIEF_LUA_CHANNEL_H

#include <lua.h>

#include <stdbool.h>
#include <stdint.h>

struct tenant;
struct message;

/* A tenant's mailbox. Its own turns' alone, like all of the tenant. */
typedef struct channel {
    struct message *first, *last; /* received; NULL: none */
    struct message *answer;       /* to the call that it waits for */
    uint64_t asked;               /* calls that it has made; the last one's number */
    bool waits_for_message, waits_for_answer;
} channel;

/* Lua function: leaves the table on the stack. */
int channel_open(lua_State *L);

/* Whether a state that waits, waits in vain for now. */
bool channel_has_to_wait(const channel *c);

/* Frees what has come and was not read. */
void channel_fini(channel *c);

#endif
