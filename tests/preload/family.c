/* Each call of the malloc family at its edges: what it returns, errno, what it leaves as it was. Where standards
 * leave a choice, glibc's is the one that programs were written against. */
#include "blocks.h"
#include "tap.h"

#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>

/* The compiler warns of sizes that it knows to be too large, and of a block that was not resized. */
static volatile size_t too_large = PTRDIFF_MAX;
static volatile size_t nothing, no_power = 24;
static void *(*volatile resize)(void *, size_t) = realloc;
static void *(*volatile resize_array)(void *, size_t, size_t) = reallocarray;

static bool refused(const void *p) {
    bool good = p == NULL && errno == ENOMEM;
    errno = 0;
    return good;
}

static void check_malloc(void) {
    void *one = malloc(nothing), *two = malloc(nothing);
    tap_check(one != NULL && two != NULL && one != two, "malloc(0) returns blocks, each another");
    free(one);
    free(two);
    errno = 0;
    tap_check(refused(malloc(too_large)), "malloc of PTRDIFF_MAX is refused");
    tap_check(refused(malloc(too_large + 1)) && refused(malloc(2 * too_large + 1)), "so is more");
    bool aligned = true, writable = true;
    FOR_EVERY_STEP(size) {
        char *p = malloc(size);
        aligned = aligned && (size < 16 || blocks_aligned(p, 16));
        writable = writable && malloc_usable_size(p) >= size;
        memset(p, 1, malloc_usable_size(p));
        free(p);
    }
    tap_check(aligned, "blocks are aligned to 16 as soon as they have as many bytes");
    tap_check(writable, "and have room for what was asked for");
    tap_check(malloc_usable_size(NULL) == 0, "malloc_usable_size(NULL) is 0");
}

static void check_calloc(void) {
    errno = 0;
    tap_check(refused(calloc(too_large, 3)) && refused(calloc(3, too_large)), "calloc that overflows is refused");
    tap_check(refused(calloc(1, too_large)), "and one that is too large");
    void *none = calloc(0, 5), *empty = calloc(5, 0);
    tap_check(none != NULL && empty != NULL && none != empty, "calloc of nothing returns blocks");
    free(none);
    free(empty);
    bool zero = true;
    FOR_EVERY_STEP(size) {
        void *dirty = malloc(size);
        memset(dirty, 0xA5, size);
        free(dirty);
        void *p = calloc(size, 1);
        zero = zero && blocks_are_zero(p, size);
        free(p);
    }
    tap_check(zero, "calloc returns zeros where something else was");
}

static void check_free(void) {
    bool kept = true;
    FOR_EVERY_STEP(size) {
        void *p = malloc(size);
        errno = EXDEV;
        free(p);
        kept = kept && errno == EXDEV;
    }
    free(NULL);
    tap_check(kept && errno == EXDEV, "free keeps errno");
}

static void check_realloc_edges(void) {
    void *p = realloc(NULL, 100);
    tap_check(p != NULL && malloc_usable_size(p) >= 100, "realloc(NULL) is malloc");
    tap_check(realloc(p, nothing) == NULL, "realloc to 0 frees and returns NULL");
    p = realloc(NULL, nothing);
    tap_check(p != NULL, "realloc(NULL, 0) returns a block");
    free(p);
    p = malloc(1000);
    blocks_fill(p, 1000, 1);
    errno = 0;
    tap_check(refused(resize(p, too_large)) && refused(resize(p, 2 * too_large + 1)),
              "realloc to what is too large is refused");
    tap_check(refused(resize_array(p, too_large, 3)), "so is reallocarray that overflows");
    tap_check(blocks_hold(p, 1000, 1), "and the block is as it was");
    p = reallocarray(p, 300, 10);
    tap_check(blocks_hold(p, 1000, 1) && malloc_usable_size(p) >= 3000, "reallocarray resizes");
    free(p);
}

/* From each size up by a little, by much and down again. */
static void check_realloc_content(void) {
    bool grown = true, shrunk = true;
    unsigned seed = 0;
    FOR_EVERY_STEP(size) {
        void *p = malloc(size);
        blocks_fill(p, size, ++seed);
        size_t more = size + size / 8 + 1;
        p = realloc(p, more);
        grown = grown && blocks_hold(p, size, seed);
        blocks_fill(p, more, seed);
        p = realloc(p, more * 3);
        grown = grown && blocks_hold(p, more, seed) && blocks_aligned(p, more < 6 ? 1 : 16);
        p = realloc(p, size / 2 + 1);
        shrunk = shrunk && blocks_hold(p, size / 2 + 1, seed);
        free(p);
    }
    tap_check(grown, "realloc that grows keeps the content");
    tap_check(shrunk, "so does one that shrinks");
}

static void check_posix_memalign(void) {
    char untouched;
    void *p = &untouched;
    errno = EXDEV;
    tap_check(posix_memalign(&p, nothing, 8) == EINVAL && posix_memalign(&p, 3, 8) == EINVAL &&
                  posix_memalign(&p, 4, 8) == EINVAL && posix_memalign(&p, 24, 8) == EINVAL,
              "posix_memalign wants a power of two, a pointer's size at least");
    tap_check(errno == EXDEV, "and says so without errno");
    tap_check(posix_memalign(&p, 64, too_large) == ENOMEM, "what is too large is ENOMEM");
    tap_check(p == &untouched, "the pointer is as it was then");
    bool good = true;
    for (size_t alignment = sizeof(void *); alignment <= (size_t)64 << 20; alignment *= 2)
        for (size_t size = 0; size <= 1 << 20; size = size * 5 + 1) {
            void *block = NULL;
            good = good && posix_memalign(&block, alignment, size) == 0 && blocks_aligned(block, alignment) &&
                   malloc_usable_size(block) >= size;
            memset(block, 1, size);
            free(block);
        }
    tap_check(good, "posix_memalign aligns to 8 bytes and to 64 MiB, and what is between");
}

static void check_other_aligned(void) {
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    bool good = true;
    for (size_t alignment = 1; alignment <= (size_t)4 << 20; alignment *= 2) {
        void *strict = aligned_alloc(alignment, 3 * alignment), *lax = memalign(alignment, 100);
        good = good && blocks_aligned(strict, alignment) && blocks_aligned(lax, alignment);
        blocks_fill(strict, 3 * alignment, 5);
        strict = realloc(strict, 6 * alignment);
        good = good && blocks_hold(strict, 3 * alignment, 5);
        free(strict);
        free(lax);
    }
    tap_check(good, "aligned_alloc and memalign align; their blocks can be resized");
    void *odd = memalign(no_power, 100);
    tap_check(odd != NULL && blocks_aligned(odd, 32), "memalign takes the next power of two");
    void *paged = valloc(10), *pages = pvalloc(10);
    tap_check(paged != NULL && blocks_aligned(paged, page), "valloc aligns to a page");
    tap_check(pages != NULL && blocks_aligned(pages, page) && malloc_usable_size(pages) >= page,
              "pvalloc, and rounds up to pages");
    errno = 0;
    tap_check(refused(pvalloc(2 * too_large + 1)) && refused(valloc(too_large)) &&
                  refused(aligned_alloc(64, too_large)) && refused(memalign(64, 2 * too_large + 1)),
              "each refuses what is too large");
    free(odd);
    free(paged);
    free(pages);
}

static void check_sized(void) {
    void (*free_with_size)(void *, size_t), (*free_with_both)(void *, size_t, size_t);
    *(void **)&free_with_size = dlsym(RTLD_DEFAULT, "free_sized");
    *(void **)&free_with_both = dlsym(RTLD_DEFAULT, "free_aligned_sized");
    if (free_with_size == NULL || free_with_both == NULL) {
        tap_skip("free_sized, free_aligned_sized", "this malloc has none");
        return;
    }
    errno = EXDEV;
    FOR_EVERY_STEP(size) {
        free_with_size(malloc(size), size);
        free_with_both(aligned_alloc(64, size), 64, size);
    }
    free_with_size(NULL, 0);
    free_with_both(NULL, 64, 0);
    tap_check(errno == EXDEV, "free_sized, free_aligned_sized");
}

static void check_glibc_names(void) {
    void *(*plain)(size_t);
    *(void **)&plain = dlsym(RTLD_DEFAULT, "__libc_malloc");
    if (plain == NULL) {
        tap_skip("__libc_malloc", "this C library has none");
        return;
    }
    void *p = plain(100);
    p = realloc(p, 1000);
    tap_check(p != NULL, "a block of __libc_malloc is one of malloc's");
    free(p);
}

int main(void) {
    check_malloc();
    check_calloc();
    check_free();
    check_realloc_edges();
    check_realloc_content();
    check_posix_memalign();
    check_other_aligned();
    check_sized();
    check_glibc_names();
    return tap_end();
}
