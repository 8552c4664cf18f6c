/* What the system would let this process do with an address, asked without a fault. */
#ifndef FI_TESTS_SUPPORT_PAGES_H
#define FI_TESTS_SUPPORT_PAGES_H

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <unistd.h>

/* The kernel reads the byte on our behalf, and refuses politely. */
static inline bool is_readable(const void *p) {
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    bool readable = write(ends[1], p, 1) == 1;
    close(ends[0]);
    close(ends[1]);
    return readable;
}

/* Writes a zero there if it can. */
static inline bool is_writable(void *p) {
    int zeros = open("/dev/zero", O_RDONLY);
    cr_assert_neq(zeros, -1);
    bool writable = read(zeros, p, 1) == 1;
    close(zeros);
    return writable;
}

static inline bool is_zeros(const void *p, size_t bytes) {
    const unsigned char *at = p;
    for (size_t i = 0; i < bytes; i++)
        if (at[i] != 0)
            return false;
    return true;
}

#endif
