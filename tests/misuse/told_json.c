/* Reports as JSON, read by somebody else's parser. */
#include "misuse/told.h"

#if defined(HAS_CJSON)

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const cJSON *get(const cJSON *object, const char *key) {
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

static void same_number(const cJSON *object, const char *key, double wanted) {
    const cJSON *item = get(object, key);
    if (!cJSON_IsNumber(item) || item->valuedouble != wanted)
        say("JSON: %s is %g, not %g", key, cJSON_IsNumber(item) ? item->valuedouble : -1, wanted);
}

static void same_string(const cJSON *object, const char *key, const char *wanted) {
    const cJSON *item = get(object, key);
    const char *is = cJSON_IsString(item) ? item->valuestring : "(none)";
    if (strcmp(is, wanted) != 0)
        say("JSON: %s is \"%s\", not \"%s\"", key, is, wanted);
}

static void same_address(const cJSON *object, const char *key, const void *wanted) {
    char text[32];
    snprintf(text, sizeof text, "%p", wanted);
    if (wanted != NULL)
        same_string(object, key, text);
    else if (!cJSON_IsNull(get(object, key)))
        say("JSON: %s is not null", key);
}

static void same_who(const cJSON *object, const char *key, const party *wanted) {
    static const char *const states[] = {[FIEF_LIVE] = "live", [FIEF_CLOSING] = "closing", [FIEF_DEAD] = "dead"};
    const cJSON *item = get(object, key);
    if (wanted->id == FIEF_ID_NONE) {
        if (!cJSON_IsNull(item))
            say("JSON: %s is not null", key);
        return;
    }
    same_number(item, "id", (double)wanted->id);
    same_string(item, "name", wanted->name);
    same_string(item, "state", states[wanted->state]);
}

static void absent(const cJSON *object, const char *key) {
    if (get(object, key) != NULL)
        say("JSON: there is a %s", key);
}

/* The innermost frame is the function that this program was in. */
static void first_frame(const cJSON *object, const char *what, const char *wanted) {
    const cJSON *frames = get(object, "frames"), *first = cJSON_GetArrayItem(frames, 0);
    if (!cJSON_IsArray(frames))
        say("JSON: no frames of %s", what);
    else if (wanted == NULL && first != NULL)
        say("JSON: there are frames of %s", what);
    else if (wanted != NULL)
        same_string(first, "function", wanted);
}

static void compare_history(const cJSON *json, const expected *e) {
    const cJSON *made = get(json, "allocation"), *freed = get(json, "free");
    if (!e->recorded) {
        absent(json, "allocation");
        absent(json, "requested_size");
        return;
    }
    same_number(json, "requested_size", (double)e->of->size);
    same_number(made, "serial", (double)e->of->serial);
    same_number(made, "thread", getpid());
    same_string(made, "tag", e->of->tag);
    same_string(made, "domain", e->of->domain);
    first_frame(made, "the allocation", "make_as");
    if (!e->is_freed) {
        absent(json, "free");
        return;
    }
    same_number(freed, "interpreter", (double)e->freed_by);
    same_number(freed, "thread", getpid());
    first_frame(freed, "the free", e->freed_in);
}

static void compare_damage(const cJSON *json, const expected *e) {
    const cJSON *damage = get(json, "damage"), *bytes = get(json, "bytes");
    if (e->damaged_bytes == 0) {
        absent(json, "damage");
        return;
    }
    same_number(damage, "offset", (double)e->damage);
    same_number(damage, "bytes", (double)e->damaged_bytes);
    if (e->first_byte < 0)
        return;
    const cJSON *from = get(bytes, "from"), *hex = get(bytes, "hex");
    if (!cJSON_IsString(from) || !cJSON_IsString(hex)) {
        say("JSON: no bytes are shown");
        return;
    }
    uintptr_t shown = (uintptr_t)strtoull(from->valuestring, NULL, 16);
    size_t at = 2 * ((uintptr_t)e->block + (uintptr_t)e->damage - shown);
    char wanted[3];
    snprintf(wanted, sizeof wanted, "%02x", (unsigned)e->first_byte);
    if (at + 2 > strlen(hex->valuestring) || memcmp(hex->valuestring + at, wanted, 2) != 0)
        say("JSON: the bytes from %s are %s; %s is not at %zu", from->valuestring, hex->valuestring, wanted, at);
}

void compare_json(const kept *t, const expected *e) {
    cJSON *json = cJSON_Parse(t->json);
    if (json == NULL) {
        say("no JSON: %s", t->json);
        return;
    }
    same_string(json, "report", "misuse");
    same_string(json, "class", t->report.kind_name);
    same_string(json, "operation", e->operation);
    same_string(json, "verdict", e->verdict);
    same_address(json, "pointer", e->pointer);
    same_address(json, "block", e->block);
    same_number(json, "displacement", (double)(ptrdiff_t)t->report.displacement);
    same_number(json, "block_size", (double)e->block_size);
    same_number(json, "thread", (double)t->report.thread);
    same_who(json, "owner", &e->owner);
    same_who(json, "caller", &e->caller);
    first_frame(json, "the misuse", e->here);
    compare_history(json, e);
    compare_damage(json, e);
    cJSON_Delete(json);
}

#else

#include "support/json.h"

void compare_json(const kept *t, const expected *e) {
    (void)e;
    if (!is_json(t->json))
        say("no JSON: %s", t->json);
}

#endif
