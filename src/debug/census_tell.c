/* The report of leaks: what is live, and where it was allocated. */
#include "debug/group.h"

#include <inttypes.h>

/* ---- text ---- */

/* "2,048 bytes in 8 blocks of 256" */
static void write_amount(fi_writer *w, const fi_group *group) {
    fi_write_counted(w, group->bytes, "byte");
    fi_write(w, " in ");
    fi_write_counted(w, group->blocks, "block");
    if (group->blocks == 1)
        return;
    fi_write(w, " of ");
    fi_write_count(w, group->smallest_bytes);
    if (group->smallest_bytes != group->largest_bytes) {
        fi_write(w, " to ");
        fi_write_count(w, group->largest_bytes);
    }
}

/* ", allocated 120 to 4,310 ms ago, serials 17 to 912" */
static void write_history(fi_writer *w, const fi_group *group) {
    if (group->first_serial == 0)
        return;
    fi_write(w, ", allocated ");
    fi_write_count(w, group->youngest_ms);
    if (group->youngest_ms != group->oldest_ms) {
        fi_write(w, " to ");
        fi_write_count(w, group->oldest_ms);
    }
    if (group->first_serial == group->last_serial)
        fi_write(w, " ms ago, serial %" PRIu64, group->first_serial);
    else
        fi_write(w, " ms ago, serials %" PRIu64 " to %" PRIu64, group->first_serial, group->last_serial);
}

/* "at 0x7f00, 0x7f40", or "first 0x7f00, ...": sizes stand behind them only where they are not the same. */
static void write_addresses(fi_writer *w, const fi_group *group) {
    bool all = group->blocks <= FI_SHOWN_BLOCKS;
    uint64_t shown = all ? group->blocks : FI_SHOWN_BLOCKS;
    fi_write(w, all ? "    at" : "    first");
    for (uint64_t i = 0; i < shown; i++) {
        fi_write(w, "%s %p", i != 0 ? "," : "", (void *)(uintptr_t)group->addresses[i]);
        if (group->smallest_bytes == group->largest_bytes)
            continue;
        fi_write(w, " (");
        fi_write_count(w, group->sizes[i]);
        fi_write(w, ")");
    }
    fi_write(w, "\n");
}

static void write_group(fi_writer *w, const fi_group *group) {
    fi_write(w, "  ");
    write_amount(w, group);
    fi_write_kind(w, group);
    write_history(w, group);
    fi_write(w, "\n");
    write_addresses(w, group);
    fi_write_frames(w, group);
}

static void write_text(fi_writer *w, const fi_census *census, const fi_census_total *total,
                       const fi_lines *lines) {
    fi_write(w, "fief: leaks of interpreter %" PRIu64 " \"", census->id);
    fi_write_plain(w, census->name);
    fi_write(w, "\": ");
    if (total->groups == 0) {
        fi_write(w, "none\n");
    } else {
        fi_write_counted(w, total->bytes, "byte");
        fi_write(w, " in ");
        fi_write_counted(w, total->blocks, "block");
        fi_write(w, " from ");
        fi_write_counted(w, total->groups, "place");
        fi_write(w, "\n");
    }
    for (size_t i = 0; i < lines->count; i++)
        write_group(w, lines->first[i].group);
    fi_write_suppressed(w, total);
}

/* ---- JSON ---- */

static void write_json(fi_writer *w, const fi_census *census, const fi_census_total *total,
                       const fi_lines *lines) {
    fi_write_head_json(w, "leaks", census);
    fi_write(w, ",\"blocks\":%" PRIu64 ",\"bytes\":%" PRIu64, total->blocks, total->bytes);
    fi_write(w, ",\"suppressed_blocks\":%" PRIu64 ",\"suppressed_bytes\":%" PRIu64 ",\"groups\":[",
             total->suppressed_blocks, total->suppressed_bytes);
    for (size_t i = 0; i < lines->count; i++) {
        const fi_group *group = lines->first[i].group;
        fi_write(w, "%s{\"blocks\":%" PRIu64 ",\"bytes\":%" PRIu64 ",", i != 0 ? "," : "", group->blocks,
                 group->bytes);
        fi_write_group_json(w, group);
        fi_write(w, "}");
    }
    fi_write(w, "]}\n");
}

/* ---- telling ---- */

bool fi_census_tell(const fi_census *census, fief_format format, fief_text_fn *out, void *arg) {
    fi_lines lines;
    if (!fi_lines_create(&lines, census->group_count))
        return false;
    fi_census_total total = {.groups = 0};
    for (uint32_t i = 0; i < census->group_count; i++) {
        const fi_group *group = &census->groups[i];
        bool suppressed = fi_group_is_suppressed(group);
        fi_census_count(&total, group, suppressed);
        if (!suppressed)
            lines.first[lines.count++] = (fi_line){(int64_t)group->bytes, (int64_t)group->blocks, group, NULL};
    }
    fi_lines_sort(&lines);
    fi_writer w;
    fi_writer_init(&w, out, arg);
    if (format == FIEF_JSON)
        write_json(&w, census, &total, &lines);
    else
        write_text(&w, census, &total, &lines);
    fi_writer_flush(&w);
    fi_lines_destroy(&lines);
    return true;
}
