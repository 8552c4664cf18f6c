/* base/tool: without a tool nothing is told, and nothing changes. */
#include "base/tool.h"

#include "support/compare.h"
#include "support/emulator.h"
#include "support/sanitizer.h"

#include <string.h>

Test(tool, a_plain_process_is_not_watched) {
    if (UNDER_SANITIZER || is_emulated())
        cr_skip_test("a tool runs this");
    cr_assert_not(fi_tool_watches());
}

Test(tool, the_answer_stays) {
    bool first = fi_tool_watches();
    for (unsigned i = 0; i < 10; i++)
        cr_assert_eq(fi_tool_watches(), first);
}

Test(tool, memory_is_left_as_it_is) {
    static _Alignas(64) unsigned char memory[4096];
    memset(memory, 0x5A, sizeof memory);
    fi_tool_alloc(memory, 100, 128, false);
    fi_tool_free(memory, 100);
    fi_tool_reuse(memory, sizeof memory);
    fi_tool_add_roots(memory, sizeof memory);
    fi_tool_remove_roots(memory, sizeof memory);
    for (unsigned i = 0; i < sizeof memory; i++)
        cr_assert_eq(memory[i], 0x5A);
}
