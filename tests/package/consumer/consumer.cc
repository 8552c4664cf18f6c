// The same in C++.
#include <fief/fief.h>
#include <fief/inline.h>

#include <cstdio>
#include <memory>

int main() {
    fief *heap;
    if (fief_create(&heap, nullptr) != FIEF_OK)
        return 1;
    std::unique_ptr<fief, fief_status (*)(fief *)> ended(heap, fief_destroy);
    void *block = fief_inline_alloc(heap, 100);
    bool good = fief_owner(block) == fief_id_of(heap);
    fief_free(heap, block);
    std::printf("fief %d.%d.%d\n", FIEF_VERSION_MAJOR, FIEF_VERSION_MINOR, FIEF_VERSION_PATCH);
    return good ? 0 : 1;
}
