/* layout.h - how the report is laid out: plain text in 100 columns. */
#ifndef FIEF_LUA_LAYOUT_H
#define FIEF_LUA_LAYOUT_H

enum { LAYOUT_COLUMNS = 100 };

/* An empty line, and a title in a line of dashes. */
__attribute__((format(printf, 1, 2))) void layout_rule(const char *format, ...);

#endif
