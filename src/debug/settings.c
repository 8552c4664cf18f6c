#include "debug/settings.h"

#include "base/atomics.h"
#include "base/lock.h"
#include "heap/report.h"
#include "heap/tracer.h"
#include "os/os.h"

#include <string.h>

static fi_conf settings;
static uint64_t is_read;

/* What is for the whole process is done here; the rest is asked for by whoever it concerns. */
static void read_once(void) {
    const char *text = fi_os_setting("FIEF_CONF");
    if (text == NULL)
        return;
    fi_conf_parse(&settings, text, fi_misuse_kind_name, NULL, NULL);
    if (fi_conf_gives(&settings, FI_CONF_FRAMES))
        (void)fief_trace_depth((unsigned)settings.frames);
    if (fi_conf_gives(&settings, FI_CONF_SYMBOLS) && settings.symbols == 0)
        fi_the_tracer.forgo_names();
    if (fi_conf_gives(&settings, FI_CONF_SUPPRESSIONS) &&
        fief_leaks_suppress_file(settings.suppressions) != FIEF_OK) {
        static const char text_of_it[] = "fief: FIEF_CONF: the file of suppressions can't be read\n";
        fi_os_write_error(text_of_it, sizeof text_of_it - 1);
    }
}

const fi_conf *fi_settings(void) {
    if (FI_LIKELY(fi_load_acquire(&is_read) != 0))
        return &settings;
    fi_lock(FI_RANK_SETTINGS);
    if (is_read == 0)
        read_once();
    fi_store_release(&is_read, 1);
    fi_unlock(FI_RANK_SETTINGS);
    return &settings;
}

static fief_foreign_policy foreign_policy(uint8_t policy) {
    return policy == FIEF_POLICY_ABORT   ? FIEF_FOREIGN_ABORT
           : policy == FIEF_POLICY_ROUTE ? FIEF_FOREIGN_ROUTE
                                         : FIEF_FOREIGN_IGNORE;
}

static fief_misuse_policy misuse_policy(uint8_t policy) {
    return policy == FIEF_POLICY_ABORT    ? FIEF_MISUSE_ABORT
           : policy == FIEF_POLICY_REPORT ? FIEF_MISUSE_REPORT
                                          : FIEF_MISUSE_IGNORE;
}

/* The environment raises a level, and otherwise has the last word. */
const fief_config *fi_settings_apply(const fief_config *config, fief_config *room) {
    const fi_conf *conf = fi_settings();
    if (FI_LIKELY(conf->given == 0))
        return config;
    *room = *config;
    if (conf->debug > (uint8_t)room->debug)
        room->debug = (fief_debug)conf->debug;
    if (fi_conf_gives(conf, FI_CONF_QUARANTINE))
        room->quarantine_bytes = (size_t)conf->quarantine_bytes;
    if (fi_conf_gives(conf, FI_CONF_SAMPLE))
        room->sample = (uint32_t)(conf->sample < UINT32_MAX ? conf->sample : UINT32_MAX);
    if (fi_conf_gives(conf, FI_CONF_ON_FOREIGN))
        room->on_foreign = foreign_policy(conf->on_foreign);
    if (fi_conf_gives(conf, FI_CONF_ON_MISUSE))
        room->on_misuse = misuse_policy(conf->on_misuse);
    if (fi_conf_gives(conf, FI_CONF_ON_LEAK))
        room->on_leak = (fief_leak_policy)conf->on_leak;
    for (unsigned kind = 1; kind < FIEF_MISUSE_COUNT; kind++)
        if (conf->on_kind[kind] != FIEF_POLICY_DEFAULT)
            room->policies[kind] = conf->on_kind[kind];
    return room;
}

/* What a file does not take is not lost. */
static void write_to(const char *place, const char *text, size_t bytes) {
    if (strcmp(place, "stderr") == 0 || !fi_os_append_file(place, text, bytes))
        fi_os_write_error(text, bytes);
}

bool fi_settings_publishes(void) {
    return fi_conf_gives(fi_settings(), FI_CONF_JSON);
}

void fi_settings_publish(const char *json, size_t bytes) {
    if (fi_settings_publishes())
        write_to(fi_settings()->json, json, bytes);
}

void fi_settings_tell(const char *text, size_t bytes) {
    write_to(fi_conf_gives(fi_settings(), FI_CONF_TEXT) ? fi_settings()->text : "stderr", text, bytes);
}
