/* os: a whole file is read, whatever its length and kind, or nothing. */
#include "os/os.h"

#include "support/child.h"
#include "support/compare.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

enum { LARGEST = 16 << 20 };

TestSuite(read_file, .init = fi_os_init);

static char path[] = "/tmp/fief-read-file-XXXXXX";

/* A new file of so many bytes, each told from its neighbours. */
static void write_file(size_t bytes) {
    int file = mkstemp(path);
    cr_assert_neq(file, -1);
    FILE *out = fdopen(file, "w");
    for (size_t i = 0; i < bytes; i++)
        putc((int)('a' + i % 23), out);
    cr_assert_eq(fclose(out), 0);
}

static void remove_file(void) {
    remove(path);
    memcpy(path + sizeof path - 7, "XXXXXX", 6);
}

static void assert_unreadable(const char *what) {
    fi_os_file file = {(char *)1, 2, 3};
    errno = EDOM;
    cr_assert_eq(fi_os_read_file(what, &file), FI_OS_UNREADABLE, "%s", what);
    cr_assert_eq(errno, EDOM);
    cr_assert(file.text == (char *)1 && file.bytes == 2 && file.mapped_bytes == 3);
}

Test(read_file, any_length_is_read_whole) {
    static const size_t lengths[] = {0, 1, 4095, 4096, 65534, 65535, 65536, 65537, 131071, 131072, 1000000};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        write_file(lengths[i]);
        fi_os_file file;
        errno = EDOM;
        cr_assert_eq(fi_os_read_file(path, &file), FI_OS_READ);
        cr_assert_eq(errno, EDOM);
        assert_equal(file.bytes, lengths[i]);
        for (size_t at = 0; at < file.bytes; at++)
            cr_assert_eq(file.text[at], (char)('a' + at % 23));
        assert_equal(file.text[file.bytes], 0);
        fi_os_release(file.text, file.mapped_bytes);
        remove_file();
    }
}

Test(read_file, what_is_no_file_is_unreadable) {
    assert_unreadable("");
    assert_unreadable("/tmp");
    assert_unreadable("/nowhere/at/all");
    assert_unreadable("/proc/self/mem"); /* it opens, and then does not read */
}

Test(read_file, what_never_ends_is_given_up) {
    assert_unreadable("/dev/zero");
}

Test(read_file, the_largest_file_is_read_and_no_larger_one) {
    fi_os_file file;
    write_file(LARGEST);
    cr_assert_eq(fi_os_read_file(path, &file), FI_OS_READ);
    assert_equal(file.bytes, LARGEST);
    fi_os_release(file.text, file.mapped_bytes);
    remove_file();
    write_file(LARGEST + 1);
    assert_unreadable(path);
    remove_file();
}

Test(read_file, what_has_no_length_of_its_own_is_read_to_its_end) {
    fi_os_file file;
    cr_assert_eq(fi_os_read_file("/proc/self/status", &file), FI_OS_READ);
    cr_assert_not_null(strstr(file.text, "Name:"));
    assert_equal(strlen(file.text), file.bytes);
    fi_os_release(file.text, file.mapped_bytes);
    cr_assert_eq(fi_os_read_file("/dev/null", &file), FI_OS_READ);
    assert_equal(file.bytes, 0);
    fi_os_release(file.text, file.mapped_bytes);
}

static int first_free_descriptor(void) {
    int free_one = dup(STDERR_FILENO);
    close(free_one);
    return free_one;
}

Test(read_file, each_request_may_fail_and_leaves_nothing_open) {
    write_file(200000);
    int before = first_free_descriptor();
    fi_os_file file;
    unsigned failures = 0;
    for (uint64_t nth = 1;; nth++) {
        fi_os_fail_at(nth);
        fi_os_read_result result = fi_os_read_file(path, &file);
        if (fi_os_request_count() < nth) {
            cr_assert_eq(result, FI_OS_READ);
            break;
        }
        cr_assert_eq(result, FI_OS_NO_MEMORY);
        failures++;
    }
    assert_equal(failures, 6); /* the room is doubled twice */
    assert_equal(first_free_descriptor(), before);
    remove_file();
}
