/* What early.c has for the program. */
#ifndef FI_TESTS_PRELOAD_EARLY_H
#define FI_TESTS_PRELOAD_EARLY_H

char **early_text(void);    /* made by the constructor; the destructor frees it */
void **early_to_free(void); /* NULL; what the program leaves there is freed by the destructor */

#endif
