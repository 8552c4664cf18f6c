#!/usr/bin/env python3
"""Holds the fast paths to their budgets of instructions, counted by callgrind.

usage: budget.py LOOPS            (the program built from loops.c)

A loop is run for two numbers of turns; the difference, divided by the difference in turns, is what a turn costs, its
share of refills included. The empty loop is subtracted. Counts are the same on every run and every machine of one
architecture, so this is a test and not a benchmark. Speaks TAP.
"""
import re
import shutil
import subprocess
import sys

# loop, what it is, turns, instructions at most
BUDGETS = [
    ('pair_called', 'malloc and free of 64 bytes, called', 20000, 35),
    ('pair_inlined', 'malloc and free of 64 bytes, inlined', 20000, 22),
    ('pair_inlined_variable', 'the same with a size that is not constant', 20000, 28),
    ('pair_hot', 'malloc and hot free of 64 bytes, inlined', 20000, 30),
    ('pair_sized', 'malloc and sized free of 64 bytes, called', 20000, 36),
    ('pair_freelist', 'pop and push of a typed freelist', 20000, 13),
    ('pair_freelist_hooked', 'the same with a hook for pops', 20000, 58),
    ('realloc_in_place', 'realloc that stays in place, called', 20000, 32),
    ('remote', 'malloc and remote free, called, with its way home', 20000, 240),
    ('life', 'create and destroy an empty interpreter', 500, 1170),
    ('life_of_one', 'create, one object, destroy', 500, 1870),
]


def instructions(program, loop, turns):
    run = subprocess.run(['valgrind', '--tool=callgrind', '--callgrind-out-file=/dev/null',
                          program, loop, str(turns)], capture_output=True, text=True)
    found = re.search(r'Collected : (\d+)', run.stderr)
    if run.returncode != 0 or not found:
        sys.exit(f'Bail out! {loop}: {run.stderr[-500:]}')
    return int(found.group(1))


def cost(program, loop, turns):
    few, many = (instructions(program, loop, n) for n in (turns, 5 * turns))
    return (many - few) / (4 * turns)


def main():
    program = sys.argv[1]
    print(f'1..{len(BUDGETS)}')
    if not shutil.which('valgrind'):
        for number, (loop, what, _, _) in enumerate(BUDGETS, 1):
            print(f'ok {number} {what} # SKIP valgrind is not installed')
        return
    nothing = cost(program, 'empty', 20000)
    failed = False
    for number, (loop, what, turns, budget) in enumerate(BUDGETS, 1):
        spent = cost(program, loop, turns) - nothing
        within = spent <= budget
        failed |= not within
        print(f'{"ok" if within else "not ok"} {number} {what}: {spent:.1f} of {budget} instructions', flush=True)
    sys.exit(1 if failed else 0)


main()
