/* The engine. Whatever may crash runs in a child: all that goes on after its bug in one for each case and level,
 * what must end the program in one for each run. What they find out they leave in a page that both share. */
#include "misuse/prove.h"

#include "misuse/told.h"
#include "support/sanitizer.h"

#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct shared {
    char why[4096];    /* what was wrong first; "" if nothing was */
    char where[256];   /* the run that is on */
    bool is_right;     /* nothing was wrong in it yet */
    bool came_through; /* the child did all that it had to */
    tally score;
    unsigned line_count; /* that stderr must have */
    line lines[MOST_EXPECTED * MOST_LINES];
    unsigned reports; /* that stderr must have */
    int signal;       /* that must end it */
    bool handed_on;   /* the handler that was there before fief's saw the fault */
} shared;

static shared *page;

void say(const char *format, ...) {
    page->is_right = false;
    if (page->why[0] != 0)
        return;
    int length = snprintf(page->why, sizeof page->why, "%s: ", page->where);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(page->why + length, sizeof page->why - (size_t)length, format, arguments);
    va_end(arguments);
}

/* ---- a scene's beginning and end ---- */

static void begin_run(const scene *s, const char *what) {
    static const char *const ways[WAYS] = {"alloc",     "zalloc",   "calloc",     "aligned",         "grown",
                                           "shrunk to", "a tagged", "a domain's", "a domain's zeros"};
    static const char *const levels[] = {"off", "check", "full", "guard"};
    snprintf(page->where, sizeof page->where, "%s, %s, owner %s, other %s, %s %zu aligned %zu, handles of %zu%s",
             s->of->name, what, levels[s->level], s->of->crosses ? levels[s->caller_level] : "none",
             ways[s->how->way], s->how->size, s->how->alignment, s->alignment, s->fatal ? ", fatal" : "");
    page->is_right = true;
}

static fief_config config_of(const scene *s, const char *name, fief_debug level) {
    fief_config config = FIEF_CONFIG_INIT;
    config.name = name;
    config.alignment = s->alignment;
    config.debug = level;
    config.quarantine_bytes = 64 << 20; /* so that nothing leaves it by itself */
    config.on_foreign = s->fatal ? FIEF_FOREIGN_ABORT : FIEF_FOREIGN_ROUTE;
    config.on_misuse = s->fatal ? FIEF_MISUSE_ABORT : FIEF_MISUSE_REPORT;
    config.policies[FIEF_MISUSE_LATE_FREE] = s->fatal ? FIEF_POLICY_ABORT : FIEF_POLICY_DEFAULT;
    config.on_leak = s->of->strict ? FIEF_LEAK_STRICT : FIEF_LEAK_FORCE;
    config.policies[FIEF_MISUSE_LEAK] = s->of->strict && !s->fatal ? FIEF_POLICY_REPORT : FIEF_POLICY_DEFAULT;
    config.report = s->fatal ? NULL : told_report;
    return config;
}

static fief *create(const scene *s, const char *name, fief_debug level, party *is) {
    fief *f = NULL;
    fief_config config = config_of(s, name, level);
    if (fief_create(&f, &config) != FIEF_OK)
        say("no heap");
    *is = (party){fief_id_of(f), name, FIEF_LIVE};
    return f;
}

static void begin(scene *s) {
    s->owner = create(s, "owner", s->level, &s->owner_is);
    s->caller = s->of->crosses ? create(s, "caller", s->caller_level, &s->caller_is) : NULL;
    s->it = make_block(s, s->owner, s->how);
    the_told.count = 0;
    if (s->of->prepare != NULL)
        s->of->prepare(s);
    if (the_told.count > 0)
        say("it was told before anything was wrong: %s", the_told.reports[0].text);
}

/* A heap still does all that it should, and nothing is told of it. */
static void assert_sound(fief *f) {
    static const size_t sizes[] = {0, 1, 16, 100, 512, 5000, 16384, 40000};
    enum { SIZES = sizeof sizes / sizeof *sizes, TURNS = 2 };
    char *blocks[TURNS * SIZES];
    fief_poll(f);
    for (unsigned i = 0; i < TURNS * SIZES; i++) {
        blocks[i] = opaque(fief_alloc(f, sizes[i % SIZES]));
        if (blocks[i] == NULL)
            say("afterwards there is no memory for %zu bytes", sizes[i % SIZES]);
        else
            memset(blocks[i], (int)i, sizes[i % SIZES]);
    }
    for (unsigned i = 0; i < TURNS * SIZES; i++) {
        size_t size = sizes[i % SIZES];
        if (size > 0 && (blocks[i][0] != (char)i || blocks[i][size - 1] != (char)i))
            say("afterwards a block of %zu bytes does not keep what is written to it", size);
        fief_free(f, blocks[i]);
    }
    size_t wrong = fief_check(f);
    if (wrong != 0)
        say("fief_check finds %zu things wrong", wrong);
}

static void end_heap(fief *f) {
    if (f == NULL)
        return;
    assert_sound(f);
    if (fief_destroy(f) != FIEF_OK)
        say("it does not end");
}

static uint64_t blocks_leaked(void) {
    fief_leaks leaks;
    fief_leaks_read(&leaks);
    return leaks.blocks;
}

static void end(scene *s, uint64_t leaked_before) {
    unsigned told = the_told.count;
    end_heap(s->owner);
    end_heap(s->caller);
    if (the_told.count != told && told < MOST_TOLD)
        say("it is told of the heap afterwards: %s", the_told.reports[told].text);
    uint64_t leaked = blocks_leaked() - leaked_before;
    if (leaked != s->leaked)
        say("%" PRIu64 " blocks are left behind, not %" PRIu64, leaked, s->leaked);
}

/* ---- what goes on ---- */

static void compare_all(const expected *wanted, unsigned count) {
    unsigned echoes = count > 0 ? wanted[count - 1].echoes : 0;
    if (the_told.count < count)
        say("%u reports, not %u; the first: %s", the_told.count, count,
            the_told.count > 0 ? the_told.reports[0].text : "none");
    if (the_told.count > count + echoes)
        say("%u reports, not %u; one too many: %s", the_told.count, count, the_told.reports[count + echoes].text);
    for (unsigned i = 0; i < count && i < the_told.count; i++)
        compare_report(&the_told.reports[i], &wanted[i]);
    for (unsigned i = count; i < the_told.count && i < count + echoes; i++)
        if (the_told.reports[i].report.kind != wanted[count - 1].kind)
            say("another kind of report follows: %s", the_told.reports[i].text);
}

static void run_wrong(scene *s) {
    begin_run(s, "the bug");
    uint64_t leaked = blocks_leaked();
    expected wanted[MOST_EXPECTED];
    memset(wanted, 0, sizeof wanted);
    begin(s);
    unsigned count = s->of->promise(s, wanted);
    s->of->wrong(s);
    compare_all(wanted, count);
    if (s->of->tidy != NULL)
        s->of->tidy(s);
    end(s, leaked);
    page->score.cells++;
    page->score.promised += count > 0;
    page->score.found += count > 0 && page->is_right;
}

static void run_right(scene *s) {
    begin_run(s, "without the bug");
    uint64_t leaked = blocks_leaked();
    begin(s);
    s->of->right(s);
    if (the_told.count > 0)
        say("it is told, and nothing was wrong: %s", the_told.reports[0].text);
    end(s, leaked);
    page->score.clean++;
    page->score.quiet += page->is_right;
}

static void run_scene(const scene *like) {
    scene s = *like;
    if (s.of->fits != NULL && !s.of->fits(&s))
        return;
    run_wrong(&s);
    s = *like;
    run_right(&s);
}

typedef void scene_fn(const scene *s);

/* A program's end takes a process each. Every kind of block has its turn, at one level or another. */
static bool is_turn_of(const scene *s, unsigned i) {
    unsigned every = s->of->crosses ? 4 : 2;
    return i % every == ((unsigned)s->level + (unsigned)s->caller_level) % every;
}

static void for_hows(const scene *like, scene_fn *fn) {
    scene s = *like;
    for (unsigned i = 0; i < HOWS; i++) {
        s.how = &hows[i];
        if (s.of->any_block ? s.how->size == 100 && s.how->way == ALLOC : !s.fatal || is_turn_of(&s, i))
            fn(&s);
    }
}

static void for_scenes(const scene *like, scene_fn *fn) {
    scene s = *like;
    fief_debug last = s.of->crosses ? FIEF_DEBUG_GUARD : FIEF_DEBUG_OFF;
    for (unsigned level = FIEF_DEBUG_OFF; level <= last; level++) {
        s.caller_level = (fief_debug)level;
        for_hows(&s, fn);
    }
}

/* ---- children ---- */

/* Whoever handled faults before fief did sees those that are not its own to handle. */
static void previous_handler(int number) {
    page->handed_on = true;
    signal(number, SIG_DFL);
}

static void settle_in(const scene *s) {
    char conf[64];
    snprintf(conf, sizeof conf, "%s%s", UNDER_SANITIZER ? "tools:0" : "", s->fatal ? ",symbols:0" : "");
    if (conf[0] != 0)
        setenv("FIEF_CONF", conf, 1);
    struct sigaction action = {.sa_handler = previous_handler};
    sigemptyset(&action.sa_mask);
    sigaction(SIGSEGV, &action, NULL);
}

static void go_on(const scene *like) {
    scene s = *like;
    for (s.alignment = 8; s.alignment <= 16; s.alignment += 8)
        for_scenes(&s, run_scene);
    page->came_through = true;
}

static void run_fatal(const scene *like) {
    scene s = *like;
    expected wanted[MOST_EXPECTED];
    memset(wanted, 0, sizeof wanted);
    begin(&s);
    unsigned count = s.of->promise(&s, wanted);
    for (unsigned i = 0; i < count && page->signal == 0; i++) {
        const char *verdict = wanted[i].signal != 0 ? wanted[i].fatal_verdict : wanted[i].verdict;
        page->line_count += lines_of(&wanted[i], verdict, page->lines + page->line_count);
        page->signal = wanted[i].signal;
        page->reports++;
    }
    s.of->wrong(&s);
    page->came_through = true;
}

typedef struct child {
    int signal;
    char said[64 * 1024]; /* on stderr; what is more than that is lost */
} child;

static void listen_to(int from, child *c) {
    size_t length = 0;
    char chunk[4096];
    ssize_t got;
    while ((got = read(from, chunk, sizeof chunk)) > 0) {
        size_t room = sizeof c->said - 1 - length, bytes = (size_t)got < room ? (size_t)got : room;
        memcpy(c->said + length, chunk, bytes);
        length += bytes;
    }
    c->said[length] = 0;
}

static void run_in_child(scene_fn *fn, const scene *s, child *c) {
    int ends[2], state = 0;
    pid_t id = pipe(ends) == 0 ? fork() : -1;
    if (id == -1) {
        say("no child");
        return;
    }
    if (id == 0) {
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        settle_in(s);
        fn(s);
        _exit(0);
    }
    close(ends[1]);
    listen_to(ends[0], c);
    close(ends[0]);
    waitpid(id, &state, 0);
    c->signal = WIFSIGNALED(state) ? WTERMSIG(state) : 0;
}

/* ---- what must end the program ---- */

static unsigned reports_in(const char *said) {
    unsigned count = 0;
    for (const char *at = said; at != NULL; at = strchr(at, '\n')) {
        at += *at == '\n';
        count += strncmp(at, "fief: ", 6) == 0 && strncmp(at, "fief: leaks of ", 15) != 0;
    }
    return count;
}

static void expect_end(const scene *s) {
    static child c;
    if (s->of->fits != NULL && !s->of->fits(s))
        return;
    begin_run(s, "the bug");
    page->line_count = page->reports = 0;
    page->signal = 0;
    page->handed_on = page->came_through = false;
    run_in_child(run_fatal, s, &c);
    if (c.signal != page->signal || page->came_through != (page->signal == 0))
        say("it ends by signal %d, not %d; it says: %s", c.signal, page->signal, c.said);
    if (page->handed_on != (page->signal == SIGSEGV))
        say("the handler of SIGSEGV that was there before %s", page->handed_on ? "is called" : "is not called");
    unsigned reports = reports_in(c.said);
    if (reports != page->reports)
        say("%u reports, not %u: %s", reports, page->reports, c.said);
    compare_text(c.said, page->lines, page->line_count);
    page->score.cells++;
    page->score.promised += page->reports > 0;
    page->score.found += page->reports > 0 && page->is_right;
}

/* ---- all ---- */

bool prove(const misuse_case *of, fief_debug level, tally *score, char *why, size_t room) {
    static child c;
    page = mmap(NULL, sizeof *page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) {
        snprintf(why, room, "no memory");
        return false;
    }
    scene s = {.of = of, .level = level, .alignment = 16};
    run_in_child(go_on, &s, &c);
    if (c.signal != 0 || !page->came_through)
        say("it ended by signal %d; it said: %s", c.signal, c.said);
    s.fatal = true;
    for_scenes(&s, expect_end);
    snprintf(why, room, "%s", page->why);
    *score = page->score;
    munmap(page, sizeof *page);
    return why[0] == 0;
}
