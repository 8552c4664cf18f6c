/* What the reports of leaks and of growth have in common. */
#include "debug/group.h"
#include "debug/tags.h"

#include <inttypes.h>
#include <string.h>

/* ---- text ---- */

void fi_write_kind(fi_writer *w, const fi_group *group) {
    const char *tag = fi_tag_name(group->tag), *domain = fi_domain_name(group->domain);
    if (*tag != '\0') {
        fi_write(w, ", tag \"");
        fi_write_plain(w, tag);
        fi_write(w, "\"");
    }
    if (*domain != '\0') {
        fi_write(w, ", domain ");
        fi_write_plain(w, domain);
    }
}

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

/* "#0  make_tuple at objects.c:41 (module+0x1234)" */
static bool write_frame(const fi_frame *frame, void *arg) {
    fi_writer *w = arg;
    fi_write(w, "    #%-2u ", frame->number);
    if (*frame->function != '\0')
        fi_write_plain(w, frame->function);
    else
        fi_write(w, "%p", (void *)(uintptr_t)frame->pc);
    if (*frame->file != '\0') {
        fi_write(w, " at ");
        fi_write_plain(w, frame->file);
        if (frame->line != 0)
            fi_write(w, ":%u", frame->line);
    }
    if (*frame->module != '\0') {
        fi_write(w, " (");
        fi_write_plain(w, base_name(frame->module));
        fi_write(w, "+%#zx)", frame->offset);
    }
    fi_write(w, "\n");
    return true;
}

void fi_write_frames(fi_writer *w, const fi_group *group) {
    if (group->trace != 0)
        fi_the_tracer.tell(group->trace, write_frame, w);
}

void fi_write_suppressed(fi_writer *w, const fi_census_total *total) {
    if (total->suppressed_blocks == 0)
        return;
    fi_write(w, "  (");
    fi_write_counted(w, total->suppressed_blocks, "block");
    fi_write(w, ", ");
    fi_write_counted(w, total->suppressed_bytes, "byte");
    fi_write(w, total->suppressed_blocks == 1 ? " is suppressed)\n" : " are suppressed)\n");
}

/* ---- JSON ---- */

static bool write_frame_json(const fi_frame *frame, void *arg) {
    fi_writer *w = arg;
    fi_write(w, "%s{\"function\":", frame->number != 0 ? "," : "");
    fi_write_json(w, frame->function);
    fi_write(w, ",\"file\":");
    fi_write_json(w, frame->file);
    fi_write(w, ",\"line\":%u,\"module\":", frame->line);
    fi_write_json(w, frame->module);
    fi_write(w, ",\"offset\":%zu}", frame->offset);
    return true;
}

static void write_blocks_json(fi_writer *w, const fi_group *group) {
    uint64_t shown = group->blocks < FI_SHOWN_BLOCKS ? group->blocks : FI_SHOWN_BLOCKS;
    fi_write(w, ",\"addresses\":[");
    for (uint64_t i = 0; i < shown; i++)
        fi_write(w, "%s\"%p\"", i != 0 ? "," : "", (void *)(uintptr_t)group->addresses[i]);
    fi_write(w, "],\"sizes\":[");
    for (uint64_t i = 0; i < shown; i++)
        fi_write(w, "%s%zu", i != 0 ? "," : "", group->sizes[i]);
    fi_write(w, "]");
}

void fi_write_group_json(fi_writer *w, const fi_group *group) {
    uint64_t youngest_ms = group->first_serial != 0 ? group->youngest_ms : 0;
    fi_write(w, "\"tag\":");
    fi_write_json(w, fi_tag_name(group->tag));
    fi_write(w, ",\"domain\":");
    fi_write_json(w, fi_domain_name(group->domain));
    fi_write(w, ",\"oldest_ms\":%" PRIu64 ",\"youngest_ms\":%" PRIu64, group->oldest_ms, youngest_ms);
    fi_write(w, ",\"first_serial\":%" PRIu64 ",\"last_serial\":%" PRIu64, group->first_serial, group->last_serial);
    write_blocks_json(w, group);
    fi_write(w, ",\"frames\":[");
    if (group->trace != 0)
        fi_the_tracer.tell(group->trace, write_frame_json, w);
    fi_write(w, "]");
}

void fi_write_head_json(fi_writer *w, const char *report, const fi_census *census) {
    fi_write(w, "{\"report\":\"%s\",\"interpreter\":%" PRIu64 ",\"name\":", report, census->id);
    fi_write_json(w, census->name);
}
