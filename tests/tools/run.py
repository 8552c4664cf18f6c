#!/usr/bin/env python3
"""Valgrind and AddressSanitizer see what a program does to fief's blocks: "run.py PLANTED [--asan PLANTED_ASAN] [--lua
LUA_TEST]". Speaks TAP.

PLANTED is planted.c, PLANTED_ASAN the same with -fsanitize=address, LUA_TEST a test of the Lua adapter that is a plain
program. What is not given, or not installed, is skipped.
"""
import argparse
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from tap import Tap

FOUND = 9  # the status of a tool that has found something


class Run:
    def __init__(self, command, **environment):
        environment = {**os.environ, "FIEF_CONF": "leaks:0", **environment}
        done = subprocess.run(command, capture_output=True, text=True, timeout=280, env=environment, check=False)
        self.status, self.said = done.returncode, done.stderr + done.stdout

    def __str__(self):
        return "status %d\n%s" % (self.status, self.said)

    def says(self, *patterns):
        """All of them, in this order."""
        return re.search(".*".join(patterns), self.said, re.S) is not None


def check_valgrind(tap, options):
    if shutil.which("valgrind") is None:
        tap.skip("Valgrind", "valgrind is not installed")
        return

    def run(*command, **environment):
        return Run(["valgrind", "-q", f"--error-exitcode={FOUND}", *command], **environment)

    clean = run("--leak-check=full", options.planted)
    tap.check(clean.status == 0 and clean.said == "", "Valgrind: nothing is found where nothing is wrong", clean)
    freed = run(options.planted, "use-after-free")
    tap.check(freed.status == FOUND and
              freed.says("Invalid read of size 4", "read_at", "8 bytes inside a block of size 40 free.d"),
              "Valgrind: a read after free is found", freed)
    tap.check(freed.says("Block was alloc'd at", "make_counts", "main"), "with the stack of the allocation", freed)
    over = run(options.planted, "overflow")
    tap.check(over.status == FOUND and
              over.says("Invalid read", "0 bytes after a block of size 40 alloc'd", "make_counts"),
              "Valgrind: so is one behind a block", over)
    fresh = run(options.planted, "uninitialised")
    tap.check(fresh.status == FOUND and fresh.says("uninitialised value"), "Valgrind: and one of a fresh block", fresh)
    told = run(options.planted, "use-after-free", FIEF_CONF="tools:0")
    tap.check(told.status == 0, "tools:0: Valgrind is not told", told)
    if options.lua is None:
        tap.skip("the Lua adapter under Valgrind", "needs liblua5.4-dev")
    else:
        lua = run(options.lua)
        tap.check(lua.status == 0, "the Lua adapter is clean under Valgrind", lua)


def check_sanitizer(tap, options):
    if options.asan is None:
        tap.skip("AddressSanitizer", "this compiler has none")
        return

    def run(*command, **environment):
        return Run([options.asan, *command], ASAN_OPTIONS=f"exitcode={FOUND}", **environment)

    control = run("malloc")
    if not control.says("LeakSanitizer", "123 byte"):
        tap.skip("LeakSanitizer's roots", "LeakSanitizer does not work here")
    else:
        for fault, what in (("roots", "what only a heap's blocks know is no leak"),
                            ("kept", "nor what only blocks know that on_leak keeps")):
            known = run(fault)
            tap.check(known.status == 0, "LeakSanitizer: " + what, known)
        lost = run("lost")
        tap.check(lost.status == FOUND and lost.says("369 byte.* leaked"), "LeakSanitizer: without the heap it is",
                  lost)
    clean = run()
    tap.check(clean.status == 0 and clean.said == "", "AddressSanitizer: nothing is found where nothing is wrong",
              clean)
    guard = run(FIEF_CONF="leaks:0,debug:guard")
    tap.check(guard.status == 0 and guard.said == "", "nor with guarded blocks", guard)
    for fault, what in (("use-after-free", "a read after free is found"), ("overflow", "so is one behind a block")):
        found = run(fault)
        tap.check(found.status == FOUND and found.says("use-after-poison", "READ of size 4", "read_at"),
                  "AddressSanitizer: " + what, found)
    told = run("use-after-free", FIEF_CONF="tools:0")
    tap.check(told.status == 0, "tools:0: AddressSanitizer is not told", told)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("planted")
    parser.add_argument("--asan")
    parser.add_argument("--lua")
    options, tap = parser.parse_args(), Tap()
    check_valgrind(tap, options)
    check_sanitizer(tap, options)
    print(f"1..{tap.count}")
    return 1 if tap.failed else 0


if __name__ == "__main__":
    sys.exit(main())
