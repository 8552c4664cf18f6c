/* What malloc tells of itself and lets be set: plausible, and where it belongs. */
#include "blocks.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>

enum { BLOCKS = 1000, BLOCK_BYTES = 10000 };

static void check_mallinfo(void) {
    static void *blocks[BLOCKS];
    size_t before = mallinfo2().uordblks;
    for (size_t i = 0; i < BLOCKS; i++)
        memset(blocks[i] = malloc(BLOCK_BYTES), 1, BLOCK_BYTES);
    struct mallinfo2 full = mallinfo2();
    size_t as_int = (size_t)mallinfo().uordblks;
    for (size_t i = 0; i < BLOCKS; i++)
        free(blocks[i]);
    size_t after = mallinfo2().uordblks;
    size_t least = (size_t)BLOCKS * BLOCK_BYTES, gained = full.uordblks - before;
    tap_check(gained >= least && gained < least + least / 4, "mallinfo2: live bytes, %zu of %zu", gained, least);
    tap_check(full.arena + full.hblkhd >= full.uordblks, "of a heap that is no smaller");
    tap_check(as_int >= full.uordblks - least / 10 && as_int <= full.uordblks + least / 10,
              "mallinfo says the same");
    tap_check(after < before + least / 10, "what is freed is not live");
}

/* Runs `what` with a file as standard error; returns how much is written there. */
static off_t written_to_stderr(void (*what)(void)) {
    int kept = dup(STDERR_FILENO);
    FILE *file = tmpfile();
    dup2(fileno(file), STDERR_FILENO);
    what();
    fflush(stderr);
    off_t bytes = lseek(STDERR_FILENO, 0, SEEK_END);
    dup2(kept, STDERR_FILENO);
    close(kept);
    fclose(file);
    return bytes;
}

static void check_stats(void) {
    tap_check(written_to_stderr(malloc_stats) > 0, "malloc_stats writes to stderr");
}

static void check_info(void) {
    char *text = NULL;
    size_t bytes = 0;
    FILE *stream = open_memstream(&text, &bytes);
    int status = malloc_info(0, stream);
    fclose(stream);
    tap_check(status == 0 && strncmp(text, "<malloc", 7) == 0 && strstr(text, "</malloc>") != NULL,
              "malloc_info writes XML");
    free(text);
    stream = tmpfile();
    tap_check(malloc_info(1, stream) != 0, "and has no options");
    fclose(stream);
}

static void check_settings(void) {
    tap_check(mallopt(M_MMAP_THRESHOLD, 1 << 20) == 1 && mallopt(M_ARENA_MAX, 2) == 1 &&
                  mallopt(M_PERTURB, 0) == 1,
              "mallopt takes settings");
}

static void check_trim(void) {
    void *blocks[64];
    for (size_t i = 0; i < 64; i++)
        memset(blocks[i] = malloc(100000), 1, 100000);
    void *live = malloc(100);
    blocks_fill(live, 100, 3);
    for (size_t i = 0; i < 64; i++)
        free(blocks[i]);
    int first = malloc_trim(0), second = malloc_trim(0);
    tap_check((first == 0 || first == 1) && (second == 0 || second == 1) && blocks_hold(live, 100, 3),
              "malloc_trim gives back what is not live");
    free(live);
}

int main(void) {
    check_mallinfo();
    check_stats();
    check_info();
    check_trim();
    check_settings();
    return tap_end();
}
