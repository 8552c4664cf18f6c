#include "freelist/adapt.h"

enum { REGRETS = 2 }; /* for each block of its length, so that no list grows for a single burst */

static void set_limit(fief_freelist *list, size_t limit) {
    for (size_t i = limit; i < list->limit; i++)
        list->slots[i] = FI_SLOT_ASK;
    list->limit = limit;
    list->given_up = list->regrets = 0;
}

void fi_list_regret(fief_freelist *list) {
    list->given_up--;
    if (++list->regrets >= REGRETS * list->limit)
        set_limit(list, 2 * list->limit < list->most ? 2 * list->limit : list->most);
}

/* From here on slots tell of the time since now. */
void fi_list_look_back(fief_freelist *list) {
    if (list->config.adaptive && list->limit > FI_FIRST_LIMIT) {
        size_t needed = fi_list_visited(list);
        list->high_water = fi_list_high_water(list);
        for (size_t i = 0; i < needed; i++)
            list->slots[i] |= 1;
        if (needed < list->limit / 2)
            set_limit(list, list->limit / 2 > FI_FIRST_LIMIT ? list->limit / 2 : FI_FIRST_LIMIT);
    }
    list->given_up = list->regrets = 0;
}
