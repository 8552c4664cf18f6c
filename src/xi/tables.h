/* All tables there are: from a number to a table, and its lock.
 *
 * The locks are FI_TABLE_LOCKS of the process's ranked ones, the first ones there are: a table has the one that
 * its number says. So a table that ends leaves no lock behind, nobody needs a reference to reach one, and a fork
 * takes them like all others. A thread holds one of them at most; `inside`, a variable of the thread's, refuses a
 * second, whatever callback it comes from. */
#ifndef FI_XI_TABLES_H
#define FI_XI_TABLES_H

#include "heap/heap.h"
#include "xi/table.h"

/* Gives it a number, by which it is found from then on. */
void fi_tables_add(fi_table *table);

/* Whether this thread is in a table: its lock may be the one that another needs. */
bool fi_tables_inside(void);

/* The table, locked; NULL: GONE, or BUSY. */
fi_table *fi_tables_enter(fief_xi_table id, fief_xi_table_result *why);
void fi_tables_leave(fief_xi_table id);

/* Nobody finds a table any more that was entered; its lock is left. */
void fi_tables_take_out(fi_table *table);

/* Has f's tables end with it. Once is enough. */
FI_MUST_USE fief_status fi_tables_end_with(fief *f);

#endif
