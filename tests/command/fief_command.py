#!/usr/bin/env python3
"""fief run from outside, with stand-ins for the libraries: each program gets the right one, with the right words, and
is otherwise as it is without. Speaks TAP.

  fief_command.py --fief FIEF --libraries FOLDER --stand-in MALLOC --stand-in CPYTHON --embedder PROGRAM
                  [--static PROGRAM] [--sanitized]

FOLDER is where an installed fief has its libraries, from where it is. Without --static, and what root alone can do
without root, is skipped; with --sanitized what puts a library under fief itself is, too: the sanitizer's must be the
first.
"""
import argparse
import os
import shutil
import struct
import sys
import tempfile

from running import Run, Tap
from stand_ins import StandIns

IMPOSSIBLE, NOT_EXECUTABLE, NOT_FOUND = 125, 126, 127


class Suite(StandIns):
    # ---- the program is as it is without ----

    def check_program_untouched(self):
        tap = self.tap
        for status in 0, 1, 3, 125, 126, 127, 255:
            run = self.run("run", "sh", "-c", "exit %d" % status)
            tap.check(run.status == status and run.stderr == "", "exit status %d is the program's" % status, run)
        for signal in 6, 9, 11, 15:
            run = self.run("run", "sh", "-c", "kill -%d $$" % signal)
            tap.check(run.status == -signal, "so is an end by signal %d" % signal, run)
        run = self.run("run", "sh", "-c", "echo $$")
        tap.check(run.stdout == b"%d\n" % run.number, "and the process's number", run)
        everything = bytes(range(256)) * 1000
        run = self.run("run", "--stats", "--debug", "check", "cat", stdin=everything)
        tap.check(run.stdout == everything, "all that it reads and writes", run)
        run = self.run("run", "sh", "-c", "echo its own >&2")
        tap.check(run.stderr == "its own\n", "and its stderr", run)
        for what, words in [("its signals", ["grep", "^Sig[BIC]", "/proc/self/status"]),
                            ("its files", ["ls", "-l", "/proc/self/fd"]), ("its limits", ["cat", "/proc/self/limits"])]:
            run, bare = self.run("run", *words), Run(words, self.folder)
            tap.check(self.without_numbers(run.stdout) == self.without_numbers(bare.stdout) != b"", what, run)
        run = self.run("run", "--", "printf", "<%s>", "a b", "", "--stats", "--", "*", "-")
        tap.check(run.stdout == b"<a b><><--stats><--><*><->", "its arguments", run)
        run = self.run("run", "printf", "--", "<%s>", "--shim", "none")
        tap.check(run.stdout == b"<--shim><none>" and len(run.seen) == 1, "options end where the command begins", run)

    @staticmethod
    def without_numbers(listing):
        """Of ls: names and modes alone. Pipes, times and the process's number differ from run to run."""
        return b"\n".join(line.split()[0] + b" " + line.split()[-3] if b"->" in line else line
                          for line in listing.splitlines())

    # ---- the right library ----

    def check_picks(self):
        python, name = self.python, os.path.basename(self.python)
        link = self.path("links/another-name")
        os.symlink(python, link)
        os.symlink(python, self.path("links/python-on-path"))
        os.symlink("/usr/bin/env", self.path("elsewhere/env"))
        simple = "#!%s\n" % python
        picks = [
            ("cpython", "Python", [python, "-c", "1"]),
            ("cpython", "a link to it", [link, "-c", "1"]),
            ("cpython", "one on PATH", ["python-on-path", "-c", "1"]),
            ("cpython", "a script of Python's", [self.script("simple", simple)]),
            ("cpython", "with blanks and an option", [self.script("blanks", "#! \t%s   -u \nprint()\n" % python)]),
            ("cpython", "through env", [self.script("by_env", "#!/usr/bin/env python-on-path\n")]),
            ("cpython", "through env -S", [self.script("by_split", "#!/usr/bin/env -S A=1 python-on-path -u\n")]),
            ("cpython", "a script's script", [self.script("second", "#!%s\n" % self.script("first", simple))]),
            ("cpython", "env", ["env", python, "-c", "1"]),
            ("cpython", "env with much to say",
             ["env", "-u", "NOTHING", "--chdir", "/", "--unset=ANYTHING", "-v", "--", "A=b", "C=d", python, "-c", "1"]),
            ("cpython", "env with a PATH", ["env", "PATH=" + os.path.dirname(python), name, "-c", "1"]),
            ("cpython", "env that splits", ["env", "-S", python + " -c 1"]),
            ("cpython", "env that splits in a word", ["env", "--split-string=-u X B=1 " + python, "-c", "1"]),
            ("cpython", "env within env", ["env", "env", python, "-c", "1"]),
            ("cpython", "env under a link", [os.path.join(self.folder, "elsewhere/env"), python, "-c", "1"]),
            ("cpython", "what is linked with Python", [self.options.embedder]),
            ("malloc", "a program", ["true"]),
            ("malloc", "a script of the shell's", [self.script("shell", "#!/bin/sh\nexit 0\n")]),
            ("malloc", "a script without a first line", [self.script("bare", "exit 0\n")]),
            ("malloc", "an empty script", [self.script("empty", "")]),
            ("malloc", "a script that only names Python", [self.script("python3", "#!/bin/sh\n# python3\n")]),
            ("malloc", "env alone", ["env"]),
            ("malloc", "env -S alone", ["env", "-S", ""]),
        ]
        path = {"PATH": os.path.join(self.folder, "links") + ":" + os.environ["PATH"]}
        for library, what, words in picks:
            run = self.run("run", *words, variables=path)
            self.tap.check(run.status == 0 and {seen.library for seen in run.seen} == {library},
                           "%s gets %s" % (what, library), run)
        for names, wanted in [("malloc", ["malloc"]), ("cpython", ["cpython"]), ("malloc,cpython", ["malloc", "cpython"]),
                              ("none", [])]:
            run = self.run("run", "--shim", names, python, "-c", "1")
            self.tap.check(run.status == 0 and sorted(seen.library for seen in run.seen) == sorted(wanted),
                           "--shim %s is what it gets" % names, run)

    def check_unclear_ways(self):
        """What can't be run is for others to say, as they say it without fief."""
        loop = self.path("loop")
        cases = [
            ("a script whose interpreter is missing", [self.script("missing", "#!/no/such/interpreter\n")], NOT_FOUND),
            ("a script that is its own interpreter", [self.script("loop", "#!%s\n" % loop)], NOT_EXECUTABLE),
            ("env of what there is not", ["env", "no-such-command"], NOT_FOUND),
        ]
        for what, words, status in cases:
            run = self.run("run", *words)
            self.tap.check(run.status == status and run.stderr != "", what, run)

    # ---- what is found, and what is not ----

    def check_search(self):
        first, second = os.path.join(self.folder, "first-folder"), os.path.join(self.folder, "second-folder")
        self.script("second-folder/tool", "#!/bin/sh\necho second\n")
        self.script("first-folder/tool", "#!/bin/sh\necho first\n", mode=0o644)
        self.script("first-folder/locked", "#!/bin/sh\n", mode=0o644)
        os.mkdir(self.path("first-folder/inner"))
        both = {"PATH": "%s:%s:%s" % (first, second, os.environ["PATH"])}
        tap = self.tap
        run = self.run("run", "tool", variables=both)
        tap.check(run.stdout == b"second\n", "what is not executable is passed by", run)
        run = self.run("run", "./tool", folder=second)
        tap.check(run.stdout == b"second\n", "a name with a slash is a path", run)
        run = self.run("run", "tool", folder=second, variables={"PATH": ":/usr/bin:/bin"})
        tap.check(run.stdout == b"second\n", "an empty folder of PATH is the current one", run)
        run = self.run("run", "sh", "-c", "echo found", variables={"PATH": None})
        tap.check(run.stdout == b"found\n", "without PATH the system's own is searched", run)
        for what, words, status in [("locked", ["locked"], NOT_EXECUTABLE), ("a folder", ["./inner"], NOT_EXECUTABLE),
                                    ("a path through a file", ["./tool/x"], NOT_EXECUTABLE), ("", [""], NOT_FOUND),
                                    ("nowhere", ["no-such-command"], NOT_FOUND), ("no path", ["./no-such"], NOT_FOUND)]:
            run = self.run("run", *words, folder=first, variables=both)
            self.check_fails(run, status, "fief: %s: " % words[0], "%s: %d" % (what or "an empty name", status))
        self.check_same_as_env(first, both)

    def check_same_as_env(self, folder, variables):
        for words in ["locked"], ["./inner"], ["no-such-command"], ["sh", "-c", "exit 4"]:
            run, bare = self.run("run", *words, folder=folder, variables=variables), Run(["env", *words], folder, variables)
            self.tap.check(run.status == bare.status, "%s: the status that env gives" % " ".join(words), run)

    def check_refusals(self):
        tap, true = self.tap, os.path.realpath("/bin/true")
        wrong_machine = self.changed(true, "machine", lambda content: struct.pack_into("<H", content, 18, 243))
        wrong_class = self.changed(true, "class", lambda content: struct.pack_into("B", content, 4, 1))

        def rename_loader(content):
            at = content.index(b"/ld-") + 1
            content[at:at + 2] = b"xx"
        wrong_libc = self.changed(true, "libc", rename_loader)
        for program, message in [(wrong_machine, "is for another kind of machine"),
                                 (wrong_class, "is for another kind of machine"),
                                 (wrong_libc, "is for another C library (xx-")]:
            self.check_fails(self.run("run", program), IMPOSSIBLE, "%s %s" % (program, message), message)
        script = self.script("for_another", "#!%s\n" % wrong_libc)
        self.check_fails(self.run("run", script), IMPOSSIBLE, wrong_libc, "the same of a script's interpreter")
        if self.options.static:
            self.check_fails(self.run("run", self.options.static), IMPOSSIBLE, "is statically linked", "a static program")
            run = self.run("run", "--shim", "none", self.options.static)
            tap.check(run.status == 0, "with --shim none it runs", run)
        else:
            tap.skip("a static program", "none can be linked here")
        self.check_rights(true)

    def check_rights(self, true):
        for what, mode in ("set-user-ID", 0o4755), ("set-group-ID", 0o2755):
            if os.getuid() != 0:
                self.tap.skip(what, "needs root")
                continue
            program = self.changed(true, what, lambda content: None)
            os.chmod(program, mode)
            run = self.run("run", program)
            self.tap.check(run.status == 0 and len(run.seen) == 1, "%s of one's own gains nothing" % what, run)
            os.chown(program, 12345, 12345)
            os.chmod(program, mode)
            self.check_fails(self.run("run", program), IMPOSSIBLE, "more rights than its caller's", what)

    # ---- places of the libraries ----

    def check_places(self):
        tap = self.tap
        place = self.make_tree("moved")
        fief = os.path.join(place, "tools/fief/fief")
        run = self.run("run", "true", fief=fief)
        tap.check(run.status == 0 and run.seen[0].preload == os.path.join(place, "src/preload/libfief-malloc.so"),
                  "a build folder that was moved has its libraries", run)
        os.symlink(fief, self.path("link-to-fief"))
        run = self.run("run", "true", fief=os.path.join(self.folder, "link-to-fief"))
        tap.check(run.status == 0 and place in run.seen[0].preload, "through a link, too", run)
        os.unlink(os.path.join(place, "src/preload/libfief-malloc.so"))
        run = self.run("run", "true", fief=fief)
        self.check_fails(run, IMPOSSIBLE, "libfief-malloc.so is neither in", "a library is missing")
        run = self.run("run", self.python, "-c", "1", fief=fief)
        tap.check(run.status == 0, "that is no matter for what needs the other", run)
        odd = os.path.join(self.make_tree("odd name"), "tools/fief/fief")
        run = self.run("run", "true", fief=odd)
        self.check_fails(run, IMPOSSIBLE, "can't be preloaded", "a path that LD_PRELOAD can't say")
        self.check_installed()

    def check_installed(self):
        what = "an installed fief has its libraries"
        if os.path.isabs(self.options.libraries):
            self.tap.skip(what, "they lie outside of its prefix")
            return
        fief = self.path("usr/bin/fief")
        shutil.copy(self.options.fief, fief)
        library = os.path.normpath(os.path.join(os.path.dirname(fief), self.options.libraries, "libfief-malloc.so"))
        os.makedirs(os.path.dirname(library))
        shutil.copy(self.options.stand_in[0], library)
        run = self.run("run", "true", fief=fief)
        self.tap.check(run.status == 0 and run.seen[0].preload == library, what, run)

    # ---- the environment ----

    def check_environment(self):
        malloc, cpython = self.library("malloc"), self.library("cpython")
        theirs = self.path("theirs.so")
        shutil.copy(self.options.stand_in[0], theirs)
        report = self.path("report.txt")
        none = "(none)"
        cases = [
            ("nothing asked, nothing said", [], {}, (malloc, none, none)),
            ("--debug", ["--debug", "check"], {}, (malloc, "debug:check", "check:1")),
            ("--debug off", ["--debug", "off"], {}, (malloc, "debug:off", "check:0")),
            ("--leaks", ["--leaks"], {}, (malloc, "debug:full", "check:1,leaks:1")),
            ("--leaks with a level", ["--leaks", "--debug", "check"], {}, (malloc, "debug:check", "check:1,leaks:1")),
            ("--limit", ["--limit", "64M"], {}, (malloc, none, "limit:67108864")),
            ("--limit=", ["--limit=3K"], {}, (malloc, none, "limit:3072")),
            ("--stats", ["--stats"], {}, (malloc, none, "stats:1")),
            ("--report", ["--report", "report.txt"], {}, (malloc, "text:" + report, "report:" + report)),
            ("all of it", ["--stats", "--debug", "full", "--limit", "1G", "--report", report], {},
             (malloc, "debug:full,text:" + report, "check:1,limit:1073741824,stats:1,report:" + report)),
            ("FIEF_CONF is kept", ["--debug", "check"], {"FIEF_CONF": "leaks:0,debug:off"},
             (malloc, "leaks:0,debug:off,debug:check", "check:1")),
            ("as it is", [], {"FIEF_CONF": "leaks:0", "FIEF_RUN": "stats:1"}, (malloc, "leaks:0", "stats:1")),
            ("an empty one is none", ["--debug", "check"], {"FIEF_CONF": ""}, (malloc, "debug:check", "check:1")),
            ("FIEF_RUN is kept", ["--limit", "1K"], {"FIEF_RUN": "stats:1"}, (malloc, none, "stats:1,limit:1024")),
            ("both libraries", ["--shim", "cpython,malloc"], {}, (malloc + ":" + cpython, none, none)),
        ]
        if not self.options.sanitized:
            cases += [
                ("LD_PRELOAD is kept behind", [], {"LD_PRELOAD": theirs}, (malloc + ":" + theirs, none, none)),
                ("with blanks for colons", [], {"LD_PRELOAD": " %s  libc.so.6:" % theirs},
                 (malloc + ":" + theirs + ":libc.so.6", none, none)),
                ("fief's own are replaced", [], {"LD_PRELOAD": "%s:%s:%s" % (cpython, theirs, malloc)},
                 (malloc + ":" + theirs, none, none)),
                ("also by none", ["--shim", "none"], {"LD_PRELOAD": "%s:%s" % (cpython, theirs)}, (theirs, none, none)),
            ]
        for what, options, variables, wanted in cases:
            run = self.run("run", *options, "true", variables=variables)
            seen = [seen for seen in run.seen if seen.program == "true"]
            self.tap.check(run.status == 0 and {seen[2:] for seen in seen} == {wanted}, what, run)
        if self.options.sanitized:
            self.tap.skip("LD_PRELOAD is kept, and one fief run in another", "fief is sanitized")
        else:
            self.check_nested()

    def check_nested(self):
        tap = self.tap
        run = self.run("run", "--stats", "--limit", "1M", self.fief, "run", "--limit", "2M", self.python, "-c", "1")
        tap.check(run.status == 0 and [seen.library for seen in run.seen] == ["malloc", "cpython"] and
                  run.seen[1].preload == self.library("cpython") and
                  run.seen[1].run == "limit:1048576,stats:1,limit:2097152", "one fief run in another decides anew", run)
        run = self.run("run", "sh", "-c", "true; env true; exit 5")
        tap.check(run.status == 5 and [seen.program for seen in run.seen] == ["sh", "env", "true"],
                  "what the program starts runs so, too", run)

    # ---- the file for reports ----

    def check_report_file(self):
        tap = self.tap
        report = self.path("reports/here.txt")
        with open(report, "w") as file:
            file.write("before\n")
        run = self.run("run", "--report", "here.txt", "true", folder=os.path.dirname(report))
        with open(report) as file:
            tap.check(file.read() == "before\n", "what is in the file stays", run)
        tap.check(run.seen[0].run == "report:" + report, "it is named from the root", run)
        new = self.path("reports/new.txt")
        run = self.run("run", "--report", new, "true")
        tap.check(os.path.exists(new), "it is made if need be", run)
        for what, path in [("in no folder", "no/such/folder"), ("a folder", "/"), ("with a comma", "a,b.txt"),
                           ("nameless", ""), ("too long", self.deep_folder() + "/report.txt")]:
            run = self.run("run", "--report", path, "true")
            self.check_fails(run, IMPOSSIBLE, "fief: ", "a file for reports that is " + what)
        absent = self.path("reports/absent.txt")
        run = self.run("run", "--report", absent, "no-such-command")
        tap.check(run.status == NOT_FOUND and not os.path.exists(absent), "it is not made for what is not there", run)

    def deep_folder(self):
        path = self.folder
        while len(path) < 1100:
            path = os.path.join(path, 100 * "d")
            os.makedirs(path, exist_ok=True)
        return path

    # ---- the command line ----

    def check_usage(self):
        wrong = [
            ([], "Usage: fief run"),
            (["walk"], "there is no 'walk'"),
            (["run"], "no command given"),
            (["run", "--"], "no command given"),
            (["run", "--stats"], "no command given"),
            (["run", "--nonsense", "true"], "unrecognized option"),
            (["run", "-x", "true"], "invalid option"),
            (["run", "--debug"], "requires an argument"),
            (["run", "--stats=1", "true"], "doesn't allow an argument"),
            (["run", "--debug", "loud", "true"], "--debug is off, check, full or guard"),
            (["run", "--limit", "0", "true"], "--limit takes a size"),
            (["run", "--limit", "8Q", "true"], "--limit takes a size"),
            (["run", "--limit", "-1", "true"], "--limit takes a size"),
            (["run", "--limit", "99999999999G", "true"], "--limit takes a size"),
            (["run", "--shim", "tin", "true"], "--shim is malloc, cpython, both or none"),
            (["run", "--shim", "", "true"], "--shim is malloc"),
            (["run", "--shim", "malloc,", "true"], "--shim is malloc"),
        ]
        for arguments, message in wrong:
            self.check_fails(self.run(*arguments), IMPOSSIBLE, message, "wrong: fief " + " ".join(arguments))
        for arguments, text in [(["--help"], b"Usage: fief run"), (["run", "--help"], b"Usage: fief run"),
                                (["--version"], b"fief 0.")]:
            run = self.run(*arguments)
            self.tap.check(run.status == 0 and run.stdout.startswith(text) and run.stderr == "", " ".join(arguments), run)
            self.tap.check(all(len(line) <= 115 for line in run.stdout.splitlines()), "it is not too wide", run)


CHECKS = [
    Suite.check_program_untouched,
    Suite.check_picks,
    Suite.check_unclear_ways,
    Suite.check_search,
    Suite.check_refusals,
    Suite.check_places,
    Suite.check_environment,
    Suite.check_report_file,
    Suite.check_usage,
]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--fief", type=os.path.abspath, required=True)
    parser.add_argument("--libraries", required=True)
    parser.add_argument("--stand-in", action="append", required=True)
    parser.add_argument("--embedder", type=os.path.abspath, required=True)
    parser.add_argument("--static", type=os.path.abspath)
    parser.add_argument("--sanitized", action="store_true")
    tap = Tap()
    with tempfile.TemporaryDirectory() as folder:
        suite = Suite(tap, parser.parse_args(), os.path.realpath(folder))
        for check in CHECKS:
            check(suite)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
