/* base/piece: what a setting means, at its limits. */
#include "base/piece.h"

#include "support/compare.h"

Test(piece, a_text_is_taken_apart_at_its_marks) {
    fi_piece rest = fi_piece_of("a:1,,bc");
    fi_piece item = fi_piece_split_off(&rest, ',');
    cr_assert(fi_piece_equals(item, "a:1"));
    cr_assert(fi_piece_equals(fi_piece_split_off(&item, ':'), "a") && fi_piece_equals(item, "1"));
    cr_assert(fi_piece_equals(fi_piece_split_off(&rest, ','), ""));
    cr_assert(fi_piece_equals(fi_piece_split_off(&rest, ','), "bc"));
    assert_equal(fi_piece_bytes(rest), 0);
    assert_equal(fi_piece_bytes(fi_piece_split_off(&rest, ',')), 0);
}

Test(piece, no_text_is_an_empty_one) {
    assert_equal(fi_piece_bytes(fi_piece_of(NULL)), 0);
    assert_equal(fi_piece_bytes(fi_piece_of("")), 0);
    fi_piece none = fi_piece_of(NULL);
    cr_assert(fi_piece_equals(fi_piece_split_off(&none, ','), "") && fi_piece_equals(none, ""));
}

Test(piece, equals_neither_its_start_nor_its_continuation) {
    cr_assert(fi_piece_equals(fi_piece_of("word"), "word"));
    cr_assert(!fi_piece_equals(fi_piece_of("word"), "wor"));
    cr_assert(!fi_piece_equals(fi_piece_of("word"), "words"));
}

static bool is_number(const char *text, bool has_unit, uint64_t most, uint64_t expected) {
    uint64_t number;
    return fi_piece_number(fi_piece_of(text), has_unit, most, &number) && number == expected;
}

static bool is_none(const char *text, bool has_unit, uint64_t most) {
    uint64_t number = 99;
    return !fi_piece_number(fi_piece_of(text), has_unit, most, &number) && number == 99;
}

Test(piece, numbers) {
    cr_assert(is_number("0", false, 0, 0));
    cr_assert(is_number("18446744073709551615", false, UINT64_MAX, UINT64_MAX));
    cr_assert(is_none("18446744073709551616", false, UINT64_MAX));
    cr_assert(is_none("8", false, 7));
    cr_assert(is_none("", false, 7) && is_none("x", false, 7) && is_none("-1", false, 7) &&
              is_none("1 ", false, 7));
}

Test(piece, numbers_with_a_unit) {
    cr_assert(is_number("3", true, UINT64_MAX, 3));
    cr_assert(is_number("3k", true, UINT64_MAX, 3 << 10) && is_number("3K", true, UINT64_MAX, 3 << 10));
    cr_assert(is_number("3m", true, UINT64_MAX, 3 << 20) && is_number("3G", true, UINT64_MAX, UINT64_C(3) << 30));
    cr_assert(is_number("17179869183G", true, UINT64_MAX, UINT64_C(17179869183) << 30));
    cr_assert(is_none("17179869184G", true, UINT64_MAX));
    cr_assert(is_none("2K", true, 2047) && is_number("2K", true, 2048, 2048));
    cr_assert(is_none("K", true, 7) && is_none("3T", true, UINT64_MAX) && is_none("3K", false, UINT64_MAX));
}

Test(piece, is_copied_whole_or_not_at_all) {
    char out[5] = "????";
    cr_assert(!fi_piece_copy(fi_piece_of("words"), out, sizeof out));
    cr_assert(!fi_piece_copy(fi_piece_of(""), out, sizeof out));
    cr_assert_str_eq(out, "????");
    cr_assert(fi_piece_copy(fi_piece_of("word"), out, sizeof out));
    cr_assert_str_eq(out, "word");
}
