/* Pointers that are no block's start - interior, misaligned, wild - given to every verb that takes a block: found,
 * reported exactly, and followed by what the caller's policy says. Freed blocks: double_free.c. */
#include "support/wrong.h"

#include <stdint.h>
#include <sys/mman.h>

/* ---- inside a block ---- */

static wrong somewhere_in(fief *f, block_kind kind, size_t displacement, fief_misuse misuse) {
    char *block = allocate_kind(f, kind);
    size_t usable = fief_usable_size(block);
    return (wrong){block + (displacement < usable ? displacement : usable - 1), misuse, block, usable, f, f};
}

/* Not its middle alone: the last words of a large block are in another granule than its first. */
static wrong at_its_last_word(fief *f, block_kind kind) {
    wrong made = somewhere_in(f, kind, 0, FIEF_MISUSE_INTERIOR);
    made.pointer = (char *)made.pointer + made.block_size - 8;
    return made;
}

static wrong in_its_middle(fief *f, block_kind kind) {
    wrong made = somewhere_in(f, kind, 0, FIEF_MISUSE_INTERIOR);
    size_t half = made.block_size / 32 * 16; /* 0 where there is no middle */
    made.pointer = (char *)made.pointer + (half != 0 ? half : 8);
    return made;
}

static wrong at_its_second_byte(fief *f, block_kind kind) {
    return somewhere_in(f, kind, 1, FIEF_MISUSE_MISALIGNED);
}

static wrong at_its_last_byte(fief *f, block_kind kind) {
    return somewhere_in(f, kind, SIZE_MAX, FIEF_MISUSE_MISALIGNED);
}

Test(misuse, a_pointer_to_a_blocks_middle_is_an_interior_pointer) {
    assert_by_every_policy(in_its_middle);
}

Test(misuse, a_pointer_to_a_blocks_last_word_is_an_interior_pointer) {
    assert_by_every_policy(at_its_last_word);
}

Test(misuse, a_pointer_to_a_blocks_second_byte_is_misaligned) {
    assert_by_every_policy(at_its_second_byte);
}

Test(misuse, a_pointer_to_a_blocks_last_byte_is_misaligned) {
    assert_by_every_policy(at_its_last_byte);
}

static fief *reporting(const char *name) {
    wrong_witness = (witness){.count = 0};
    return wrong_heap(name, FIEF_MISUSE_REPORT, 16);
}

Test(misuse, every_displacement_into_a_block_is_told) {
    fief *f = reporting("the heap");
    FOR_KINDS (kind) {
        char *block = allocate_kind(f, kind);
        size_t usable = fief_usable_size(block);
        for (size_t into = 1; into < usable; into += 1 + into / 16) {
            wrong made = {
                block + into, into % 8 == 0 ? FIEF_MISUSE_INTERIOR : FIEF_MISUSE_MISALIGNED, block, usable, f, f};
            fief_free(f, made.pointer);
            assert_reported(&wrong_witness, &made, "fief_free");
        }
        fief_free(f, block);
        assert_equal(exact_stats(f).live_blocks, 0);
    }
}

Test(misuse, the_text_tells_how_far_into_which_block) {
    fief *f = reporting("the heap");
    char wanted[128], *block = fief_alloc(f, 100000);
    fief_free(f, block + 65536);
    snprintf(wanted, sizeof wanted, "  pointer  %p, 65536 bytes into the block %p of %zu bytes\n",
             (void *)(block + 65536), (void *)block, fief_usable_size(block));
    cr_assert_not_null(strstr(wrong_witness.text, wanted), "%s", wrong_witness.text);
}

/* ---- another's block ---- */

Test(misuse, inside_anothers_block_the_callers_policy_holds) {
    fief *owner = wrong_heap("owner", FIEF_MISUSE_ABORT, 16), *caller = reporting("caller");
    FOR_KINDS (kind) {
        wrong made = in_its_middle(owner, kind);
        made.caller = caller;
        fief_free(caller, made.pointer);
        assert_reported(&wrong_witness, &made, "fief_free");
        do_realloc(caller, made.pointer);
        assert_reported(&wrong_witness, &made, "fief_realloc");
    }
    assert_equal(exact_stats(caller).misuses, 2 * KINDS);
    assert_equal(exact_stats(caller).foreign_out + exact_stats(owner).foreign_in + exact_stats(owner).misuses, 0);
    assert_equal(exact_stats(owner).live_blocks, KINDS);
}

Test(misuse, without_a_handle_the_owners_policy_holds) {
    fief *owner = reporting("owner");
    FOR_KINDS (kind) {
        wrong made = in_its_middle(owner, kind);
        made.caller = NULL;
        fief_free_remote(made.pointer);
        assert_reported(&wrong_witness, &made, "fief_free_remote");
    }
    assert_equal(fief_poll(owner), 0);
    assert_equal(exact_stats(owner).live_blocks, KINDS);
    cr_assert(is_sound(owner));
}

/* ---- wild ---- */

static int in_static_memory;

/* A number of addresses where no block ever was. The first ones nobody owns. */
enum { NOBODYS = 12, WILD_PLACES = NOBODYS + 3 };

static char *unmapped(void) {
    char *page = mmap(NULL, 1 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq(page, (char *)MAP_FAILED);
    munmap(page, 1 << 20);
    return page;
}

/* The last three are in the heap's own memory: its handle, and behind the blocks that it has handed out. */
static wrong wild_number(fief *f, unsigned i, const int *on_the_stack, void *of_malloc) {
    char *home = (char *)f;
    void *const places[WILD_PLACES] = {(void *)(uintptr_t)on_the_stack,
                                       &in_static_memory,
                                       of_malloc,
                                       (void *)8,
                                       (void *)64,
                                       (void *)4096,
                                       unmapped(),
                                       (void *)UINT64_C(0x8000000000000000),
                                       (void *)UINT64_C(0xffff800000001000),
                                       (void *)(UINTPTR_MAX - 7),
                                       home + (UINT64_C(3) << 30),
                                       (void *)(uintptr_t)fief_create,
                                       home,
                                       home + 200000,
                                       home + 256 * 1024 - 16};
    return (wrong){places[i], FIEF_MISUSE_WILD, NULL, 0, i < NOBODYS ? NULL : f, f};
}

Test(misuse, where_no_block_ever_was_a_pointer_is_wild) {
    int on_the_stack = 0;
    void *of_malloc = malloc(100);
    for (fief_misuse_policy policy = FIEF_MISUSE_REPORT; policy <= FIEF_MISUSE_IGNORE; policy++) {
        fief *f = wrong_heap("the heap", policy, 16);
        cr_assert_not_null(fief_alloc(f, 64));
        for (unsigned i = 0; i < WILD_PLACES; i++)
            for (unsigned verb = 0; verb < WRONG_VERBS; verb++) {
                wrong made = wild_number(f, i, &on_the_stack, of_malloc);
                unsigned told = wrong_witness.count;
                wrong_verbs[verb](f, made.pointer);
                assert_equal(wrong_witness.count, told + (policy == FIEF_MISUSE_REPORT));
                if (policy == FIEF_MISUSE_REPORT)
                    assert_reported(&wrong_witness, &made, verb == 3 ? "fief_realloc" : wrong_witness.operation);
            }
        assert_equal(exact_stats(f).misuses, WILD_PLACES * WRONG_VERBS);
        assert_equal(exact_stats(f).live_blocks, 1);
        cr_assert(is_sound(f));
        fief_destroy(f);
        fief_trim(NULL);
    }
    free(of_malloc);
}

Test(misuse, by_default_a_wild_pointer_aborts) {
    int on_the_stack = 0;
    fief *f = wrong_heap("strict", FIEF_MISUSE_ABORT, 16);
    for (unsigned i = 0; i < WILD_PLACES; i++) {
        wrong made = wild_number(f, i, &on_the_stack, &in_static_memory);
        child_end end = run_in_child(make_fatal, &(fatal_wrong){f, made.pointer, do_free});
        assert_aborted(end);
        assert_written(end.said, &made, "fief_free", "  verdict  abort\n");
        assert_aborted(run_in_child(make_fatal, &(fatal_wrong){f, made.pointer, do_inline_free}));
        assert_aborted(run_in_child(make_fatal, &(fatal_wrong){f, made.pointer, do_realloc}));
    }
}

static void do_free_remote(fief *f, void *p) {
    (void)f;
    fief_free_remote(p);
}

Test(misuse, a_wild_pointer_without_a_handle_aborts_for_lack_of_a_policy) {
    int on_the_stack = 0;
    fief *f = reporting("the heap");
    for (unsigned i = 0; i < NOBODYS; i++) {
        wrong made = wild_number(f, i, &on_the_stack, &in_static_memory);
        made.caller = NULL;
        child_end end = run_in_child(make_fatal, &(fatal_wrong){f, made.pointer, do_free_remote});
        assert_aborted(end);
        assert_written(end.said, &made, "fief_free_remote", "  caller   none");
    }
    wrong made = wild_number(f, NOBODYS, &on_the_stack, &in_static_memory);
    made.caller = NULL;
    fief_free_remote(made.pointer);
    assert_reported(&wrong_witness, &made, "fief_free_remote");
}

/* Every address that a heap's arenas have, but for the starts of its blocks. */
Test(misuse, nothing_in_a_heaps_memory_but_a_blocks_start_can_be_freed) {
    fief *f = reporting("the heap");
    char *block = fief_alloc(f, 64), *large = fief_alloc(f, 70000);
    uint64_t misuses = 0;
    for (size_t at = 0; at < 256 * 1024; at += 8) {
        char *in_home = (char *)f + at, *in_large = large - (uintptr_t)large % (256 * 1024) + at;
        if (in_home != block && in_home != large)
            fief_free(f, in_home), misuses++;
        if (in_large != large && in_large != block)
            fief_free(f, in_large), misuses++;
    }
    assert_equal(exact_stats(f).misuses, misuses);
    assert_equal(wrong_witness.count, misuses);
    assert_equal(exact_stats(f).live_blocks, 2);
    cr_assert(is_sound(f));
}
