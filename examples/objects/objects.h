/* A small object model on a fief: what a runtime does with typed freelists.
 *
 * Objects are counted. The types that come and go most (int, float, tuples of up to 20 items) have freelists;
 * strings come from the heap; errors have a list with a reserve, since one must be made just when memory does not
 * exist.
 *
 * A function that makes an object returns NULL and leaves an error pending if it can't. One that takes a tuple's
 * items takes them over, whatever comes of it. */
#ifndef OBJECTS_H
#define OBJECTS_H

#include <fief/freelist.h>

typedef struct runtime runtime;
typedef struct object object;

typedef struct type {
    const char *name;
    void (*drop)(runtime *r, object *o); /* its last reference has gone */
} type;

struct object {
    const type *type;
    size_t references;
};

typedef struct int_object {
    object head;
    int64_t value;
} int_object;

typedef struct float_object {
    object head;
    double value;
} float_object;

typedef struct string_object {
    object head;
    size_t length;
    char text[]; /* and a 0 */
} string_object;

typedef struct tuple_object {
    object head;
    size_t length;
    object *items[];
} tuple_object;

typedef struct error_object {
    object head;
    const char *message; /* static */
    object *cause;       /* the error that was pending; NULL: none */
} error_object;

enum { LONGEST_LISTED_TUPLE = 20, ERRORS_IN_RESERVE = 16 };

struct runtime {
    fief *heap;
    fief_freelist *ints, *floats, *errors;
    fief_freelist_family *tuples; /* of 1 to LONGEST_LISTED_TUPLE items */
    object *pending;              /* an error; NULL: none */
    error_object last_resort;     /* the runtime's, not a thread's: a runtime may change threads */
};

extern const type int_type, float_type, string_type, tuple_type, error_type;

/* False: there is no memory for it. 0 for most_bytes: no limit. */
bool runtime_begin(runtime *r, size_t most_bytes);
void runtime_end(runtime *r);

object *object_keep(object *o);
void object_drop(runtime *r, object *o); /* NULL is nothing */

object *int_new(runtime *r, int64_t value);
object *float_new(runtime *r, double value);
object *string_new(runtime *r, const char *text);
object *tuple_new(runtime *r, size_t length, object **items);

/* There is no memory: an error that says so is pending. This always works. Returns NULL. */
object *error_no_memory(runtime *r);

/* The pending error, which is pending no longer. */
object *error_take(runtime *r);

/* The object for when there is not even a reserve left. It is in the runtime itself, and never goes. */
void error_prepare_last_resort(runtime *r);
bool error_is_last_resort(const runtime *r, const object *o);

#endif
