/* Reports and their text, field by field. */
#include "misuse/told.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

all_told the_told;

unsigned told_count(void) {
    return the_told.count;
}

/* ---- keeping ---- */

static void (*hook)(scene *s);
static scene *hook_scene;

void when_told(void (*fn)(scene *s), scene *s) {
    hook = fn;
    hook_scene = s;
}

#define KEEP(t, field)                                                                                            \
    do {                                                                                                          \
        snprintf((t)->field, sizeof(t)->field, "%s", report->field);                                              \
        (t)->report.field = (t)->field;                                                                           \
    } while (false)

void told_report(const fief_report *report, void *arg) {
    (void)arg;
    unsigned number = the_told.count++;
    if (number >= MOST_TOLD)
        return;
    kept *t = &the_told.reports[number];
    t->report = *report;
    KEEP(t, operation);
    KEEP(t, verdict);
    KEEP(t, kind_name);
    KEEP(t, owner_name);
    KEEP(t, caller_name);
    KEEP(t, tag);
    KEEP(t, domain);
    KEEP(t, text);
    KEEP(t, json);
    if (hook != NULL) {
        void (*fn)(scene *) = hook;
        hook = NULL;
        fn(hook_scene);
    }
}

/* ---- fields ---- */

static void same_number(const char *what, uint64_t is, uint64_t wanted) {
    if (is != wanted)
        say("%s is %" PRIu64 ", not %" PRIu64, what, is, wanted);
}

static void same_string(const char *what, const char *is, const char *wanted) {
    if (strcmp(is, wanted) != 0)
        say("%s is \"%s\", not \"%s\"", what, is, wanted);
}

static void same_address(const char *what, const void *is, const void *wanted) {
    if (is != wanted)
        say("%s is %p, not %p", what, is, wanted);
}

static const char *name_of(fief_misuse kind) {
    static const char *const names[FIEF_MISUSE_COUNT] = {
        "nothing",          "foreign free",       "foreign realloc",    "late free",        "double free",
        "interior pointer", "misaligned pointer", "wild pointer",       "write after free", "dead handle",
        "overflow",         "underflow",          "realloc after free", "wrong size",       "wrong alignment",
        "wrong domain",     "two threads",        "use after free",     "corruption",       "leak",
        "immortal free"};
    return names[kind];
}

static void compare_history(const fief_report *r, const expected *e) {
    same_number("requested_size", r->requested_size, e->recorded ? e->of->size : 0);
    same_number("serial", r->serial, e->recorded ? e->of->serial : 0);
    same_number("alloc_thread", r->alloc_thread, e->recorded ? (uint64_t)getpid() : 0);
    same_string("tag", r->tag, e->recorded ? e->of->tag : "");
    same_string("domain", r->domain, e->recorded ? e->of->domain : "");
    same_number("is_freed", r->is_freed, e->is_freed);
    same_number("freed_by", r->freed_by, e->freed_by);
    if (e->is_freed)
        same_number("free_thread", r->free_thread, (uint64_t)getpid());
    if (r->age_ms > 600 * 1000)
        say("age_ms is %" PRIu64, r->age_ms);
}

/* A slot's size is nobody's to know beforehand: a small heap may serve a size by larger blocks. */
static expected cut(const expected *e, const kept *t) {
    expected seen = *e;
    const char *slot = strstr(t->text, " in a slot of ");
    size_t bytes = 0;
    if (e->is_cut && slot != NULL && sscanf(slot, " in a slot of %zu", &bytes) == 1 &&
        bytes - e->block_size < e->damaged_bytes)
        seen.damaged_bytes = bytes - e->block_size;
    seen.is_cut = false;
    return seen;
}

void compare_report(const kept *t, const expected *wanted) {
    const fief_report *r = &t->report;
    const expected as_seen = cut(wanted, t), *e = &as_seen;
    if (r->kind != e->kind) {
        say("it is told as a %s, not as a %s: %s", r->kind_name, name_of(e->kind), t->text);
        return;
    }
    same_string("kind_name", r->kind_name, name_of(e->kind));
    same_string("operation", r->operation, e->operation);
    same_string("verdict", r->verdict, e->verdict);
    same_address("pointer", r->pointer, e->pointer);
    same_address("block", r->block, e->block);
    same_number("displacement", r->displacement,
                e->block != NULL ? (uintptr_t)e->pointer - (uintptr_t)e->block : 0);
    same_number("block_size", r->block_size, e->block_size);
    same_number("owner", r->owner, e->owner.id);
    same_string("owner_name", r->owner_name, e->owner.name);
    same_number("owner_state", r->owner_state, e->owner.state);
    same_number("caller", r->caller, e->caller.id);
    same_string("caller_name", r->caller_name, e->caller.name);
    same_number("damage", (uint64_t)r->damage, (uint64_t)e->damage);
    same_number("damaged_bytes", r->damaged_bytes, e->damaged_bytes);
    compare_history(r, e);
    line lines[MOST_LINES];
    compare_text(t->text, lines, lines_of(e, e->verdict, lines));
    compare_json(t, e);
}

/* ---- text ---- */

static const char *const states[] = {[FIEF_LIVE] = "live", [FIEF_CLOSING] = "closing", [FIEF_DEAD] = "dead"};

static void who_line(line *l, const char *role, const party *who, const char *behind) {
    if (who->id == FIEF_ID_NONE)
        snprintf(l->begin, sizeof l->begin, "  %-8s none%s", role, behind);
    else
        snprintf(l->begin, sizeof l->begin, "  %-8s interpreter %" PRIu64 " \"%s\" (%s)%s", role, who->id,
                 who->name, states[who->state], behind);
}

static const char *plural(size_t count) {
    return count != 1 ? "s" : "";
}

static void pointer_line(line *l, const expected *e) {
    ptrdiff_t into = e->block != NULL ? (const char *)e->pointer - (const char *)e->block : 0;
    ptrdiff_t behind = into - (ptrdiff_t)e->block_size;
    int length = snprintf(l->begin, sizeof l->begin, "  pointer  %p", e->pointer);
    char *rest = l->begin + length, of[64];
    size_t room = sizeof l->begin - (size_t)length, size = e->block_size;
    snprintf(of, sizeof of, "the block %p of %zu byte%s", e->block, size, plural(size));
    if (e->block != NULL && into == 0)
        snprintf(rest, room, ", a block of %zu byte%s", size, plural(size));
    else if (e->block != NULL && behind == 0)
        snprintf(rest, room, ", right behind %s", of);
    else if (e->block != NULL && into < 0)
        snprintf(rest, room, ", %td byte%s before %s", -into, plural((size_t)-into), of);
    else if (e->block != NULL && behind > 0)
        snprintf(rest, room, ", %td byte%s behind %s", behind, plural((size_t)behind), of);
    else if (e->block != NULL)
        snprintf(rest, room, ", %td byte%s into %s", into, plural((size_t)into), of);
}

static void made_line(line *l, const block *of) {
    snprintf(l->begin, sizeof l->begin, "  made     allocation %" PRIu64 ", ", of->serial);
    snprintf(l->end, sizeof l->end, " ms ago, by thread %d%s%s%s%s%s", (int)getpid(),
             of->tag[0] != 0 ? ", tag \"" : "", of->tag, of->tag[0] != 0 ? "\"" : "",
             of->domain[0] != 0 ? ", domain " : "", of->domain);
}

static void freed_line(line *l, const expected *e) {
    snprintf(l->begin, sizeof l->begin, "  freed    ");
    if (e->freed_by != FIEF_ID_NONE)
        snprintf(l->end, sizeof l->end, " ms ago, for interpreter %" PRIu64 ", by thread %d", e->freed_by,
                 (int)getpid());
    else
        snprintf(l->end, sizeof l->end, " ms ago, without a handle, by thread %d", (int)getpid());
}

static void damage_line(line *l, const expected *e) {
    if (e->is_cut) {
        snprintf(l->begin, sizeof l->begin, "  damage   ");
        snprintf(l->end, sizeof l->end, " bytes changed, the first right behind the end");
        return;
    }
    ptrdiff_t behind = e->damage - (ptrdiff_t)e->block_size;
    int length = snprintf(l->begin, sizeof l->begin, "  damage   %zu byte%s changed, the first ", e->damaged_bytes,
                          plural(e->damaged_bytes));
    char *rest = l->begin + length;
    size_t room = sizeof l->begin - (size_t)length;
    if (e->damage < 0)
        snprintf(rest, room, "%td byte%s before the start", -e->damage, plural((size_t)-e->damage));
    else if (behind > 0)
        snprintf(rest, room, "%td byte%s behind the end", behind, plural((size_t)behind));
    else
        snprintf(rest, room, behind == 0 ? "right behind the end" : "at byte %td", e->damage);
}

unsigned lines_of(const expected *e, const char *verdict, line out[MOST_LINES]) {
    unsigned n = 0;
    memset(out, 0, MOST_LINES * sizeof *out);
    snprintf(out[n++].begin, sizeof out->begin, "fief: %s in %s", name_of(e->kind), e->operation);
    if (e->given != NULL)
        snprintf(out[n++].begin, sizeof out->begin, "  %s", e->given);
    pointer_line(&out[n++], e);
    who_line(&out[n++], "owner", &e->owner, "");
    who_line(&out[n++], "caller", &e->caller, ", thread ");
    if (e->recorded)
        made_line(&out[n++], e->of);
    if (e->is_freed)
        freed_line(&out[n++], e);
    if (e->damaged_bytes > 0)
        damage_line(&out[n++], e);
    if (e->first_byte >= 0)
        snprintf(out[n++].begin, sizeof out->begin, "  bytes    ");
    snprintf(out[n++].begin, sizeof out->begin, "  verdict  %s", verdict);
    return n;
}

static bool is_line(const char *start, const char *end, const line *l) {
    size_t begins = strlen(l->begin), ends = strlen(l->end), length = (size_t)(end - start);
    return length >= begins + ends && memcmp(start, l->begin, begins) == 0 &&
           memcmp(end - ends, l->end, ends) == 0;
}

/* In this order, and nothing of another report between. */
void compare_text(const char *text, const line *lines, unsigned count) {
    const char *at = text;
    for (unsigned i = 0; i < count; i++) {
        for (;; at = strchr(at, '\n') + 1) {
            const char *end = strchr(at, '\n');
            if (end == NULL) {
                say("no line \"%s...%s\" in: %s", lines[i].begin, lines[i].end, text);
                return;
            }
            if (is_line(at, end, &lines[i]))
                break;
        }
        at = strchr(at, '\n') + 1;
    }
}
