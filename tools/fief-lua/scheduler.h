/* scheduler.h - deals the tenants' turns out to threads.
 *
 * Each thread has a queue of its own, first come, first served. A tenant whose turn is over goes to the end of a
 * queue again: that of the same thread, or, to migrate, that of the next thread in a ring. So a migrating tenant
 * never has two turns in a row on one thread, and one that does not migrate never leaves its own.
 *
 * One lock guards the queues. It is also all that a tenant, its Lua state and its fief need to change threads. */
#ifndef FIEF_LUA_SCHEDULER_H
#define FIEF_LUA_SCHEDULER_H

#include "progress.h"
#include "tenant.h"

/* Returns when every tenant has ended. */
void scheduler_run(tenant *tenants, unsigned tenant_count, const options *o, progress *p);

#endif
