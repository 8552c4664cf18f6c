#include "heap/report.h"

#include <inttypes.h>

static const char *const kind_names[FIEF_MISUSE_COUNT] = {
    [FIEF_MISUSE_FOREIGN_FREE] = "foreign free",
    [FIEF_MISUSE_FOREIGN_REALLOC] = "foreign realloc",
    [FIEF_MISUSE_LATE_FREE] = "late free",
    [FIEF_MISUSE_DOUBLE_FREE] = "double free",
    [FIEF_MISUSE_INTERIOR] = "interior pointer",
    [FIEF_MISUSE_MISALIGNED] = "misaligned pointer",
    [FIEF_MISUSE_WILD] = "wild pointer",
    [FIEF_MISUSE_WRITE_AFTER_FREE] = "write after free",
    [FIEF_MISUSE_DEAD_HANDLE] = "dead handle",
    [FIEF_MISUSE_OVERFLOW] = "overflow",
    [FIEF_MISUSE_UNDERFLOW] = "underflow",
    [FIEF_MISUSE_REALLOC_AFTER_FREE] = "realloc after free",
    [FIEF_MISUSE_WRONG_SIZE] = "wrong size",
    [FIEF_MISUSE_WRONG_ALIGNMENT] = "wrong alignment",
    [FIEF_MISUSE_WRONG_DOMAIN] = "wrong domain",
    [FIEF_MISUSE_TWO_THREADS] = "two threads",
    [FIEF_MISUSE_USE_AFTER_FREE] = "use after free",
    [FIEF_MISUSE_CORRUPTION] = "corruption",
    [FIEF_MISUSE_LEAK] = "leak",
    [FIEF_MISUSE_IMMORTAL_FREE] = "immortal free",
};

static const char *const state_names[] = {
    [FIEF_LIVE] = "live",
    [FIEF_CLOSING] = "closing",
    [FIEF_DEAD] = "dead",
};

const char *fi_misuse_kind_name(fief_misuse kind) {
    return kind > 0 && kind < FIEF_MISUSE_COUNT ? kind_names[kind] : "";
}

static void *address(const void *p) {
    return (void *)(uintptr_t)p;
}

static ptrdiff_t distance(const void *to, const void *from) {
    return (ptrdiff_t)((uintptr_t)to - (uintptr_t)from);
}

/* ---- text ---- */

static void add_who(fi_text *t, const char *role, const fi_identity *who) {
    if (who->id == FIEF_ID_NONE)
        fi_text_add(t, "  %-8s none", role);
    else
        fi_text_add(t, "  %-8s interpreter %" PRIu64 " \"%s\" (%s)", role, who->id, who->name.text,
                    state_names[who->state]);
}

static const char *plural(size_t count) {
    return count != 1 ? "s" : "";
}

/* From the nearer end. */
static void add_distance(fi_text *t, const fi_incident *i) {
    ptrdiff_t into = distance(i->pointer, i->block), behind = into - (ptrdiff_t)i->block_bytes;
    if (into < 0)
        fi_text_add(t, ", %zd byte%s before", -into, plural((size_t)-into));
    else if (behind == 0)
        fi_text_add(t, ", right behind");
    else if (behind > 0)
        fi_text_add(t, ", %zd byte%s behind", behind, plural((size_t)behind));
    else
        fi_text_add(t, ", %zd byte%s into", into, plural((size_t)into));
    fi_text_add(t, " the block %p of %zu byte%s", address(i->block), i->block_bytes, plural(i->block_bytes));
}

static void add_pointer(fi_text *t, const fi_incident *i, const fi_details *d) {
    fi_text_add(t, "  %-8s %p", "pointer", address(i->pointer));
    if (i->block == i->pointer && i->block != NULL)
        fi_text_add(t, ", a block of %zu byte%s", i->block_bytes, plural(i->block_bytes));
    else if (i->block != NULL)
        add_distance(t, i);
    if (d->slot_bytes != 0)
        fi_text_add(t, " in a slot of %zu", d->slot_bytes);
    fi_text_add(t, "\n");
}

static bool add_frame(const fi_frame *frame, void *arg) {
    fi_text *t = arg;
    if (frame->pc == NULL) {
        fi_text_add(t, "    #%u %s\n", frame->number, frame->function);
        return true;
    }
    fi_text_add(t, "    #%u %s", frame->number, frame->function[0] != 0 ? frame->function : "?");
    if (frame->line != 0)
        fi_text_add(t, " at %s:%u", frame->file, frame->line);
    if (frame->module[0] != 0)
        fi_text_add(t, " (%s+0x%zx)\n", frame->module, frame->offset);
    else
        fi_text_add(t, " (%p)\n", address(frame->pc));
    return t->room - t->length > 512; /* leaves room for what follows */
}

static void add_trace(fi_text *t, fi_trace trace) {
    if (trace != 0)
        fi_the_tracer.tell(trace, add_frame, t);
}

static void add_history(fi_text *t, const fi_details *d) {
    if (!d->known)
        return;
    fi_text_add(t, "  %-8s allocation %" PRIu64 ", %" PRIu64 " ms ago, by thread %" PRIu64, "made", d->serial,
                d->age_ms, d->alloc_thread);
    if (d->tag[0] != 0)
        fi_text_add(t, ", tag \"%s\"", d->tag);
    if (d->domain[0] != 0)
        fi_text_add(t, ", domain %s", d->domain);
    fi_text_add(t, "\n");
    add_trace(t, d->alloc_trace);
    if (!d->freed)
        return;
    fi_text_add(t, "  %-8s %" PRIu64 " ms ago, ", "freed", d->free_age_ms);
    if (d->freed_by != FIEF_ID_NONE)
        fi_text_add(t, "for interpreter %" PRIu64 ", ", d->freed_by);
    else
        fi_text_add(t, "without a handle, ");
    fi_text_add(t, "by thread %" PRIu64 "\n", d->free_thread);
    add_trace(t, d->free_trace);
}

static void add_damage(fi_text *t, const fi_incident *i) {
    if (i->damaged_bytes > 0) {
        ptrdiff_t from_start = distance(i->damage, i->block), from_end = from_start - (ptrdiff_t)i->block_bytes;
        fi_text_add(t, "  %-8s %zu byte%s changed, the first ", "damage", i->damaged_bytes,
                    plural(i->damaged_bytes));
        if (from_start < 0)
            fi_text_add(t, "%zd byte%s before the start\n", -from_start, plural((size_t)-from_start));
        else if (from_end == 0)
            fi_text_add(t, "right behind the end\n");
        else if (from_end > 0)
            fi_text_add(t, "%zd byte%s behind the end\n", from_end, plural((size_t)from_end));
        else
            fi_text_add(t, "at byte %zd\n", from_start);
    }
    if (i->shown_bytes > 0) {
        fi_text_add(t, "  %-8s %p:", "bytes", address(i->shown));
        for (unsigned b = 0; b < i->shown_bytes; b++) {
            bool first = (const char *)i->shown + b == (const char *)i->damage;
            fi_text_add(t, first ? " [%02x]" : " %02x", i->bytes[b]);
        }
        fi_text_add(t, "\n");
    }
}

static const char *or_plain(const char *domain) {
    return domain[0] != 0 ? domain : "plain";
}

/* What the program said, and what is so. */
static void add_given(fi_text *t, const fi_incident *i, const fi_details *d) {
    if (i->kind == FIEF_MISUSE_WRONG_DOMAIN)
        fi_text_add(t, "  %-8s domain %s, not %s\n", "given", or_plain(i->told), or_plain(d->domain));
    else if (i->kind == FIEF_MISUSE_WRONG_SIZE)
        fi_text_add(t, "  %-8s %zu bytes, not %zu\n", "given", i->given, d->requested_size);
    else if (i->kind == FIEF_MISUSE_WRONG_ALIGNMENT)
        fi_text_add(t, "  %-8s alignment %zu, not %zu\n", "given", i->given, d->alignment);
    else if (i->told != NULL)
        fi_text_add(t, "  %-8s %s\n", "found", i->told);
}

void fi_report_text(fi_text *t, const fi_account *a) {
    const fi_incident *i = a->incident;
    fi_text_add(t, "fief: %s in %s\n", kind_names[i->kind], i->operation);
    add_given(t, i, a->details);
    if (i->other_operation != NULL)
        fi_text_add(t, "  %-8s thread %" PRIu64 ", in %s\n", "other", i->other_thread, i->other_operation);
    add_pointer(t, i, a->details);
    add_who(t, "owner", a->owner);
    fi_text_add(t, "\n");
    add_who(t, "caller", a->caller);
    fi_text_add(t, ", thread %" PRIu64 "\n", a->thread);
    add_trace(t, a->trace);
    add_history(t, a->details);
    add_damage(t, i);
    if (i->likely)
        fi_text_add(t, "  %-8s likely\n", "this is");
    fi_text_add(t, "  %-8s %s\n", "verdict", a->verdict);
}

/* ---- JSON ---- */

static void add_string(fi_text *t, const char *key, const char *value) {
    fi_text_add(t, ",\"%s\":", key);
    fi_text_add_json(t, value);
}

static void add_number(fi_text *t, const char *key, uint64_t value) {
    fi_text_add(t, ",\"%s\":%" PRIu64, key, value);
}

static void add_address(fi_text *t, const char *key, const void *value) {
    if (value != NULL)
        fi_text_add(t, ",\"%s\":\"%p\"", key, address(value));
    else
        fi_text_add(t, ",\"%s\":null", key);
}

static void add_identity(fi_text *t, const char *role, const fi_identity *who) {
    if (who->id == FIEF_ID_NONE) {
        fi_text_add(t, ",\"%s\":null", role);
        return;
    }
    fi_text_add(t, ",\"%s\":{\"id\":%" PRIu64, role, who->id);
    add_string(t, "name", who->name.text);
    add_string(t, "state", state_names[who->state]);
    fi_text_add(t, "}");
}

static bool add_json_frame(const fi_frame *frame, void *arg) {
    fi_text *t = arg;
    if (t->room - t->length < 2048) /* so that the object ends as one */
        return false;
    fi_text_add(t, "%s{\"function\":", frame->number > 0 ? "," : "");
    fi_text_add_json(t, frame->function);
    if (frame->line != 0) {
        add_string(t, "file", frame->file);
        add_number(t, "line", frame->line);
    }
    if (frame->module[0] != 0) {
        add_string(t, "module", frame->module);
        add_number(t, "offset", frame->offset);
    }
    fi_text_add(t, "}");
    return true;
}

static void add_json_trace(fi_text *t, const char *key, fi_trace trace) {
    fi_text_add(t, ",\"%s\":[", key);
    if (trace != 0)
        fi_the_tracer.tell(trace, add_json_frame, t);
    fi_text_add(t, "]");
}

static void add_json_history(fi_text *t, const fi_details *d) {
    if (!d->known)
        return;
    add_number(t, "requested_size", d->requested_size);
    add_number(t, "slot_size", d->slot_bytes);
    add_number(t, "alignment", d->alignment);
    fi_text_add(t, ",\"allocation\":{\"serial\":%" PRIu64 ",\"age_ms\":%" PRIu64, d->serial, d->age_ms);
    add_number(t, "thread", d->alloc_thread);
    add_string(t, "tag", d->tag);
    add_string(t, "domain", d->domain);
    add_json_trace(t, "frames", d->alloc_trace);
    fi_text_add(t, "}");
    if (!d->freed)
        return;
    fi_text_add(t, ",\"free\":{\"age_ms\":%" PRIu64, d->free_age_ms);
    add_number(t, "interpreter", d->freed_by);
    add_number(t, "thread", d->free_thread);
    add_json_trace(t, "frames", d->free_trace);
    fi_text_add(t, "}");
}

static void add_json_damage(fi_text *t, const fi_incident *i) {
    if (i->damaged_bytes > 0)
        fi_text_add(t, ",\"damage\":{\"offset\":%zd,\"bytes\":%zu}", distance(i->damage, i->block),
                    i->damaged_bytes);
    if (i->shown_bytes == 0)
        return;
    fi_text_add(t, ",\"bytes\":{\"from\":\"%p\",\"hex\":\"", address(i->shown));
    for (unsigned b = 0; b < i->shown_bytes; b++)
        fi_text_add(t, "%02x", i->bytes[b]);
    fi_text_add(t, "\"}");
}

void fi_report_json(fi_text *t, const fi_account *a) {
    const fi_incident *i = a->incident;
    fi_text_add(t, "{\"report\":\"misuse\"");
    add_string(t, "class", kind_names[i->kind]);
    add_string(t, "operation", i->operation);
    add_string(t, "verdict", a->verdict);
    add_string(t, "confidence", i->likely ? "likely" : "certain");
    if (i->told != NULL)
        add_string(t, i->kind == FIEF_MISUSE_WRONG_DOMAIN ? "given" : "found", i->told);
    if (i->kind == FIEF_MISUSE_WRONG_SIZE || i->kind == FIEF_MISUSE_WRONG_ALIGNMENT)
        add_number(t, "given", i->given);
    add_address(t, "pointer", i->pointer);
    add_address(t, "block", i->block);
    fi_text_add(t, ",\"displacement\":%zd", i->block != NULL ? distance(i->pointer, i->block) : 0);
    add_number(t, "block_size", i->block_bytes);
    add_identity(t, "owner", a->owner);
    add_identity(t, "caller", a->caller);
    add_number(t, "thread", a->thread);
    if (i->other_operation != NULL) {
        add_number(t, "other_thread", i->other_thread);
        add_string(t, "other_operation", i->other_operation);
    }
    add_json_damage(t, i);
    add_json_trace(t, "frames", a->trace);
    add_json_history(t, a->details);
    fi_text_add(t, "}");
}
