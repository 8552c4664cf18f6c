/* For programs.py: not C, so that the compiler has errors and warnings to tell. */
#include <stdio.h>

int main(void) {
    int unused;
    printf("%d\n", "text");
    return undeclared + missing(1, 2;
}
