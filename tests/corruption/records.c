/* Fief's own records, which no program's stray write reaches: what only tells must get through whatever they say;
 * what changes the heap may find that it is broken, and say so. Each child process goes on for as long as it can.
 */
#define _GNU_SOURCE
#include "debug/record.h"
#include "heap/find.h"
#include "heaps.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STATES_A_HEAP = 64, CHILD_SECONDS = 60, USE_EVERY = 16 };

/* Of the states so far, as the child counts them. */
typedef struct progress {
    uint64_t states;
} progress;

static const size_t fields[] = {
    offsetof(fi_record, serial),     offsetof(fi_record, size),       offsetof(fi_record, next),
    offsetof(fi_record, freed_by),   offsetof(fi_record, made.trace), offsetof(fi_record, made.thread),
    offsetof(fi_record, made.ms),    offsetof(fi_record, freed),      offsetof(fi_record, state),
    offsetof(fi_record, state),      offsetof(fi_record, domain),     offsetof(fi_record, alignment_shift),
    offsetof(fi_record, room_shift), offsetof(fi_record, tag),        offsetof(fi_record, offset)};

/* The record of the block that a target is, or was, or of one beside it. */
static fi_record *some_record(victim *v) {
    const target *t = &v->targets[random_below(&v->rng, SLOTS)];
    fi_found found = fi_find(t->start);
    if (found.pool == NULL)
        return NULL;
    unsigned index = found.index + (unsigned)random_below(&v->rng, 3) - 1;
    return fi_record_of(found.pool, index < FI_SHEET_RECORDS ? index : 0);
}

static void overwrite(victim *v, fi_record *record) {
    unsigned char *bytes = (unsigned char *)record;
    size_t at = fields[random_below(&v->rng, sizeof fields / sizeof *fields)];
    switch (random_below(&v->rng, 4)) {
    case 0:
        bytes[at] = (unsigned char)random_below(&v->rng, 8);
        break;
    case 1:
        bytes[at] ^= (unsigned char)(1 << random_below(&v->rng, 8));
        break;
    case 2:
        for (size_t i = at; i < at + 8 && i < sizeof *record; i++)
            bytes[i] = (unsigned char)random_next(&v->rng);
        break;
    default:
        for (size_t i = 0; i < sizeof *record; i++)
            bytes[i] = (unsigned char)(random_next(&v->rng) >> 24);
    }
}

/* A record that was only looked at is mended, so that the next state is one thing wrong again. */
static void damage_and_look(victim *v, bool use) {
    fi_record *record = some_record(v);
    if (record == NULL)
        return;
    fi_record before = *record;
    overwrite(v, record);
    if (use) {
        for (unsigned i = 0; i < 8; i++)
            victim_use(v);
        return;
    }
    for (unsigned i = 0; i < 4; i++)
        victim_look(v);
    *record = before;
}

static _Noreturn void child(progress *p, uint64_t count, uint64_t seed) {
    static victim v;
    while (p->states < count) {
        alarm(CHILD_SECONDS);
        victim_begin(&v, seed + p->states);
        for (unsigned n = 0; n < STATES_A_HEAP && p->states < count; n++) {
            p->states++;
            damage_and_look(&v, random_below(&v.rng, USE_EVERY) == 0);
        }
        victim_end(&v);
    }
    exit(0);
}

/* Whether it ended as it should: on its own, or by saying what is broken. */
static bool ended_well(int status, const char *said) {
    if (WIFEXITED(status))
        return WEXITSTATUS(status) == 0;
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT && strstr(said, "fief: broken invariant: ") != NULL;
}

static void run_child(progress *p, uint64_t count, uint64_t seed) {
    char said[512] = "";
    int ends[2], status;
    if (pipe(ends) != 0)
        abort();
    uint64_t first = p->states;
    pid_t pid = fork();
    if (pid == 0) {
        dup2(ends[1], STDERR_FILENO);
        child(p, count, seed);
    }
    close(ends[1]);
    size_t length = 0;
    for (ssize_t got; (got = read(ends[0], said + length, sizeof said - 1 - length)) > 0;)
        length += (size_t)got;
    close(ends[0]);
    if (waitpid(pid, &status, 0) != pid || !ended_well(status, said)) {
        fprintf(stderr, "corruption: a child of states %llu to %llu ended with %#x and said: %s\n",
                (unsigned long long)first, (unsigned long long)p->states, (unsigned)status, said);
        victim_fail("records");
    }
}

void corrupt_records(uint64_t count, uint64_t seed) {
    progress *p = mmap(NULL, sizeof *p, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        abort();
    while (p->states < count)
        run_child(p, count, seed);
    munmap(p, sizeof *p);
}
