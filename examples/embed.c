#include <fief/fief.h>
#include <stdio.h>

int main(void) {
    fief *heap;
    if (fief_create(&heap, NULL) != FIEF_OK)
        return 1;
    char *text = fief_alloc(heap, 100);
    text = text != NULL ? fief_realloc(heap, text, 200) : NULL;
    printf("%p belongs to interpreter %d\n", (void *)text, (int)fief_owner(text));
    fief_free(heap, text);
    return fief_destroy(heap) != FIEF_OK; /* whatever is still live goes, too */
}
