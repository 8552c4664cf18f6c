/* The backing in a process that runs jemalloc: where large blocks lie, that arenas go with their interpreters and
 * serve again, and what happens when there are no more of them. Speaks TAP.
 *
 * jemalloc is this program's malloc, and asked what it knows of its arenas. */
#include "tap.h"

#include <jemalloc/jemalloc.h>
#include <stdlib.h>

/* Only of what is jemalloc's: of any other address it knows nothing, and crashes. */
static unsigned arena_of(void *span) {
    unsigned arena = 0;
    size_t bytes = sizeof arena;
    return mallctl("arenas.lookup", &arena, &bytes, &span, sizeof span) == 0 ? arena : 0;
}

static unsigned arenas(void) {
    unsigned count = 0;
    size_t bytes = sizeof count;
    mallctl("arenas.narenas", &count, &bytes, NULL, 0);
    return count;
}

/* One of the numbers that jemalloc keeps of an arena; SIZE_MAX if there is no such arena. */
static size_t number(unsigned arena, const char *what) {
    uint64_t epoch = 1;
    size_t epoch_bytes = sizeof epoch, figure = 0, bytes = sizeof figure;
    char name[64];
    mallctl("epoch", &epoch, &epoch_bytes, &epoch, sizeof epoch);
    snprintf(name, sizeof name, "stats.arenas.%u.%s", arena, what);
    return mallctl(name, &figure, &bytes, NULL, 0) == 0 ? figure : SIZE_MAX;
}

static size_t large_bytes(unsigned arena) {
    return number(arena, "large.allocated");
}

/* Nothing is allocated in it, and what was is the system's again. */
static bool is_empty(unsigned arena) {
    return large_bytes(arena) == 0 && number(arena, "pdirty") == 0 && number(arena, "pmuzzy") == 0;
}

/* Resident bytes of this process. */
static size_t resident(void) {
    size_t size = 0, pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file != NULL && fscanf(file, "%zu %zu", &size, &pages) != 2)
        pages = 0;
    if (file != NULL)
        fclose(file);
    return pages * 4096;
}

/* ---- one interpreter ---- */

static void check_life(void) {
    guest g;
    check(guest_begin(&g, NULL, FIEF_LEAK_FORCE) && g.backing.state == FIEF_JEMALLOC_READY, "jemalloc is found");
    unsigned before = arenas();
    void *small = fief_alloc(g.heap, 300 * KIB);
    check(small != NULL && filled(&g, 100) != NULL && arenas() == before && g.backing.spans == 0,
          "small blocks are none of it");
    unsigned char *block = filled(&g, 3 * MIB);
    unsigned arena = g.backing.arena;
    check(g.backing.state == FIEF_JEMALLOC_ARENA && arena >= before && arena_of(block) == arena,
          "a large block lies in an arena of its own");
    check(large_bytes(arena) >= 3 * MIB && large_bytes(arena) < 4 * MIB, "which has that block and no more");
    check(fief_owner(block + MIB) == fief_id_of(g.heap), "fief knows whose it is");
    fief_free(g.heap, block);
    check(large_bytes(arena) == 0 && g.backing.spans == 0, "a freed block is the arena's again");
    bool live = true;
    for (unsigned i = 0; i < 8; i++)
        live = live && arena_of(filled(&g, (i + 1) * MIB)) == arena;
    check(live && g.backing.spans == 8, "the next ones come from the same arena");
    check(!is_empty(arena) && guest_end(&g) && is_empty(arena),
          "the interpreter's end empties it, live blocks and all");
}

static void check_growth(void) {
    guest g;
    bool good = guest_begin(&g, NULL, FIEF_LEAK_FORCE);
    unsigned char *block = filled(&g, MIB);
    unsigned stayed = 0;
    for (size_t size = MIB; good && size < 16 * MIB; size += MIB / 2) {
        unsigned char *longer = fief_realloc(g.heap, block, size + MIB / 2);
        stayed += longer == block;
        block = longer;
        good = is_filled(block, size) && arena_of(block) == g.backing.arena && fief_owner(block + size) != 0;
        memset(block + size, 0x5A, MIB / 2);
    }
    check(good, "a block grows and keeps its content");
    check(stayed >= 5, "most of the time where it is");
    check(large_bytes(g.backing.arena) < 20 * MIB && g.backing.spans == 1, "what it left is free");
    guest_end(&g);
}

static void check_two(void) {
    guest a, b;
    bool begun = guest_begin(&a, NULL, FIEF_LEAK_FORCE) && guest_begin(&b, NULL, FIEF_LEAK_FORCE);
    unsigned char *of_a = filled(&a, 2 * MIB), *of_b = filled(&b, 2 * MIB);
    check(begun && a.backing.arena != b.backing.arena && arena_of(of_b) == b.backing.arena,
          "two interpreters have an arena each");
    fief_free_remote(of_a);
    check(large_bytes(a.backing.arena) >= 2 * MIB && fief_poll(a.heap) == 1 && large_bytes(a.backing.arena) == 0,
          "a block that another frees goes home first");
    guest_end(&a);
    check(is_filled(of_b, 2 * MIB), "the end of one leaves the other");
    guest_end(&b);
}

static void check_kept(void) {
    guest g;
    guest_begin(&g, NULL, FIEF_LEAK_KEEP);
    unsigned char *block = filled(&g, 2 * MIB);
    guest_end(&g);
    check(is_filled(block, 2 * MIB) && arena_of(block) == g.backing.arena, "a leak that is kept keeps its arena");
}

/* ---- many ---- */

static bool live_once(void) {
    guest g;
    if (!guest_begin(&g, NULL, FIEF_LEAK_FORCE))
        return false;
    for (unsigned i = 0; i < 4; i++)
        if (filled(&g, MIB) == NULL)
            return false;
    return guest_end(&g) && g.backing.refusals == 0;
}

static void check_lives(void) {
    bool good = true;
    for (unsigned i = 0; good && i < 100; i++)
        good = live_once();
    unsigned arenas_before = arenas();
    size_t resident_before = resident();
    for (unsigned i = 0; good && i < 1000; i++)
        good = live_once();
    check(good, "a thousand lives");
    check(arenas() == arenas_before, "the same arenas serve again");
    printf("# resident %zu KiB, %zu KiB before\n", resident() / KIB, resident_before / KIB);
    check(resident() < resident_before + 8 * MIB, "and nothing stays behind");
}

enum { CROWD = 5000, LEAST_ARENAS = 4000, CROWD_NEEDS_MIB = 2048 };

static guest crowd[CROWD];

static size_t available_mib(void) {
    char line[128];
    size_t kilobytes = 0;
    FILE *file = fopen("/proc/meminfo", "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (sscanf(line, "MemAvailable: %zu", &kilobytes) == 1)
            break;
    if (file != NULL)
        fclose(file);
    return kilobytes / 1024;
}

static unsigned crowd_in(fief_jemalloc_state state) {
    unsigned count = 0;
    for (unsigned i = 0; i < CROWD; i++)
        count += crowd[i].backing.state == state;
    return count;
}

static void check_crowd(void) {
    if (available_mib() < CROWD_NEEDS_MIB) {
        printf("ok %u - five thousand at once # SKIP needs %d MiB\n", ++check_count, CROWD_NEEDS_MIB);
        return;
    }
    bool good = true;
    for (unsigned i = 0; good && i < CROWD; i++) {
        good = guest_begin(&crowd[i], NULL, FIEF_LEAK_FORCE);
        unsigned *block = good ? fief_alloc(crowd[i].heap, 600 * KIB) : NULL;
        good = block != NULL;
        if (good)
            *block = i;
    }
    unsigned backed = crowd_in(FIEF_JEMALLOC_ARENA), refused = crowd_in(FIEF_JEMALLOC_REFUSED);
    printf("# %u have an arena, %u the system's memory\n", backed, refused);
    check(good && backed >= LEAST_ARENAS && refused > 0 && backed + refused == CROWD, "five thousand at once");
    guest *last = &crowd[CROWD - 1];
    check(good && last->backing.refusals == 1 && is_filled(filled(last, 2 * MIB), 2 * MIB) &&
              last->backing.spans == 0,
          "those without an arena are none the worse");
    check(good && guest_end(&crowd[0]) && filled(last, MIB) != NULL && last->backing.state == FIEF_JEMALLOC_ARENA,
          "an arena that comes free is taken by who needs one next");
    for (unsigned i = 1; good && i < CROWD; i++)
        good = guest_end(&crowd[i]);
    check(good && live_once(), "all come free");
    check(good && large_bytes(last->backing.arena) == SIZE_MAX, "and are destroyed, but for a few");
}

int main(void) {
    check_life();
    check_growth();
    check_two();
    check_kept();
    check_lives();
    check_crowd();
    return tap_end();
}
