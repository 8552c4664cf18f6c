/* base/text: what fits is there, what does not is cut, and any bytes make a JSON string. */
#include "base/text.h"

#include "support/compare.h"
#include "support/random.h"

#include <stdio.h>
#include <string.h>

enum { ROOM = 64 };

static char bytes[ROOM + 1];
static fi_text text;

/* An empty text of so much room; the byte behind it must not change. */
static void start(size_t room) {
    memset(bytes, '#', sizeof bytes);
    bytes[0] = '\0';
    text = (fi_text){bytes, room, 0};
}

static void assert_text(const char *wanted) {
    cr_assert_str_eq(text.bytes, wanted);
    assert_equal(text.length, strlen(wanted));
    assert_equal(text.bytes[text.room], '#');
}

static void assert_json(const char *string, const char *wanted) {
    start(ROOM);
    fi_text_add_json(&text, string);
    assert_text(wanted);
}

static void assert_plain(const char *string, const char *wanted) {
    start(ROOM);
    fi_text_add_plain(&text, string);
    assert_text(wanted);
}

Test(text, an_array_is_its_room) {
    char array[17] = "";
    fi_text t = FI_TEXT(array);
    assert_equal(t.room, sizeof array);
    assert_equal(t.length, 0);
    cr_assert_eq(t.bytes, array);
}

Test(text, parts_follow_each_other) {
    start(ROOM);
    fi_text_add(&text, "%d blocks", 12);
    fi_text_add(&text, "%s", "");
    fi_text_add(&text, " of %s", "7");
    assert_text("12 blocks of 7");
}

Test(text, what_does_not_fit_is_cut) {
    start(8);
    fi_text_add(&text, "1234567");
    assert_text("1234567");
    fi_text_add(&text, "8");
    assert_text("1234567");
    start(8);
    fi_text_add(&text, "12345");
    fi_text_add(&text, "%s", "67890");
    assert_text("1234567");
    start(1);
    fi_text_add(&text, "x");
    assert_text("");
}

Test(text, json_strings_are_quoted_and_escaped) {
    assert_json("", "\"\"");
    assert_json("worker", "\"worker\"");
    assert_json("a\"b\\c/d", "\"a\\\"b\\\\c/d\"");
    assert_json("\x01\n\t\x1f\x7f", "\"\\u0001\\u000a\\u0009\\u001f\\u007f\"");
}

Test(text, valid_letters_stay) {
    static const char *const letters[] = {
        "\x24",         "\xC2\xA0",         "\xC3\xA9",         "\xDF\xBF",
        "\xE0\xA0\x80", "\xED\x9F\xBF",     "\xEE\x80\x80",     "\xEF\xBF\xBF",
        "\xE2\x82\xAC", "\xF0\x90\x80\x80", "\xF0\x9F\x98\x80", "\xF4\x8F\xBF\xBF"};
    char wanted[8];
    for (size_t i = 0; i < sizeof letters / sizeof *letters; i++) {
        snprintf(wanted, sizeof wanted, "\"%s\"", letters[i]);
        assert_json(letters[i], wanted);
        assert_plain(letters[i], letters[i]);
    }
}

/* A stray or a missing byte, a letter written longer than it is, half a pair, beyond the last letter. */
Test(text, bytes_that_are_no_text_are_replaced_one_by_one) {
    static const struct {
        const char *string;
        unsigned bytes; /* that are wrong */
    } wrong[] = {{"\x80", 1},
                 {"\xC3", 1},
                 {"\xC0\x80", 2},
                 {"\xC1\xBF", 2},
                 {"\xE0\x9F\xBF", 3},
                 {"\xED\xA0\x80", 3},
                 {"\xE2\x82", 2},
                 {"\xF0\x8F\xBF\xBF", 4},
                 {"\xF4\x90\x80\x80", 4},
                 {"\xF5\x80", 2},
                 {"\xFF", 1},
                 {"\xF0\x9F\x98", 3}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char json[ROOM] = "\"", plain[ROOM] = "";
        for (unsigned n = 0; n < wrong[i].bytes; n++) {
            strcat(json, "\\ufffd");
            strcat(plain, "?");
        }
        strcat(json, "\"");
        assert_json(wrong[i].string, json);
        assert_plain(wrong[i].string, plain);
    }
    assert_json("a\xC3z", "\"a\\ufffdz\"");
}

Test(text, plain_names_are_for_eyes) {
    assert_plain("operator\"\"_x <a, b>\\", "operator\"\"_x <a, b>\\");
    assert_plain("a\nb\x1b[31mc\x7f", "a?b?[31mc?");
    assert_plain("a\xC2\x9B z", "a? z");
    assert_json("\xC2\x9B", "\"\xC2\x9B\"");
}

Test(text, a_json_string_that_is_cut_is_still_one) {
    for (size_t room = 1; room <= 24; room++) {
        start(room);
        fi_text_add_json(&text, "ab\x01\xE2\x82\xAC\"z");
        cr_assert(room < 3 ? text.length == 0 : text.bytes[0] == '"' && text.bytes[text.length - 1] == '"');
        assert_equal(strlen(text.bytes), text.length);
        assert_equal(bytes[room], '#');
    }
    start(8);
    fi_text_add_json(&text, "abcdefgh");
    assert_text("\"abcde\"");
    start(9);
    fi_text_add_json(&text, "ab\x01z");
    assert_text("\"ab\"");
    start(7);
    fi_text_add_json(&text, "ab\xE2\x82\xACz");
    assert_text("\"ab\"");
}

Test(text, a_long_string_goes_in_parts) {
    const char *string = "a\x01\x02\xF0\x9F\x98\x80\"\xFF tail";
    char whole[256] = "";
    start(FI_TEXT_LETTER_BYTES + 1);
    for (const char *rest = string; *rest != '\0';) {
        size_t taken = fi_text_add_part(&text, rest, FI_TEXT_JSON);
        assert_at_least(taken, 1);
        rest += taken;
        strcat(whole, text.bytes);
        start(FI_TEXT_LETTER_BYTES + 1);
    }
    cr_assert_str_eq(whole, "a\\u0001\\u0002\xF0\x9F\x98\x80\\\"\\ufffd tail");
}

Test(text, a_copy_is_cut_to_its_room) {
    start(ROOM);
    fi_text_copy(bytes, 5, "abcd");
    cr_assert_str_eq(bytes, "abcd");
    fi_text_copy(bytes, 5, "xyzuvw");
    cr_assert_str_eq(bytes, "xyzu");
    fi_text_copy(bytes, 5, "");
    cr_assert_str_empty(bytes);
    fi_text_copy(bytes, 1, "abc");
    cr_assert_str_empty(bytes);
    fi_text_copy(bytes, 5, NULL);
    cr_assert_str_empty(bytes);
}

Test(text, random_bytes_never_leave_the_buffer) {
    random_source rng = random_seeded(3);
    for (unsigned i = 0; i < 20000; i++) {
        char string[40];
        size_t length = random_below(&rng, sizeof string);
        for (size_t at = 0; at < length; at++)
            string[at] = (char)(1 + random_below(&rng, 255));
        string[length] = '\0';
        size_t room = 1 + random_below(&rng, ROOM);
        start(room);
        fi_text_add_plain(&text, string);
        fi_text_add_json(&text, string);
        fi_text_add(&text, "%s", string);
        assert_equal(strlen(text.bytes), text.length);
        assert_equal(bytes[room], '#');
    }
}

Test(text, utf8_is_known_wherever_it_begins_and_ends) {
    static const char *const letters[] = {"a", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80"};
    random_source rng = random_seeded(4);
    for (unsigned i = 0; i < 2000; i++) {
        char string[64] = "", cut[64];
        bool ends_letter[64] = {true};
        while (strlen(string) < 50) {
            strcat(string, letters[random_below(&rng, 8) < 6 ? 0 : random_below(&rng, 4)]);
            ends_letter[strlen(string)] = true;
        }
        size_t whole = strlen(string);
        for (size_t length = 0; length <= whole; length++) {
            memcpy(cut, string, length);
            cut[length] = '\0';
            cr_assert_eq(fi_text_is_utf8(cut, length), ends_letter[length], "%s, %zu bytes", string, length);
        }
        size_t broken = random_below(&rng, whole);
        string[broken] = '\0'; /* a letter like any other, unless it breaks one */
        bool breaks = !ends_letter[broken] || !ends_letter[broken + 1];
        cr_assert_eq(fi_text_is_utf8(string, whole), !breaks);
        string[broken] = '\xFF';
        cr_assert_not(fi_text_is_utf8(string, whole));
    }
}
