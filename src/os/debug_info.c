#include "os/debug_info.h"

bool fi_os_has_debug_info(void) {
    return false;
}

unsigned fi_os_debug_places(uintptr_t address, fi_place places[FI_MOST_PLACES]) {
    (void)address;
    (void)places;
    return 0;
}
