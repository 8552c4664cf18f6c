#include "debug/census.h"

#include "arena/meta.h"
#include "base/atomics.h"
#include "base/bits.h"
#include "debug/group.h"
#include "debug/suppress.h"
#include "debug/tags.h"
#include "os/os.h"

#include <string.h>

enum { FIRST_ROOM = 16 };

/* ---- memory ---- */

static size_t table_bytes(size_t room) {
    return fi_round_up(room * sizeof(fi_group) + 2 * room * sizeof(uint32_t), fi_os_page_bytes());
}

static void *map(size_t bytes) {
    void *p = fi_os_map_zeros(bytes);
    if (p != NULL && !fi_os_enable(p, bytes)) {
        fi_os_release(p, bytes);
        return NULL;
    }
    return p;
}

fi_census *fi_census_create(fief_id id, const char *name) {
    fi_census *census = fi_meta_alloc(sizeof *census);
    if (census == NULL)
        return NULL;
    census->id = id;
    fi_text_copy(census->name, sizeof census->name, name);
    return census;
}

void fi_census_destroy(fi_census *census) {
    if (census == NULL)
        return;
    if (census->group_room != 0)
        fi_os_release(census->groups, table_bytes(census->group_room));
    fi_meta_free(census, sizeof *census);
}

/* ---- the table ---- */

/* The multiplication mixes upwards, so the place is taken from the top. */
static uint32_t first_place(fi_trace trace, fief_tag tag, fief_domain domain, uint32_t room) {
    uint64_t key = (uint64_t)trace | (uint64_t)tag << 32 | (uint64_t)domain << 48;
    return (uint32_t)(key * UINT64_C(0x9E3779B97F4A7C15) >> (63 - fi_highest_bit(room)));
}

/* Where the group stands, or the free place where it would. There is always a free one. */
static uint32_t *find_place(const fi_census *census, fi_trace trace, fief_tag tag, fief_domain domain) {
    uint32_t mask = 2 * census->group_room - 1;
    for (uint32_t i = first_place(trace, tag, domain, census->group_room);; i = (i + 1) & mask) {
        uint32_t *place = &census->places[i];
        const fi_group *group = *place != 0 ? &census->groups[*place - 1] : NULL;
        if (group == NULL || (group->trace == trace && group->tag == tag && group->domain == domain))
            return place;
    }
}

const fi_group *fi_census_find(const fi_census *census, fi_trace trace, fief_tag tag, fief_domain domain) {
    uint32_t place = census->group_room != 0 ? *find_place(census, trace, tag, domain) : 0;
    return place != 0 ? &census->groups[place - 1] : NULL;
}

static bool make_room(fi_census *census) {
    uint32_t room = census->group_room != 0 ? 2 * census->group_room : FIRST_ROOM;
    fi_group *groups = room > census->group_room && room <= UINT32_MAX / 4 ? map(table_bytes(room)) : NULL;
    if (groups == NULL)
        return false;
    if (census->group_room != 0) {
        memcpy(groups, census->groups, census->group_count * sizeof(fi_group));
        fi_os_release(census->groups, table_bytes(census->group_room));
    }
    census->groups = groups;
    census->places = (uint32_t *)(void *)(groups + room);
    census->group_room = room;
    for (uint32_t i = 0; i < census->group_count; i++)
        *find_place(census, groups[i].trace, groups[i].tag, groups[i].domain) = i + 1;
    return true;
}

/* ---- adding ---- */

static void start_group(fi_group *group, const fi_live_block *block) {
    group->trace = block->trace;
    group->tag = block->tag;
    group->domain = block->domain;
    group->smallest_bytes = SIZE_MAX;
    group->youngest_ms = UINT64_MAX;
}

static void count_in(fi_group *group, const fi_live_block *block) {
    if (group->blocks < FI_SHOWN_BLOCKS) {
        group->addresses[group->blocks] = block->block;
        group->sizes[group->blocks] = block->bytes;
    }
    group->blocks++;
    group->bytes += block->bytes;
    group->smallest_bytes = block->bytes < group->smallest_bytes ? block->bytes : group->smallest_bytes;
    group->largest_bytes = block->bytes > group->largest_bytes ? block->bytes : group->largest_bytes;
    if (block->serial == 0)
        return;
    group->oldest_ms = block->age_ms > group->oldest_ms ? block->age_ms : group->oldest_ms;
    group->youngest_ms = block->age_ms < group->youngest_ms ? block->age_ms : group->youngest_ms;
    bool first = group->first_serial == 0 || block->serial < group->first_serial;
    group->first_serial = first ? block->serial : group->first_serial;
    group->last_serial = block->serial > group->last_serial ? block->serial : group->last_serial;
}

bool fi_census_add(fi_census *census, const fi_live_block *block) {
    uint32_t *place = census->group_room != 0 ? find_place(census, block->trace, block->tag, block->domain) : NULL;
    if (place == NULL || *place == 0) {
        if (census->group_count == census->group_room && !make_room(census))
            return false;
        place = find_place(census, block->trace, block->tag, block->domain);
        start_group(&census->groups[census->group_count], block);
        *place = ++census->group_count;
    }
    count_in(&census->groups[*place - 1], block);
    return true;
}

/* ---- suppressions ---- */

/* A verdict is the version it was found at, plus one, and a bit: looking at a trace's frames by all patterns is
 * dear. Whoever finds it notes it; all find the same. */
bool fi_group_is_suppressed(const fi_group *group) {
    uint64_t *verdict = (uint64_t *)&group->verdict;
    uint64_t current = ((uint64_t)fi_suppress_version() + 1) << 1;
    uint64_t known = fi_load_relaxed(verdict);
    if (known >> 1 != current >> 1) {
        known = current | fi_suppress_covers(group->trace, fi_tag_name(group->tag));
        fi_store_relaxed(verdict, known);
    }
    return (known & 1) != 0;
}

void fi_census_count(fi_census_total *total, const fi_group *group, bool suppressed) {
    total->groups += !suppressed;
    *(suppressed ? &total->suppressed_blocks : &total->blocks) += group->blocks;
    *(suppressed ? &total->suppressed_bytes : &total->bytes) += group->bytes;
}

fi_census_total fi_census_sum(const fi_census *census) {
    fi_census_total total = {.groups = 0};
    for (uint32_t i = 0; i < census->group_count; i++)
        fi_census_count(&total, &census->groups[i], fi_group_is_suppressed(&census->groups[i]));
    return total;
}
