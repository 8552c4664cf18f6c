#!/usr/bin/env python3
"""fief run with the real libraries: misuse, limits and statistics of programs that know nothing of fief. Speaks TAP.

  fief_shims.py --fief FIEF --wrong PROGRAM [--names] [--cpython]

PROGRAM does what it should not. With --names reports have functions and lines. With --cpython the library for Python is
there.
"""
import argparse
import os
import re
import sys
import tempfile

from running import Run, Tap

ABORTED = -6


class Suite:
    def __init__(self, tap, options, folder):
        self.tap = tap
        self.options = options
        self.folder = folder

    def run(self, *arguments, variables=()):
        return Run([self.options.fief, "run", *arguments], self.folder, variables)

    def wrong(self, what, *arguments, variables=()):
        return self.run(*arguments, self.options.wrong, what, variables=variables)

    def report_file(self):
        path = os.path.join(self.folder, "report.txt")
        if os.path.exists(path):
            os.unlink(path)
        return path

    @staticmethod
    def read(path):
        with open(path) as file:
            return file.read()

    # ---- misuse ----

    # What is done at a level: how it ends, the reports' first lines, and what the first one has in it.
    MISUSE = [
        ("double-free", None, ABORTED, ["double free in fief_free"], "verdict +abort"),
        ("stack", None, ABORTED, ["wild pointer in fief_free"], "verdict +abort"),
        ("overflow", None, 0, [], None),
        ("write-after-free", None, 0, [], None),
        ("leak", None, 0, [], None),
        ("double-free", "check", ABORTED, ["double free in fief_free"], "a block of 100 bytes.*freed "),
        ("overflow", "check", ABORTED, ["overflow in fief_free"], "1 byte changed, the first right behind the end"),
        ("write-after-free", "check", 0, ["write after free in fief_check"], "1 byte changed, the first at byte 20"),
        ("leak", "check", 0, [], None),
        ("double-free", "full", ABORTED, ["double free in fief_free"], "made.* free_twice.*freed.* free_twice"),
        ("overflow", "full", ABORTED, ["overflow in fief_free"], "made.* overflow"),
        ("write-after-free", "full", 0, ["write after free in fief_check"], "freed.* write_after_free"),
        ("write-after-free", "guard", -11, ["use after free in a write"], "freed.* write_after_free"),
    ]
    FUNCTIONS = {"free_twice": "free_twice at .*wrong.c:", "write_after_free": "write_after_free at .*wrong.c:"}

    def in_words(self, pattern):
        """Without names in reports, functions are offsets."""
        for name, full in self.FUNCTIONS.items():
            pattern = re.sub(r" %s\b" % name, " " + full if self.options.names else " ", pattern)
        return pattern

    def check_misuse(self):
        for what, level, end, reports, pattern in self.MISUSE:
            options = ["--debug", level] if level else []
            run = self.wrong(what, *options)
            told = re.findall(r"^fief: (.*)", run.stderr, re.M)
            good = len(told) == len(reports) and all(line.startswith(report) for line, report in zip(told, reports))
            good = good and (pattern is None or re.search(self.in_words(pattern), run.stderr, re.S) is not None)
            self.tap.check(run.status == end and good and run.stdout == b"",
                           "%s %s: %s" % (what, " ".join(options), ", ".join(reports) or "nothing"), run)
        run = self.wrong("double-free", variables={"FIEF_CONF": "on_misuse:report"})
        self.tap.check(run.status == 0 and "double free" in run.stderr, "FIEF_CONF says what becomes of it", run)

    def check_report_file(self):
        tap, report = self.tap, self.report_file()
        for what, end, wanted in [("double-free", ABORTED, "fief: double free in"),
                                  ("write-after-free", 0, "fief: write after free in"),
                                  ("leak", 0, 'fief: leaks of interpreter 1 "thread ')]:
            run = self.wrong(what, "--debug", "full", "--leaks", "--report", report)
            text = self.read(report)
            tap.check(run.status == end and run.stderr == "" and wanted in text, "the file has a report of " + what, run)
        tap.check(text.count("fief: double free") == 1, "one report comes behind the other", run)
        run = self.wrong("threads", "--stats", "--report", self.report_file())
        tap.check(run.stderr == "" and run.stdout == b"done\n" and "fief: what wrong (process %d) used" % run.number in
                  self.read(report), "it has the statistics, too", run)

    # ---- at the end ----

    def check_leaks(self):
        run = self.wrong("leak", "--leaks")
        self.tap.check(run.status == 0 and "100 bytes in 1 block from 1 place" in run.stderr, "--leaks", run)
        run = self.wrong("leak", "--leaks", "--debug", "check")
        self.tap.check(run.status == 0 and "100 bytes in 1 block" in run.stderr, "at another level, too", run)

    def check_stats(self):
        run = self.wrong("threads", "--stats")
        rows = re.findall(r"^  thread \d+ +([\d,]+) +([\d,]+) +([\d,]+) +([\d,]+) +0 +0$", run.stderr, re.M)
        tap = self.tap
        tap.check(run.status == 0 and run.stdout == b"done\n" and
                  run.stderr.startswith("fief: what wrong (process %d) used\n" % run.number), "--stats says whose", run)
        heaps = [int(row[3].replace(",", "")) for row in rows]
        tap.check(sum(heaps) > 3000, "three threads' thousand allocations are counted", run)
        total = re.search(r"^  all +([\d,]+) +([\d,]+) +([\d,]+)", run.stderr, re.M)
        tap.check(len(rows) == 1 or int(total.group(3).replace(",", "")) == sum(heaps), "the last row is their sum", run)
        run = self.run("--stats", "bash", "-c", "true; exit 3")
        tap.check(run.status == 3 and run.stderr.count("fief: what bash ") == 1, "a shell that ends with 3 is told of", run)
        run = self.run("--stats", "bash", "-c", "env true; true")
        tap.check({"bash", "true"} <= set(re.findall(r"^fief: what (\w+)", run.stderr, re.M)), "so is what it starts", run)
        run = self.run("--stats", "sort", "/dev/null")
        tap.check("fief: what sort (" in run.stderr, "and a program that closes its stderr", run)
        run = self.run("env", "true")
        tap.check(run.status == 0 and run.stderr == "" and run.stdout == b"", "and nothing unless it is asked for", run)

    # ---- limits ----

    def check_limit(self):
        tap = self.tap
        for limit in 8, 32, 128:
            run = self.wrong("hog", "--limit", "%dM" % limit)
            match = re.fullmatch(rb"(\d+) MiB, and again\n", run.stdout)
            got = int(match.group(1)) if match else 0
            tap.check(run.status == 0 and run.stderr == "" and limit * 0.8 <= got <= limit,
                      "--limit %dM: that much, then NULL, and then it goes on" % limit, run)
        run = self.wrong("hog", "--limit", "8M", "--stats")
        tap.check(re.search(r"^  thread \d+ .* [1-9]\d*$", run.stderr, re.M) is not None, "--stats counts refusals", run)

    # ---- Python ----

    def check_python(self):
        if not self.options.cpython:
            self.tap.skip("Python under its own library", "libfief-cpython.so is not built")
            return
        python, tap = sys.executable, self.tap
        run = self.run(python, "-c", "print(sum(range(10)))")
        tap.check(run.status == 0 and run.stdout == b"45\n" and run.stderr == "", "Python is as it is", run)
        run = self.run(python, "-c", "import sys; sys.exit(7)")
        tap.check(run.status == 7, "its exit status, too", run)
        run = self.run("--limit", "64M", python, "-c", "x = [[i] for i in range(10 ** 8)]")
        tap.check(run.status == 1 and "MemoryError" in run.stderr, "--limit ends in a MemoryError", run)
        run = self.run("--stats", python, "-c", "print(1)")
        row = re.search(r"^fief: interpreter 0 of python: \d+ allocations", run.stderr, re.M)
        tap.check(run.status == 0 and run.stdout == b"1\n" and row is not None, "--stats", run)
        run = self.run("--debug", "check", python, "-c", "print([[i] for i in range(1000)][-1])")
        tap.check(run.status == 0 and run.stdout == b"[999]\n" and run.stderr == "", "--debug check", run)
        run = self.run("--shim", "malloc", python, "-c", "import json; print(json.dumps(list(range(3))))")
        tap.check(run.status == 0 and run.stdout == b"[0, 1, 2]\n" and run.stderr == "", "the other library does, too", run)


CHECKS = [
    Suite.check_misuse,
    Suite.check_report_file,
    Suite.check_leaks,
    Suite.check_stats,
    Suite.check_limit,
    Suite.check_python,
]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--fief", type=os.path.abspath, required=True)
    parser.add_argument("--wrong", type=os.path.abspath, required=True)
    parser.add_argument("--names", action="store_true")
    parser.add_argument("--cpython", action="store_true")
    tap = Tap()
    with tempfile.TemporaryDirectory() as folder:
        suite = Suite(tap, parser.parse_args(), os.path.realpath(folder))
        for check in CHECKS:
            check(suite)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
