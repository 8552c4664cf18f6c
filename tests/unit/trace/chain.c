/* The chains of chain.h, under the name CHAIN. */
#include "chain.h"

#include <string.h>

#define JOIN_(a, b) a##_##b
#define JOIN(a, b) JOIN_(a, b)
#define NAMED(name) JOIN(CHAIN, name)

#define OUT_OF_LINE __attribute__((noinline))

/* Keeps a call from becoming the function's last jump. */
#define AND_RETURN __asm__ volatile("" ::: "memory")

void NAMED(inner)(chain_end *end, void *arg);
void NAMED(middle)(chain_end *end, void *arg);

OUT_OF_LINE void NAMED(inner)(chain_end *end, void *arg) {
    end(arg);
    AND_RETURN;
}

OUT_OF_LINE void NAMED(middle)(chain_end *end, void *arg) {
    NAMED(inner)(end, arg);
    AND_RETURN;
}

OUT_OF_LINE void NAMED(outer)(chain_end *end, void *arg) {
    NAMED(middle)(end, arg);
    AND_RETURN;
}

OUT_OF_LINE void NAMED(sized)(chain_end *end, void *arg, size_t bytes) {
    char space[bytes];
    memset(space, 0, bytes);
    __asm__ volatile("" ::"r"(space) : "memory");
    NAMED(middle)(end, arg);
    AND_RETURN;
}

OUT_OF_LINE void NAMED(aligned)(chain_end *end, void *arg) {
    __attribute__((aligned(128))) char space[128] = {0};
    __asm__ volatile("" ::"r"(space) : "memory");
    NAMED(middle)(end, arg);
    AND_RETURN;
}

OUT_OF_LINE void NAMED(deep)(chain_end *end, void *arg, unsigned times) {
    if (times > 0)
        NAMED(deep)(end, arg, times - 1);
    else
        NAMED(outer)(end, arg);
    AND_RETURN;
}
