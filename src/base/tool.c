#include "base/tool.h"

#include "base/atomics.h"
#include "base/attributes.h"
#include "base/lock.h"

#include <stdint.h>

#if defined(__has_include)
#if __has_include(<valgrind/memcheck.h>)
#define HAS_VALGRIND 1
#include <valgrind/memcheck.h>
#endif
#endif

/* There if the program was built with -fsanitize=address. */
void __asan_poison_memory_region(void const volatile *at, size_t bytes) __attribute__((weak));
void __asan_unpoison_memory_region(void const volatile *at, size_t bytes) __attribute__((weak));
void __lsan_register_root_region(const void *at, size_t bytes) __attribute__((weak));
void __lsan_unregister_root_region(const void *at, size_t bytes) __attribute__((weak));

/* ---- Valgrind ---- */

#if defined(HAS_VALGRIND)

/* Of Valgrind's tools memcheck alone answers this request. */
static bool memcheck_runs(void) {
    char byte = 0, bits = 0;
    return RUNNING_ON_VALGRIND != 0 && VALGRIND_GET_VBITS(&byte, &bits, 1) == 1;
}

static void memcheck_alloc(void *block, size_t bytes, bool zeroed) {
    VALGRIND_MALLOCLIKE_BLOCK(block, bytes, 0, zeroed);
}

static void memcheck_hide(void *at, size_t bytes) {
    (void)VALGRIND_MAKE_MEM_NOACCESS(at, bytes);
}

static void memcheck_show(void *at, size_t bytes) {
    (void)VALGRIND_MAKE_MEM_DEFINED(at, bytes);
}

static void memcheck_free(void *block) {
    VALGRIND_FREELIKE_BLOCK(block, 0);
}

#else

static bool memcheck_runs(void) {
    return false;
}

static void memcheck_alloc(void *block, size_t bytes, bool zeroed) {
    (void)block, (void)bytes, (void)zeroed;
}

static void memcheck_hide(void *at, size_t bytes) {
    (void)at, (void)bytes;
}

static void memcheck_show(void *at, size_t bytes) {
    (void)at, (void)bytes;
}

static void memcheck_free(void *block) {
    (void)block;
}

#endif

/* ---- both ---- */

typedef enum tool { UNKNOWN = 0, NONE, MEMCHECK, SANITIZER } tool;

static tool which(void) {
    static uint64_t known;
    uint64_t t = fi_load_relaxed(&known);
    if (t == UNKNOWN) {
        t = __asan_poison_memory_region != NULL ? SANITIZER : memcheck_runs() ? MEMCHECK : NONE;
        fi_store_relaxed(&known, t);
    }
    return (tool)t;
}

bool fi_tool_watches(void) {
    return which() != NONE;
}

void fi_tool_alloc(void *block, size_t bytes, size_t slot_bytes, bool zeroed) {
    char *end = (char *)block + bytes;
    if (which() == SANITIZER) {
        __asan_unpoison_memory_region(block, bytes);
        __asan_poison_memory_region(end, slot_bytes - bytes);
    } else if (which() == MEMCHECK) {
        memcheck_alloc(block, bytes, zeroed);
        memcheck_hide(end, slot_bytes - bytes);
    }
}

void fi_tool_free(void *block, size_t bytes) {
    if (which() == SANITIZER)
        __asan_poison_memory_region(block, bytes);
    else if (which() == MEMCHECK)
        memcheck_free(block);
}

void fi_tool_reuse(void *memory, size_t bytes) {
    if (which() == SANITIZER)
        __asan_unpoison_memory_region(memory, bytes);
    else if (which() == MEMCHECK)
        memcheck_show(memory, bytes);
}

/* Under a lock of ours, which a fork takes: so none happens while LeakSanitizer's own list is changed by us. */
void fi_tool_add_roots(void *memory, size_t bytes) {
    if (__lsan_register_root_region == NULL)
        return;
    fi_lock(FI_RANK_TOOLS);
    __lsan_register_root_region(memory, bytes);
    fi_unlock(FI_RANK_TOOLS);
}

void fi_tool_remove_roots(void *memory, size_t bytes) {
    if (__lsan_unregister_root_region == NULL)
        return;
    fi_lock(FI_RANK_TOOLS);
    __lsan_unregister_root_region(memory, bytes);
    fi_unlock(FI_RANK_TOOLS);
}
