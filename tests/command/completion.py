#!/usr/bin/env python3
"""The completions of fief: what each shell proposes for a line that is typed so far. Speaks TAP.

  completion.py FOLDER

bash's is asked; zsh's and fish's are, where the shells are there, read for errors.
"""
import os
import shutil
import subprocess
import sys

from running import Tap

ASK = r"""
. "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
_fief
for word in "${COMPREPLY[@]}"; do printf '%s\n' "$word"; done
"""
OPTIONS = {"--debug", "--limit", "--report", "--stats", "--leaks", "--shim", "--help", "--"}
LEVELS = {"off", "check", "full", "guard"}

# The words, the last one as far as it is typed; then what is proposed, or a part of it.
EXACTLY = [
    (["fief", ""], {"run", "--help", "--version"}),
    (["fief", "r"], {"run"}),
    (["fief", "walk", ""], set()),
    (["fief", "run", "-"], OPTIONS),
    (["fief", "run", "--s"], {"--stats", "--shim"}),
    (["fief", "run", "--stats", "--de"], {"--debug"}),
    (["fief", "run", "--debug", ""], LEVELS),
    (["fief", "run", "--debug", "c"], {"check"}),
    (["fief", "run", "--debug", "="], LEVELS),
    (["fief", "run", "--debug", "=", "g"], {"guard"}),
    (["fief", "run", "--limit", "6"], {"64M"}),
    (["fief", "run", "--shim", "malloc"], {"malloc", "malloc,cpython"}),
    (["fief", "run", "--report", "/etc/pass"], {"/etc/passwd", "/etc/passwd-"}),
    (["fief", "run", "--debug", "full", "-"], OPTIONS),
    (["fief", "run", "--debug", "=", "full", "-"], OPTIONS),
    (["fief", "run", "--", "--s"], set()),
    (["fief", "run", "cat", "/etc/pass"], {"/etc/passwd", "/etc/passwd-"}),
    (["fief", "run", "--stats", "--", "cat", "--de"], set()),
]
AMONG = [
    (["fief", "run", "ca"], "cat"),
    (["fief", "run", "--stats", "ca"], "cat"),
    (["fief", "run", "--debug", "check", "ca"], "cat"),
    (["fief", "run", "--", "ca"], "cat"),
    (["fief", "run", "/bin/ca"], "/bin/cat"),
]


class Answer:
    def __init__(self, words, script):
        self.words = words
        done = subprocess.run(["bash", "-c", ASK, "bash", script, *words], capture_output=True, text=True, timeout=60)
        self.proposed = done.stdout.splitlines()
        self.stderr = done.stderr

    def said(self):
        return "%s\nproposed %s\nstderr: %s" % (self.words, self.proposed[:30], self.stderr)


class Reading:
    """What a shell says of a file that it reads and does not run."""

    def __init__(self, shell, path):
        done = subprocess.run([shell, "-n", path], capture_output=True, text=True, timeout=60)
        self.good = done.returncode == 0 and done.stderr == ""
        self.said = lambda: done.stderr


def main():
    folder = sys.argv[1]
    tap = Tap()
    script = os.path.join(folder, "fief.bash")
    for words, wanted in EXACTLY:
        answer = Answer(words, script)
        wanted = {word for word in wanted if not word.startswith("/") or os.path.exists(word)}
        tap.check(set(answer.proposed) == wanted and answer.stderr == "", " ".join(words) + "...", answer)
    for words, wanted in AMONG:
        answer = Answer(words, script)
        tap.check(wanted in answer.proposed and answer.stderr == "", " ".join(words) + "...", answer)
    for shell, name in ("bash", "fief.bash"), ("zsh", "_fief"), ("fish", "fief.fish"):
        if shutil.which(shell):
            reading = Reading(shell, os.path.join(folder, name))
            tap.check(reading.good, "%s can read its file" % shell, reading)
        else:
            tap.skip("%s can read its file" % shell, "there is no " + shell)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
