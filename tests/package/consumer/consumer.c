/* A program of somebody else's: it knows what is installed, and nothing of the source. */
#include <fief/fief.h>
#include <fief/freelist.h>
#include <fief/inline.h>
#include <fief/xi.h>

#include <stdio.h>

int main(void) {
    fief *heap;
    fief_config config = FIEF_CONFIG_INIT;
    config.name = "consumer";
    if (fief_create(&heap, &config) != FIEF_OK)
        return 1;
    void *block = fief_inline_alloc(heap, 100), *large = fief_alloc(heap, 1 << 20);
    int good = fief_owner(block) == fief_id_of(heap) && fief_owner(large) == fief_id_of(heap);
    fief_inline_free(heap, block);
    fief_free(heap, large);
    if (fief_destroy(heap) != FIEF_OK || !good)
        return 1;
    printf("fief %d.%d.%d\n", FIEF_VERSION_MAJOR, FIEF_VERSION_MINOR, FIEF_VERSION_PATCH);
    return 0;
}
