/* debug/fence: where blocks lie, and what is told of damage between them. */
#include "debug/fill.h"
#include "heap.h"

static const fi_release look = {.operation = "a look", .size = FI_ANY_SIZE};

static void set_up(void) {
    conf("");
}

TestSuite(fence, .init = set_up);

Test(fence, a_block_lies_between_fences) {
    static const size_t sizes[] = {0, 1, 15, 16, 17, 100, 500, 600, 2000, 16000, 16384, 40000, 600000};
    fief *f = heap_at(FIEF_DEBUG_CHECK);
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        unsigned char *block = opaque(fief_alloc(f, sizes[i]));
        fi_spot spot = spot_at(f, block);
        cr_assert(fi_spot_is_sound(&spot) && (unsigned char *)spot.block == block);
        assert_at_least(spot.slot_bytes, sizes[i] + FI_FENCE_BYTES);
        for (size_t byte = 0; byte < FI_FENCE_BYTES; byte++) {
            cr_assert_eq(block[-1 - (ptrdiff_t)byte], FI_FENCE);
            cr_assert_eq(block[sizes[i] + byte], FI_FENCE);
            cr_assert_eq(block[spot.slot_bytes - 1 - byte], FI_FENCE);
        }
        assert_equal(fi_fence_check(f, &spot, &look), 0);
    }
    assert_equal(heard.count, 0);
    fief_destroy(f);
}

/* Three neighbours of one pool. */
typedef struct row {
    fief *f;
    unsigned char *blocks[3];
    fi_spot middle;
} row;

static row make_row(size_t size) {
    row r = {.f = heap_at(FIEF_DEBUG_CHECK)};
    for (;;) {
        unsigned char *block = fief_alloc(r.f, size);
        fi_spot spot = spot_at(r.f, block);
        memmove(r.blocks, r.blocks + 1, 2 * sizeof *r.blocks);
        r.blocks[2] = block;
        if (r.blocks[0] != NULL && (size_t)(block - r.blocks[0]) == 2 * spot.slot_bytes) {
            r.middle = spot_at(r.f, r.blocks[1]);
            return r;
        }
    }
}

Test(fence, damage_from_a_blocks_end_on_is_its_overflow) {
    for (unsigned bytes = 1; bytes < 16; bytes++) {
        row r = make_row(48);
        memset(opaque(r.blocks[1] + 48), 7, bytes);
        assert_equal(fi_fence_check(r.f, &r.middle, &look), 1);
        cr_assert(heard.last.kind == FIEF_MISUSE_OVERFLOW && heard.last.block == r.blocks[1]);
        cr_assert(heard.last.damage == 48 && heard.last.damaged_bytes == bytes);
        assert_equal(fi_fence_check(r.f, &r.middle, &look), 0);
        fief_destroy(r.f);
    }
}

Test(fence, damage_that_reaches_the_next_block_is_that_ones_underflow) {
    row r = make_row(48);
    memset(opaque(r.blocks[2] - 3), 7, 3);
    assert_equal(fi_fence_check(r.f, &r.middle, &look), 1);
    cr_assert(heard.last.kind == FIEF_MISUSE_UNDERFLOW && heard.last.block == r.blocks[2]);
    assert_equal(heard.last.damage, -3);
    fief_destroy(r.f);
}

Test(fence, the_fence_before_a_block_is_looked_at_too) {
    row r = make_row(48);
    memset(opaque(r.blocks[0] + 48), 7, 2);
    assert_equal(fi_fence_check(r.f, &r.middle, &look), 1);
    cr_assert(heard.last.kind == FIEF_MISUSE_OVERFLOW && heard.last.block == r.blocks[0]);
    r.blocks[1][-1] = 7;
    assert_equal(fi_fence_check(r.f, &r.middle, &look), 1);
    cr_assert(heard.last.kind == FIEF_MISUSE_UNDERFLOW && heard.last.block == r.blocks[1]);
    fief_destroy(r.f);
}

Test(fence, of_a_long_fence_the_ends_are_looked_at) {
    fief *f = heap_at(FIEF_DEBUG_CHECK);
    unsigned char *block = opaque(fief_alloc(f, 17000));
    fi_spot spot = spot_at(f, block);
    block[17000 + 63] = 1;
    assert_equal(fi_fence_check(f, &spot, &look), 1);
    block[spot.slot_bytes - 1] = 1;
    assert_equal(fi_fence_check(f, &spot, &look), 1);
    block[17000 + 200] = 1;
    assert_equal(fi_fence_check(f, &spot, &look), 0);
    fief_destroy(f);
}

Test(fence, a_size_that_can_not_be_is_not_sound) {
    fief *f = heap_at(FIEF_DEBUG_CHECK);
    fi_spot spot = spot_at(f, fief_alloc(f, 100));
    spot.record->size = spot.slot_bytes - FI_FENCE_BYTES;
    cr_assert(fi_spot_is_sound(&spot));
    spot.record->size++;
    cr_assert_not(fi_spot_is_sound(&spot));
    spot.record->size = SIZE_MAX;
    cr_assert_not(fi_spot_is_sound(&spot));
}
