#!/usr/bin/env python3
"""Writes copies of some sources with release checks taken out, to measure what those cost. For bench/meson.build.

usage: bench/unchecked.py SOURCE OUT marks|all

The copies lie in OUT as their originals do in include and src, so that OUT comes first where headers are looked for.
Nothing else has a switch for this: a library without checks can't be built by accident.

marks: the double-free test. A free no longer compares and writes the second word of a block, an allocation no longer
takes it away and tests it. The end of a list, which that test finds too, is then a compare with the handle.

all: and the compare for owner, place and start of a block, in free and realloc. What is left in its place is what any
allocator needs: whether there is a block, and whether it is small or large.

New blocks still get a mark, in the same store as their link; slow paths are as they were.
"""
import pathlib
import sys

MARKS = [
    # file, what is there once, what takes its place
    ('include/fief/inline.h', '#include "fief.h"', '#include "fief/fief.h"'),
    ('include/fief/inline.h', '''\
    block->mark -= (uintptr_t)block; /* a free block's mark becomes 0, anything else does not */
    if (FIEF_FAST_UNLIKELY(block->mark != 0))
''', '''\
    if (FIEF_FAST_UNLIKELY((void *)block == (void *)f))
'''),
    ('include/fief/inline.h', '''\
 &&
           !FIEF_FAST_UNLIKELY(((fief_fast_block *)p)->mark == (uintptr_t)p);
''', ';\n'),
    ('include/fief/inline.h', '    block->mark = (uintptr_t)p;\n', ''),
    ('src/pool/pool.h', '    block->mark = (uintptr_t)block;\n', ''),
    ('src/heap/refill.h', '''\
static inline void *fi_heap_pop_from(fi_block **list) {
    fi_block *block = *list;
    block->mark -= (uintptr_t)block;
    if (FI_UNLIKELY(block->mark != 0))
''', '''\
#define fi_heap_pop_from(list) fi_heap_pop_of(f, list)
static inline void *fi_heap_pop_of(const fief *f, fi_block **list) {
    fi_block *block = *list;
    if (FI_UNLIKELY((void *)block == (void *)f))
'''),
    ('src/heap/refill.c', '''\
    if (FI_LIKELY(list->mark == (uintptr_t)list)) {
        list->mark = 0;
        return list;
    }
    *fi_heap_list(f, size_class) = list;
    fi_misuse_written_after_free(f, size_class);
    return NULL;
''', '''\
    return list;
'''),
    ('src/heap/realloc.h', ' && FI_LIKELY(((fi_block *)p)->mark != (uintptr_t)p) &&', ' &&'),
    ('src/heap/realloc.c', ' && FI_LIKELY(((fi_block *)p)->mark != (uintptr_t)p))', ')'),
]
OWNER = [
    ('include/fief/inline.h', '''\
    uint64_t place = ((uintptr_t)p + (uintptr_t)f - FIEF_FAST_READ(pool->base)) * FIEF_FAST_READ(pool->multiplier);
    return place < FIEF_FAST_READ(pool->limit);
''', '''\
    (void)f;
    return p != NULL && FIEF_FAST_READ(pool->limit) != 0;
'''),
]


def main():
    source, out = map(pathlib.Path, sys.argv[1:3])
    texts = {}
    for name, there, instead in MARKS + (OWNER if sys.argv[3] == 'all' else []):
        text = texts.get(name) or (source / name).read_text()
        if text.count(there) != 1:
            sys.exit(f'bench/unchecked.py: {name} has changed, and has no longer exactly one\n{there}')
        texts[name] = text.replace(there, instead)
    for name, text in texts.items():
        path = out / pathlib.Path(*pathlib.Path(name).parts[1:])
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text() != text:
            path.write_text(text)


main()
