#!/usr/bin/env python3
"""CPython as it is, with a fief for its interpreter, beside its own allocator and beside malloc.

usage: bench/cpython.py LIBRARY [--python PROGRAM] [--rounds N] [--loads NAME...] [--json FILE] [--update FILE]

LIBRARY is libfief-cpython.so, of a release build. Within a round every peer runs a load (bench/cpython/loads.py) before the next load
begins; every figure is of a process of its own, a ratio to pymalloc in the same round, and the median over the rounds.
Time is the processor's, user and system. --json keeps every single figure; --update writes the tables into FILE,
between the lines `<!-- cpython: begin -->` and `<!-- cpython: end -->`. A peer that is not installed is named on
stderr and left out.
"""
import argparse
import ctypes.util
import json
import math
import os
import pathlib
import statistics
import subprocess
import sys

import run

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "cpython"))
from loads import LOADS  # noqa: E402

BASE = "pymalloc"
UNSET = ("LD_PRELOAD", "PYTHONMALLOC", "FIEF_RUN", "FIEF_CONF", "FIEF_CPYTHON")


def peers(library):
    """Settings of the environment, by name."""
    found = {BASE: {}, "fief": {"LD_PRELOAD": os.path.abspath(library)}, "glibc": {"PYTHONMALLOC": "malloc"}}
    for name in ("jemalloc", "mimalloc"):
        path = ctypes.util.find_library(name)
        if path is None:
            print("not installed:", name, file=sys.stderr)
        else:
            found[name] = {"PYTHONMALLOC": "malloc", "LD_PRELOAD": path}
    return found


def measure(python, load, settings):
    """Seconds of the processor, seconds by the clock, KiB."""
    environment = {name: value for name, value in os.environ.items() if name not in UNSET}
    environment.update(settings, PYTHONHASHSEED="0")
    done = subprocess.run([python, str(HERE / "cpython" / "loads.py"), load], env=environment, check=True,
                          stdout=subprocess.PIPE, text=True)
    return dict(zip(("processor", "clock", "kib"), map(float, done.stdout.split())))


def measure_all(options, settings):
    """A list of rounds: by load, by peer, by quantity."""
    rounds = []
    for number in range(options.rounds):
        print("round", number + 1, "of", options.rounds, file=sys.stderr)
        rounds.append({load: {peer: measure(options.python, load, settings[peer]) for peer in settings}
                       for load in options.loads})
    return rounds


def ratio(rounds, load, peer, quantity):
    return statistics.median(r[load][peer][quantity] / r[load][BASE][quantity] for r in rounds)


def table(rounds, loads, names, quantity, unit, scale):
    yield "| load | %s, %s | %s |" % (BASE, unit, " | ".join(names[1:]))
    yield "| --- |" + " ---: |" * len(names)
    shown = [load for load in loads if quantity == "kib" or load != "start"]
    for load in shown:
        base = statistics.median(r[load][BASE][quantity] for r in rounds) * scale
        cells = ["%.2f" % ratio(rounds, load, peer, quantity) for peer in names[1:]]
        yield "| %s | %.1f | %s |" % (load, base, " | ".join(cells))
    means = [math.exp(statistics.fmean(math.log(ratio(rounds, load, peer, quantity)) for load in shown))
             for peer in names[1:]]
    yield "| geometric mean | | %s |" % " | ".join("%.2f" % mean for mean in means)


def tables(options, rounds, names):
    version = subprocess.run([options.python, "-c", "import platform; print(platform.python_version())"], check=True,
                             stdout=subprocess.PIPE, text=True).stdout.strip()
    yield "CPython %s, %s, %d rounds." % (version, run.machine(), len(rounds))
    for heading, quantity, unit, scale in (("Time of the processor", "processor", "ms", 1000),
                                           ("Time by the clock", "clock", "ms", 1000),
                                           ("Most resident memory", "kib", "MiB", 1 / 1024)):
        yield "\n### %s: ratios to %s\n" % (heading, BASE)
        yield from table(rounds, options.loads, names, quantity, unit, scale)


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("library")
    parser.add_argument("--python", default="/usr/bin/python3")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--loads", nargs="+", default=LOADS, choices=LOADS)
    parser.add_argument("--json")
    parser.add_argument("--update")
    options = parser.parse_args()
    settings = peers(options.library)
    rounds = measure_all(options, settings)
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(rounds, indent=1))
    text = "\n".join(tables(options, rounds, list(settings)))
    print(text)
    if options.update:
        run.update(options.update, "cpython", text)


if __name__ == "__main__":
    main()
