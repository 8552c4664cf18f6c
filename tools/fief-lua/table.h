/* table.h - what the states cost: a row for a state, for all states of a script, and for all. */
#ifndef FIEF_LUA_TABLE_H
#define FIEF_LUA_TABLE_H

#include "tenant.h"

void table_print_states(const tenant *tenants, unsigned count);
void table_print_totals(const tenant *tenants, unsigned count, const options *o);

#endif
