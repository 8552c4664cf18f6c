#!/usr/bin/env python3
"""fief-lua from outside: what states write is what stock Lua writes, and the report tells the truth. Speaks TAP.

  fief_lua_tool.py FIEF_LUA EXAMPLES_FOLDER [--stock LUA] [--sanitized]

Without --stock there is nothing to compare with; with --sanitized resident memory says nothing about fief. Those
checks are skipped then.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from tap import Tap

EXAMPLES = ["binary_trees.lua", "json.lua", "strings.lua", "tokenizer.lua", "tables.lua"]
MIB = 1 << 20

SIZE = "5"  # a small one for every example

SCRIPTS = {
    "fine.lua": "print('fine')",
    "talker.lua": """
        io.write('no newline, ', 1, ' ', 1.5, '\\0zero\\n')
        io.stdout:write('through the file\\n')
        print(io.stdout:setvbuf('no'), nil, true, 1e100, #arg, ...)
        setmetatable({}, { __gc = function() print('finalized') end })
        io.write('the end')""",
    # Places where Lua cannot yield, and coroutines that are the script's own.
    "knots.lua": """
        local list = {}
        for i = 1, 3000 do list[i] = i * 7919 % 3001 end
        table.sort(list, function(a, b) for _ = 1, 10 do end return a < b end)
        print(list[1], list[#list])
        print((('abc'):rep(500):gsub('b', function() for _ = 1, 50 do end return 'B' end):sub(-3)))
        local numbers = coroutine.wrap(function()
          for i = 1, 50000 do if i % 10000 == 0 then coroutine.yield(i) end end
        end)
        print(numbers(), numbers(), numbers())
        print(pcall(function() for _ = 1, 50000 do end return 'through pcall' end))
        print(select(2, pcall(error, 'caught', 0)))""",
    "hog.lua": "print('so far') local t = {} for i = 1, 1e8 do t[i] = { i } end",
    "survivor.lua": """
        print(pcall(function() local t = {} for i = 1, 1e8 do t[i] = { i } end end))
        for i = 1, 20000 do local garbage = { i } end
        print('goes on')""",
    "broken.lua": "local function inner() error('on purpose') end\nprint('before')\ninner()",
    "syntax.lua": "local x = = 1",
    "object.lua": "error({})",
    "leaver.lua": "print('one') pcall(os.exit, 3) print('two')",
    "quitter.lua": "print('one') os.exit() print('two')",
    "yielder.lua": "coroutine.yield(1, 2) print('back')",
}


class Run:
    """One run of fief-lua, and what can be read in its report."""

    OUTPUT = re.compile(rb"^---- ([\d,]+) states? (ran|failed in) (.+): ([\d,]+) bytes? of output -+\n", re.M)

    def __init__(self, tool, folder, *arguments):
        done = subprocess.run([tool, *map(str, arguments)], cwd=folder, capture_output=True, timeout=300)
        self.status = done.returncode
        self.report = done.stdout
        self.stderr = done.stderr.decode(errors="replace")
        self.outputs = list(self.read_outputs())

    def read_outputs(self):
        """(script, number of states, ran, output, error) for each distinct output."""
        match = self.OUTPUT.search(self.report)
        while match:
            states, verdict, script, length = match.groups()
            end = match.end() + int(length.replace(b",", b""))
            output = self.report[match.end():end]
            rest = self.report[end:].split(b"\n---- ", 1)[0]
            error = rest.split(b"error: ", 1)[1].decode().strip() if b"error: " in rest else None
            yield script.decode(), int(states.replace(b",", b"")), verdict == b"ran", output, error
            match = self.OUTPUT.search(self.report, end)

    def of(self, script):
        return [o for o in self.outputs if o[0] == script]

    def figure(self, label):
        """The number behind a label of the report's last part."""
        match = re.search(rb"^  %s +([\d,]+)" % re.escape(label.encode()), self.report, re.M)
        return int(match.group(1).replace(b",", b"")) if match else None

    def total(self, column):
        """A count in the row of totals."""
        columns = ["states", "turns", "moves", "allocations"]
        match = re.search(rb"^ *([\d,]+)  total +([\d,]+) +([\d,]+) +([\d,]+)", self.report, re.M)
        return int(match.group(columns.index(column) + 1).replace(b",", b"")) if match else None

    def growth_bytes(self):
        """Resident memory after the last state less that before the first, without the code of libraries."""
        match = re.search(rb"without libraries' code +([\d.]+) (\w+) (more|less)", self.report)
        scale = {"B": 1, "KiB": 1 << 10, "MiB": MIB, "GiB": 1 << 30}[match.group(2).decode()]
        return float(match.group(1)) * scale * (1 if match.group(3) == b"more" else -1)

    def __str__(self):
        return "exit status %d\n%s%s" % (self.status, self.stderr, self.report.decode(errors="replace"))


class Scripts:
    """What every suite has: a folder with its scripts, and fief-lua to run them."""

    def __init__(self, tap, options, folder, scripts):
        self.tap = tap
        self.options = options
        self.folder = folder
        for name, text in scripts.items():
            with open(os.path.join(folder, name), "w") as file:
                file.write(text + "\n")

    def run(self, *arguments, folder=None):
        return Run(self.options.tool, folder or self.folder, *arguments)

    def check_memory(self, run):
        what = "the process has its memory back, to a mebibyte"
        if self.options.sanitized:
            self.tap.skip(what, "a sanitizer keeps memory of its own")
        else:
            self.tap.check(run.growth_bytes() < MIB, what, run)


def run_suite(suite, scripts, checks):
    """Every check of a suite, and the exit status."""
    parser = argparse.ArgumentParser()
    parser.add_argument("tool", type=os.path.abspath)
    parser.add_argument("examples")
    parser.add_argument("--stock", default="")
    parser.add_argument("--sanitized", action="store_true")
    tap = Tap()
    with tempfile.TemporaryDirectory() as folder:
        made = suite(tap, parser.parse_args(), folder, scripts)
        for check in checks:
            check(made)
    return tap.end()


class Suite(Scripts):
    def stock(self, script, *arguments, folder=None):
        done = subprocess.run([self.options.stock, script, *arguments], cwd=folder or self.folder,
                              stdout=subprocess.PIPE, timeout=300, check=True)
        return done.stdout

    def check_same_as_stock(self, run, scripts, states_each, arguments=(), folder=None):
        for script in scripts:
            what = "all %d states with %s wrote what stock Lua writes" % (states_each, script)
            if not self.options.stock:
                self.tap.skip(what, "there is no lua5.4")
                continue
            wanted = self.stock(script, *arguments, folder=folder)
            self.tap.check(run.of(script) == [(script, states_each, True, wanted, None)], what, run)

    # ---- the main job, with sixty states instead of a thousand ----

    def check_main_job(self):
        examples = self.options.examples
        run = self.run("--states", 60, "--threads", 2, "--migrate", "--limit", "8M", "--slice", 20000, *EXAMPLES,
                       "--", SIZE, folder=examples)
        tap = self.tap
        tap.check(run.status == 0, "sixty states end well", run)
        self.check_same_as_stock(run, EXAMPLES, 12, [SIZE], examples)
        tap.check(run.total("states") == 60, "the totals count sixty states", run)
        tap.check(run.total("moves") == run.total("turns") - 60 > 60, "every turn but a state's first was a move", run)
        tap.check(run.figure("foreign frees") == 0, "none freed another's block", run)
        tap.check(run.figure("late frees") == 0, "none freed a dead one's block", run)
        tap.check(run.figure("blocks never freed") == 0, "nothing is live after lua_close", run)
        tap.check(run.figure("states that failed") == 0, "none failed", run)
        self.check_memory(run)

    def check_scheduling(self):
        run = self.run("--states", 6, "--threads", 3, "--slice", 1000, "--quiet", *EXAMPLES[:3], "--", SIZE,
                       folder=self.options.examples)
        self.tap.check(run.status == 0 and run.total("moves") == 0, "without --migrate no state moves", run)
        self.check_same_as_stock(run, EXAMPLES[:3], 2, [SIZE], self.options.examples)
        run = self.run("--states", 4, "--threads", 1, "--migrate", "--slice", 1000, "fine.lua", "knots.lua")
        self.tap.check(run.status == 0 and run.total("moves") == 0, "one thread has nowhere to move to", run)

    def check_world(self):
        arguments = ["first", "--second", "--"]
        for slice_instructions in (1, 1000, 1000000):
            run = self.run("--states", 4, "--threads", 2, "--migrate", "--slice", slice_instructions, "talker.lua",
                           "--", *arguments)
            self.check_same_as_stock(run, ["talker.lua"], 4, arguments)
        run = self.run("--states", 4, "--threads", 2, "--migrate", "--slice", 1000, "knots.lua")
        self.check_same_as_stock(run, ["knots.lua"], 4)

    # ---- failures ----

    def check_limit(self):
        run = self.run("--states", 9, "--threads", 2, "--migrate", "--limit", "1M", "hog.lua", "survivor.lua",
                       "fine.lua")
        tap = self.tap
        tap.check(run.status == 1, "a state at its limit makes the exit status 1", run)
        tap.check(run.of("hog.lua") == [("hog.lua", 3, False, b"so far\n", "not enough memory")],
                  "it fails with Lua's own error", run)
        tap.check(run.of("survivor.lua") == [("survivor.lua", 3, True, b"false\tnot enough memory\ngoes on\n", None)],
                  "a script may catch that error and go on", run)
        tap.check(run.of("fine.lua") == [("fine.lua", 3, True, b"fine\n", None)], "the others are not concerned", run)
        tap.check(run.figure("states that failed") == 3, "three failures are counted", run)
        tap.check(run.figure("blocks never freed") == 0, "nothing is live after lua_close", run)
        run = self.run("--limit", "16K", "--states", 3, "fine.lua")
        tap.check(run.status == 1 and run.of("fine.lua") == [("fine.lua", 3, False, b"", "not enough memory")],
                  "a limit that no state fits in is such an error, too", run)

    def check_errors(self):
        run = self.run("--states", 18, "--threads", 2, "--migrate", "broken.lua", "syntax.lua", "object.lua",
                       "leaver.lua", "quitter.lua", "yielder.lua")
        tap = self.tap

        def ended(script, ran, output, error):
            found = run.of(script)
            return len(found) == 1 and found[0][1:4] == (3, ran, output) and (found[0][4] or "").startswith(error)

        tap.check(run.status == 1, "a failing script makes the exit status 1", run)
        tap.check(ended("broken.lua", False, b"before\n", "broken.lua:1: on purpose\nstack traceback:\n"),
                  "an error has its place and a traceback", run)
        tap.check(ended("syntax.lua", False, b"", "syntax.lua:1: unexpected symbol"), "so has an error of syntax", run)
        tap.check(ended("object.lua", False, b"", "(error object is a table value)"), "an error may be any object", run)
        tap.check(ended("leaver.lua", False, b"one\n", "exit status 3"), "os.exit ends the state, not the host", run)
        tap.check(ended("quitter.lua", True, b"one\n", ""), "os.exit without a status is no failure", run)
        tap.check(ended("yielder.lua", True, b"back\n", ""), "a yield of the script's own ends the turn", run)

    def check_plant(self):
        run = self.run("--states", 10, "--threads", 2, "--migrate", "--plant", "foreign-free", "--slice", 1000,
                       "knots.lua", "talker.lua")
        tap = self.tap
        tap.check("fief: foreign free in fief_free" in run.stderr, "a planted foreign free is reported", run)
        tap.check(re.search(r'owner .*"state-1 knots\.lua"', run.stderr) is not None, "with the owner's name", run)
        tap.check(re.search(r'caller .*"state-2 talker\.lua"', run.stderr) is not None, "and the caller's", run)
        tap.check(run.figure("foreign frees") == 1, "the totals count it", run)
        tap.check(run.figure("blocks never freed") == 0, "the block has gone home", run)
        tap.check(run.status == 0, "everything else goes on", run)
        self.check_same_as_stock(run, ["knots.lua", "talker.lua"], 5)

    # What is planted in state 1 at a level: the lines on stderr that must come, in this order.
    PLANTS = [
        ("off", "double-free", "fief: double free in fief_free", "verdict +the call does nothing"),
        ("off", "overflow", None, None),
        ("check", "double-free", "fief: double free in fief_free", r"made .*freed "),
        ("check", "overflow", "fief: overflow in fief_free", r"a block of 52 bytes.*\[01\]"),
        ("check", "leak", 'fief: leaks of interpreter 1 "state-1 knots.lua": 52 bytes in 1 block from 1 place',
         "serial"),
        ("full", "foreign-free", "fief: foreign free in fief_free", r"#0 talker\.lua|caller"),
        ("full", "double-free", "fief: double free in fief_free",
         r"#0 knots\.lua:\d+\n.*made.*#0 knots\.lua:\d+\n.*freed .*#0 knots\.lua:\d+\n"),
        ("full", "use-after-free", "fief: write after free in", r"made.*#0 knots\.lua:\d+\n.*freed .*at byte 8\n"),
        ("full", "overflow", "fief: overflow in fief_free", r"made.*#0 knots\.lua:\d+\n.*right behind the end\n"),
        ("full", "leak", "fief: leaks of interpreter 1", r"#0  knots\.lua:\d+\n"),
        ("guard", "use-after-free", "fief: use after free in a", r"made.*#0 knots\.lua:\d+\n.*freed .*#0 knots\.lua"),
    ]

    def check_debug(self):
        tap = self.tap
        for level, plant, first, more in self.PLANTS:
            run = self.run("--states", 2, "--threads", 1, "--debug", level, "--plant", plant, "--slice", 500, "--quiet",
                           "knots.lua", "talker.lua")
            what = "at %s a planted %s is " % (level, plant)
            if first is None:
                tap.check(run.stderr == "", what + "not noticed", run)
            else:
                tap.check(run.stderr.startswith(first) and re.search(more, run.stderr, re.S) is not None and
                          run.stderr.count("fief: ") == 1, what + "reported, once", run)
            tap.check(run.status == 0, "everything else goes on", run)
            self.check_same_as_stock(run, ["knots.lua", "talker.lua"], 1)
        for level in "check", "full":
            run = self.run("--states", 4, "--threads", 2, "--migrate", "--debug", level, "--slice", 1000, "--quiet",
                           "knots.lua")
            tap.check(run.status == 0 and run.stderr == "", "where nothing is wrong, %s has nothing to tell" % level, run)
            tap.check(run.figure("blocks never freed") == 0, "nothing is live after lua_close", run)

    # ---- the command line ----

    def check_usage(self):
        wrong = [
            ([], "no script given"),
            (["missing.lua"], "cannot read missing.lua"),
            (["--nonsense", "fine.lua"], "unrecognized option"),
            (["--states"], "requires an argument"),
            (["--states", "0", "fine.lua"], "--states takes a number"),
            (["--threads", "-1", "fine.lua"], "--threads takes a number"),
            (["--slice", "1x", "fine.lua"], "--slice takes a number"),
            (["--limit", "8Q", "fine.lua"], "--limit takes a size"),
            (["--limit", "99999999999G", "fine.lua"], "--limit takes a size"),
            (["--alignment", "4", "fine.lua"], "--alignment is 8 or 16"),
            (["--plant", "tulips", "fine.lua"], "--plant knows foreign-free, double-free"),
            (["--debug", "loud", "fine.lua"], "--debug is off, check, full or guard"),
            (["--plant", "foreign-free", "fine.lua"], "needs two states"),
        ]
        for arguments, message in wrong:
            run = self.run(*arguments)
            self.tap.check(run.status == 2 and message in run.stderr and run.report == b"",
                           "wrong: fief-lua " + " ".join(arguments), run)
        for option, text in (("--help", b"Usage: fief-lua"), ("--version", b"fief-lua 0.")):
            run = self.run(option)
            self.tap.check(run.status == 0 and run.report.startswith(text), option, run)
        run = self.run("--quiet", "fine.lua")
        self.tap.check(run.status == 0 and run.stderr == "", "--quiet: nothing on stderr", run)
        run = self.run("fine.lua")
        self.tap.check("1 of 1 states ended" in run.stderr, "progress on stderr otherwise", run)
        self.tap.check(all(len(line) <= 100 for line in run.report.splitlines()), "the report fits 100 columns", run)


CHECKS = [
    Suite.check_main_job,
    Suite.check_scheduling,
    Suite.check_world,
    Suite.check_limit,
    Suite.check_errors,
    Suite.check_plant,
    Suite.check_debug,
    Suite.check_usage,
]

if __name__ == "__main__":
    sys.exit(run_suite(Suite, SCRIPTS, CHECKS))
