#include "outputs.h"

#include "figures.h"
#include "host.h"
#include "layout.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* FNV-1a: the hash only spares comparisons. */
static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t length) {
    const unsigned char *from = bytes;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ from[i]) * UINT64_C(0x100000001b3);
    return hash;
}

static outcome outcome_of(const tenant *t) {
    outcome o = {
        .script = t->script,
        .bytes = t->output.bytes,
        .length = t->output.length,
        .error = t->error,
        .hash = UINT64_C(0xcbf29ce484222325),
        .state_count = 1,
    };
    o.hash = hash_bytes(o.hash, o.bytes, o.length);
    if (o.error != NULL)
        o.hash = hash_bytes(o.hash, o.error, strlen(o.error));
    return o;
}

static bool same_bytes(const char *a, const char *b, size_t length) {
    return length == 0 || memcmp(a, b, length) == 0; /* without bytes there is no address either */
}

static bool same_error(const char *a, const char *b) {
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool is_same(const outcome *a, const outcome *b) {
    return a->hash == b->hash && strcmp(a->script, b->script) == 0 && a->length == b->length &&
           same_bytes(a->bytes, b->bytes, a->length) && same_error(a->error, b->error);
}

static outcome *find(const outputs *all, const outcome *wanted) {
    for (unsigned i = 0; i < all->count; i++)
        if (is_same(&all->outcomes[i], wanted))
            return &all->outcomes[i];
    return NULL;
}

static void append(outputs *all, const outcome *o) {
    if (all->count == all->room) {
        all->room = all->room != 0 ? 2 * all->room : 16;
        all->outcomes = realloc(all->outcomes, all->room * sizeof *all->outcomes);
        if (all->outcomes == NULL)
            host_give_up("the host's own memory", ENOMEM);
    }
    all->outcomes[all->count++] = *o;
}

void outputs_add(outputs *all, tenant *t) {
    outcome o = outcome_of(t);
    outcome *known = find(all, &o);
    all->failed_state_count += o.error != NULL;
    if (known != NULL) {
        known->state_count++;
        tenant_fini(t);
        return;
    }
    append(all, &o);
    t->output.bytes = NULL;
    t->error = NULL;
}

/* Ends the last line if the script has not. */
static void print_bytes(const char *bytes, size_t length) {
    if (length == 0)
        return;
    fwrite(bytes, 1, length, stdout);
    if (bytes[length - 1] != '\n')
        putchar('\n');
}

void outputs_print(const outputs *all) {
    for (unsigned i = 0; i < all->count; i++) {
        const outcome *o = &all->outcomes[i];
        layout_rule("%s %s %s %s: %s %s of output", figure_of_count(o->state_count).text,
                    o->state_count == 1 ? "state" : "states", o->error == NULL ? "ran" : "failed in", o->script,
                    figure_of_count(o->length).text, o->length == 1 ? "byte" : "bytes");
        print_bytes(o->bytes, o->length);
        if (o->error != NULL)
            printf("error: %s\n", o->error);
    }
}

void outputs_fini(outputs *all) {
    for (unsigned i = 0; i < all->count; i++) {
        free(all->outcomes[i].bytes);
        free(all->outcomes[i].error);
    }
    free(all->outcomes);
    *all = (outputs){.count = 0};
}
