/* All runtimes that are there, in one process, each on a fief of its own: EMBEDDED_ALL. What one frees of
 * another's is told with the names of both. Speaks TAP. */
#include "guest.h"
#include "hearing.h"

static const embedded *const runtimes[] = {EMBEDDED_ALL};

enum { GUESTS = sizeof runtimes / sizeof *runtimes };

static void check_pair(const guest *owner, const guest *caller, told *heard) {
    char what[128];
    snprintf(what, sizeof what, "frees a block of %s's, which is told and sent home", owner->runtime->name);
    *heard = (told){0};
    void *block = owner->runtime->resize(owner->heap, owner->variant, NULL, 64);
    caller->runtime->resize(caller->heap, caller->variant, block, 0);
    bool back = fief_poll(owner->heap) == 1;
    check(is_told(heard, FIEF_MISUSE_FOREIGN_FREE, owner->runtime->name, caller->runtime->name) && back, caller,
          what);
}

int main(void) {
    static guest guests[GUESTS];
    told heard = {0};
    for (int i = 0; i < GUESTS; i++) {
        fief_config config = hearing(runtimes[i]->name, &heard);
        guests[i] = guest_create(runtimes[i], EMBEDDED_CALLED, &config);
    }
    for (int turn = 0; turn < 3; turn++)
        for (int i = 0; i < GUESTS; i++)
            check(guest_gives(&guests[i], runtimes[i]->busy_script, runtimes[i]->busy_result), &guests[i],
                  "runs beside the others");
    for (int owner = 0; owner < GUESTS; owner++)
        for (int caller = 0; caller < GUESTS; caller++)
            if (caller != owner)
                check_pair(&guests[owner], &guests[caller], &heard);
    for (int i = 0; i < GUESTS; i++) {
        check(guest_stats(&guests[i]).foreign_out == GUESTS - 1, &guests[i], "its foreign frees are counted");
        check(guest_end(&guests[i]).live_blocks == 0, &guests[i], "ends, and leaves nothing");
    }
    return check_end();
}
