/* The report of growth: what is live now, and was not, or less, before. */
#include "debug/group.h"

#include <inttypes.h>

static const fi_group nothing; /* what a new group was before */

typedef struct growth {
    const fi_census *before, *after;
    fi_census_total was, is;
    fi_lines lines;
} growth;

/* ---- text ---- */

/* "256 -> 1,024 bytes (+768)" */
static void write_change(fi_writer *w, uint64_t was, uint64_t is, const char *what) {
    fi_write_count(w, was);
    fi_write(w, " -> ");
    fi_write_counted(w, is, what);
    fi_write(w, is < was ? " (-" : " (+");
    fi_write_count(w, is < was ? was - is : is - was);
    fi_write(w, ")");
}

static void write_who(fi_writer *w, const fi_census *census) {
    fi_write(w, "interpreter %" PRIu64 " \"", census->id);
    fi_write_plain(w, census->name);
    fi_write(w, "\"");
}

static void write_head(fi_writer *w, const growth *g) {
    bool same = g->before->id == g->after->id;
    fi_write(w, same ? "fief: growth of " : "fief: growth from ");
    if (!same) {
        write_who(w, g->before);
        fi_write(w, " to ");
    }
    write_who(w, g->after);
    fi_write(w, ": ");
    write_change(w, g->was.bytes, g->is.bytes, "byte");
    fi_write(w, ", ");
    write_change(w, g->was.blocks, g->is.blocks, "block");
    fi_write(w, ", in ");
    if (g->lines.count == 0)
        fi_write(w, "no place");
    else
        fi_write_counted(w, g->lines.count, "place");
    fi_write(w, "\n");
}

/* Serials go on from snapshot to snapshot: the latest is one that grew. */
static void write_line(fi_writer *w, const fi_line *line) {
    fi_write(w, "  ");
    write_change(w, line->before->bytes, line->group->bytes, "byte");
    fi_write(w, ", ");
    write_change(w, line->before->blocks, line->group->blocks, "block");
    fi_write_kind(w, line->group);
    if (line->group->last_serial != 0)
        fi_write(w, ", latest serial %" PRIu64, line->group->last_serial);
    fi_write(w, "\n");
    fi_write_frames(w, line->group);
}

static void write_text(fi_writer *w, const growth *g) {
    write_head(w, g);
    for (size_t i = 0; i < g->lines.count; i++)
        write_line(w, &g->lines.first[i]);
    fi_write_suppressed(w, &g->is);
}

/* ---- JSON ---- */

static void write_side(fi_writer *w, const fi_census *census, const fi_census_total *total) {
    fi_write(w, "{\"interpreter\":%" PRIu64 ",\"blocks\":%" PRIu64 ",\"bytes\":%" PRIu64 "}", census->id,
             total->blocks, total->bytes);
}

static void write_amount(fi_writer *w, const fi_group *group) {
    fi_write(w, "{\"blocks\":%" PRIu64 ",\"bytes\":%" PRIu64 "}", group->blocks, group->bytes);
}

static void write_json(fi_writer *w, const growth *g) {
    fi_write_head_json(w, "growth", g->after);
    fi_write(w, ",\"before\":");
    write_side(w, g->before, &g->was);
    fi_write(w, ",\"after\":");
    write_side(w, g->after, &g->is);
    fi_write(w, ",\"suppressed_blocks\":%" PRIu64 ",\"suppressed_bytes\":%" PRIu64 ",\"groups\":[",
             g->is.suppressed_blocks, g->is.suppressed_bytes);
    for (size_t i = 0; i < g->lines.count; i++) {
        const fi_line *line = &g->lines.first[i];
        fi_write(w, "%s{\"before\":", i != 0 ? "," : "");
        write_amount(w, line->before);
        fi_write(w, ",\"after\":");
        write_amount(w, line->group);
        fi_write(w, ",");
        fi_write_group_json(w, line->group);
        fi_write(w, "}");
    }
    fi_write(w, "]}\n");
}

/* ---- telling ---- */

static void compare(growth *g) {
    for (uint32_t i = 0; i < g->after->group_count; i++) {
        const fi_group *is = &g->after->groups[i];
        bool suppressed = fi_group_is_suppressed(is);
        fi_census_count(&g->is, is, suppressed);
        const fi_group *was = fi_census_find(g->before, is->trace, is->tag, is->domain);
        was = was != NULL ? was : &nothing;
        if (!suppressed && (is->bytes > was->bytes || is->blocks > was->blocks))
            g->lines.first[g->lines.count++] =
                (fi_line){(int64_t)(is->bytes - was->bytes), (int64_t)(is->blocks - was->blocks), is, was};
    }
}

bool fi_census_tell_growth(const fi_census *before, const fi_census *after, fief_format format, fief_text_fn *out,
                           void *arg) {
    growth g = {.before = before, .after = after, .was = fi_census_sum(before)};
    if (!fi_lines_create(&g.lines, after->group_count))
        return false;
    compare(&g);
    fi_lines_sort(&g.lines);
    fi_writer w;
    fi_writer_init(&w, out, arg);
    if (format == FIEF_JSON)
        write_json(&w, &g);
    else
        write_text(&w, &g);
    fi_writer_flush(&w);
    fi_lines_destroy(&g.lines);
    return true;
}
