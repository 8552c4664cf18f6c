#!/usr/bin/env python3
"""The completions of fief: what each shell proposes for a line that is typed so far. Speaks TAP.

  completion.py FOLDER

bash's is asked, and fish's where there is a fish; zsh's is read for errors.
"""
import os
import shutil
import subprocess
import sys

from running import Tap

ASK_BASH = r"""
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
    (["fief", "run", "--", "--no-such-option"], set()),
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


ASK_FISH = r"""
source $argv[1]
complete --do-complete=$argv[2] | string split --fields 1 \t
"""


class Answer:
    def __init__(self, words, command):
        self.words = words
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        self.proposed = done.stdout.splitlines()
        self.stderr = done.stderr

    def __str__(self):
        return "%s\nproposed %s\nstderr: %s" % (self.words, self.proposed[:30], self.stderr)


class Reading:
    """What a shell says of a file that it reads and does not run."""

    def __init__(self, shell, path):
        done = subprocess.run([shell, "-n", path], capture_output=True, text=True, timeout=60)
        self.good = done.returncode == 0 and done.stderr == ""
        self.said = done.stderr

    def __str__(self):
        return self.said


def ask_bash(folder, words):
    return Answer(words, ["bash", "-c", ASK_BASH, "bash", os.path.join(folder, "fief.bash"), *words])


def ask_fish(folder, words):
    line = " ".join(words).replace(" = ", "=").removesuffix(" =") + ("=" if words[-1] == "=" else "")
    answer = Answer(words, ["fish", "-c", ASK_FISH, os.path.join(folder, "fief.fish"), line])
    answer.proposed = [word.split("=", 1)[-1] for word in answer.proposed]
    return answer


def check_shell(tap, shell, ask, folder, not_proposed):
    """fish proposes no `--`, and no option at all before a dash is typed."""
    for words, wanted in EXACTLY:
        answer = ask(folder, words)
        wanted = {word for word in wanted if not word.startswith("/") or os.path.exists(word)} - not_proposed(words)
        tap.check(set(answer.proposed) == wanted and answer.stderr == "", "%s: %s..." % (shell, " ".join(words)), answer)
    for words, wanted in AMONG:
        answer = ask(folder, words)
        tap.check(wanted in answer.proposed and answer.stderr == "", "%s: %s..." % (shell, " ".join(words)), answer)


def not_by_fish(words):
    return {"--"} | ({"--help", "--version"} if words[-1] == "" else set())


def main():
    folder = sys.argv[1]
    tap = Tap()
    check_shell(tap, "bash", ask_bash, folder, lambda words: set())
    if shutil.which("fish"):
        check_shell(tap, "fish", ask_fish, folder, not_by_fish)
    else:
        tap.skip("fish's", "there is no fish")
    if shutil.which("zsh"):
        reading = Reading("zsh", os.path.join(folder, "_fief"))
        tap.check(reading.good, "zsh can read its file", reading)
    else:
        tap.skip("zsh's", "there is no zsh")
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
