/* interp/registry: ids are never used twice, a living interpreter is found by its id, an ended one is remembered
 * for a while. */
#include "interp/registry.h"

#include "base/lock.h"
#include "os/os.h"
#include "support/compare.h"
#include "support/interpreter.h"

enum { RESTING = 64, MANY = 3000 };

static void set_up(void) {
    cr_assert(fi_registry_ready());
}

TestSuite(registry, .init = set_up);
TestSuite(registry_before_its_first_use);

static fi_slot *take(const char *name) {
    fief_config config = named(name);
    fi_lock(FI_RANK_PROCESS);
    fi_slot *slot = fi_registry_take(&config, false);
    fi_unlock(FI_RANK_PROCESS);
    return slot;
}

static void give(fi_slot *slot, uint64_t blocks, uint64_t bytes) {
    fi_lock(FI_RANK_PROCESS);
    fi_registry_give(slot, &(fi_leak){blocks, bytes});
    fi_unlock(FI_RANK_PROCESS);
}

static void assert_known(const fi_slot *slot, fief_id id, const char *name, fief_state state) {
    fi_identity who = fi_slot_identify(slot, id);
    assert_equal(who.id, id);
    assert_equal(who.state, state);
    cr_assert_str_eq(who.name.text, name);
}

/* ---- ids and names ---- */

Test(registry, ids_count_up_and_are_never_used_twice) {
    fief_id last = FIEF_ID_NONE;
    for (unsigned i = 0; i < MANY; i++) {
        fi_slot *slot = take("one of many");
        cr_assert_gt(slot->id, last);
        last = slot->id;
        give(slot, 0, 0);
    }
}

Test(registry, a_slot_is_filled_from_the_configuration) {
    witness told;
    fief_config config = watched("ann", &told);
    fi_lock(FI_RANK_PROCESS);
    fi_slot *slot = fi_registry_take(&config, false);
    fi_unlock(FI_RANK_PROCESS);
    fi_identity who = fi_slot_identify(slot, slot->id);
    cr_assert_str_eq(who.name.text, "ann");
    assert_equal(who.state, FIEF_LIVE);
    assert_equal(who.on_misuse, FIEF_MISUSE_REPORT);
    cr_assert(who.report == witness_report && who.report_arg == &told);
}

Test(registry, without_a_name_it_is_the_number) {
    char wanted[64];
    for (unsigned i = 0; i < 120; i++) {
        const fi_slot *slot = take(NULL);
        snprintf(wanted, sizeof wanted, "interpreter %ju", (uintmax_t)slot->id);
        cr_assert_str_eq(slot->name.text, wanted);
    }
}

Test(registry, a_long_name_is_cut) {
    char name[100], wanted[FI_NAME_BYTES];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    memset(wanted, 'n', sizeof wanted - 1);
    wanted[sizeof wanted - 1] = '\0';
    cr_assert_str_eq(take(name)->name.text, wanted);
}

/* ---- finding ---- */

Test(registry, an_interpreter_is_found_from_its_opening_to_its_closing) {
    static char handle_for_its_address;
    fief *handle = (fief *)(void *)&handle_for_its_address;
    fi_slot *slot = take("ann");
    cr_assert_null(fi_registry_find(slot->id));
    fi_registry_open(slot, handle);
    cr_assert_eq(fi_registry_find(slot->id), handle);
    fi_registry_close(slot);
    cr_assert_null(fi_registry_find(slot->id));
    assert_known(slot, slot->id, "ann", FIEF_CLOSING);
}

Test(registry, each_of_many_is_found_and_no_other) {
    static fi_slot *slots[MANY];
    static char handles[MANY];
    for (unsigned i = 0; i < MANY; i++) {
        slots[i] = take(NULL);
        fi_registry_open(slots[i], (fief *)(void *)&handles[i]);
    }
    for (unsigned i = 0; i < MANY; i += 2) {
        fi_registry_close(slots[i]);
        give(slots[i], 0, 0);
    }
    for (unsigned i = 0; i < MANY; i++)
        cr_assert_eq((void *)fi_registry_find(slots[i]->id), i % 2 == 0 ? NULL : &handles[i], "number %u", i);
    cr_assert_null(fi_registry_find(FIEF_ID_NONE));
    cr_assert_null(fi_registry_find(slots[MANY - 1]->id + 1));
    cr_assert_null(fi_registry_find(UINT64_MAX));
}

/* ---- ended ones ---- */

Test(registry, an_ended_interpreters_name_outlasts_the_next_ones) {
    fi_slot *slot = take("ann");
    fief_id id = slot->id;
    give(slot, 0, 0);
    for (unsigned i = 1; i < RESTING; i++) {
        fi_slot *next = take("next");
        cr_assert_neq(next, slot);
        give(next, 0, 0);
        assert_known(slot, id, "ann", FIEF_DEAD);
    }
}

Test(registry, a_slot_that_has_rested_is_used_again_and_its_last_holder_is_nameless) {
    fi_slot *slot = take("ann");
    fief_id id = slot->id;
    give(slot, 0, 0);
    fi_slot *next;
    for (unsigned i = 0; (next = take("next")) != slot; i++) {
        cr_assert_lt(i, 2 * RESTING);
        give(next, 0, 0);
    }
    assert_known(slot, id, "", FIEF_DEAD);
    assert_known(slot, slot->id, "next", FIEF_LIVE);
    assert_equal(slot->late_in, 0);
    assert_equal(slot->foreign_in, 0);
}

Test(registry, what_was_forgotten_is_used_again_like_any_other) {
    static fi_slot *slots[MANY];
    static fief_id ids[MANY];
    for (unsigned i = 0; i < MANY; i++) {
        slots[i] = take("many");
        ids[i] = slots[i]->id;
        fi_registry_open(slots[i], (fief *)(void *)&slots[i]);
    }
    for (unsigned i = 0; i < MANY; i++)
        if (i != MANY / 2)
            give(slots[i], 0, 0);
    fi_registry_trim();
    assert_known(slots[MANY / 2], ids[MANY / 2], "many", FIEF_LIVE);
    assert_known(slots[0], ids[0], "", FIEF_DEAD);
    assert_equal(slots[0]->number, 0); /* its whole page is zeros */
    cr_assert_eq((void *)fi_registry_find(ids[MANY / 2]), &slots[MANY / 2]);
    for (unsigned i = 0; i < 2 * MANY; i++) {
        fi_slot *slot = take("again");
        assert_known(slot, slot->id, "again", FIEF_LIVE);
        give(slot, 0, 0);
    }
    cr_assert_eq((void *)fi_registry_find(ids[MANY / 2]), &slots[MANY / 2]);
}

Test(registry, what_ended_interpreters_left_is_added_up) {
    fief_leaks before, after;
    fi_registry_leaks(&before);
    give(take("tidy"), 0, 0);
    give(take("messy"), 3, 1000);
    give(take("messier"), 5, 70000);
    fi_registry_leaks(&after);
    assert_equal(after.interpreters - before.interpreters, 3);
    assert_equal(after.blocks - before.blocks, 8);
    assert_equal(after.bytes - before.bytes, 71000);
}

Test(registry, one_that_did_not_come_to_be_is_no_interpreter) {
    fief_leaks before, after;
    fi_registry_leaks(&before);
    fi_slot *slot = take("stillborn");
    fi_lock(FI_RANK_PROCESS);
    fi_registry_give(slot, NULL);
    fi_unlock(FI_RANK_PROCESS);
    fi_registry_leaks(&after);
    assert_equal(after.interpreters, before.interpreters);
}

/* ---- exhaustion ---- */

Test(registry_before_its_first_use, getting_ready_may_fail_and_be_tried_again) {
    unsigned failures = 0;
    for (uint64_t nth = 1; nth <= 30; nth += 1) {
        fi_os_fail_at(nth);
        if (fi_registry_ready())
            break;
        failures++;
    }
    cr_assert(fi_registry_ready());
    cr_assert_leq(failures, 30U);
    cr_assert_not_null(take("the first"));
}

Test(registry, without_memory_for_slots_there_is_none_and_then_there_is) {
    fi_os_fail_at(1);
    cr_assert_null(take("refused"));
    fi_os_fail_at(2);
    cr_assert_null(take("refused"));
    cr_assert_not_null(take("granted"));
}
