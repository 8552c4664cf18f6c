#include "debug/tags.h"

#include "base/atomics.h"
#include "base/lock.h"
#include "base/text.h"
#include "interp/registry.h"

#include <string.h>

enum { NAME_BYTES = 32, MOST_TAGS = 4096, MOST_DOMAINS = 256 };

/* Names by their numbers; the name of 0 is "". */
typedef struct names {
    char (*texts)[NAME_BYTES]; /* each written once, before `count` tells of it */
    uint32_t count;            /* grows under FI_RANK_NAMES, read by all */
    uint32_t most;
} names;

/* So few that they need no memory but the program's own: what is never registered is never a page. */
static char tag_texts[MOST_TAGS][NAME_BYTES];
static char domain_texts[MOST_DOMAINS][NAME_BYTES] = {
    [FIEF_DOMAIN_RAW] = "raw", [FIEF_DOMAIN_MEM] = "mem", [FIEF_DOMAIN_OBJ] = "obj"};

static names tags = {tag_texts, 1, MOST_TAGS};
static names domains = {domain_texts, FIEF_DOMAIN_OBJ + 1, MOST_DOMAINS};

static const char *name_of(const names *all, uint32_t number) {
    return number < fi_load_acquire(&all->count) ? all->texts[number] : "";
}

/* 0: there is no room for another. Under FI_RANK_NAMES. */
static uint32_t number_of(names *all, const char *name) {
    for (uint32_t i = 1; i < all->count; i++)
        if (strcmp(all->texts[i], name) == 0)
            return i;
    if (all->count == all->most)
        return 0;
    memcpy(all->texts[all->count], name, strlen(name) + 1);
    fi_store_release(&all->count, all->count + 1);
    return all->count - 1;
}

/* The registry is readied for its fork handlers: a child must not find the lock taken. */
static fief_status add_name(names *all, const char *name, uint32_t *number) {
    if (name == NULL || name[0] == '\0')
        return FIEF_BAD_ARGUMENT;
    if (!fi_registry_ready())
        return FIEF_NO_MEMORY;
    char short_name[NAME_BYTES];
    fi_text_copy(short_name, sizeof short_name, name);
    fi_lock(FI_RANK_NAMES);
    *number = number_of(all, short_name);
    fi_unlock(FI_RANK_NAMES);
    return *number != 0 ? FIEF_OK : FIEF_NO_MEMORY;
}

fief_status fief_tag_register(const char *name, fief_tag *out) {
    uint32_t number = 0;
    fief_status status = out != NULL ? add_name(&tags, name, &number) : FIEF_BAD_ARGUMENT;
    if (status == FIEF_OK)
        *out = (fief_tag)number;
    return status;
}

fief_status fief_domain_register(const char *name, fief_domain *out) {
    uint32_t number = 0;
    fief_status status = out != NULL ? add_name(&domains, name, &number) : FIEF_BAD_ARGUMENT;
    if (status == FIEF_OK)
        *out = (fief_domain)number;
    return status;
}

const char *fi_tag_name(fief_tag tag) {
    return name_of(&tags, tag);
}

const char *fi_domain_name(fief_domain domain) {
    return name_of(&domains, domain);
}
