/* The inside of a census: its groups, and what telling them takes. */
#ifndef FI_DEBUG_GROUP_H
#define FI_DEBUG_GROUP_H

#include "debug/census.h"
#include "debug/writer.h"
#include "heap/slot.h"

enum { FI_SHOWN_BLOCKS = 4 };

/* Blocks of one trace, tag and domain. */
typedef struct fi_group {
    fi_trace trace;
    fief_tag tag;
    fief_domain domain;
    uint64_t blocks, bytes;
    size_t smallest_bytes, largest_bytes;
    uint64_t oldest_ms, youngest_ms;
    uint64_t first_serial, last_serial;     /* 0: unknown */
    const void *addresses[FI_SHOWN_BLOCKS]; /* of the first that came */
    size_t sizes[FI_SHOWN_BLOCKS];
    uint64_t verdict; /* see fi_group_is_suppressed; written by any thread that tells */
} fi_group;

struct fief_snapshot {
    fief_id id;
    char name[FI_NAME_BYTES];
    fi_group *groups;     /* in the order they came, in a mapping of their own */
    uint32_t *places;     /* open-addressed, behind them: 1 + a group's index; 0: free */
    uint32_t group_count; /* <= group_room: half of the places stay free */
    uint32_t group_room;  /* a power of two; 0: no mapping yet */
};

/* NULL: there is none. */
const fi_group *fi_census_find(const fi_census *census, fi_trace trace, fief_tag tag, fief_domain domain);

/* Asked once for a group, and again when suppressions have come since. */
bool fi_group_is_suppressed(const fi_group *group);

void fi_census_count(fi_census_total *total, const fi_group *group, bool suppressed);

/* ---- an order to tell groups in ---- */

/* One group to tell, and what it is told for. */
typedef struct fi_line {
    int64_t bytes, blocks; /* of a growth: how much */
    const fi_group *group;
    const fi_group *before; /* of a growth: what it was, zeros if it is new */
} fi_line;

typedef struct fi_lines {
    fi_line *first;
    size_t count;
    size_t mapped_bytes;
} fi_lines;

/* Room for so many, in a mapping of its own. False on exhaustion. */
FI_MUST_USE bool fi_lines_create(fi_lines *lines, size_t most);
void fi_lines_destroy(fi_lines *lines);

/* Most bytes first; of as many, most blocks; of as many, the first allocated; and then as they came. */
void fi_lines_sort(fi_lines *lines);

/* ---- parts of a report, in group_tell.c ---- */

/* `, tag "tuple", domain obj`: what is known of it. */
void fi_write_kind(fi_writer *w, const fi_group *group);

/* The stack, a line a frame. */
void fi_write_frames(fi_writer *w, const fi_group *group);

/* "  (2 blocks, 64 bytes are suppressed)", if any are. */
void fi_write_suppressed(fi_writer *w, const fi_census_total *total);

/* `"tag":...,"frames":[...]`, the members from there on. */
void fi_write_group_json(fi_writer *w, const fi_group *group);

/* `"report":"leaks","interpreter":7,"name":"worker"` */
void fi_write_head_json(fi_writer *w, const char *report, const fi_census *census);

#endif
