/* The matrix of misuse: every class of it, for every kind of block, at every debug level.
 *
 * A case is a small program: what is right up to the bug, the bug, and the same thing without the bug. What each
 * level promises to tell of it is written down beside it, report by report. prove.h runs a case through all kinds
 * of blocks, levels and policies, and compares; table.c counts what was promised and what was found.
 *
 * Nothing here needs Criterion. What a case finds wrong by itself it says with `say`. */
#ifndef FI_TESTS_MISUSE_SCENE_H
#define FI_TESTS_MISUSE_SCENE_H

#include <fief/debug.h>
#include <fief/fief.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- blocks ---- */

typedef enum way { ALLOC, ZALLOC, CALLOC, ALIGNED, GROWN, SHRUNK, TAGGED, DOMAIN, DOMAIN_CALLOC, WAYS } way;

/* How a block comes to be. */
typedef struct recipe {
    way way;
    size_t size;
    size_t alignment; /* 0: the handle's */
} recipe;

enum { HOWS = 32 };
extern const recipe hows[HOWS];

typedef struct block {
    char *p;
    size_t size, usable;
    uint64_t serial; /* of its heap's allocations */
    const char *tag, *domain;
} block;

/* What every level knows to be small: its memory stays a pool's once it is free. */
bool is_small(const recipe *how);

/* ---- what is told ---- */

typedef struct party {
    fief_id id; /* FIEF_ID_NONE: nobody */
    const char *name;
    fief_state state;
} party;

/* One report, all of it. What is 0 must be 0. */
typedef struct expected {
    fief_misuse kind;
    const char *operation;
    const char *verdict; /* where the program goes on */
    const void *pointer, *block;
    size_t block_size;
    party owner, caller;
    bool recorded; /* the level keeps records of the owner's blocks, and this one's is `of` */
    const block *of;
    bool is_freed;
    fief_id freed_by;
    ptrdiff_t damage;
    size_t damaged_bytes;
    bool is_cut;       /* no more of them are seen than the block's slot has */
    int first_byte;    /* of the damage, as it is shown; -1: nothing is shown */
    const char *given; /* the line that says what the program said; NULL: there is none */
    const char *here;  /* the function that did it; NULL: no site is kept */
    const char *freed_in;
    const char *fatal_verdict; /* where it does not */
    int signal;                /* that ends the program where the policy is to abort; 0: it goes on even then */
    unsigned echoes;           /* further reports of the same kind that may follow: of the neighbours */
} expected;

enum { MOST_EXPECTED = 3 };

/* ---- a scene ---- */

struct scene;

typedef struct misuse_case {
    const char *name;
    bool crosses;   /* another interpreter has a part in it */
    bool any_block; /* what kind of block there is makes no difference */
    bool strict;    /* leaks are misuse */

    /* What this level can't be asked about, for the program itself might crash; or what makes no sense for this
     * kind of block. NULL: everything can. */
    bool (*fits)(const struct scene *s);

    void (*prepare)(struct scene *s); /* NULL: nothing but the block */
    void (*wrong)(struct scene *s);
    void (*right)(struct scene *s);
    void (*tidy)(struct scene *s);                                           /* after `wrong`; NULL: nothing */
    unsigned (*promise)(const struct scene *s, expected out[MOST_EXPECTED]); /* how many reports */
} misuse_case;

typedef struct scene {
    const misuse_case *of;
    const recipe *how;
    fief_debug level, caller_level;
    size_t alignment;
    bool fatal;           /* the policy is to abort */
    fief *owner, *caller; /* caller NULL: nobody else is there */
    party owner_is, caller_is;
    block it;
    uint64_t serial; /* allocations of the owner */
    char *neighbours[8];
    uint64_t leaked; /* blocks that this is going to leave behind */
    void *extra;
} scene;

/* ---- what cases are made of ---- */

#define NOINLINE __attribute__((noinline))

/* What is done wrong stands in a function that traces can name. */
#define BUG(name)                                                                                                 \
    NOINLINE void name(scene *s);                                                                                 \
    NOINLINE void name(scene *s)

/* The compiler must not know what it could know. */
static inline void *opaque(void *p) {
    __asm__ volatile("" : "+r"(p)::"memory");
    return p;
}

/* These are who allocated and who freed, in traces: make_as, for make_block. */
NOINLINE char *make_as(fief *f, const recipe *how, unsigned *allocations);
NOINLINE block make_block(scene *s, fief *f, const recipe *how);
NOINLINE void free_block(fief *f, const recipe *how, void *p);

/* What free_block calls, as reports have it. */
const char *free_verb(const scene *s);

/* A block like the scene's own, of the owner. */
char *make_neighbour(scene *s);
void make_neighbours(scene *s);
void free_neighbours(scene *s);

/* Ends the owner, from within a case. */
void end_owner(scene *s);

/* Notes the first thing that went wrong, as printf. */
__attribute__((format(printf, 1, 2))) void say(const char *format, ...);

/* Reports so far; and what is done inside the next one, once. */
unsigned told_count(void);
void when_told(void (*fn)(scene *s), scene *s);

/* A thread that does this, from its beginning to its end. */
void in_a_thread(void (*fn)(scene *s), scene *s);

/* What is told of the scene's block, by its owner's own handle, with a policy of abort or report. */
expected expect(const scene *s, fief_misuse kind, const char *operation, const char *here);

/* The same by the other interpreter; and without a handle. */
expected expect_of_caller(const scene *s, fief_misuse kind, const char *operation, const char *here);
expected expect_of_nobody(const scene *s, fief_misuse kind, const char *operation, const char *here);

/* It had been freed, for this interpreter. */
expected and_freed(expected e, fief_id freed_by, const char *in);

/* Nothing is known of a block. */
expected and_no_block(expected e);

/* Nobody owns the address. */
expected and_no_owner(expected e);

/* It was noticed on the way, and does not keep the call from what it does. */
expected and_goes_on(expected e);

/* The processor noticed, at this address. */
expected expect_fault(const scene *s, fief_misuse kind, bool write, const void *at, const char *here);

static inline bool is_watched(const scene *s) {
    return s->level != FIEF_DEBUG_OFF;
}

/* Whether the scene's block has a guarded place: every size has, but not every alignment. */
bool is_guarded(const scene *s);

#endif
