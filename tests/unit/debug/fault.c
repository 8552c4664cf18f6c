/* debug/fault: an access to a guarded page is told, and then the program ends, or goes on by policy. */
#include "heap.h"
#include "support/child.h"

#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>

static void set_up(void) {
    conf("");
}

TestSuite(fault, .init = set_up);

typedef struct access {
    ptrdiff_t at; /* from the block's start */
    bool freed, writes;
    fief_misuse_policy policy;
    size_t size;
} access_to;

static int do_access(void *arg) {
    const access_to *a = arg;
    conf("");
    fief_config config = named("guarded");
    config.debug = FIEF_DEBUG_GUARD;
    config.on_misuse = a->policy;
    fief *f;
    if (fief_create(&f, &config) != FIEF_OK)
        return 1;
    volatile char *block = opaque(fief_alloc(f, a->size));
    if (a->freed)
        fief_free(f, (void *)block);
    if (a->writes)
        block[a->at] = 1;
    else
        (void)block[a->at];
    return 0;
}

static child_end access_at(ptrdiff_t at, bool freed, bool writes, fief_misuse_policy policy) {
    return run_in_child(do_access, &(access_to){at, freed, writes, policy, 64});
}

Test(fault, behind_a_blocks_end_it_is_an_overflow) {
    child_end end = access_at(64, false, true, FIEF_MISUSE_ABORT);
    assert_equal(end.signal, SIGSEGV);
    assert_says(end, "fief: overflow in a");
    assert_says(end, "the fault is handed on\n");
    end = access_at(64, false, false, FIEF_MISUSE_ABORT);
    assert_says(end, "fief: overflow in a");
}

Test(fault, before_its_page_it_is_an_underflow) {
    child_end end = run_in_child(do_access, &(access_to){-4096, false, true, FIEF_MISUSE_ABORT, 4096});
    assert_equal(end.signal, SIGSEGV);
    assert_says(end, "fief: underflow in a");
}

Test(fault, a_freed_block_is_used_after_its_free) {
    for (int writes = 0; writes < 2; writes++) {
        child_end end = access_at(10, true, writes != 0, FIEF_MISUSE_ABORT);
        assert_equal(end.signal, SIGSEGV);
        assert_says(end, "fief: use after free in a");
        assert_says(end, "10 bytes into the block");
        assert_says(end, "  freed    ");
    }
}

Test(fault, by_policy_the_program_goes_on) {
    child_end end = access_at(64, false, true, FIEF_MISUSE_REPORT);
    assert_returned(end);
    assert_says(end, "the call goes on\n");
    assert_returned(access_at(10, true, true, FIEF_MISUSE_REPORT));
    end = access_at(10, true, true, FIEF_MISUSE_IGNORE);
    assert_returned(end);
    assert_equal(end.said_bytes, 0);
}

/* ---- faults that are none of fief's ---- */

static sigjmp_buf back;

static void jump_back(int number) {
    (void)number;
    siglongjmp(back, 1);
}

static int fault_elsewhere(void *arg) {
    if (arg != NULL)
        signal(SIGSEGV, jump_back);
    conf("");
    fief_config config = named("guarded");
    config.debug = FIEF_DEBUG_GUARD;
    fief *f;
    if (fief_create(&f, &config) != FIEF_OK)
        return 1;
    if (sigsetjmp(back, 1) != 0)
        return 7;
    *(volatile char *)opaque((void *)8) = 1;
    return 2;
}

Test(fault, another_fault_is_handed_to_whoever_handled_it_before) {
    child_end end = run_in_child(fault_elsewhere, &back);
    assert_equal(end.status, 7);
    assert_equal(end.said_bytes, 0);
}

Test(fault, without_a_handler_the_program_ends_by_it) {
    child_end end = run_in_child(fault_elsewhere, NULL);
    assert_equal(end.signal, SIGSEGV);
    assert_equal(end.said_bytes, 0);
}
