/* session.h - working in another interpreter: namespaces, snapshots of errors, sessions.
 *
 * A thread that works in another interpreter brings values along (a namespace), takes what went wrong back (a
 * snapshot), and is afterwards where it was before, whatever happened (a session). What languages have of their
 * own (locks, dictionaries, exceptions) stays the runtime's: it gives functions for it.
 *
 * Threading contract: `f` is the caller's own handle, as in fief.h. Namespaces, snapshots and sessions are used by
 * one thread at a time, which may be any; their memory is neither side's.
 */
#ifndef FIEF_SESSION_H
#define FIEF_SESSION_H

#include "share.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- namespaces -------------------------------------------------------------------------------------- */

/* Names with values, in an order. One without any names is NULL, and no error: each function takes it. */
typedef struct fief_xi_namespace fief_xi_namespace;

/* *out has these names, copied, without values. OK; NO_MEMORY or BAD_ARGUMENT (a name is NULL): *out is NULL. */
FIEF_API fief_share_status fief_xi_namespace_new(fief_xi_namespace **out, const char *const *names, size_t count);

/* Appends a name, and moves `data` to it (NULL: it has no value). *space may be NULL: it is made. OK; NO_MEMORY or
 * BAD_ARGUMENT: nothing was changed, and `data` is the caller's still. */
FIEF_API fief_share_status fief_xi_namespace_add(fief_xi_namespace **space, const char *name, fief_xi_data *data);

FIEF_API size_t fief_xi_namespace_count(const fief_xi_namespace *space);

/* Shares f's value of that name in a cleared struct: OK, MISSING (there is none, which is no error), or why not.
 */
typedef fief_share_status fief_xi_fill_fn(fief *f, const char *name, fief_xi_data *data, void *arg);

/* Gives each name that has no value the one that fill(f, name, data, arg) makes, in order. OK; else what `fill`
 * said, or fief_xi_data_validate of what it made: what this call has filled is released, the last first. */
FIEF_API fief_share_status fief_xi_namespace_fill(fief *f, fief_xi_namespace *space, fief_xi_fill_fn *fill,
                                                  void *arg);

/* Gives f's variable of that name the value of `data` (fief_xi_new_object), or where that is NULL, since it was
 * missing, the runtime's default. OK, or why not: then it has changed nothing. */
typedef fief_share_status fief_xi_put_fn(fief *f, const char *name, const fief_xi_data *data, void *arg);

/* Takes a variable away again that was put. */
typedef void fief_xi_undo_fn(fief *f, const char *name, void *arg);

/* Puts each, in order. OK; else what `put` said, and what was put is taken away again, the last first. `undo` may
 * be NULL: it stays. */
FIEF_API fief_share_status fief_xi_namespace_apply(fief *f, const fief_xi_namespace *space, fief_xi_put_fn *put,
                                                   fief_xi_undo_fn *undo, void *arg);

/* Releases all values, the last first, and gives back its memory at once: what goes home by a call is on its own.
 * f may be NULL: any thread. The result is as of a tuple's data. */
FIEF_API fief_xi_result fief_xi_namespace_free(fief *f, fief_xi_namespace *space);

/* ---- snapshots of errors ----------------------------------------------------------------------------- */

typedef enum fief_xi_error_code {
    FIEF_XI_ERROR_NONE = 0,
    FIEF_XI_ERROR_UNCAUGHT,  /* the program's, with its type and message */
    FIEF_XI_ERROR_OTHER,     /* one that could not be told */
    FIEF_XI_ERROR_NO_MEMORY, /* without a text: there was no memory for one either */
    FIEF_XI_ERROR_ALREADY_RUNNING,
    FIEF_XI_ERROR_MAIN_NAMESPACE,  /* the target's main namespace could not be had */
    FIEF_XI_ERROR_APPLY_NAMESPACE, /* the names could not be put there */
    FIEF_XI_ERROR_NOT_SHAREABLE,   /* a value could not be brought along; the caller's runtime knows more */
    FIEF_XI_ERROR_GONE,            /* there is no such interpreter, or there is none any more */
    FIEF_XI_ERROR_BAD_ARGUMENT
} fief_xi_error_code;

/* A short English text, static, never NULL. Any thread. */
FIEF_API const char *fief_xi_error_code_text(fief_xi_error_code code);

/* What a runtime tells of an error. The strings may be NULL; they are copied. */
typedef struct fief_xi_error_source {
    uint32_t builtin; /* the runtime's own number of a type that every interpreter has; 0: another type */
    const char *name; /* of the type */
    const char *qualified_name;
    const char *module;
    const char *message;
} fief_xi_error_source;

/* A snapshot. Strings are never NULL; read them until it is taken anew or cleared. */
typedef struct fief_xi_error {
    fief_xi_error_code code;
    uint32_t builtin;
    const char *name;
    const char *qualified_name;
    const char *module;
    const char *message;
    char *room; /* the caller's memory, used before any is allocated */
    size_t room_bytes;
    void *block; /* what was allocated; NULL: nothing */
} fief_xi_error;

/* An empty one. `room` is memory for its texts that is there before they are, and lives as long as it; NULL and 0:
 * none. */
FIEF_API void fief_xi_error_init(fief_xi_error *error, char *room, size_t room_bytes);

/* Takes a snapshot in place of the one that was there, and returns its code. That is `code`, but NO_MEMORY,
 * without texts, where these neither fit the room nor can be allocated; and OTHER for an UNCAUGHT one without a
 * source. Of NONE and NO_MEMORY nothing is copied, whatever the source. Any thread. */
FIEF_API fief_xi_error_code fief_xi_error_take(fief_xi_error *error, fief_xi_error_code code,
                                               const fief_xi_error_source *source);

/* Empties it: it may be taken again, or be forgotten. */
FIEF_API void fief_xi_error_clear(fief_xi_error *error);

/* "module.Qualified: message", as far as there is any of it, or else the code's text; cut to what fits, always
 * with a 0 unless bytes is 0. Returns how many bytes it would be without being cut. */
FIEF_API size_t fief_xi_error_text(const fief_xi_error *error, char *text, size_t bytes);

/* ---- the main program -------------------------------------------------------------------------------- */

/* One main program runs in an interpreter at a time: a session's, or the runtime's own. True: it is the caller's
 * from here on; false: one runs already, or on exhaustion, or f is closing. Its owner. */
FIEF_API bool fief_xi_main_claim(fief *f);
FIEF_API void fief_xi_main_give(fief *f);

/* Whether one runs there. Any thread. */
FIEF_API bool fief_xi_main_runs(fief_id id);

/* ---- sessions ---------------------------------------------------------------------------------------- */

/* What a runtime gives for a session. Functions that may be NULL say so. */
typedef struct fief_xi_plan {
    size_t size; /* sizeof(fief_xi_plan): lets the struct grow */
    void *arg;   /* of each function */

    /* Takes the lock of an interpreter, and makes what a thread needs to run there; and back. Called for the
     * target, and the other way round for the caller's own, unless they are the same. acquire: false if it has
     * ended. What the session enters must not end before it is left. */
    bool (*acquire)(fief_id id, void *arg);
    void (*release)(fief_id id, void *arg);

    /* What is brought along: shared in the caller, before it is left, and put in the target. */
    const char *const *names;
    size_t name_count; /* 0: nothing, and these three may be NULL */
    fief_xi_fill_fn *fill;
    fief_xi_put_fn *put;
    fief_xi_undo_fn *undo; /* may be NULL */

    /* In the target, before anything is put there: false if its main namespace can't be had. May be NULL. */
    bool (*open_main)(fief *target, void *arg);

    /* In the target: takes its pending error away. NONE: there is none; UNCAUGHT, with *source, whose strings live
     * until the lock is released; NO_MEMORY; OTHER where it could not be told. May be NULL: errors are returned.
     */
    fief_xi_error_code (*catch_error)(fief *target, fief_xi_error_source *source, void *arg);
} fief_xi_plan;

#define FIEF_XI_PLAN_INIT                                                                                         \
    { sizeof(fief_xi_plan), NULL, NULL, NULL, NULL, 0, NULL, NULL, NULL, NULL, NULL }

/* A thread's stay in another interpreter: all that leaving it takes is there before it is entered. */
typedef struct fief_xi_session fief_xi_session;

#define FIEF_XI_SESSION_ROOM 1024 /* bytes of an error's texts that need no memory */

/* NULL on exhaustion. Any thread. free leaves it first if it is entered; NULL is nothing. */
FIEF_API fief_xi_session *fief_xi_session_new(void);
FIEF_API void fief_xi_session_free(fief_xi_session *session);

/* Shares the plan's names in f, hands over from f to the target, claims its main program, and puts the names
 * there. f may be NULL: the thread is in no interpreter. It may be the target itself. `plan` must live until it is
 * left. NONE: the thread is in the target, which is its current interpreter; it must leave. Else it is where it
 * was, and there is nothing to leave: NOT_SHAREABLE, NO_MEMORY, GONE, ALREADY_RUNNING, MAIN_NAMESPACE,
 * APPLY_NAMESPACE, BAD_ARGUMENT (nothing of it was done). */
FIEF_API fief_xi_error_code fief_xi_session_enter(fief_xi_session *session, fief *f, fief_id target,
                                                  const fief_xi_plan *plan);

/* The handle to use while it is entered; else NULL. */
FIEF_API fief *fief_xi_session_target(const fief_xi_session *session);

/* In the target, notes that it has failed, as fief_xi_error_take does: for runtimes without pending errors. */
FIEF_API void fief_xi_session_fail(fief_xi_session *session, fief_xi_error_code code,
                                   const fief_xi_error_source *source);

/* Takes a snapshot of the pending error, or keeps what has been noted; gives back the main program, and the thread
 * to where it was, with the interpreter that was its current one. Returns the error's code. Can't fail;
 * BAD_ARGUMENT if it is not entered. */
FIEF_API fief_xi_error_code fief_xi_session_leave(fief_xi_session *session);

/* What went wrong last, on entering, within, or on leaving; until it is entered again, or freed. */
FIEF_API const fief_xi_error *fief_xi_session_error(const fief_xi_session *session);

/* All of it: enters, runs fn(target, arg), leaves. Where it returns something else than 0, and there is no error,
 * the code is OTHER. */
FIEF_API fief_xi_error_code fief_xi_session_run(fief_xi_session *session, fief *f, fief_id target,
                                                const fief_xi_plan *plan, fief_xi_fn *fn, void *arg);

#ifdef __cplusplus
}
#endif

#endif
