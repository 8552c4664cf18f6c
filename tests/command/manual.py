#!/usr/bin/env python3
"""fief's manual page: it has no faults, and tells each option that the command knows. Speaks TAP.

  manual.py MAN PAGE FIEF
"""
import os
import re
import shutil
import subprocess
import sys

from running import Tap


class Page:
    def __init__(self, man, path):
        environment = {**os.environ, "LC_ALL": "C.UTF-8", "MANWIDTH": "100", "MANPAGER": "cat"}
        done = subprocess.run([man, "--warnings=w", "-E", "ascii", "-l", path], env=environment, capture_output=True,
                              text=True, timeout=60)
        self.status, self.stderr = done.returncode, done.stderr
        self.text = done.stdout

    def __str__(self):
        return "ended with %d\n%s\n%s" % (self.status, self.stderr, self.text)


class Lint:
    """What mandoc says of it."""

    def __init__(self, mandoc, path):
        done = subprocess.run([mandoc, "-T", "lint", "-W", "warning", path], capture_output=True, text=True, timeout=60)
        self.good = done.returncode == 0 and done.stdout + done.stderr == ""
        self.said = done.stdout + done.stderr

    def __str__(self):
        return self.said


def main():
    man, path, fief = sys.argv[1:]
    tap = Tap()
    page = Page(man, path)
    tap.check(page.status == 0 and page.stderr == "", "man has nothing to say against it", page)
    mandoc = shutil.which("mandoc")
    if mandoc:
        lint = Lint(mandoc, path)
        tap.check(lint.good, "nor has mandoc", lint)
    else:
        tap.skip("nor has mandoc", "there is no mandoc")
    usage = subprocess.run([fief, "run", "--help"], capture_output=True, text=True, timeout=60, check=True).stdout
    for option in sorted(set(re.findall(r"^  (--\w+)", usage, re.M))):
        tap.check(re.search(r"^ +.*%s\b" % option, page.text, re.M) is not None, "it tells %s" % option, page)
    for status in 125, 126, 127:
        tap.check(re.search(r"^ +%d +" % status, page.text, re.M) is not None, "it tells of exit status %d" % status, page)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
