#include "debug/leaks.h"

#include "debug/census.h"
#include "debug/settings.h"
#include "debug/suppress.h"
#include "debug/walk.h"
#include "fief/debug.h"
#include "heap/features.h"
#include "heap/remote.h"
#include "heap/visit.h"
#include "interp/registry.h"
#include "os/os.h"

#include <string.h>

/* ---- suppressions ---- */

fief_status fief_leaks_suppress(const char *text) {
    if (text == NULL)
        return FIEF_BAD_ARGUMENT;
    return fi_registry_ready() && fi_suppress_add(text, strlen(text)) ? FIEF_OK : FIEF_NO_MEMORY;
}

fief_status fief_leaks_suppress_file(const char *path) {
    if (path == NULL)
        return FIEF_BAD_ARGUMENT;
    if (!fi_registry_ready())
        return FIEF_NO_MEMORY;
    fi_os_file file;
    fi_os_read_result result = fi_os_read_file(path, &file);
    if (result != FI_OS_READ)
        return result == FI_OS_NO_MEMORY ? FIEF_NO_MEMORY : FIEF_BAD_ARGUMENT;
    bool added = fi_suppress_add(file.text, file.bytes);
    fi_os_release(file.text, file.mapped_bytes);
    return added ? FIEF_OK : FIEF_NO_MEMORY;
}

/* ---- the census of one heap ---- */

typedef struct count {
    const fief *f;
    fi_census *census;
    bool failed;
} count;

/* Blocks that a freelist has taken for bad times are no leaks. */
static bool is_held_back(const fief *f, const void *block) {
    return f->freelists != NULL && fi_the_freelists.holds_back(f, block);
}

static bool count_spot(fief *f, const fi_spot *spot, void *arg) {
    count *c = arg;
    const fi_record *r = spot->record;
    if (fi_record_state_of(r) != FI_RECORD_LIVE || is_held_back(f, spot->block))
        return true;
    const fi_live_block block = {.block = spot->block,
                                 .bytes = r->size,
                                 .serial = r->serial,
                                 .age_ms = fi_debug_ms() - r->made.ms,
                                 .trace = r->made.trace,
                                 .tag = r->tag,
                                 .domain = r->domain};
    c->failed = !fi_census_add(c->census, &block);
    return !c->failed;
}

static bool count_unwatched(void *block, size_t bytes, void *arg) {
    count *c = arg;
    if (is_held_back(c->f, block))
        return true;
    c->failed = !fi_census_add(c->census, &(fi_live_block){.block = block, .bytes = bytes});
    return !c->failed;
}

/* NULL on exhaustion. */
static fi_census *take_census(fief *f) {
    count c = {.f = f, .census = fi_census_create(f->id, f->slot->name.text)};
    if (c.census == NULL)
        return NULL;
    if (f->freelists != NULL)
        fi_the_freelists.release(f);
    if (f->own_lists != NULL)
        fi_walk(f, count_spot, &c);
    else
        fi_heap_visit(f, count_unwatched, &c);
    if (!c.failed)
        return c.census;
    fi_census_destroy(c.census);
    return NULL;
}

fief_status fief_leaks_report(fief *f, fief_format format, fief_text_fn *out, void *arg) {
    if (format != FIEF_TEXT && format != FIEF_JSON)
        return FIEF_BAD_ARGUMENT;
    if (!fi_misuse_check_handle(f, "fief_leaks_report"))
        return FIEF_BAD_STATE;
    fi_remote_take_in(f);
    fi_census *census = take_census(f);
    if (census == NULL)
        return FIEF_NO_MEMORY;
    bool told = fi_census_tell(census, format, out, arg);
    fi_census_destroy(census);
    return told ? FIEF_OK : FIEF_NO_MEMORY;
}

static void publish_line(const char *text, size_t bytes, void *arg) {
    (void)arg;
    fi_settings_publish(text, bytes);
}

bool fi_leaks_at_end(fief *f, bool tell) {
    fi_census *census = take_census(f);
    if (census == NULL)
        return false;
    bool any = fi_census_sum(census).blocks > 0;
    if (any && tell && fi_census_tell(census, FIEF_TEXT, NULL, NULL) && fi_settings_publishes())
        any = fi_census_tell(census, FIEF_JSON, publish_line, NULL) || any;
    fi_census_destroy(census);
    return any;
}

/* ---- snapshots ---- */

fief_snapshot *fief_snapshot_take(fief *f) {
    if (!fi_misuse_check_handle(f, "fief_snapshot_take"))
        return NULL;
    fi_remote_take_in(f);
    return take_census(f);
}

void fief_snapshot_free(fief_snapshot *snapshot) {
    fi_census_destroy(snapshot);
}

fief_status fief_snapshot_diff(const fief_snapshot *before, const fief_snapshot *after, fief_format format,
                               fief_text_fn *out, void *arg) {
    if (before == NULL || after == NULL || (format != FIEF_TEXT && format != FIEF_JSON))
        return FIEF_BAD_ARGUMENT;
    return fi_census_tell_growth(before, after, format, out, arg) ? FIEF_OK : FIEF_NO_MEMORY;
}
