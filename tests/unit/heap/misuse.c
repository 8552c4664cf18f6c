/* heap/misuse: what a report says, to whom, and what follows by policy. */
#include "heap/misuse.h"

#include "heap/pools.h"
#include "os/os.h"
#include "support/child.h"
#include "support/compare.h"
#include "support/interpreter.h"

#include <inttypes.h>
#include <signal.h>

static witness ann_heard, bob_heard;
static fief *ann, *bob; /* owner and caller */
static char *block;     /* of ann's */

static void set_up(void) {
    ann = create(watched("ann", &ann_heard));
    bob = create(watched("bob", &bob_heard));
    block = fief_alloc(ann, 64);
}

TestSuite(misuse, .init = set_up);

static fi_incident incident_at(fief_misuse kind, const char *pointer) {
    return (fi_incident){.kind = kind,
                         .operation = "fief_free",
                         .pointer = pointer,
                         .block = block,
                         .block_bytes = 64,
                         .owner_slot = ann->slot,
                         .owner_id = ann->id,
                         .caller = bob,
                         .told = kind == FIEF_MISUSE_WRONG_DOMAIN ? "" : NULL};
}

/* ---- the text ---- */

static const char *const names[FIEF_MISUSE_COUNT] = {
    [FIEF_MISUSE_FOREIGN_FREE] = "foreign free",
    [FIEF_MISUSE_FOREIGN_REALLOC] = "foreign realloc",
    [FIEF_MISUSE_LATE_FREE] = "late free",
    [FIEF_MISUSE_DOUBLE_FREE] = "double free",
    [FIEF_MISUSE_INTERIOR] = "interior pointer",
    [FIEF_MISUSE_MISALIGNED] = "misaligned pointer",
    [FIEF_MISUSE_WILD] = "wild pointer",
    [FIEF_MISUSE_WRITE_AFTER_FREE] = "write after free",
    [FIEF_MISUSE_DEAD_HANDLE] = "dead handle",
    [FIEF_MISUSE_OVERFLOW] = "overflow",
    [FIEF_MISUSE_UNDERFLOW] = "underflow",
    [FIEF_MISUSE_REALLOC_AFTER_FREE] = "realloc after free",
    [FIEF_MISUSE_WRONG_SIZE] = "wrong size",
    [FIEF_MISUSE_WRONG_ALIGNMENT] = "wrong alignment",
    [FIEF_MISUSE_WRONG_DOMAIN] = "wrong domain",
    [FIEF_MISUSE_TWO_THREADS] = "two threads",
    [FIEF_MISUSE_USE_AFTER_FREE] = "use after free",
    [FIEF_MISUSE_CORRUPTION] = "corruption",
    [FIEF_MISUSE_LEAK] = "leak",
    [FIEF_MISUSE_IMMORTAL_FREE] = "immortal free",
};

/* What the program said that is not so, for kinds that are about that. */
static const char *given_line(const char *kind) {
    return strcmp(kind, "wrong size") == 0        ? "  given    0 bytes, not 0\n"
           : strcmp(kind, "wrong alignment") == 0 ? "  given    alignment 0, not 0\n"
           : strcmp(kind, "wrong domain") == 0    ? "  given    domain plain, not plain\n"
                                                  : "";
}

/* `where` is what stands behind the pointer, `owner` the owner's line. */
static void assert_text(const char *kind, const void *pointer, const char *where, const char *owner) {
    char wanted[1024];
    snprintf(wanted, sizeof wanted,
             "fief: %s in fief_free\n%s"
             "  pointer  %p%s\n"
             "  owner    %s\n"
             "  caller   interpreter %" PRIu64 " \"bob\" (live), thread %" PRIu64 "\n"
             "  verdict  the call does nothing\n",
             kind, given_line(kind), pointer, where, owner, fief_id_of(bob), fi_os_thread_id());
    cr_assert_str_eq(bob_heard.text, wanted);
}

static const char *line_of_ann(void) {
    static char line[64];
    snprintf(line, sizeof line, "interpreter %" PRIu64 " \"ann\" (live)", fief_id_of(ann));
    return line;
}

Test(misuse, the_text_names_kind_place_owner_caller_and_verdict) {
    for (int kind = 1; kind < FIEF_MISUSE_COUNT; kind++) {
        fi_incident incident = incident_at((fief_misuse)kind, block);
        fi_misuse(&incident);
        assert_text(names[kind], block, ", a block of 64 bytes", line_of_ann());
        cr_assert_str_eq(bob_heard.kind_name, names[kind]);
    }
}

Test(misuse, the_text_tells_how_far_into_a_block_a_pointer_is) {
    char where[64];
    fi_incident incident = incident_at(FIEF_MISUSE_INTERIOR, block + 24);
    snprintf(where, sizeof where, ", 24 bytes into the block %p of 64 bytes", (void *)block);
    fi_misuse(&incident);
    assert_text("interior pointer", block + 24, where, line_of_ann());
}

Test(misuse, the_text_says_none_where_nobody_owns_the_address) {
    int local;
    fi_incident incident = {.kind = FIEF_MISUSE_WILD, .operation = "fief_free", .pointer = &local, .caller = bob};
    fi_misuse(&incident);
    assert_text("wild pointer", &local, "", "none");
}

Test(misuse, the_longest_names_fit) {
    char name[64];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    fief *owner = create(named(name));
    fief *caller = create(watched(name, &bob_heard));
    fi_incident incident = incident_at(FIEF_MISUSE_INTERIOR, block + 8);
    incident.owner_slot = owner->slot;
    incident.owner_id = owner->id;
    incident.caller = caller;
    fi_misuse(&incident);
    cr_assert_str_eq(bob_heard.owner_name, name);
    cr_assert_str_eq(bob_heard.caller_name, name);
    cr_assert_not_null(strstr(bob_heard.text, "verdict  the call does nothing\n"));
}

/* ---- the fields ---- */

Test(misuse, the_report_has_the_same_as_fields) {
    fi_incident incident = incident_at(FIEF_MISUSE_INTERIOR, block + 24);
    fi_misuse(&incident);
    const fief_report *report = &bob_heard.last;
    assert_equal(report->kind, FIEF_MISUSE_INTERIOR);
    cr_assert_str_eq(report->operation, "fief_free");
    cr_assert_str_eq(report->verdict, "the call does nothing");
    cr_assert(report->pointer == block + 24 && report->block == block);
    assert_equal(report->displacement, 24);
    assert_equal(report->block_size, 64);
    assert_equal(report->owner, fief_id_of(ann));
    assert_equal(report->caller, fief_id_of(bob));
    assert_equal(report->owner_state, FIEF_LIVE);
    assert_equal(report->thread, fi_os_thread_id());
}

/* ---- to whom ---- */

static int report_without_callbacks(void *arg) {
    fief *eve = create(named("eve"));
    fi_incident incident = {.kind = FIEF_MISUSE_WILD,
                            .operation = "fief_free",
                            .owner_slot = eve->slot,
                            .owner_id = eve->id,
                            .caller = eve};
    fi_misuse_tell(&incident, "told", *(bool *)arg);
    return 0;
}

Test(misuse, the_callers_callback_is_told_and_nobody_else) {
    fi_incident incident = incident_at(FIEF_MISUSE_INTERIOR, block + 8);
    fi_misuse(&incident);
    assert_equal(bob_heard.count, 1);
    assert_equal(ann_heard.count, 0);
}

Test(misuse, a_caller_without_a_callback_leaves_it_to_the_owners) {
    fi_incident incident = incident_at(FIEF_MISUSE_INTERIOR, block + 8);
    incident.caller = create(named("eve"));
    fi_misuse_tell(&incident, "told", false);
    assert_equal(ann_heard.count, 1);
    cr_assert_str_eq(ann_heard.caller_name, "eve");
}

Test(misuse, without_a_callback_it_is_written_to_stderr) {
    child_end end = run_in_child(report_without_callbacks, &(bool){false});
    assert_returned(end);
    assert_says(end, "fief: wild pointer in fief_free\n");
    assert_says(end, "\"eve\" (live)");
    assert_says(end, "verdict  told\n");
}

Test(misuse, stderr_can_be_hushed) {
    child_end end = run_in_child(report_without_callbacks, &(bool){true});
    assert_returned(end);
    assert_equal(end.said_bytes, 0);
}

Test(misuse, a_callback_is_told_even_what_is_hushed) {
    fi_incident incident = incident_at(FIEF_MISUSE_INTERIOR, block + 8);
    fi_misuse_tell(&incident, "told", true);
    assert_equal(bob_heard.count, 1);
}

/* ---- policies ---- */

static int misuse_by_policy(void *arg) {
    fief_config config = named("policy");
    config.on_misuse = *(const fief_misuse_policy *)arg;
    fi_incident incident = incident_at(FIEF_MISUSE_INTERIOR, block + 8);
    incident.owner_slot = NULL;
    incident.owner_id = FIEF_ID_NONE;
    incident.caller = create(config);
    fi_misuse(&incident);
    return incident.caller->count.misuses == 1 ? 0 : 1;
}

static child_end end_by_policy(fief_misuse_policy policy) {
    return run_in_child(misuse_by_policy, &policy);
}

Test(misuse, by_default_it_is_told_and_the_process_aborts) {
    child_end end = end_by_policy(FIEF_MISUSE_ABORT);
    assert_aborted(end);
    assert_says(end, "verdict  abort\n");
}

Test(misuse, a_process_that_wants_reports_is_told_and_goes_on) {
    child_end end = end_by_policy(FIEF_MISUSE_REPORT);
    assert_returned(end);
    assert_says(end, "verdict  the call does nothing\n");
}

Test(misuse, a_process_that_ignores_misuse_has_it_counted) {
    child_end end = end_by_policy(FIEF_MISUSE_IGNORE);
    assert_returned(end);
    assert_equal(end.said_bytes, 0);
}

Test(misuse, without_a_caller_the_owners_policy_holds) {
    fi_incident incident = incident_at(FIEF_MISUSE_INTERIOR, block + 8);
    incident.caller = NULL;
    fi_misuse(&incident);
    assert_equal(ann_heard.count, 1);
    assert_equal(ann_heard.last.caller, FIEF_ID_NONE);
}

static int misuse_of_nobodys(void *arg) {
    fi_misuse(&(fi_incident){.kind = FIEF_MISUSE_WILD, .operation = "fief_free_remote", .pointer = arg});
    return 0;
}

Test(misuse, where_there_is_neither_it_aborts) {
    child_end end = run_in_child(misuse_of_nobodys, NULL);
    assert_aborted(end);
    assert_says(end, "fief: wild pointer in fief_free_remote\n");
}

/* ---- a free block that was written to ---- */

/* Three blocks that the next allocations hand out, in this order. */
static void list_three(fi_block *listed[3]) {
    unsigned c = fi_class_of(64, ann->fast.round);
    while (*fi_heap_list(ann, c) == fi_heap_sentinel(ann) ||
           (*fi_heap_list(ann, c))->next == fi_heap_sentinel(ann) ||
           (*fi_heap_list(ann, c))->next->next == fi_heap_sentinel(ann))
        cr_assert_not_null(fief_alloc(ann, 64));
    listed[0] = *fi_heap_list(ann, c);
    listed[1] = listed[0]->next;
    listed[2] = listed[1]->next;
}

Test(misuse, a_block_that_was_written_to_is_reported_and_not_handed_out) {
    fi_block *listed[3];
    list_three(listed);
    listed[0]->mark = 1;
    cr_assert_eq(opaque(fief_alloc(ann, 64)), listed[1], "the rest of its list is sound");
    assert_equal(ann_heard.kinds[FIEF_MISUSE_WRITE_AFTER_FREE], 1);
    cr_assert_eq(ann_heard.last.pointer, listed[0]);
    assert_equal(ann_heard.last.block_size, 64);
    cr_assert_str_eq(ann_heard.last.owner_name, "ann");
    cr_assert_eq(opaque(fief_alloc(ann, 64)), listed[2]);
}

Test(misuse, a_list_behind_a_block_that_was_overwritten_is_given_up) {
    static const uintptr_t links[] = {0, 1, 4096, UINTPTR_MAX, (uintptr_t)0x4141414141414141};
    for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
        fi_block *listed[3];
        list_three(listed);
        *listed[0] = (fi_block){(fi_block *)links[i], links[i]};
        fi_block *next = fief_alloc(ann, 64);
        cr_assert_not_null(next);
        for (unsigned k = 0; k < 3; k++)
            cr_assert_neq(opaque(next), listed[k]);
        assert_equal(ann_heard.kinds[FIEF_MISUSE_WRITE_AFTER_FREE], i + 1);
    }
}

/* ---- particular ones ---- */

Test(misuse, a_dead_handle_is_told_by_its_last_name) {
    ann->on_misuse = FIEF_MISUSE_REPORT;
    fief_destroy(ann);
    cr_assert_not(fi_misuse_check_handle(ann, "fief_poll"));
    assert_equal(ann_heard.kinds[FIEF_MISUSE_DEAD_HANDLE], 1);
    cr_assert_str_eq(ann_heard.operation, "fief_poll");
    cr_assert_str_eq(ann_heard.owner_name, "ann");
    assert_equal(ann_heard.last.owner_state, FIEF_DEAD);
}

Test(misuse, a_living_handle_is_no_misuse) {
    cr_assert(fi_misuse_check_handle(ann, "fief_poll"));
    assert_equal(ann_heard.count, 0);
}

Test(misuse, a_block_that_came_home_free_names_who_sent_last) {
    const fi_pool *pool = fi_heap_pool_of(ann, block);
    ann->slot->last_sender = bob->slot;
    fi_misuse_came_home_free(ann, pool, (fi_block *)(void *)block);
    assert_equal(bob_heard.kinds[FIEF_MISUSE_DOUBLE_FREE], 1);
    cr_assert_str_eq(bob_heard.caller_name, "bob");
    cr_assert_str_eq(bob_heard.owner_name, "ann");
}
