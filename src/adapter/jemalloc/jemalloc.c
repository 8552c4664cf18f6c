/* Large blocks of an interpreter from a jemalloc arena of its own.
 *
 * Nothing of jemalloc is linked or included: what is used of it has been the same since 5.0, and is found in the
 * process or given by the host. An arena takes memory and one of jemalloc's 4,094 numbers: so it is made for the
 * first large block, and not with the interpreter. */
#include "fief/adapter/jemalloc.h"

#include "adapter/jemalloc/idle.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LEAST_VERSION = 5 }; /* the first that destroys arenas */

/* ---- jemalloc's flags ---- */

static int alignment_flag(size_t alignment) {
    return __builtin_ctzll(alignment);
}

static int arena_flag(unsigned arena) {
    return (int)(arena + 1) << 20;
}

static const int no_thread_cache_flag = 1 << 8;

/* ---- finding it ---- */

static bool is_recent(const fief_jemalloc_functions *functions) {
    const char *version = NULL;
    size_t bytes = sizeof version;
    return functions->mallctl("version", &version, &bytes, NULL, 0) == 0 && version != NULL &&
           strtol(version, NULL, 10) >= LEAST_VERSION;
}

static bool look_up(const char *name, void *function) {
    void *found = dlsym(RTLD_DEFAULT, name);
    memcpy(function, &found, sizeof found); /* C has no cast from one kind of pointer to the other */
    return found != NULL;
}

static fief_jemalloc_functions of_process;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void find_in_process(void) {
    fief_jemalloc_functions found;
    if (look_up("mallctl", &found.mallctl) && look_up("mallocx", &found.mallocx) &&
        look_up("dallocx", &found.dallocx) && look_up("xallocx", &found.xallocx) && is_recent(&found))
        of_process = found;
}

/* ---- arenas ---- */

/* That jemalloc has come to its limit is told once in a process. */
static void tell_refusal(const fief_jemalloc *backing) {
    static int is_told;
    if (__atomic_exchange_n(&is_told, 1, __ATOMIC_RELAXED) != 0)
        return;
    unsigned arenas = 0;
    size_t bytes = sizeof arenas;
    (void)backing->functions.mallctl("arenas.narenas", &arenas, &bytes, NULL, 0);
    char text[160];
    int length =
        snprintf(text, sizeof text,
                 "fief: jemalloc has %u arenas and makes no more: large blocks of further interpreters come "
                 "from the operating system\n",
                 arenas);
    ssize_t written = write(STDERR_FILENO, text, (size_t)length);
    (void)written; /* there is no other place to tell it */
}

/* Another interpreter may have given one back since it was refused. */
static bool has_arena(fief_jemalloc *backing) {
    if (backing->state == FIEF_JEMALLOC_ARENA)
        return true;
    size_t bytes = sizeof backing->arena;
    bool made = fi_idle_take(&backing->functions, &backing->arena) ||
                backing->functions.mallctl("arenas.create", &backing->arena, &bytes, NULL, 0) == 0;
    backing->state = made ? FIEF_JEMALLOC_ARENA : FIEF_JEMALLOC_REFUSED;
    if (!made)
        tell_refusal(backing);
    return made;
}

/* ---- the provider ---- */

static void *take_span(void *ctx, size_t bytes, size_t alignment) {
    fief_jemalloc *backing = ctx;
    void *span = NULL;
    if (has_arena(backing))
        span = backing->functions.mallocx(bytes, arena_flag(backing->arena) | no_thread_cache_flag |
                                                     alignment_flag(alignment));
    if (span == NULL) {
        backing->refusals++;
        return NULL;
    }
    backing->spans++;
    backing->span_bytes += bytes;
    return span;
}

static void give_span(void *ctx, void *span, size_t bytes) {
    fief_jemalloc *backing = ctx;
    backing->functions.dallocx(span, no_thread_cache_flag);
    backing->spans--;
    backing->span_bytes -= bytes;
}

static bool extend_span(void *ctx, void *span, size_t old_bytes, size_t new_bytes) {
    fief_jemalloc *backing = ctx;
    if (backing->functions.xallocx(span, new_bytes, 0, no_thread_cache_flag) < new_bytes)
        return false;
    backing->span_bytes += new_bytes - old_bytes;
    return true;
}

/* An arena with kept leaks in it stays with them. */
static void end(void *ctx) {
    fief_jemalloc *backing = ctx;
    if (backing->state == FIEF_JEMALLOC_ARENA && backing->spans == 0)
        fi_idle_give(&backing->functions, backing->arena);
    backing->state = FIEF_JEMALLOC_ENDED;
}

/* ---- verbs ---- */

fief_jemalloc_state fief_jemalloc_back(fief_jemalloc *backing, fief_config *config,
                                       const fief_jemalloc_functions *functions) {
    *backing = (fief_jemalloc){.state = FIEF_JEMALLOC_ABSENT};
    pthread_once(&once, find_in_process);
    if (functions == NULL)
        functions = &of_process;
    if (functions->mallctl == NULL || !is_recent(functions))
        return FIEF_JEMALLOC_ABSENT;
    backing->functions = *functions;
    backing->state = FIEF_JEMALLOC_READY;
    config->provider = (fief_provider){backing, take_span, give_span};
    config->provider_use = FIEF_PROVIDER_FOR_LARGE;
    config->provider_extend = extend_span;
    config->provider_end = end;
    return FIEF_JEMALLOC_READY;
}

const char *fief_jemalloc_state_text(fief_jemalloc_state state) {
    switch (state) {
    case FIEF_JEMALLOC_ABSENT:
        return "the process does not run jemalloc 5: large blocks come from the operating system";
    case FIEF_JEMALLOC_READY:
        return "the first large block will make an arena in jemalloc";
    case FIEF_JEMALLOC_ARENA:
        return "large blocks come from an arena in jemalloc";
    case FIEF_JEMALLOC_REFUSED:
        return "jemalloc makes no more arenas: large blocks come from the operating system";
    case FIEF_JEMALLOC_ENDED:
        return "the interpreter has ended";
    }
    return "unknown state";
}
