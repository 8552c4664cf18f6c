/* heap/slot: who an interpreter is, as long as its slot knows it. */
#include "heap/slot.h"

#include "support/compare.h"
#include "support/interpreter.h"

static witness the_witness;

static fi_slot slot_of_ann(void) {
    fi_slot slot = {.id = 12,
                    .report = witness_report,
                    .report_arg = &the_witness,
                    .on_misuse = FIEF_MISUSE_REPORT,
                    .state = FIEF_CLOSING,
                    .name = {.text = "ann"}};
    return slot;
}

Test(slot, it_knows_the_interpreter_that_has_it) {
    fi_slot slot = slot_of_ann();
    fi_identity who = fi_slot_identify(&slot, 12);
    assert_equal(who.id, 12);
    assert_equal(who.state, FIEF_CLOSING);
    assert_equal(who.on_misuse, FIEF_MISUSE_REPORT);
    cr_assert(who.report == witness_report && who.report_arg == &the_witness);
    cr_assert_str_eq(who.name.text, "ann");
}

static void assert_is_only_an_id(fi_identity who, fief_id id) {
    assert_equal(who.id, id);
    assert_equal(who.state, FIEF_DEAD);
    assert_equal(who.on_misuse, FIEF_MISUSE_ABORT);
    cr_assert_null(who.report);
    cr_assert_str_empty(who.name.text);
}

Test(slot, an_earlier_holder_is_dead_and_nameless) {
    fi_slot slot = slot_of_ann();
    assert_is_only_an_id(fi_slot_identify(&slot, 11), 11);
}

Test(slot, while_it_changes_hands_nobody_is_known) {
    fi_slot slot = slot_of_ann();
    slot.id = FIEF_ID_NONE;
    assert_is_only_an_id(fi_slot_identify(&slot, 12), 12);
}

Test(slot, without_a_slot_there_is_nobody) {
    assert_is_only_an_id(fi_slot_identify(NULL, FIEF_ID_NONE), FIEF_ID_NONE);
}
