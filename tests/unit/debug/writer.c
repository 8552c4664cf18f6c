/* debug/writer: what is written is told, in order and whole, whatever its length. */
#include "debug/writer.h"

#include "support/compare.h"
#include "support/random.h"

#include <stdlib.h>

enum { TOLD_BYTES = 1 << 20 };

static char told[TOLD_BYTES];
static size_t told_bytes, told_parts;

static void hear(const char *text, size_t bytes, void *arg) {
    cr_assert_eq(arg, told);
    cr_assert(bytes > 0 && bytes < FI_WRITER_BYTES && told_bytes + bytes < TOLD_BYTES);
    memcpy(told + told_bytes, text, bytes);
    told_bytes += bytes;
    told[told_bytes] = '\0';
    told_parts++;
}

static fi_writer writer;

static void start(void) {
    fi_writer_init(&writer, hear, told);
}

TestSuite(writer, .init = start);

static void assert_told(const char *wanted) {
    fi_writer_flush(&writer);
    cr_assert_str_eq(told, wanted);
    told_bytes = 0;
    told[0] = '\0';
}

Test(writer, nothing_is_no_part) {
    fi_writer_flush(&writer);
    fi_write(&writer, "%s", "");
    fi_write_plain(&writer, "");
    fi_writer_flush(&writer);
    assert_equal(told_parts, 0);
}

Test(writer, counts_are_told_in_thousands) {
    static const struct {
        uint64_t count;
        const char *text;
    } counts[] = {{0, "0"},
                  {7, "7"},
                  {999, "999"},
                  {1000, "1,000"},
                  {12345, "12,345"},
                  {999999, "999,999"},
                  {1000000, "1,000,000"},
                  {UINT64_MAX, "18,446,744,073,709,551,615"}};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        fi_write_count(&writer, counts[i].count);
        assert_told(counts[i].text);
    }
}

Test(writer, one_is_no_plural) {
    fi_write_counted(&writer, 0, "block");
    assert_told("0 blocks");
    fi_write_counted(&writer, 1, "block");
    assert_told("1 block");
    fi_write_counted(&writer, 1001, "byte");
    assert_told("1,001 bytes");
}

/* The longest that a piece may be, from any place in the buffer. */
Test(writer, pieces_are_never_cut) {
    char piece[FI_WRITER_PIECE_BYTES];
    random_source rng = random_seeded(2);
    size_t sum = 0;
    for (unsigned i = 0; i < 5000; i++) {
        size_t bytes = random_below(&rng, FI_WRITER_PIECE_BYTES);
        memset(piece, 'a' + (int)(i % 26), bytes);
        piece[bytes] = '\0';
        fi_write(&writer, "%s", piece);
        sum += bytes;
    }
    fi_writer_flush(&writer);
    assert_equal(told_bytes, sum);
    assert_equal(strlen(told), sum);
}

Test(writer, strings_are_of_any_length) {
    for (size_t length = 0; length < 3 * FI_WRITER_BYTES; length += 97) {
        char *string = malloc(length + 1);
        memset(string, '"', length);
        string[length] = '\0';
        fi_write_json(&writer, string);
        fi_write_plain(&writer, string);
        fi_writer_flush(&writer);
        assert_equal(told_bytes, 2 + 2 * length + length);
        cr_assert(told[0] == '"' && told[2 * length + 1] == '"');
        told_bytes = 0;
        free(string);
    }
}
