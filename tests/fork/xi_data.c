/* A program forks while shared data is being read, by another thread or by the one that forks: in the child the
 * owner's end waits for nobody who is not there. A child that hangs is killed by the alarm it sets, and fails the
 * test. */
#define _POSIX_C_SOURCE 200809L
#include "race/race.h"

#include <fief/share.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHILD_SECONDS = 20 };

static atomic_bool is_reading, may_go_on;
static fief *owner;
static unsigned frees;

static void free_payload(fief *f, void *payload) {
    REQUIRE(f == owner);
    fief_free(f, payload);
    frees++;
}

static void share(fief_xi_data *data, const fief_xi_kind *kind) {
    owner = race_create("owner", NULL);
    frees = 0;
    *data = (fief_xi_data)FIEF_XI_DATA_INIT;
    REQUIRE(fief_xi_data_init(owner, data, kind, fief_alloc(owner, 40), NULL) == FIEF_SHARE_OK);
}

static void end_owner(void) {
    REQUIRE(fief_destroy(owner) == FIEF_OK && frees == 1);
}

static void wait_for(pid_t child) {
    int status;
    REQUIRE(waitpid(child, &status, 0) == child);
    REQUIRE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* ---- another thread reads ---- */

static fief_share_status read_slowly(fief *receiver, const fief_xi_data *data, void **object) {
    (void)receiver;
    atomic_store(&is_reading, true);
    while (!atomic_load(&may_go_on))
        sched_yield();
    *object = data->payload;
    return FIEF_SHARE_OK;
}

static void *reader(void *data) {
    fief *own = race_create("reader", NULL);
    void *object;
    REQUIRE(fief_xi_new_object(own, data, &object) == FIEF_SHARE_OK);
    REQUIRE(fief_xi_data_release(own, data) == FIEF_XI_QUEUED);
    REQUIRE(fief_destroy(own) == FIEF_OK);
    return NULL;
}

static void fork_while_another_reads(void) {
    static const fief_xi_kind kind = {"slow", read_slowly, free_payload};
    fief_xi_data data;
    share(&data, &kind);
    pthread_t thread = race_start(reader, &data);
    while (!atomic_load(&is_reading))
        sched_yield();
    pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        alarm(CHILD_SECONDS);
        end_owner();
        _exit(0);
    }
    atomic_store(&may_go_on, true);
    race_join(thread);
    end_owner();
    wait_for(child);
}

/* ---- who reads forks ---- */

static fief_share_status read_and_fork(fief *receiver, const fief_xi_data *data, void **object) {
    static pid_t child;
    (void)receiver, (void)data;
    child = fork();
    REQUIRE(child >= 0);
    if (child == 0)
        alarm(CHILD_SECONDS);
    *object = &child;
    return FIEF_SHARE_OK;
}

static void fork_while_reading(void) {
    static const fief_xi_kind kind = {"forking", read_and_fork, free_payload};
    fief_xi_data data;
    void *object;
    share(&data, &kind);
    fief *receiver = race_create("receiver", NULL);
    REQUIRE(fief_xi_new_object(receiver, &data, &object) == FIEF_SHARE_OK);
    end_owner();
    REQUIRE(fief_xi_data_release(receiver, &data) == FIEF_XI_GONE);
    REQUIRE(fief_destroy(receiver) == FIEF_OK);
    pid_t child = *(pid_t *)object;
    if (child == 0)
        _exit(0);
    wait_for(child);
}

int main(void) {
    fork_while_another_reads();
    fork_while_reading();
    return 0;
}
