#include "arena/meta.h"

#include "base/bits.h"
#include "base/lock.h"
#include "os/os.h"

#include <string.h>

enum { SMALLEST_SHIFT = 5, CLASS_COUNT = 24, CHUNK_BYTES = 64 * 1024 };

typedef struct free_piece {
    struct free_piece *next;
} free_piece;

/* All under FI_RANK_META. */
static free_piece *free_pieces[CLASS_COUNT];
static char *chunk, *chunk_end;

static unsigned class_of(size_t bytes) {
    return bytes <= (size_t)1 << SMALLEST_SHIFT ? 0 : fi_highest_bit(bytes - 1) + 1 - SMALLEST_SHIFT;
}

static void *new_mapping(size_t bytes) {
    bytes = fi_round_up(bytes, fi_os_page_bytes());
    void *p = fi_os_map_zeros(bytes);
    if (p != NULL && !fi_os_enable(p, bytes)) {
        fi_os_release(p, bytes);
        return NULL;
    }
    return p;
}

static void *carve(size_t bytes) {
    if (bytes > CHUNK_BYTES / 2)
        return new_mapping(bytes);
    if ((size_t)(chunk_end - chunk) < bytes) { /* what is left of the old one is lost: half a chunk at most */
        char *fresh = new_mapping(CHUNK_BYTES);
        if (fresh == NULL)
            return NULL;
        chunk = fresh;
        chunk_end = fresh + CHUNK_BYTES;
    }
    void *p = chunk;
    chunk += bytes;
    return p;
}

void *fi_meta_alloc(size_t bytes) {
    unsigned c = class_of(bytes);
    if (c >= CLASS_COUNT)
        return NULL;
    size_t rounded = (size_t)1 << (c + SMALLEST_SHIFT);
    fi_lock(FI_RANK_META);
    void *p = free_pieces[c];
    if (p != NULL)
        free_pieces[c] = free_pieces[c]->next;
    else
        p = carve(rounded);
    fi_unlock(FI_RANK_META);
    return p != NULL ? memset(p, 0, bytes) : NULL;
}

void fi_meta_free(void *p, size_t bytes) {
    if (p == NULL)
        return;
    free_piece *piece = p;
    unsigned c = class_of(bytes);
    fi_lock(FI_RANK_META);
    piece->next = free_pieces[c];
    free_pieces[c] = piece;
    fi_unlock(FI_RANK_META);
}
