/* The backing in a process without jemalloc: that it says so and changes nothing; and with functions that the host
 * gives, which fail in turn. Speaks TAP. */
#include "tap.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- a host's jemalloc: its arenas are counters, its memory is the C library's ---- */

enum { FIRST_ARENA = 41, MOST_IDLE = 16, MANY = 40 };

static struct {
    const char *version;
    bool has_arenas, has_memory, lengthens;
    unsigned arenas_made, arenas_purged, arenas_destroyed, spans_out;
    int last_flags;
} fake;

static void fake_reset(void) {
    memset(&fake, 0, sizeof fake);
    fake.version = "5.3.0-0-g54eaed1d8b56b1aa528be3bdd1877e59c56fa90c";
    fake.has_arenas = fake.has_memory = true;
}

static int fake_mallctl(const char *name, void *old, size_t *old_bytes, void *value, size_t value_bytes) {
    (void)old_bytes, (void)value, (void)value_bytes;
    if (strcmp(name, "version") == 0) {
        memcpy(old, &fake.version, sizeof fake.version);
        return 0;
    }
    if (strcmp(name, "arenas.create") == 0 && fake.has_arenas) {
        *(unsigned *)old = FIRST_ARENA + fake.arenas_made++;
        return 0;
    }
    if (strncmp(name, "arena.", 6) == 0) {
        fake.arenas_purged += strstr(name, ".purge") != NULL;
        fake.arenas_destroyed += strstr(name, ".destroy") != NULL;
        return 0;
    }
    return EAGAIN;
}

static void *fake_mallocx(size_t bytes, int flags) {
    void *span = fake.has_memory ? aligned_alloc((size_t)1 << (flags & 63), bytes) : NULL;
    fake.last_flags = flags;
    fake.spans_out += span != NULL;
    return span;
}

static void fake_dallocx(void *block, int flags) {
    (void)flags;
    free(block);
    fake.spans_out--;
}

/* What it makes longer is its caller's lie: the caller looks no further than the number. */
static size_t fake_xallocx(void *block, size_t bytes, size_t extra_bytes, int flags) {
    (void)block, (void)flags;
    return fake.lengthens ? bytes + extra_bytes : bytes - 1;
}

static const fief_jemalloc_functions fakes = {fake_mallctl, fake_mallocx, fake_dallocx, fake_xallocx};

/* Interpreters that have what waits of ended ones' arenas, so that the next asks for a new one. */
static guest holders[MOST_IDLE + 1];
static unsigned holder_count;

static void hold_idle(void) {
    fake_reset();
    while (fake.arenas_made == 0 && holder_count <= MOST_IDLE &&
           guest_begin(&holders[holder_count], &fakes, FIEF_LEAK_FORCE))
        filled(&holders[holder_count++], MIB);
    fake_reset();
}

static void release_idle(void) {
    while (holder_count > 0)
        guest_end(&holders[--holder_count]);
}

/* ---- without jemalloc ---- */

static void check_absent(void) {
    fief_config config = FIEF_CONFIG_INIT;
    fief_jemalloc backing;
    check(fief_jemalloc_back(&backing, &config, NULL) == FIEF_JEMALLOC_ABSENT, "there is no jemalloc");
    check(backing.state == FIEF_JEMALLOC_ABSENT && config.provider.alloc == NULL && config.provider_end == NULL &&
              config.provider_extend == NULL,
          "and the configuration is as it was");
    guest g;
    bool begun = guest_begin(&g, NULL, FIEF_LEAK_FORCE);
    unsigned char *block = begun ? filled(&g, 2 * MIB) : NULL;
    block = begun ? fief_realloc(g.heap, block, 9 * MIB) : NULL;
    check(is_filled(block, 2 * MIB), "large blocks are the system's");
    check(begun && guest_end(&g) && g.backing.spans == 0, "and go with the interpreter");
}

static void check_too_old(void) {
    fief_config config = FIEF_CONFIG_INIT;
    fief_jemalloc backing;
    fake_reset();
    fake.version = "4.5.0-0-g04380e79f1e2428bd0ad000bbc6e3d2dfc6b66a5";
    check(fief_jemalloc_back(&backing, &config, &fakes) == FIEF_JEMALLOC_ABSENT, "jemalloc 4 is none");
}

static void check_texts(void) {
    bool distinct = true;
    for (int a = FIEF_JEMALLOC_ABSENT; a <= FIEF_JEMALLOC_ENDED + 1; a++)
        for (int b = FIEF_JEMALLOC_ABSENT; b < a; b++)
            distinct = distinct && strcmp(fief_jemalloc_state_text((fief_jemalloc_state)a),
                                          fief_jemalloc_state_text((fief_jemalloc_state)b)) != 0;
    check(distinct, "each state has a text of its own");
}

/* ---- with functions of the host's ---- */

static void check_life(void) {
    guest g;
    fake_reset();
    check(guest_begin(&g, &fakes, FIEF_LEAK_FORCE) && g.backing.state == FIEF_JEMALLOC_READY,
          "given functions are used");
    void *small = fief_alloc(g.heap, 300 * KIB);
    check(small != NULL && fake.arenas_made == 0, "what is not large makes no arena");
    check(is_filled(filled(&g, 3 * MIB), 3 * MIB) && fake.arenas_made == 1 && g.backing.arena == FIRST_ARENA &&
              g.backing.state == FIEF_JEMALLOC_ARENA,
          "the first large block makes one");
    check(fake.last_flags == ((FIRST_ARENA + 1) << 20 | 1 << 8 | 18),
          "the span is that arena's, of no thread's cache, and aligned");
    check(filled(&g, 3 * MIB) != NULL && fake.arenas_made == 1 && g.backing.spans == 2, "the second makes none");
    check(guest_end(&g) && fake.arenas_purged == 1 && fake.spans_out == 0, "it goes with the interpreter");
    check(g.backing.state == FIEF_JEMALLOC_ENDED, "which the state tells");
}

/* As many as there may be, each with a large block. */
static void check_idle(void) {
    static guest many[MANY];
    hold_idle();
    bool good = true;
    for (unsigned i = 0; i < MANY; i++)
        good = good && guest_begin(&many[i], &fakes, FIEF_LEAK_FORCE) && filled(&many[i], MIB) != NULL;
    for (unsigned i = 0; good && i < MANY; i++)
        good = guest_end(&many[i]);
    check(good && fake.arenas_made == MANY && fake.arenas_purged == MANY,
          "the memory of every arena is given back");
    check(fake.arenas_destroyed == MANY - MOST_IDLE, "and the arena, unless it is one of a few that wait");
    guest next;
    check(guest_begin(&next, &fakes, FIEF_LEAK_FORCE) && filled(&next, MIB) != NULL && fake.arenas_made == MANY,
          "which serve next");
    guest_end(&next);
    release_idle();
}

static int other_mallctl(const char *name, void *old, size_t *old_bytes, void *value, size_t value_bytes) {
    return fake_mallctl(name, old, old_bytes, value, value_bytes);
}

static void check_second_jemalloc(void) {
    fief_jemalloc_functions others = fakes;
    others.mallctl = other_mallctl;
    guest g;
    fake_reset();
    bool begun = guest_begin(&g, &others, FIEF_LEAK_FORCE) && filled(&g, MIB) != NULL;
    check(begun && fake.arenas_made == 1, "another jemalloc's arenas are not mistaken for its own");
    check(guest_end(&g) && fake.arenas_destroyed == 1, "and none of them waits");
}

static void check_without_large_blocks(void) {
    guest g;
    fake_reset();
    bool begun = guest_begin(&g, &fakes, FIEF_LEAK_FORCE);
    check(begun && guest_end(&g) && fake.arenas_made == 0 && fake.arenas_purged == 0, "no large block, no arena");
}

/* What is written to stderr meanwhile. */
static size_t told_in(void (*run)(void), char *text, size_t room) {
    FILE *file = tmpfile();
    int stderr_before = dup(STDERR_FILENO);
    if (file == NULL || stderr_before == -1)
        return 0;
    dup2(fileno(file), STDERR_FILENO);
    run();
    dup2(stderr_before, STDERR_FILENO);
    close(stderr_before);
    rewind(file);
    size_t length = fread(text, 1, room - 1, file);
    fclose(file);
    text[length] = '\0';
    return length;
}

static void refuse_arenas(void) {
    guest g;
    hold_idle();
    fake.has_arenas = false;
    bool begun = guest_begin(&g, &fakes, FIEF_LEAK_FORCE);
    unsigned char *block = begun ? filled(&g, 2 * MIB) : NULL;
    check(is_filled(block, 2 * MIB) && g.backing.state == FIEF_JEMALLOC_REFUSED && g.backing.refusals == 1,
          "where no arena is to be had, the system's memory serves");
    block = begun ? fief_realloc(g.heap, block, 9 * MIB) : NULL;
    check(is_filled(block, 2 * MIB) && fake.spans_out == 0, "and grows as it does");
    fake.has_arenas = true;
    check(begun && filled(&g, MIB) != NULL && g.backing.state == FIEF_JEMALLOC_ARENA && fake.spans_out == 1,
          "once there is one again, it is taken");
    check(begun && guest_end(&g) && fake.arenas_purged == 1, "all goes with the interpreter");
    release_idle();
}

static void check_refused_arenas(void) {
    char text[1024];
    told_in(refuse_arenas, text, sizeof text);
    check(strstr(text, "makes no more: large blocks of further interpreters come from the operating system\n") !=
              NULL,
          "a refused arena is told on stderr");
    check(told_in(refuse_arenas, text, sizeof text) == 0, "once");
}

static void check_refused_memory(void) {
    guest g;
    fake_reset();
    fake.has_memory = false;
    bool begun = guest_begin(&g, &fakes, FIEF_LEAK_FORCE);
    check(begun && is_filled(filled(&g, 2 * MIB), 2 * MIB) && g.backing.refusals == 1 && g.backing.spans == 0,
          "where the arena has no memory, the system's serves");
    check(begun && guest_end(&g) && fake.arenas_purged == 1, "an arena that stayed empty goes, too");
}

static void check_growth(void) {
    guest g;
    fake_reset();
    bool begun = guest_begin(&g, &fakes, FIEF_LEAK_FORCE);
    unsigned char *block = begun ? filled(&g, MIB) : NULL;
    unsigned char *moved = begun ? fief_realloc(g.heap, block, 3 * MIB) : NULL;
    check(moved != block && is_filled(moved, MIB) && g.backing.span_bytes == 3 * MIB,
          "a span that can't be made longer is copied");
    fake.lengthens = true;
    check(begun && fief_realloc(g.heap, moved, 4 * MIB) == moved && g.backing.span_bytes == 4 * MIB,
          "one that can is not");
    check(begun && guest_end(&g) && g.backing.span_bytes == 0 && fake.spans_out == 0, "all of it goes back");
}

static void check_kept(void) {
    guest g;
    fake_reset();
    bool begun = guest_begin(&g, &fakes, FIEF_LEAK_KEEP);
    unsigned char *block = begun ? filled(&g, MIB) : NULL;
    check(begun && guest_end(&g) && fake.spans_out == 1 && fake.arenas_purged == 0 && is_filled(block, MIB),
          "an arena with leaks that are kept is kept");
    fake_dallocx(block, 0);
}

static void check_create_fails(void) {
    fief_config config = FIEF_CONFIG_INIT;
    fief_jemalloc backing;
    fief *heap;
    fake_reset();
    fief_jemalloc_back(&backing, &config, &fakes);
    config.alignment = 3;
    check(fief_create(&heap, &config) == FIEF_BAD_ARGUMENT && fake.arenas_made == 0,
          "a failed fief_create leaves nothing behind");
}

int main(void) {
    check_absent();
    check_too_old();
    check_texts();
    check_life();
    check_idle();
    check_second_jemalloc();
    check_without_large_blocks();
    check_refused_arenas();
    check_refused_memory();
    check_growth();
    check_kept();
    check_create_fails();
    return tap_end();
}
