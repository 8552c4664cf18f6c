/* adapter/launch_stats: the table says of each tenant what it was told, in order, and forgets none. */
#include "adapter/launch_stats.h"

#include "support/child.h"
#include "support/compare.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static void add(fi_launch_stats *s, const char *name, uint64_t peak_bytes) {
    fief_stats stats = {.live_blocks = 1, .live_bytes = 16, .charged_peak_bytes = peak_bytes, .allocations = 1000};
    fi_launch_stats_add(s, name, &stats);
}

/* The table on stderr: what FIEF_RUN says when it is not set. */
static child_end told_by(int (*body)(void *arg)) {
    unsetenv("FIEF_RUN");
    child_end end = run_in_child(body, NULL);
    assert_returned(end);
    return end;
}

/* The first line that begins with it, as a string of one buffer. */
static const char *line_of(const child_end *end, const char *beginning) {
    static char line[256];
    for (const char *at = end->said; *at != '\0'; at += strcspn(at, "\n") + 1) {
        if (strncmp(at, beginning, strlen(beginning)) != 0)
            continue;
        snprintf(line, sizeof line, "%.*s", (int)strcspn(at, "\n"), at);
        return line;
    }
    return "";
}

/* A row of the table, in one of few buffers. */
static const char *row(const char *name, const char *const columns[6]) {
    static char rows[4][160];
    static unsigned next;
    char *text = rows[next++ % 4];
    snprintf(text, sizeof rows[0], "  %-28.27s%11s%15s%15s%15s%9s%9s", name, columns[0], columns[1], columns[2],
             columns[3], columns[4], columns[5]);
    return text;
}

#define ROW(name, ...) row(name, (const char *const[6]){__VA_ARGS__})

static int tell_one(void *arg) {
    (void)arg;
    fi_launch_stats s = {.tenant = "thread"};
    const fief_stats stats = {.live_blocks = 1234,
                              .live_bytes = 56789,
                              .charged_peak_bytes = 1048576,
                              .allocations = 9876543210,
                              .foreign_out = 8,
                              .limit_failures = 7};
    fi_launch_stats_add(&s, "thread 17", &stats);
    errno = EDOM;
    fi_launch_stats_tell(&s);
    return errno != EDOM;
}

Test(launch_stats, one_tenant) {
    child_end end = told_by(tell_one);
    assert_says(end, "fief: what ");
    cr_assert_str_eq(line_of(&end, "  thread  "), ROW("thread", "live blocks", "live bytes", "peak bytes",
                                                      "allocations", "foreign", "refused"));
    cr_assert_str_eq(line_of(&end, "  thread 17"),
                     ROW("thread 17", "1,234", "56,789", "1,048,576", "9,876,543,210", "8", "7"));
    cr_assert_str_eq(line_of(&end, "  all"), "");
    assert_says(end, "  most resident memory of the process, KiB: ");
}

static int tell_misuse(void *arg) {
    (void)arg;
    fi_launch_stats s = {.tenant = "interpreter"};
    const fief_stats first = {.remote_in = 1, .foreign_out = 2, .late_out = 3, .misuses = 4};
    const fief_stats second = {.remote_in = 10, .foreign_out = 20, .late_out = 30, .misuses = 40};
    fi_launch_stats_add(&s, "first", &first);
    fi_launch_stats_add(&s, "second", &second);
    fi_launch_stats_tell(&s);
    return 0;
}

Test(launch_stats, what_there_was_is_told_of_all) {
    child_end end = told_by(tell_misuse);
    assert_says(end, "  blocks that came home from others: 11\n  late frees: 33\n  other misuse: 44\n");
    cr_assert_str_eq(line_of(&end, "  all"), ROW("all", "0", "0", "", "0", "22", "0"));
}

/* More than there are rows, the largest in the middle. */
static int tell_many(void *arg) {
    (void)arg;
    fi_launch_stats s = {.tenant = "thread"};
    for (uint64_t i = 1; i <= 40; i++) {
        char name[64];
        snprintf(name, sizeof name, "number %d, with a name that is too long", (int)i);
        add(&s, name, i <= 20 ? 2 * i : 2 * (41 - i) - 1);
    }
    fi_launch_stats_tell(&s);
    return 0;
}

Test(launch_stats, of_many_the_largest_have_a_row_and_the_rest_one) {
    child_end end = told_by(tell_many);
    const char *at = end.said;
    for (int peak = 40; peak > 40 - FI_LAUNCH_STATS_ROWS; peak--) {
        char name[64], peak_bytes[16];
        int number = peak % 2 == 0 ? peak / 2 : 41 - (peak + 1) / 2;
        snprintf(name, sizeof name, "number %d, with a name that is too long", number);
        snprintf(peak_bytes, sizeof peak_bytes, "%d", peak);
        const char *wanted = ROW(name, "1", "16", peak_bytes, "1,000", "0", "0");
        at = strstr(at, wanted);
        cr_assert_not_null(at, "no row \"%s\" in its place of %s", wanted, end.said);
    }
    cr_assert_str_eq(line_of(&end, "  24 others"), ROW("24 others", "24", "384", "", "24,000", "0", "0"));
    cr_assert_str_eq(line_of(&end, "  all "), ROW("all", "40", "640", "", "40,000", "0", "0"));
}

static int tell_none(void *arg) {
    (void)arg;
    fi_launch_stats_tell(&(fi_launch_stats){.tenant = "interpreter"});
    return 0;
}

Test(launch_stats, nobody_is_no_error) {
    child_end end = told_by(tell_none);
    assert_says(end, "  interpreter  ");
    cr_assert_str_eq(line_of(&end, "  all"), "");
}
