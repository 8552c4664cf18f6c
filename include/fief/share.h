/* share.h - values that cross interpreters: data, the types that can be shared, built-in kinds.
 *
 * A value is shared by its owner, who makes data of it, and read by a receiver, who makes an object of its own
 * from that. What the data keeps of the owner's (an object, or a payload that the owner has to free) goes home
 * when the data is released, wherever that is; when the owner ends first, it takes it back then, and the data is
 * empty from there on. Copied bytes, and the built-in kinds, are neither side's: they stay valid.
 *
 * fief knows nothing of objects: one is a void * of the runtime's, which says once for each interpreter how a
 * reference to it is taken and dropped (fief_xi_objects).
 *
 * Threading contract: `f` is the caller's own handle, as in fief.h. Data is used by one thread at a time, which
 * may be any; several may read it at once if none releases it meanwhile.
 */
#ifndef FIEF_SHARE_H
#define FIEF_SHARE_H

#include "xi.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- what may go wrong ------------------------------------------------------------------------------- */

typedef enum fief_share_status {
    FIEF_SHARE_OK = 0,
    FIEF_SHARE_NOT_SHAREABLE,  /* the type is not registered, or the runtime says so of this object */
    FIEF_SHARE_TOO_DEEP,       /* tuples within tuples beyond FIEF_XI_MOST_DEPTH, as one within itself */
    FIEF_SHARE_NO_MEMORY,      /* exhaustion; nothing was changed */
    FIEF_SHARE_NO_OWNER,       /* the data, or what is to become data, has no owner */
    FIEF_SHARE_NO_NEW_OBJECT,  /* there is nothing to make an object with */
    FIEF_SHARE_NOT_UTF8,       /* share it as bytes */
    FIEF_SHARE_INT_TOO_LARGE,  /* it does not fit 64 bits with a sign: share its bytes */
    FIEF_SHARE_OWNER_GONE,     /* the owner has ended and taken back what the data had of it */
    FIEF_SHARE_NOT_OWNER,      /* the owner alone may do that */
    FIEF_SHARE_OTHER_FUNCTION, /* the type is registered with another one */
    FIEF_SHARE_MISSING,        /* there is no value of that name */
    FIEF_SHARE_FAILED,         /* the runtime's function failed for a reason of its own */
    FIEF_SHARE_BAD_STATE,      /* the interpreter is closing or dead */
    FIEF_SHARE_BAD_ARGUMENT
} fief_share_status;

/* A short English text, static, never NULL. Any thread. */
FIEF_API const char *fief_share_status_text(fief_share_status status);

/* ---- objects ----------------------------------------------------------------------------------------- */

typedef struct fief_xi_data fief_xi_data;

/* How one interpreter deals with objects of its own. Each runs under its lock; `drop` with it as the thread's
 * current interpreter, and maybe while it ends: its heap works still. */
typedef struct fief_xi_objects {
    void (*take)(fief *f, void *object); /* takes a reference */
    void (*drop)(fief *f, void *object);

    /* Makes an object of a built-in kind's data (fief_xi_builtin_of tells which): OK with *object, or why not.
     * NULL: this interpreter reads such data by itself. */
    fief_share_status (*new_builtin)(fief *f, const fief_xi_data *data, void **object);
} fief_xi_objects;

/* Sets them, once, before anything with an object is shared; `objects` must live as long as f. Its owner. OK;
 * BAD_ARGUMENT unless there are both `take` and `drop`; NO_MEMORY; BAD_STATE. */
FIEF_API fief_share_status fief_xi_use_objects(fief *f, const fief_xi_objects *objects);

/* What was set; NULL: nothing, or f is closing. Its owner: a new_builtin finds here, behind the struct that the
 * runtime has made larger, what it needs besides. */
FIEF_API const fief_xi_objects *fief_xi_objects_of(const fief *f);

/* ---- data -------------------------------------------------------------------------------------------- */

/* What sort of value it is, and so how it crosses. Constant, and there as long as data of it is. */
typedef struct fief_xi_kind {
    const char *name;

    /* The receiver's side: an object of `receiver`'s own, made from the payload. The payload is valid for as long
     * as this runs, even if the owner ends meanwhile: its end waits. So it must neither end the owner nor wait for
     * it to end. OK with *object, or why not. */
    fief_share_status (*new_object)(fief *receiver, const fief_xi_data *data, void **object);

    /* The owner's side: gives back the payload, with `owner` current. It may be ending; its heap works still.
     * NULL: there is nothing to give back, or (of sized data) nothing that the payload leads to. */
    void (*free)(fief *owner, void *payload);
} fief_xi_kind;

/* A value on its way. Cleared (all zeros: FIEF_XI_DATA_INIT) it holds nothing. It may be moved with memcpy, not
 * copied. Read fields as you like, `payload` within new_object alone; write none. */
struct fief_xi_data {
    const fief_xi_kind *kind;
    fief_id owner;
    void *payload;
    void *object; /* the owner's, with a reference; nobody else's business */
    size_t bytes; /* of a payload that was copied or asked for with a size */
    uint64_t number;
    struct fi_hold *hold; /* what has to go home; NULL: nothing */
    uint16_t depth;       /* tuples around it */
    bool is_common;       /* the payload is memory of neither side's */
};

#define FIEF_XI_DATA_INIT                                                                                         \
    { NULL, FIEF_ID_NONE, NULL, NULL, 0, 0, NULL, 0, false }

/* A cleared one, in memory that is neither side's, for data that outlives its maker's stack. NULL on exhaustion.
 * Any thread. */
FIEF_API fief_xi_data *fief_xi_data_new(void);

/* Makes f's data: `data` must be cleared. A reference to `object` (NULL: none) is taken, by fief_xi_use_objects.
 * f may be NULL where nothing has to go home: there is no object, and no payload that kind->free is for; but such
 * data has no owner, and is not valid. Constant cost: data with something to go home takes a block of some 200
 * bytes that is neither side's, so that releasing it needs none. OK; NO_OWNER; NO_NEW_OBJECT if kind has none;
 * BAD_ARGUMENT if `data` is not cleared, or nobody said how a reference is taken; NO_MEMORY; BAD_STATE if
 * something would have to go home and f is closing. On failure `data` stays cleared and no reference is taken. */
FIEF_API fief_share_status fief_xi_data_init(fief *f, fief_xi_data *data, const fief_xi_kind *kind, void *payload,
                                             void *object);

/* The same with a payload of `bytes` bytes, aligned to 16, that the caller fills in: data->payload. It is neither
 * side's memory. With neither an object nor a kind->free the data stays valid when its owner ends. BAD_ARGUMENT if
 * `bytes` is 0; NO_OWNER if f is NULL. */
FIEF_API fief_share_status fief_xi_data_init_sized(fief *f, fief_xi_data *data, const fief_xi_kind *kind,
                                                   size_t bytes, void *object);

/* Whether an object can be made from it: OK, NO_OWNER, NO_NEW_OBJECT, OWNER_GONE. Any thread. */
FIEF_API fief_share_status fief_xi_data_validate(const fief_xi_data *data);

/* Makes an object of f's own: OK with *object, else *object is NULL: what fief_xi_data_validate or the kind says.
 * BAD_ARGUMENT if f is NULL. */
FIEF_API fief_share_status fief_xi_new_object(fief *f, const fief_xi_data *data, void **object);

/* Clears data, in its owner alone: what it keeps is freed at once. OK, or NOT_OWNER: nothing was changed. */
FIEF_API fief_share_status fief_xi_data_clear(fief *f, fief_xi_data *data);

/* Clears data, anywhere: at once if nothing has to go home, or f is the owner; else what has to goes home by a
 * call. It takes no memory and can't fail. f may be NULL: any thread.
 * RAN: it is done, or there was nothing to do. QUEUED: the owner frees it when it polls next. CLOSING, GONE: the
 * owner has ended, or does; it has taken back what was its, or does. Of a tuple: the last of these that any item
 * gave. */
FIEF_API fief_xi_result fief_xi_data_release(fief *f, fief_xi_data *data);

/* The same for one of fief_xi_data_new, which it gives back then. NULL is nothing, and RAN. */
FIEF_API fief_xi_result fief_xi_data_free(fief *f, fief_xi_data *data);

/* How much of f's is out: data with something that has to come home, and has not yet. Its owner. */
FIEF_API size_t fief_xi_outstanding(const fief *f);

/* ---- built-in kinds ---------------------------------------------------------------------------------- */

/* Everybody has these; nothing of them has to go home, and they outlive their owner. */
typedef enum fief_xi_builtin {
    FIEF_XI_OTHER = 0, /* a kind of the runtime's */
    FIEF_XI_NONE,
    FIEF_XI_BOOL,
    FIEF_XI_INT64,
    FIEF_XI_FLOAT,
    FIEF_XI_BYTES,
    FIEF_XI_STRING, /* UTF-8 */
    FIEF_XI_TUPLE   /* whose items are data of any kind */
} fief_xi_builtin;

FIEF_API fief_xi_builtin fief_xi_builtin_of(const fief_xi_data *data);

#define FIEF_XI_MOST_DEPTH 100 /* tuples within one another */

/* Each makes f's data in a cleared struct, and copies what it is given: OK, NO_OWNER (f is NULL), BAD_ARGUMENT (it
 * is not cleared, or there is nothing to copy from), NO_MEMORY, or what is said there; then it stays cleared. */
FIEF_API fief_share_status fief_xi_share_none(fief *f, fief_xi_data *data);
FIEF_API fief_share_status fief_xi_share_bool(fief *f, fief_xi_data *data, bool value);
FIEF_API fief_share_status fief_xi_share_int64(fief *f, fief_xi_data *data, int64_t value);
FIEF_API fief_share_status fief_xi_share_uint64(fief *f, fief_xi_data *data, uint64_t value); /* INT_TOO_LARGE */
FIEF_API fief_share_status fief_xi_share_float(fief *f, fief_xi_data *data, double value);
FIEF_API fief_share_status fief_xi_share_bytes(fief *f, fief_xi_data *data, const void *bytes, size_t count);
FIEF_API fief_share_status fief_xi_share_string(fief *f, fief_xi_data *data, const char *text,
                                                size_t bytes); /* NOT_UTF8 */

/* A tuple of `count` items, each made by item(f, index, data, arg) in a cleared struct. If one fails, or makes
 * data that is not valid, those before it are released, the last first, and its status is the tuple's. An item may
 * be a tuple itself, made in the struct that it is given: TOO_DEEP beyond FIEF_XI_MOST_DEPTH. */
typedef fief_share_status fief_xi_item_fn(fief *f, size_t index, fief_xi_data *item, void *arg);
FIEF_API fief_share_status fief_xi_share_tuple(fief *f, fief_xi_data *data, size_t count, fief_xi_item_fn *item,
                                               void *arg);

/* What is in them: false if it is another kind. Any thread that has the data; pointers are valid until it is
 * released. A 0 stands behind a string, which may have others in it. */
FIEF_API bool fief_xi_read_bool(const fief_xi_data *data, bool *value);
FIEF_API bool fief_xi_read_int64(const fief_xi_data *data, int64_t *value);
FIEF_API bool fief_xi_read_float(const fief_xi_data *data, double *value);
FIEF_API bool fief_xi_read_bytes(const fief_xi_data *data, const void **bytes, size_t *count);
FIEF_API bool fief_xi_read_string(const fief_xi_data *data, const char **text, size_t *bytes);
FIEF_API bool fief_xi_read_tuple(const fief_xi_data *data, const fief_xi_data **items, size_t *count);

/* ---- the types that can be shared -------------------------------------------------------------------- */

/* Makes data of an object, in a cleared struct, in its owner f: by fief_xi_data_init, or a built-in kind's. */
typedef fief_share_status fief_xi_share_fn(fief *f, void *object, fief_xi_data *data);

/* Registers a type by its address: of f's own, until f ends, or (f NULL, any thread) the process's, for types that
 * are never made anew. `version` tells types apart that were at the same address one after the other: what is
 * registered is gone as soon as the address is asked for with another one. 0 for types that don't die.
 * Again, it counts up. OK; OTHER_FUNCTION if the type has another one; NO_MEMORY; BAD_STATE; BAD_ARGUMENT without
 * a type or a function, or if a process's type has a version. */
FIEF_API fief_share_status fief_xi_register(fief *f, const void *type, uint64_t version, fief_xi_share_fn *share);

/* Counts down; at 0 the type is not shareable any more. False: it was not there. */
FIEF_API bool fief_xi_unregister(fief *f, const void *type, uint64_t version);

/* The type has died: it goes, however often it was registered, whatever its version. False: it was not there. */
FIEF_API bool fief_xi_forget_type(fief *f, const void *type);

/* What f's types have for this very type, or else the process's; NULL: nothing. */
FIEF_API fief_xi_share_fn *fief_xi_find_type(fief *f, const void *type, uint64_t version);

/* Makes f's data of an object, in a cleared struct, with its type's function: OK, NOT_SHAREABLE, or what that
 * says; and what fief_xi_data_validate says of the outcome. On failure what there was is released. */
FIEF_API fief_share_status fief_xi_share(fief *f, const void *type, uint64_t version, void *object,
                                         fief_xi_data *data);

#ifdef __cplusplus
}
#endif

#endif
