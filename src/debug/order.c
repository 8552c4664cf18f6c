/* In what order groups are told. */
#include "base/bits.h"
#include "debug/group.h"
#include "os/os.h"

bool fi_lines_create(fi_lines *lines, size_t most) {
    *lines = (fi_lines){.mapped_bytes = fi_round_up((most + (most == 0)) * sizeof(fi_line), fi_os_page_bytes())};
    lines->first = fi_os_map_zeros(lines->mapped_bytes);
    if (lines->first != NULL && !fi_os_enable(lines->first, lines->mapped_bytes)) {
        fi_os_release(lines->first, lines->mapped_bytes);
        return false;
    }
    return lines->first != NULL;
}

void fi_lines_destroy(fi_lines *lines) {
    fi_os_release(lines->first, lines->mapped_bytes);
}

/* No two are equal, so that any sort is a stable one. An unknown serial comes last. */
static bool is_before(const fi_line *a, const fi_line *b) {
    if (a->bytes != b->bytes)
        return a->bytes > b->bytes;
    if (a->blocks != b->blocks)
        return a->blocks > b->blocks;
    if (a->group->first_serial != b->group->first_serial)
        return a->group->first_serial - 1 < b->group->first_serial - 1;
    return a->group < b->group;
}

/* Lets lines[i] sink to where it belongs in the heap of the first `count`, which has the last line on top. */
static void sink(fi_line *lines, size_t i, size_t count) {
    fi_line line = lines[i];
    for (size_t child; (child = 2 * i + 1) < count; i = child) {
        child += child + 1 < count && is_before(&lines[child], &lines[child + 1]);
        if (is_before(&lines[child], &line))
            break;
        lines[i] = lines[child];
    }
    lines[i] = line;
}

/* A heap sort: in place, and never slow. */
void fi_lines_sort(fi_lines *lines) {
    fi_line *l = lines->first;
    for (size_t i = lines->count / 2; i-- > 0;)
        sink(l, i, lines->count);
    for (size_t count = lines->count; count > 1;) {
        fi_line top = l[0];
        l[0] = l[--count];
        l[count] = top;
        sink(l, 0, count);
    }
}
