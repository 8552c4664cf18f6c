/* trace/symbol: functions, files and lines, also of what was inlined; and nothing, without harm, of what is no
 * code. */
#include "trace/symbol.h"

#include "os/os.h"
#include "support/compare.h"
#include "support/sanitizer.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

TestSuite(symbol, .init = fi_os_init);

/* A return address and the line of its call. */
typedef struct mark {
    uintptr_t pc;
    unsigned line;
} mark;

__attribute__((noinline)) static uintptr_t return_address(void) {
    uintptr_t pc = (uintptr_t)__builtin_return_address(0);
    __asm__ volatile("" ::: "memory");
    return pc;
}

__attribute__((noinline)) static mark mark_here(void) {
    mark m;
    m.pc = return_address(), m.line = __LINE__;
    __asm__ volatile("" ::: "memory"); /* or that call may be a jump */
    return m;
}

__attribute__((always_inline)) static inline mark mark_inlined(void) {
    mark m;
    m.pc = return_address(), m.line = __LINE__;
    __asm__ volatile("" ::: "memory"); /* or that call may be a jump */
    return m;
}

static unsigned inlined_at;

__attribute__((noinline)) static mark mark_outside(void) {
    mark m = mark_inlined();
    inlined_at = __LINE__ - 1;
    return m;
}

static bool ends_in(const char *text, const char *end) {
    size_t length = strlen(text), end_length = strlen(end);
    return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

static void need_debug_info(void) {
    if (!fi_os_has_debug_info())
        cr_skip_test("libdw is not there");
}

Test(symbol, a_line) {
    need_debug_info();
    mark m = mark_here();
    fi_symbol symbol;
    fi_symbolise(m.pc, &symbol);
    assert_equal(symbol.count, 1);
    cr_assert_str_eq(symbol.places[0].function, "mark_here");
    cr_assert(ends_in(symbol.places[0].file, "trace/symbol.c"), "%s", symbol.places[0].file);
    assert_equal(symbol.places[0].line, m.line);
}

Test(symbol, a_line_of_an_inlined_function) {
    need_debug_info();
    mark m = mark_outside();
    fi_symbol symbol;
    fi_symbolise(m.pc, &symbol);
    assert_equal(symbol.count, 2);
    cr_assert_str_eq(symbol.places[0].function, "mark_inlined");
    assert_equal(symbol.places[0].line, m.line);
    cr_assert_str_eq(symbol.places[1].function, "mark_outside");
    cr_assert(ends_in(symbol.places[1].file, "trace/symbol.c"), "%s", symbol.places[1].file);
    assert_equal(symbol.places[1].line, inlined_at);
}

Test(symbol, a_module_and_an_offset) {
    fi_symbol here, there;
    mark m = mark_here();
    fi_symbolise(m.pc, &here);
    cr_assert(ends_in(here.module, "unit-trace-symbol") || strstr(here.module, "qemu") != NULL, "%s", here.module);
    fi_symbolise(m.pc + 1, &there);
    assert_equal(there.offset, here.offset + 1);
    cr_assert_str_eq(there.module, here.module);
}

/* An exported function is known without debug information, too. */
Test(symbol, a_function_of_a_library) {
    fi_symbol symbol;
    fi_symbolise((uintptr_t)dlsym(RTLD_DEFAULT, "pthread_create") + 1, &symbol);
    cr_assert_not_null(strstr(symbol.places[symbol.count - 1].function, "pthread_create"));
    cr_assert_str_not_empty(symbol.module);
}

Test(symbol, the_middle_of_nowhere) {
    static char data[64];
    char local;
    const uintptr_t nowhere[] = {0, 1, 0xDEADBEEF, UINTPTR_MAX, UINTPTR_MAX / 2, (uintptr_t)&local};
    for (unsigned i = 0; i < sizeof nowhere / sizeof *nowhere; i++) {
        fi_symbol symbol;
        fi_symbolise(nowhere[i], &symbol);
        assert_equal(symbol.count, 1);
        cr_assert_str_empty(symbol.module);
        cr_assert_str_empty(symbol.places[0].function);
        cr_assert_str_empty(symbol.places[0].file);
        assert_equal(symbol.places[0].line, 0);
    }
    fi_symbol symbol;
    fi_symbolise((uintptr_t)data, &symbol); /* in a module, but not code */
    assert_at_least(symbol.count, 1);
}

static void *symbolise_often(void *arg) {
    mark m = mark_here();
    for (unsigned i = 0; i < 200; i++) {
        fi_symbol symbol;
        fi_symbolise(m.pc, &symbol);
        if (symbol.count != 1 || (fi_os_has_debug_info() && symbol.places[0].line != m.line))
            *(bool *)arg = false;
    }
    return NULL;
}

Test(symbol, threads_at_once) {
    pthread_t threads[4];
    bool good[4] = {true, true, true, true};
    for (unsigned i = 0; i < 4; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, symbolise_often, &good[i]), 0);
    for (unsigned i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        cr_assert(good[i]);
    }
}

/* ---- inside itself ---- */

#if defined(__GLIBC__) && !UNDER_SANITIZER

void *__libc_malloc(size_t bytes);

static mark inner_mark;
static fi_symbol inner;
static unsigned inner_count; /* calls from malloc; counted while inner_mark.pc is set */

/* A malloc that reports while it serves a report. */
void *malloc(size_t bytes) {
    static bool inside;
    if (inner_mark.pc != 0 && !inside) {
        inside = true;
        inner_count++;
        fi_symbolise(inner_mark.pc, &inner);
        inside = false;
    }
    return __libc_malloc(bytes);
}

Test(symbol, inside_itself_it_finds_the_module) {
    need_debug_info();
    fi_symbol outer;
    mark m = mark_here();
    inner_mark = m;
    fi_symbolise(m.pc, &outer);
    inner_mark.pc = 0;
    assert_at_least(inner_count, 1);
    assert_equal(inner.count, 1);
    cr_assert_str_eq(inner.module, outer.module);
    assert_equal(inner.offset, outer.offset);
    cr_assert_str_empty(inner.places[0].file);
    assert_equal(outer.places[0].line, m.line);
}

#endif

/* ---- who wants to know of a look ---- */

static int begun, ended;

static void count_looks(bool begins) {
    cr_assert_eq(begun, begins ? ended : ended + 1, "they come in turn");
    begun += begins;
    ended += !begins;
}

Test(symbol, a_look_is_told_of_before_and_after) {
    need_debug_info();
    fi_symbol symbol;
    fief_trace_naming(count_looks);
    fi_symbolise(mark_here().pc, &symbol);
    assert_equal(begun, 1);
    assert_equal(ended, 1);
    fief_trace_naming(NULL);
    fi_symbolise(mark_here().pc, &symbol);
    assert_equal(begun, 1);
}
