#!/usr/bin/env python3
"""libfief-cpython.so under an unmodified python, against the same python without it. Speaks TAP.

  shim.py LIBRARY VERSION [--embedder PROGRAM]

Skipped where this machine has no such python.
"""

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile

import pythons

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "support"))
from tap import Tap, skip_all

HERE = os.path.dirname(os.path.abspath(__file__))
CYCLES = 200
# What a cycle of create, run and end may cost with reclaim, in KiB, where interpreters have heaps of their own (stock takes
# 1,700 and more), and where they share objects, so that none is reclaimed.
MOST_KIB, MOST_SHARING_KIB = 50, 150
SETTINGS = ("FIEF_RUN", "FIEF_CPYTHON", "FIEF_CONF", "PYTHONMALLOC", "PYTHONDEVMODE", "LD_PRELOAD")
REPLACED = "python was made to use another allocator"
ROW = re.compile(r"^  (interpreter \d+ of python|all) +((?:[\d,]+ *)+)$", re.M)
COLUMNS = ("live blocks", "live bytes", "peak bytes", "allocations", "foreign", "refused")
MAIN = "interpreter 0 of python"


def figures(text):
    """The table of what was used: rows by name, a row by column. And whether there were late frees."""
    rows = {name: dict(zip(COLUMNS if name != "all" else COLUMNS[:2] + COLUMNS[3:],
                           (int(number.replace(",", "")) for number in numbers.split())))
            for name, numbers in ROW.findall(text)}
    return rows, "  late frees: " in text


class Run:
    """One run of a program: what it wrote, and how it ended."""

    def __init__(self, command, **settings):
        environment = {name: value for name, value in os.environ.items() if name not in SETTINGS}
        environment.update(PYTHONDONTWRITEBYTECODE="1", PYTHONHASHSEED="0", PYTHONWARNINGS="ignore", **settings)
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600)
        self.status, self.out, self.err = done.returncode, done.stdout, done.stderr

    def __str__(self):
        return "exit status %d\n%s%s" % (self.status, self.out, self.err)

    def same_as(self, other):
        return (self.status, self.out, self.err) == (other.status, other.out, other.err)


class Suite:
    def __init__(self, options, python, folder):
        self.tap = Tap()
        self.library = options.library
        self.embedder = options.embedder
        self.python = python
        self.folder = folder
        self.has_own_heaps = tuple(map(int, options.version.split("."))) >= (3, 12)

    def stock(self, *arguments, **settings):
        return Run([self.python.program, *arguments], **settings)

    def shim(self, *arguments, **settings):
        return Run([self.python.program, *arguments], LD_PRELOAD=self.library, **settings)

    def script(self, name):
        return os.path.join(HERE, name)

    # ---- nothing is disturbed ----

    def check_endings(self):
        for what, code, status in (
                ("an end", "print('out')", 0),
                ("sys.exit", "import sys; print('out'); sys.exit(3)", 3),
                ("an exception", "raise ValueError('on purpose')", 1),
                ("os._exit", "import os; print('out', flush=True); os._exit(9)", 9),
                ("a signal", "import os; os.kill(os.getpid(), 15)", -signal.SIGTERM)):
            stock, shim = self.stock("-c", code), self.shim("-c", code)
            self.tap.check(shim.same_as(stock) and shim.status == status, "%s is as without" % what, stock, shim)

    def check_workload(self):
        stock, shim = self.stock(self.script("workload.py")), self.shim(self.script("workload.py"))
        self.tap.check(shim.same_as(stock) and shim.status == 7, "a workload is as without", stock, shim)
        checked = self.shim(self.script("workload.py"), FIEF_CONF="debug:check,leaks:0")
        self.tap.check(checked.same_as(stock), "so it is with every block checked", stock, checked)

    def check_blocks(self):
        run = self.shim(self.script("blocks.py"))
        self.tap.check(run.out == "all rules kept\n" and run.status == 0 and run.err == "", "CPython's rules", run)

    def check_others(self):
        run = Run(["sh", "-c", "echo out; echo err >&2; exit 5"], LD_PRELOAD=self.library, FIEF_RUN="stats:1")
        self.tap.check((run.out, run.err, run.status) == ("out\n", "err\n", 5), "no python, nothing happens", run)

    # ---- what is told ----

    def check_figures(self):
        run = self.shim("-c", "print('out')", FIEF_RUN="stats:1")
        rows, _ = figures(run.err)
        self.tap.check(MAIN in rows and rows[MAIN]["allocations"] > 10000,
                       "the main interpreter's blocks are fief's", run)
        self.tap.check(run.out == "out\n", "figures leave stdout alone", run)
        path = os.path.join(self.folder, "figures")
        run = self.shim("-c", "print('out')", FIEF_RUN="stats:1,report:" + path)
        with open(path) as file:
            text = file.read()
        self.tap.check(run.err == "" and MAIN in figures(text)[0], "figures go to the file that is asked for", run, text)

    def check_replaced(self):
        for settings, options in (({"PYTHONMALLOC": "malloc"}, []), ({"PYTHONMALLOC": "pymalloc"}, []),
                                  ({"PYTHONMALLOC": "debug"}, []), ({}, ["-X", "dev"])):
            run = self.shim(*options, "-c", "print('out')", **settings)
            good = run.out == "out\n" and run.status == 0 and run.err.count(REPLACED) == 1 and run.err.count("\n") == 1
            self.tap.check(good, "%s replaces the heaps: said once" % (settings or options), run)
        run = self.shim("-X", "tracemalloc", "-c", "print('out')")
        self.tap.check(run.err == "", "a wrapper replaces nothing", run)
        run = self.shim("-c", "pass", FIEF_CPYTHON="reclaim,nonsense")
        self.tap.check(run.err == 'fief: FIEF_CPYTHON: not understood: "nonsense"\n', "a wrong mode is told", run)

    # ---- limits ----

    def check_limit(self):
        code = ("kept = []\ntry:\n  for i in range(10**6): kept.append(str(i) * 10)\n  print('no limit')\n"
                "except MemoryError: kept = None; print('MemoryError')\n"
                "try: bytearray(40 << 20); print('no limit')\nexcept MemoryError: print('MemoryError')\n"
                "import json; print(json.dumps(list(range(3))))")
        run = self.shim("-c", code, FIEF_RUN="limit:30M")
        good = run.out == "MemoryError\nMemoryError\n[0, 1, 2]\n" and run.err == "" and run.status == 0
        self.tap.check(good, "beyond the limit is MemoryError, and it goes on", run)
        run = self.shim("-c", "kept = [str(i) * 10 for i in range(10**6)]", FIEF_RUN="limit:30M")
        self.tap.check(run.status == 1 and run.err.rstrip().endswith("MemoryError"), "or ends the program", run)

    # ---- interpreters ----

    def check_cycles(self):
        most_kib = MOST_KIB if self.has_own_heaps else MOST_SHARING_KIB
        what = "%d interpreters come and go at %d KiB each at most" % (CYCLES, most_kib)
        run = self.shim(self.script("cycles.py"), str(CYCLES), "isolated", FIEF_CPYTHON="reclaim")
        self.tap.check(run.status == 0 and run.err == "", "interpreters come and go, reclaimed", run)
        self.tap.check(float(run.out or "nan") <= most_kib, what, run)
        stock = self.stock(self.script("cycles.py"), "20", "isolated")
        run = self.shim(self.script("cycles.py"), "20", "isolated")
        most_kib = max(float(stock.out) * 1.2, MOST_SHARING_KIB)
        good = run.status == 0 and run.err == "" and float(run.out or "nan") <= most_kib
        self.tap.check(good, "with what they leak they cost what they cost without", stock, run)

    def check_foreign(self):
        path = os.path.join(self.folder, "report")
        run = self.shim(self.script("cycles.py"), "5", "isolated", FIEF_RUN="stats:1,report:" + path)
        with open(path) as file:
            text = file.read()
        foreign = re.search(r'foreign (?:free|realloc) .*\n(?:.*\n)*?  owner +interpreter \d+ "interpreter (\d+) of '
                            r'python" .*\n  caller +interpreter \d+ "interpreter (\d+) of python"', text)
        rows, late = figures(text)
        self.tap.check(run.err == "" and run.status == 0 and len(rows) == 17,
                       "fifteen interpreters and the main one ended, and stderr is quiet", run, text)
        crossed = late or rows["all"]["foreign"] > 0
        if self.has_own_heaps:
            self.tap.check(not foreign and not crossed, "none freed a block of another's", text)
        else:
            self.tap.check(foreign and foreign.group(1) != foreign.group(2),
                           "blocks that cross interpreters are reported with both ids", text)
            self.tap.check(crossed, "and counted", text)
            run = self.shim(self.script("cycles.py"), "5", "isolated", FIEF_CPYTHON="report")
            self.tap.check("fief: foreign" in run.err, "on stderr if that is asked for", run)

    def check_shared(self):
        if not self.has_own_heaps:
            self.tap.skip("interpreters that share the main one's heap do so", "there are none before 3.12")
            return
        run = self.shim(self.script("cycles.py"), "5", "legacy", FIEF_RUN="stats:1")
        rows, late = figures(run.err)
        self.tap.check(run.status == 0 and rows.keys() == {MAIN} and rows[MAIN]["foreign"] == 0 and not late,
                       "interpreters that share the main one's heap do so", run)

    def check_threads(self):
        for mode in ("", "reclaim"):
            run = self.shim(self.script("cycles.py"), "10", "threads", FIEF_CPYTHON=mode)
            self.tap.check((run.out, run.err, run.status) == ("done\n", "", 0),
                           "interpreters come and go in four threads at once" + (", reclaimed" if mode else ""), run)

    # ---- embedding ----

    def check_lifetimes(self):
        what = "each of five lifetimes of the runtime has its blocks in fief's heap"
        if self.embedder is None or self.python.library is None:
            self.tap.skip(what, "this python is no shared library" if self.embedder else "the embedder was not built")
            return
        for start in ("Py_Initialize", "Py_InitializeEx", "Py_InitializeFromConfig"):
            run = Run([self.embedder, start, "5"], PYTHONHOME=self.python.prefix,
                      LD_PRELOAD="%s %s" % (self.library, self.python.library))
            self.tap.check((run.out, run.err, run.status) == ("ours\n" * 5, "", 0), "%s (%s)" % (what, start), run)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("library", type=os.path.abspath)
    parser.add_argument("version")
    parser.add_argument("--embedder", type=os.path.abspath)
    options = parser.parse_args()
    python = pythons.find(options.version)
    if python is None:
        return skip_all("there is no python%s" % options.version)
    with tempfile.TemporaryDirectory() as folder:
        suite = Suite(options, python, folder)
        for check in (suite.check_endings, suite.check_workload, suite.check_blocks, suite.check_others,
                      suite.check_figures, suite.check_replaced, suite.check_limit, suite.check_cycles,
                      suite.check_foreign, suite.check_shared, suite.check_threads, suite.check_lifetimes):
            check()
    return suite.tap.end()


if __name__ == "__main__":
    sys.exit(main())
