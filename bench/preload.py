#!/usr/bin/env python3
"""Whole programs under each malloc, by LD_PRELOAD: glibc's own, jemalloc, mimalloc, tcmalloc, and libfief-malloc.so.

usage: bench/preload.py BUILD [--rounds N] [--only REGEX] [--peers NAMES] [--json FILE] [--from FILE...] [--update FILE]

BUILD is a meson build directory (buildtype=release) without -Dbench=disabled. First come loads of our own
(bench/preload/*.c), then programs that everybody has. Within a round every peer runs a row before the next row begins.
Three figures of each run: seconds from start to end, seconds of processor time, and what the largest process had
resident at its peak; of redis, these are the server's. Each is shown as a ratio to the best of glibc, jemalloc and
mimalloc (the one whose median is least) in the same round; what is printed is the median over the rounds. --only takes
the rows whose names match. --json keeps every single figure; --from takes them from there instead of measuring, and
puts the rounds of several such files together. --update writes the tables into FILE, between the lines
`<!-- preload: begin -->` and `<!-- preload: end -->`. A peer or a program that is not there is named on stderr and left
out.
"""
import argparse
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

import preload_rows
import run

OURS = 'fief'
LIBRARIES = {'jemalloc': 'libjemalloc.so.2', 'mimalloc': 'libmimalloc.so.2', 'tcmalloc': 'libtcmalloc_minimal.so.4'}
BEST_OF = ['glibc', 'jemalloc', 'mimalloc']
WHAT = ['time', 'processor time', 'peak']
TARGETS = {'time': 1.0, 'processor time': 1.0, 'peak': 1.1}
# What would make a peer another one than its name says.
NOT_INHERITED = ('LD_PRELOAD', 'FIEF_', 'MALLOC_', 'GLIBC_TUNABLES', 'MIMALLOC_', 'PYTHON')


def leave_out(why):
    print(f'left out: {why}', file=sys.stderr)


def libraries(build):
    """Name -> what LD_PRELOAD has to be."""
    known = subprocess.run(['/sbin/ldconfig', '-p'], capture_output=True, text=True, check=True).stdout
    found = {'glibc': ''}
    for name, soname in LIBRARIES.items():
        path = re.search(rf'^\s*{re.escape(soname)} .*=> (.+)$', known, re.MULTILINE)
        if path:
            found[name] = path.group(1)
        else:
            leave_out(f'{name}: no {soname}')
    ours = pathlib.Path(build).resolve() / 'src/preload/libfief-malloc.so'
    if ours.exists():
        found[OURS] = str(ours)
    else:
        leave_out(f'{OURS}: {ours} is not built')
    return found


class Figures:
    def __init__(self):
        self.machine = f'{run.machine()}, load {os.getloadavg()[1]:.1f} at the beginning'
        self.rows = {}  # row -> what -> peer -> [figure of round 1, ...]

    def keep(self, row, peer, figures):
        for what, figure in zip(WHAT, figures):
            self.rows.setdefault(row, {}).setdefault(what, {}).setdefault(peer, []).append(figure)

    def take_from(self, kept):
        self.machine = kept['machine']
        for row, figures in kept['figures'].items():
            for peer in figures[WHAT[0]]:
                for one in zip(*(figures[what][peer] for what in WHAT)):
                    self.keep(row, peer, one)

    def best(self, row, what):
        """The peer to be measured against."""
        peers = self.rows[row][what]
        return min((p for p in BEST_OF if p in peers), key=lambda p: statistics.median(peers[p]), default=None)

    def ratio(self, row, what, peer):
        peers, best = self.rows[row][what], self.best(row, what)
        if peer not in peers or best is None:
            return None
        return statistics.median(ours / theirs for ours, theirs in zip(peers[peer], peers[best]))


def environment():
    return {key: value for key, value in os.environ.items() if not key.startswith(NOT_INHERITED)}


def rotated(peers, turn):
    """So that no peer always comes behind the same other."""
    first = turn % len(peers)
    return peers[first:] + peers[:first]


def measure(figures, args):
    peers = {name: library for name, library in libraries(args.build).items() if name in args.peers}
    with tempfile.TemporaryDirectory() as folder:
        place = preload_rows.Place(pathlib.Path(args.build).resolve(), pathlib.Path(folder), environment())
        rows = []
        for row in preload_rows.ROWS:
            if args.only.search(row.name):
                missing = row.missing(place)
                if missing:
                    leave_out(f'{row.name}: {missing}')
                else:
                    row.prepare(place)
                    rows.append(row)
        for turn in range(args.rounds):
            for row in rows:
                for name in rotated(list(peers), turn):
                    run.progress(f'round {turn + 1} of {args.rounds}: {row.name}, {name}')
                    figures.keep(row.name, name, row.run(place, peers[name]))
    run.progress('')


# ---- tables ----

FORMS = {'time': lambda s: f'{s:.2f} s', 'processor time': lambda s: f'{s:.2f} s', 'peak': lambda k: f'{k / 1024:.1f} MiB'}


def what_table(figures, what):
    peers = [p for p in ['glibc', *LIBRARIES, OURS] if any(p in row[what] for row in figures.rows.values())]
    body = []
    for row in figures.rows:
        best = figures.best(row, what)
        cells = []
        for peer in peers:
            ratio = figures.ratio(row, what, peer)
            cells.append(run.against(ratio, TARGETS[what] if peer == OURS else None))
        shown = f'{FORMS[what](statistics.median(figures.rows[row][what][best]))} ({best})' if best else ''
        body.append([row] + cells + [shown])
    return run.table([what] + peers + ['best of the three'], body)


def document(figures):
    rounds = max((len(f) for row in figures.rows.values() for f in row[WHAT[0]].values()), default=0)
    parts = [f'Machine: {figures.machine}. Up to {rounds} rounds, medians; ratios to the best of glibc, jemalloc and '
             f'mimalloc. Bold: ours is within {TARGETS["time"]} of it in time, {TARGETS["peak"]} in memory.']
    return '\n\n'.join(parts + [what_table(figures, what) for what in WHAT])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('build')
    parser.add_argument('--rounds', type=int, default=7)
    parser.add_argument('--only', default='', type=re.compile)
    parser.add_argument('--peers', default=['glibc', *LIBRARIES, OURS], type=lambda names: names.split(','))
    parser.add_argument('--json')
    parser.add_argument('--from', dest='source', nargs='+')
    parser.add_argument('--update')
    args = parser.parse_args()
    figures = Figures()
    if args.source:
        for source in args.source:
            figures.take_from(json.loads(pathlib.Path(source).read_text()))
    else:
        measure(figures, args)
    text = document(figures)
    print(text)
    if args.json:
        pathlib.Path(args.json).write_text(json.dumps({'machine': figures.machine, 'figures': figures.rows}, indent=1))
    if args.update:
        run.update(args.update, 'preload', text)


if __name__ == '__main__':
    main()
