/* os: address space and memory come and go as the header says, errno survives all of it, and every request that
 * may fail can be made to. */
#include "os/os.h"

#include "base/bits.h"
#include "support/child.h"
#include "support/compare.h"
#include "support/emulator.h"
#include "support/pages.h"
#include "support/sanitizer.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>

enum { PAGES = 16 };

static size_t page, bytes;

static void set_up(void) {
    fi_os_init();
    page = fi_os_page_bytes();
    bytes = PAGES * page;
}

TestSuite(os, .init = set_up);

static char *committed(void) {
    char *p = fi_os_reserve(bytes, page);
    cr_assert(p != NULL && fi_os_commit(p, bytes));
    return p;
}

/* Pages of the range that have memory behind them. */
static size_t resident_pages(char *p) {
    unsigned char in_core[PAGES];
    cr_assert_eq(mincore(p, bytes, in_core), 0);
    size_t count = 0;
    for (size_t i = 0; i < PAGES; i++)
        count += in_core[i] & 1;
    return count;
}

static void assert_resident_pages(char *p, size_t count) {
    if (!is_emulated()) /* its memory is another program's */
        assert_equal(resident_pages(p), count);
}

/* ---- facts ---- */

Test(os, the_page_is_the_systems) {
    assert_equal(page, sysconf(_SC_PAGESIZE));
    cr_assert(fi_is_power_of_two(page));
    assert_at_least(page, 4096);
}

Test(os, the_address_budget_is_a_power_of_two_worth_having) {
    cr_assert(fi_is_power_of_two(fi_os_address_budget()));
    assert_at_least(fi_os_address_budget(), (size_t)64 << 30);
}

Test(os, the_address_budget_stays_within_the_processs_limit) {
    if (is_emulated())
        cr_skip_test("the emulator's limits are its own");
    struct rlimit before, scarce;
    cr_assert_eq(getrlimit(RLIMIT_AS, &before), 0);
    scarce = (struct rlimit){(rlim_t)5 << 30, before.rlim_max};
    setrlimit(RLIMIT_AS, &scarce);
    size_t budget = fi_os_address_budget();
    setrlimit(RLIMIT_AS, &before);
    assert_equal(budget, (size_t)4 << 30);
}

Test(os, the_clock_does_not_go_back) {
    uint64_t last = fi_os_now_ms();
    for (unsigned i = 0; i < 100000; i++) {
        uint64_t now = fi_os_now_ms();
        assert_at_least(now, last);
        last = now;
    }
}

static void *note_thread_id(void *id) {
    *(uint64_t *)id = fi_os_thread_id();
    return NULL;
}

Test(os, each_thread_has_a_number_of_its_own) {
    uint64_t other = fi_os_thread_id();
    pthread_t thread;
    cr_assert_eq(pthread_create(&thread, NULL, note_thread_id, &other), 0);
    pthread_join(thread, NULL);
    cr_assert_neq(other, fi_os_thread_id());
    assert_equal(fi_os_thread_id(), fi_os_thread_id());
}

/* ---- address space ---- */

Test(os, reserved_space_is_aligned_and_inaccessible) {
    for (size_t alignment = page; alignment <= (size_t)64 << 20; alignment *= 2) {
        char *p = fi_os_reserve(bytes, alignment);
        assert_equal((uintptr_t)p % alignment, 0);
        cr_assert_not(is_readable(p));
        cr_assert_not(is_readable(p + bytes - 1));
        fi_os_release(p, bytes);
    }
}

Test(os, a_place_is_reserved_if_it_is_free_and_left_alone_if_not) {
    char *p = committed();
    p[page] = 7;
    cr_assert_not(fi_os_reserve_at(p, bytes));
    cr_assert_not(fi_os_reserve_at(p - page, 2 * page));
    assert_equal(p[page], 7);
    fi_os_release(p, bytes);
    cr_assert(fi_os_reserve_at(p, bytes));
    cr_assert_not(is_readable(p));
}

Test(os, mapped_zeros_are_read_only_until_a_part_is_enabled) {
    char *p = fi_os_map_zeros(bytes);
    cr_assert_not_null(p);
    cr_assert(is_zeros(p, bytes));
    cr_assert_not(is_writable(p));
    cr_assert(fi_os_enable(p + page, page));
    cr_assert(is_writable(p + page));
    cr_assert_not(is_writable(p));
    cr_assert_not(is_writable(p + 2 * page));
}

/* ---- memory ---- */

Test(os, committed_space_is_zeros_that_can_be_written) {
    char *p = committed();
    cr_assert(is_zeros(p, bytes));
    memset(p, 1, bytes);
    assert_resident_pages(p, PAGES);
}

Test(os, decommitted_space_has_no_memory_and_comes_back_as_zeros) {
    char *p = committed();
    memset(p, 1, bytes);
    fi_os_decommit(p, bytes);
    assert_resident_pages(p, 0);
    cr_assert_not(is_readable(p));
    cr_assert(fi_os_commit(p, bytes));
    cr_assert(is_zeros(p, bytes));
}

Test(os, frozen_memory_keeps_what_it_holds_and_can_only_be_read) {
    char *p = committed();
    memset(p, 1, bytes);
    cr_assert(fi_os_freeze(p + page, page));
    cr_assert(is_readable(p + page));
    cr_assert_not(is_writable(p + page));
    assert_equal(p[page], 1);
    cr_assert(is_writable(p) && is_writable(p + 2 * page));
    cr_assert(fi_os_commit(p + page, page));
    cr_assert(is_writable(p + page));
    assert_equal(p[2 * page - 1], 1);
    assert_resident_pages(p, PAGES);
}

Test(os, purged_space_has_no_memory_and_stays_usable_as_zeros) {
    char *p = committed();
    memset(p, 1, bytes);
    fi_os_purge(p + page, page);
    assert_resident_pages(p, PAGES - 1);
    cr_assert(is_zeros(p + page, page));
    assert_equal(p[page - 1], 1);
    assert_equal(p[2 * page], 1);
    p[page] = 1;
}

/* Systems that can't move pages say so, and leave them. */
Test(os, moved_pages_keep_their_content_and_leave_reserved_space) {
    char *from = committed(), *to = committed();
    memset(from, 5, bytes);
    bool moved = fi_os_move_pages(from, to, bytes);
    char *full = moved ? to : from, *empty = moved ? from : to;
    for (size_t i = 0; i < bytes; i++)
        assert_equal(full[i], 5);
    assert_resident_pages(empty, 0);
    cr_assert_not(fi_os_reserve_at(from, bytes), "the space that they left must not be free for others");
}

/* ---- errno ---- */

static void fail_to_reserve(char *p) {
    (void)p;
    cr_assert_null(fi_os_reserve(SIZE_MAX / 4, page));
}
static void fail_to_reserve_at(char *p) {
    cr_assert_not(fi_os_reserve_at(p, bytes));
}
static void fail_to_map_zeros(char *p) {
    (void)p;
    cr_assert_null(fi_os_map_zeros(SIZE_MAX / 4));
}
/* A page that nobody has mapped. */
static char *nowhere(void) {
    char *p = fi_os_reserve(page, page);
    fi_os_release(p, page);
    return p;
}

static void fail_to_enable(char *p) {
    (void)p;
    cr_assert_not(fi_os_enable(nowhere(), page));
}
static void fail_to_commit(char *p) {
    (void)p;
    cr_assert_not(fi_os_commit(nowhere(), page));
}
static void fail_to_decommit(char *p) {
    fi_os_decommit(p + 1, page);
}
static void fail_to_purge(char *p) {
    fi_os_purge(p + 1, page);
}
static void fail_to_release(char *p) {
    fi_os_release(p + 1, page);
}
static void fail_to_move(char *p) {
    cr_assert_not(fi_os_move_pages(p + 1, p, page));
}
static void fail_to_write(char *p) {
    int saved = dup(STDERR_FILENO);
    close(STDERR_FILENO);
    errno = EDOM;
    fi_os_write_error(p, 1);
    int after = errno;
    dup2(saved, STDERR_FILENO);
    errno = after;
}

Test(os, whatever_fails_keeps_errno) {
    void (*const failures[])(char *p) = {fail_to_reserve, fail_to_reserve_at, fail_to_map_zeros, fail_to_enable,
                                         fail_to_commit,  fail_to_decommit,   fail_to_purge,     fail_to_release,
                                         fail_to_move,    fail_to_write};
    char *p = committed();
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) {
        errno = EDOM;
        failures[i](p);
        cr_assert_eq(errno, EDOM, "failure %zu", i);
    }
}

Test(os, what_does_not_fit_the_address_space_is_refused) {
    cr_assert_null(fi_os_reserve(SIZE_MAX - page + 1, page));
    cr_assert_null(fi_os_reserve(SIZE_MAX - page + 1, (size_t)1 << 40));
    cr_assert_null(fi_os_map_zeros((size_t)1 << 60));
}

/* ---- stderr ---- */

enum { LONG_TEXT_BYTES = 300000 }; /* more than a pipe holds */

static int write_a_long_text(void *arg) {
    static char text[LONG_TEXT_BYTES];
    memset(text, 'y', sizeof text);
    (void)arg;
    fi_os_write_error(text, sizeof text);
    return 0;
}

Test(os, a_text_of_any_length_reaches_stderr) {
    child_end end = run_in_child(write_a_long_text, NULL);
    assert_returned(end);
    assert_equal(end.said_bytes, LONG_TEXT_BYTES);
    assert_says(end, "yyy");
}

/* ---- fault injection ---- */

static char *source, *target; /* committed, for the requests below */

static bool reserve(void) {
    return fi_os_reserve(bytes, page) != NULL;
}
static bool reserve_at(void) {
    fi_os_release(target, bytes);
    return fi_os_reserve_at(target, bytes);
}
static bool map_zeros(void) {
    return fi_os_map_zeros(bytes) != NULL;
}
static bool enable(void) {
    return fi_os_enable(target, bytes);
}
static bool commit(void) {
    return fi_os_commit(target, bytes);
}
static bool move_pages(void) {
    return fi_os_move_pages(source, target, bytes);
}

Test(os, every_request_that_may_fail_can_be_made_to) {
    bool (*const requests[])(void) = {reserve, reserve_at, map_zeros, enable, commit, move_pages};
    source = committed();
    target = committed();
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        fi_os_fail_at(1);
        cr_assert_not(requests[i](), "request %zu", i);
        assert_equal(fi_os_request_count(), 1);
        cr_assert(requests[i](), "request %zu", i);
        assert_equal(fi_os_request_count(), 2);
    }
}

Test(os, the_nth_request_fails_and_no_other) {
    for (unsigned nth = 1; nth <= 5; nth++) {
        fi_os_fail_at(nth);
        for (unsigned i = 1; i <= 5; i++)
            cr_assert_eq(map_zeros(), i != nth, "request %u of those where the %uth fails", i, nth);
    }
}

Test(os, without_a_request_to_fail_they_are_counted) {
    fi_os_fail_at(0);
    for (unsigned i = 0; i < 10; i++)
        cr_assert(map_zeros());
    assert_equal(fi_os_request_count(), 10);
}

Test(os, giving_back_is_no_request) {
    char *p = committed();
    fi_os_fail_at(1);
    fi_os_purge(p, bytes);
    fi_os_decommit(p, bytes);
    fi_os_release(p, bytes);
    assert_equal(fi_os_request_count(), 0);
}
