/* Sessions: a thread's stay in another interpreter. Each step that enter takes has its opposite in leave, which
 * undoes as many as were taken: so every failure on the way in leaves the way a whole session does. */
#include "fief/session.h"

#include "base/atomics.h"
#include "heap/misuse.h"
#include "interp/commons.h"
#include "xi/exchange.h"

/* How far in it is. Each includes those before it. */
typedef enum fi_depth {
    OUT,
    BEGUN,    /* names are shared */
    RELEASED, /* the caller's own lock */
    ACQUIRED, /* the target's */
    CLAIMED   /* its main program, and it is current */
} fi_depth;

struct fief_xi_session {
    const fief_xi_plan *plan;
    fief *f; /* the caller; NULL: none */
    fief_id caller, target;
    fief *handle;          /* the target's, from CLAIMED on */
    fi_exchange *exchange; /* the same, with a reference */
    fief *previous;        /* what was current */
    fief_xi_namespace *names;
    fief_share_status status; /* of sharing them, or of putting them there */
    fi_depth depth;
    fief_xi_error error;
    char room[FIEF_XI_SESSION_ROOM];
};

/* ---- the main program ---- */

static bool claim(fi_exchange *exchange) {
    uint32_t nobody = 0;
    return fi_cas_acq_rel(&exchange->main_claimed, &nobody, 1);
}

static void give(fi_exchange *exchange) {
    fi_store_release(&exchange->main_claimed, 0);
}

bool fief_xi_main_claim(fief *f) {
    fi_exchange *own = fi_misuse_check_handle(f, "fief_xi_main_claim") ? fi_exchange_own(f) : NULL;
    return own != NULL && claim(own);
}

void fief_xi_main_give(fief *f) {
    fi_exchange *own = fi_misuse_check_handle(f, "fief_xi_main_give") ? fi_exchange_known(f) : NULL;
    if (own != NULL)
        give(own);
}

bool fief_xi_main_runs(fief_id id) {
    fief_xi_result why;
    fi_exchange *exchange = fi_exchange_reach(id, &why);
    bool runs = exchange != NULL && fi_load_acquire(&exchange->main_claimed) != 0;
    if (exchange != NULL)
        fi_exchange_release(exchange);
    return runs;
}

/* ---- life ---- */

fief_xi_session *fief_xi_session_new(void) {
    fief_xi_session *session = fi_commons_alloc(sizeof *session);
    if (session == NULL)
        return NULL;
    session->depth = OUT;
    session->handle = NULL;
    fief_xi_error_init(&session->error, session->room, sizeof session->room);
    return session;
}

fief *fief_xi_session_target(const fief_xi_session *session) {
    return session->handle;
}

const fief_xi_error *fief_xi_session_error(const fief_xi_session *session) {
    return &session->error;
}

void fief_xi_session_fail(fief_xi_session *session, fief_xi_error_code code, const fief_xi_error_source *source) {
    (void)fief_xi_error_take(&session->error, code, source);
}

/* ---- leaving ---- */

/* A step's own code, if one has failed, with what the runtime tells of it. One that was noted stays as it is, and
 * the runtime's is taken away all the same. */
static void catch_pending(fief_xi_session *session, fief_xi_error_code code) {
    const fief_xi_plan *plan = session->plan;
    fief_xi_error_source source = {0};
    if (plan->catch_error == NULL)
        return;
    fief_xi_error_code caught = plan->catch_error(session->handle, &source, plan->arg);
    if (caught == FIEF_XI_ERROR_NONE || (code == FIEF_XI_ERROR_NONE && session->error.code != FIEF_XI_ERROR_NONE))
        return;
    const fief_xi_error_source *told = caught == FIEF_XI_ERROR_UNCAUGHT ? &source : NULL;
    bool is_step = code != FIEF_XI_ERROR_NONE && caught != FIEF_XI_ERROR_NO_MEMORY;
    (void)fief_xi_error_take(&session->error, is_step ? code : caught, told);
}

static bool has_other_lock(const fief_xi_session *session) {
    return session->caller != session->target;
}

/* From the target. It may have been ended within, against the rules: its handle is not used then. */
static void unclaim(fief_xi_session *session, fief_xi_error_code code) {
    if (fi_load_acquire(&session->exchange->head) != FI_CALLS_CLOSED)
        catch_pending(session, code);
    give(session->exchange);
    fi_exchange_release(session->exchange);
    fief_leave(session->previous);
    session->handle = NULL;
}

static void go_back(fief_xi_session *session) {
    const fief_xi_plan *plan = session->plan;
    if (session->depth >= ACQUIRED && has_other_lock(session))
        plan->release(session->target, plan->arg);
    bool to_caller = session->depth >= RELEASED && session->f != NULL && has_other_lock(session);
    if (to_caller && !plan->acquire(session->caller, plan->arg))
        session->f = NULL; /* it has ended meanwhile */
    (void)fief_xi_namespace_free(session->f, session->names);
    session->depth = OUT;
}

/* `code`: the step that has failed; NONE: none has. */
static fief_xi_error_code leave(fief_xi_session *session, fief_xi_error_code code) {
    const fief_xi_error_source why = {.message = fief_share_status_text(session->status)};
    if (code != FIEF_XI_ERROR_NONE)
        (void)fief_xi_error_take(&session->error, code, session->status != FIEF_SHARE_OK ? &why : NULL);
    if (session->depth == CLAIMED)
        unclaim(session, code);
    go_back(session);
    return session->error.code;
}

fief_xi_error_code fief_xi_session_leave(fief_xi_session *session) {
    return session->depth == CLAIMED ? leave(session, FIEF_XI_ERROR_NONE) : FIEF_XI_ERROR_BAD_ARGUMENT;
}

void fief_xi_session_free(fief_xi_session *session) {
    if (session == NULL)
        return;
    (void)fief_xi_session_leave(session);
    fief_xi_error_clear(&session->error);
    fi_commons_free(session);
}

/* ---- entering ---- */

static bool plan_is_whole(const fief_xi_plan *plan) {
    if (plan == NULL || plan->size != sizeof *plan || plan->acquire == NULL || plan->release == NULL)
        return false;
    return plan->name_count == 0 || (plan->names != NULL && plan->fill != NULL && plan->put != NULL);
}

/* In the caller. */
static void share_names(fief_xi_session *session) {
    const fief_xi_plan *plan = session->plan;
    session->status = fief_xi_namespace_new(&session->names, plan->names, plan->name_count);
    if (session->status == FIEF_SHARE_OK && session->names != NULL)
        session->status = fief_xi_namespace_fill(session->f, session->names, plan->fill, plan->arg);
}

static fief_xi_error_code begin(fief_xi_session *session) {
    session->depth = BEGUN;
    share_names(session);
    switch (session->status) {
    case FIEF_SHARE_OK:
        return FIEF_XI_ERROR_NONE;
    case FIEF_SHARE_NO_MEMORY:
        return FIEF_XI_ERROR_NO_MEMORY;
    case FIEF_SHARE_BAD_ARGUMENT:
        return FIEF_XI_ERROR_BAD_ARGUMENT;
    default:
        return FIEF_XI_ERROR_NOT_SHAREABLE;
    }
}

/* The caller lets go first: so two that enter each other both get on. */
static bool hand_over(fief_xi_session *session) {
    const fief_xi_plan *plan = session->plan;
    if (session->f != NULL && has_other_lock(session))
        plan->release(session->caller, plan->arg);
    session->depth = RELEASED;
    if (has_other_lock(session) && !plan->acquire(session->target, plan->arg))
        return false;
    session->depth = ACQUIRED;
    return true;
}

/* Under its lock it can't end. */
static fief_xi_error_code claim_target(fief_xi_session *session) {
    fief *handle = fief_find(session->target);
    fi_exchange *exchange = handle != NULL ? fi_exchange_own(handle) : NULL;
    if (exchange == NULL)
        return handle != NULL ? FIEF_XI_ERROR_NO_MEMORY : FIEF_XI_ERROR_GONE;
    if (!claim(exchange))
        return FIEF_XI_ERROR_ALREADY_RUNNING;
    fi_exchange_retain(exchange);
    session->exchange = exchange;
    session->handle = handle;
    session->previous = fief_enter(handle);
    session->depth = CLAIMED;
    return FIEF_XI_ERROR_NONE;
}

static fief_xi_error_code bring_names(fief_xi_session *session) {
    const fief_xi_plan *plan = session->plan;
    if (plan->open_main != NULL && !plan->open_main(session->handle, plan->arg))
        return FIEF_XI_ERROR_MAIN_NAMESPACE;
    if (session->names != NULL)
        session->status =
            fief_xi_namespace_apply(session->handle, session->names, plan->put, plan->undo, plan->arg);
    return session->status == FIEF_SHARE_OK ? FIEF_XI_ERROR_NONE : FIEF_XI_ERROR_APPLY_NAMESPACE;
}

static fief_xi_error_code go_in(fief_xi_session *session) {
    fief_xi_error_code code = begin(session);
    if (code == FIEF_XI_ERROR_NONE)
        code = hand_over(session) ? claim_target(session) : FIEF_XI_ERROR_GONE;
    return code == FIEF_XI_ERROR_NONE ? bring_names(session) : code;
}

fief_xi_error_code fief_xi_session_enter(fief_xi_session *session, fief *f, fief_id target,
                                         const fief_xi_plan *plan) {
    bool is_usable = f == NULL || fi_misuse_check_handle(f, "fief_xi_session_enter");
    if (session->depth != OUT || !plan_is_whole(plan) || !is_usable)
        return FIEF_XI_ERROR_BAD_ARGUMENT;
    fief_xi_error_clear(&session->error);
    session->plan = plan;
    session->f = f;
    session->caller = f != NULL ? f->id : FIEF_ID_NONE;
    session->target = target;
    session->names = NULL;
    fief_xi_error_code code = go_in(session);
    return code == FIEF_XI_ERROR_NONE ? code : leave(session, code);
}

fief_xi_error_code fief_xi_session_run(fief_xi_session *session, fief *f, fief_id target, const fief_xi_plan *plan,
                                       fief_xi_fn *fn, void *arg) {
    fief_xi_error_code code =
        fn != NULL ? fief_xi_session_enter(session, f, target, plan) : FIEF_XI_ERROR_BAD_ARGUMENT;
    if (code != FIEF_XI_ERROR_NONE)
        return code;
    int returned = fn(session->handle, arg);
    code = fief_xi_session_leave(session);
    if (returned != 0 && code == FIEF_XI_ERROR_NONE)
        code = fief_xi_error_take(&session->error, FIEF_XI_ERROR_OTHER, NULL);
    return code;
}
