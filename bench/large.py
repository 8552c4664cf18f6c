#!/usr/bin/env python3
"""Large blocks: fief on the system's memory and on jemalloc's, beside others.

usage: bench/large.py BUILD [--rounds N] [--update FILE]

BUILD is a meson build directory (buildtype=release), with -Djemalloc=enabled. Within a round every peer runs once, and
a ratio is taken within a round; what is printed is the median over the rounds. Time is the processor's. --update writes
the table into FILE, between the lines `<!-- large: begin -->` and `<!-- large: end -->`.
"""
import argparse
import json
import statistics
import subprocess

import run

PEERS = ['fief', 'fief_jemalloc', 'fief_jemalloc_all', 'jemalloc', 'jemalloc_arena', 'mimalloc_heap', 'glibc']
HEADINGS = dict(run.HEADINGS, fief='fief', fief_jemalloc='fief, large from jemalloc',
                fief_jemalloc_all='fief, all from jemalloc')
BASE = 'fief'


def measure(bench):
    for turn in range(bench.rounds):
        for peer in PEERS:
            program = bench.program('large', peer)
            if program is None:
                continue
            run.progress(f'round {turn + 1} of {bench.rounds}: {peer}')
            done = subprocess.run([program], capture_output=True, text=True, check=True)
            for row, figure in json.loads(done.stdout).items():
                bench.keep(row, peer, figure)
    run.progress('')


def shown(bench, row, peer):
    figure = bench.median(row, peer)
    if figure is None:
        return ''
    if row.startswith('bytes'):
        return run.human(row, figure)
    ratio = statistics.median(ours / base for ours, base in zip(bench.figures[row][peer], bench.figures[row][BASE]))
    return f'{figure:,.1f}' if peer == BASE else f'{figure:,.1f} ({ratio:.3g})'


def document(bench):
    peers = [peer for peer in PEERS if any(peer in figures for figures in bench.figures.values())]
    body = [[row] + [shown(bench, row, peer) for peer in peers] for row in bench.figures]
    head = f'{bench.machine}. {bench.rounds} rounds, medians; microseconds, and in brackets the ratio to fief.'
    return f'{head}\n\n' + run.table(['row'] + [HEADINGS.get(peer, peer) for peer in peers], body)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('build')
    parser.add_argument('--rounds', type=int, default=7)
    parser.add_argument('--update')
    args = parser.parse_args()
    bench = run.Bench(args.build, args.rounds)
    measure(bench)
    text = document(bench)
    print(text)
    if args.update:
        run.update(args.update, 'large', text)


main()
