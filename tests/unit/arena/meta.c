/* arena/meta: zeroed pieces that do not overlap, and that are used again. */
#include "arena/meta.h"

#include "os/os.h"
#include "support/compare.h"
#include "support/pages.h"
#include "support/random.h"

#include <string.h>

enum { PIECES = 500, LARGEST = 200000 };

TestSuite(meta, .init = fi_os_init);

typedef struct piece {
    unsigned char *at; /* NULL: none */
    size_t bytes;
} piece;

static bool is_filled(const piece *p, unsigned char with) {
    for (size_t i = 0; i < p->bytes; i++)
        if (p->at[i] != with)
            return false;
    return true;
}

Test(meta, pieces_are_zeroed_and_do_not_overlap) {
    static piece pieces[PIECES];
    random_source rng = random_seeded(1);
    for (unsigned turn = 0; turn < 20000; turn++) {
        size_t i = random_below(&rng, PIECES);
        piece *p = &pieces[i];
        unsigned char filler = (unsigned char)(i % 255 + 1);
        if (p->at == NULL) {
            p->bytes = 1 + random_below(&rng, turn % 8 == 0 ? LARGEST : 500);
            p->at = fi_meta_alloc(p->bytes);
            cr_assert(p->at != NULL && is_zeros(p->at, p->bytes));
            memset(p->at, filler, p->bytes);
        } else {
            cr_assert(is_filled(p, filler), "another piece overlaps piece %zu", i);
            fi_meta_free(p->at, p->bytes);
            p->at = NULL;
        }
    }
}

Test(meta, a_freed_piece_serves_the_next_of_its_size) {
    for (size_t bytes = 1; bytes <= (size_t)1 << 20; bytes *= 4) {
        void *first = fi_meta_alloc(bytes);
        fi_meta_free(first, bytes);
        cr_assert_eq(fi_meta_alloc(bytes), first, "%zu bytes", bytes);
    }
}

Test(meta, freeing_nothing_is_nothing) {
    fi_meta_free(NULL, 100);
    cr_assert_not_null(fi_meta_alloc(100));
}

Test(meta, exhaustion_is_null_and_passes) {
    static const size_t sizes[] = {32, 100000}; /* from a chunk, and on its own */
    for (unsigned i = 0; i < 2; i++)
        for (unsigned nth = 1; nth <= 2; nth++) {
            fi_os_fail_at(nth);
            cr_assert_null(fi_meta_alloc(sizes[i]), "%zu bytes, request %u", sizes[i], nth);
        }
    cr_assert_not_null(fi_meta_alloc(sizes[0]));
    cr_assert_not_null(fi_meta_alloc(sizes[1]));
}

Test(meta, more_than_it_is_for_is_refused) {
    cr_assert_null(fi_meta_alloc((size_t)1 << 40));
    cr_assert_null(fi_meta_alloc(SIZE_MAX));
}
