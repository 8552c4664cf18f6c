/* heap/report: the same facts as text and as JSON. */
#include "heap/report.h"

#include "support/compare.h"
#include "support/json.h"

#include <string.h>

static const fi_details nothing = {.tag = "", .domain = ""};
static const fi_identity nobody = {.state = FIEF_DEAD};
static const fi_identity ann = {.id = 7, .state = FIEF_LIVE, .name = {.text = "ann \"a\""}};

static char text_room[8192], json_room[8192];

static void tell(const fi_incident *incident, const fi_details *details) {
    const fi_account account = {incident, details, &ann, &nobody, "told", 0, 99};
    fi_text text = FI_TEXT(text_room), json = FI_TEXT(json_room);
    fi_report_text(&text, &account);
    fi_report_json(&json, &account);
    cr_assert(is_json(json.bytes), "%s", json.bytes);
}

#define assert_both(in_text, in_json)                                                                             \
    do {                                                                                                          \
        cr_assert_not_null(strstr(text_room, in_text), "%s", text_room);                                          \
        cr_assert_not_null(strstr(json_room, in_json), "%s", json_room);                                          \
    } while (false)

Test(report, every_kind_has_a_name) {
    for (int kind = 1; kind < FIEF_MISUSE_COUNT; kind++) {
        cr_assert_neq(fi_misuse_kind_name((fief_misuse)kind)[0], 0);
        tell(&(fi_incident){.kind = (fief_misuse)kind, .operation = "a verb", .told = ""}, &nothing);
        assert_both("fief: ", "\"operation\":\"a verb\"");
    }
    cr_assert_str_eq(fi_misuse_kind_name((fief_misuse)0), "");
    cr_assert_str_eq(fi_misuse_kind_name((fief_misuse)FIEF_MISUSE_COUNT), "");
    cr_assert_str_eq(fi_misuse_kind_name((fief_misuse)-1), "");
}

Test(report, who_it_was_is_told) {
    tell(&(fi_incident){.kind = FIEF_MISUSE_WILD, .operation = "fief_free"}, &nothing);
    assert_both("  owner    interpreter 7 \"ann \"a\"\" (live)\n",
                "\"owner\":{\"id\":7,\"name\":\"ann \\\"a\\\"\"");
    assert_both("  caller   none, thread 99\n", "\"caller\":null,\"thread\":99");
    assert_both("  verdict  told\n", "\"verdict\":\"told\"");
}

Test(report, damage_is_told_by_where_it_lies) {
    static const char block[100];
    fi_incident incident = {.kind = FIEF_MISUSE_OVERFLOW,
                            .operation = "fief_free",
                            .pointer = block + 40,
                            .block = block + 40,
                            .block_bytes = 20,
                            .damage = block + 60,
                            .damaged_bytes = 3};
    tell(&incident, &nothing);
    assert_both("3 bytes changed, the first right behind the end\n", "\"damage\":{\"offset\":20,\"bytes\":3}");
    incident.damage = block + 36;
    tell(&incident, &nothing);
    assert_both("the first 4 bytes before the start\n", "\"damage\":{\"offset\":-4,\"bytes\":3}");
    incident.damage = block + 45;
    tell(&incident, &nothing);
    assert_both("the first at byte 5\n", "\"damage\":{\"offset\":5,\"bytes\":3}");
}

Test(report, bytes_are_shown_the_first_changed_one_marked) {
    static const char block[100];
    fi_incident incident = {.kind = FIEF_MISUSE_OVERFLOW,
                            .operation = "fief_free",
                            .block = block,
                            .damage = block + 17,
                            .damaged_bytes = 1,
                            .shown = block + 16,
                            .bytes = {0xFD, 0x07, 0xFD},
                            .shown_bytes = 3};
    tell(&incident, &nothing);
    assert_both(": fd [07] fd\n", "\"hex\":\"fd07fd\"");
}

Test(report, what_is_recorded_is_told) {
    fi_details d = nothing;
    d.known = d.freed = true;
    d.serial = 12;
    d.age_ms = 34;
    d.alloc_thread = 56;
    d.requested_size = 78;
    d.free_age_ms = 3;
    d.freed_by = 9;
    d.free_thread = 57;
    d.tag = "a tag";
    d.domain = "obj";
    tell(&(fi_incident){.kind = FIEF_MISUSE_DOUBLE_FREE, .operation = "fief_free"}, &d);
    assert_both("  made     allocation 12, 34 ms ago, by thread 56, tag \"a tag\", domain obj\n",
                "\"allocation\":{\"serial\":12,\"age_ms\":34,\"thread\":56,\"tag\":\"a tag\",\"domain\":\"obj\"");
    assert_both("  freed    3 ms ago, for interpreter 9, by thread 57\n",
                "\"free\":{\"age_ms\":3,\"interpreter\":9,\"thread\":57");
    d.freed_by = FIEF_ID_NONE;
    tell(&(fi_incident){.kind = FIEF_MISUSE_DOUBLE_FREE, .operation = "fief_free"}, &d);
    assert_both("without a handle, by thread 57\n", "\"requested_size\":78");
}

Test(report, what_the_program_said_is_told_beside_what_is_so) {
    fi_details d = nothing;
    d.known = true;
    d.requested_size = 40;
    d.alignment = 64;
    d.domain = "obj";
    tell(&(fi_incident){.kind = FIEF_MISUSE_WRONG_SIZE, .operation = "a free", .given = 41}, &d);
    assert_both("  given    41 bytes, not 40\n", "\"given\":41");
    tell(&(fi_incident){.kind = FIEF_MISUSE_WRONG_ALIGNMENT, .operation = "a free", .given = 16}, &d);
    assert_both("  given    alignment 16, not 64\n", "\"given\":16");
    tell(&(fi_incident){.kind = FIEF_MISUSE_WRONG_DOMAIN, .operation = "a free", .told = "raw"}, &d);
    assert_both("  given    domain raw, not obj\n", "\"given\":\"raw\"");
    tell(&(fi_incident){.kind = FIEF_MISUSE_CORRUPTION, .operation = "fief_check", .told = "a list"}, &d);
    assert_both("  found    a list\n", "\"found\":\"a list\"");
    tell(&(fi_incident){.kind = FIEF_MISUSE_TWO_THREADS,
                        .operation = "a free",
                        .other_thread = 5,
                        .other_operation = "an alloc"},
         &d);
    assert_both("  other    thread 5, in an alloc\n", "\"other_thread\":5,\"other_operation\":\"an alloc\"");
}
