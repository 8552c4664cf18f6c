/* Snapshots of errors: copied texts, in memory that was there before or in such as there is, and what becomes of
 * one that can't be told. */
#include "support/compare.h"
#include "support/errors.h"
#include "support/levels.h"

static void set_up(void) {
    conf("");
}

TestSuite(xi_error, .init = set_up);

Test(xi_error, a_snapshot_has_copies_in_its_room_or_in_memory) {
    for (size_t room_bytes = 0; room_bytes <= 100; room_bytes += 10) {
        char room[100], texts[4][32] = {"KeyError", "errors.KeyError", "builtins", "no such key"};
        fief_xi_error error;
        const fief_xi_error_source source = {3, texts[0], texts[1], texts[2], texts[3]};
        fief_xi_error_init(&error, room, room_bytes);
        cr_assert(error.code == FIEF_XI_ERROR_NONE && is_empty(&error));
        assert_equal(fief_xi_error_take(&error, FIEF_XI_ERROR_UNCAUGHT, &source), FIEF_XI_ERROR_UNCAUGHT);
        memset(texts, 'x', sizeof texts);
        cr_assert(error.code == FIEF_XI_ERROR_UNCAUGHT && is_the_source(&error));
        cr_assert_eq(error.block == NULL, room_bytes >= 50, "50 bytes with their 0s");
        fief_xi_error_clear(&error);
        cr_assert(error.code == FIEF_XI_ERROR_NONE && is_empty(&error) && error.block == NULL);
    }
}

Test(xi_error, what_can_t_be_told_is_downgraded) {
    fief_xi_error error;
    fief_xi_error_init(&error, NULL, 0);
    assert_equal(fief_xi_error_take(&error, FIEF_XI_ERROR_UNCAUGHT, NULL), FIEF_XI_ERROR_OTHER);
    assert_equal(fief_xi_error_take(&error, FIEF_XI_ERROR_NO_MEMORY, &the_source), FIEF_XI_ERROR_NO_MEMORY);
    cr_assert(is_empty(&error) && error.block == NULL, "one of exhaustion needs none");
    assert_equal(fief_xi_error_take(&error, FIEF_XI_ERROR_NONE, &the_source), FIEF_XI_ERROR_NONE);
    cr_assert(is_empty(&error));
    assert_equal(fief_xi_error_take(&error, FIEF_XI_ERROR_ALREADY_RUNNING, NULL), FIEF_XI_ERROR_ALREADY_RUNNING);
    cr_assert(is_empty(&error));
}

static void assert_text(fief_xi_error_code code, const fief_xi_error_source *source, const char *wanted) {
    char text[100];
    fief_xi_error error;
    fief_xi_error_init(&error, NULL, 0);
    fief_xi_error_take(&error, code, source);
    assert_equal(fief_xi_error_text(&error, text, sizeof text), strlen(wanted));
    cr_assert_str_eq(text, wanted);
    assert_equal(fief_xi_error_text(&error, text, 5), strlen(wanted));
    cr_assert(strlen(text) == 4 && strncmp(text, wanted, 4) == 0);
    assert_equal(fief_xi_error_text(&error, NULL, 0), strlen(wanted));
    fief_xi_error_clear(&error);
}

Test(xi_error, a_snapshot_is_told_in_a_line) {
    const fief_xi_error_source message_alone = {0, NULL, NULL, NULL, "it broke"};
    const fief_xi_error_source type_alone = {0, "Oops", NULL, "mod", ""};
    assert_text(FIEF_XI_ERROR_UNCAUGHT, &the_source, "builtins.errors.KeyError: no such key");
    assert_text(FIEF_XI_ERROR_UNCAUGHT, &message_alone, "it broke");
    assert_text(FIEF_XI_ERROR_UNCAUGHT, &type_alone, "mod.Oops");
    assert_text(FIEF_XI_ERROR_NO_MEMORY, NULL, "out of memory");
    for (fief_xi_error_code c = FIEF_XI_ERROR_NONE; c <= FIEF_XI_ERROR_BAD_ARGUMENT; c++)
        for (fief_xi_error_code other = FIEF_XI_ERROR_NONE; other < c; other++)
            cr_assert_str_neq(fief_xi_error_code_text(c), fief_xi_error_code_text(other));
    cr_assert_str_eq(fief_xi_error_code_text((fief_xi_error_code)99), "unknown error");
}

/* The same message with another type, as a runtime does that wraps an error. */
Test(xi_error, a_snapshot_may_be_made_of_the_one_before) {
    for (size_t room_bytes = 0; room_bytes <= 100; room_bytes += 10) {
        char room[100];
        fief_xi_error error;
        fief_xi_error_init(&error, room, room_bytes);
        fief_xi_error_source source = {0, "KeyError", NULL, NULL, "the message"};
        for (unsigned turn = 0; turn < 4; turn++) {
            assert_equal(fief_xi_error_take(&error, FIEF_XI_ERROR_UNCAUGHT, &source), FIEF_XI_ERROR_UNCAUGHT);
            cr_assert_str_eq(error.message, "the message");
            cr_assert_str_eq(error.name, turn == 0 ? "KeyError" : "a longer name of it");
            cr_assert_str_eq(error.module, turn > 1 ? "the message" : "");
            source = (fief_xi_error_source){0, "a longer name of it", NULL, turn > 0 ? error.message : NULL,
                                            error.message};
        }
        fief_xi_error_clear(&error);
    }
}
