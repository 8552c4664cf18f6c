/* A runtime that takes its memory from a fief, as the checks of all runtimes see it. */
#ifndef FI_TESTS_ADAPTER_EMBEDDED_H
#define FI_TESTS_ADAPTER_EMBEDDED_H

#include <fief/fief.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum { EMBEDDED_TEXT_BYTES = 256 };

/* How the adapter is used. A runtime that is process-wide may have two ways of its own. */
typedef enum embedded_variant { EMBEDDED_CALLED, EMBEDDED_INLINED, EMBEDDED_VARIANTS } embedded_variant;
#define EMBEDDED_CALLED_AND_INLINED                                                                               \
    { "called", "inlined" }

typedef struct embedded {
    const char *name;
    const char *variants[EMBEDDED_VARIANTS];
    bool is_process_wide;   /* one heap for all instances: install it before the first is opened */
    bool can_fail_to_begin; /* where there is no memory for it, an instance is NULL; else the process goes down */
    size_t limit_bytes;     /* the busy script fits, at every debug level */

    /* Each gives a text. Errors do, too: that of the hoarding script is the runtime's own for exhausted memory. */
    const char *busy_script, *busy_result;
    const char *step_script; /* how often it has run in the instance; allocates and frees */
    const char *hoarding_script, *hoarding_result;
    const char *bare_result; /* NULL, or the error if there is no memory for that error */

    /* Both NULL unless is_process_wide. `heap` NULL: the C library's. */
    bool (*install)(fief *heap, embedded_variant variant);
    bool (*uninstall)(void);

    /* NULL if there is no memory. `heap` NULL: on the C library's. */
    void *(*create)(fief *heap, embedded_variant variant);
    void (*destroy)(void *instance);
    /* NULL: the runtime collects by itself when memory is short. */
    void (*collect)(void *instance);
    /* From any thread. True: no error. `text` gets the result, or the error. */
    bool (*run)(void *instance, const char *script, char *text);

    /* What the runtime calls, as C's realloc: without a block it allocates, size 0 frees. */
    void *(*resize)(fief *heap, embedded_variant variant, void *block, size_t size);
    /* NULL, or the sizes that only this runtime asks for: NULL if all is as it should be, else what is not. */
    const char *(*wrong_rule)(fief *heap, embedded_variant variant);
} embedded;

/* Cut to what a text holds. */
static inline void embedded_tell(char *text, const char *said) {
    snprintf(text, EMBEDDED_TEXT_BYTES, "%s", said != NULL ? said : "no text");
}

extern const embedded lua_embedded, duktape_embedded, mujs_embedded, mruby_embedded, quickjs_embedded,
    sqlite_embedded;

#endif
