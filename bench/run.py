#!/usr/bin/env python3
"""Runs the benchmarks: peers in turn, row by row, round after round.

usage: bench/run.py BUILD [--rounds N] [--rows REGEX] [--only time,memory,lua] [--json FILE] [--from FILE]
                    [--update FILE] [--summary FILE]

BUILD is a meson build directory (buildtype=release). Within a round every peer runs a row before the next row begins,
and a ratio is taken within a round, so that a machine that changes its speed changes it for all; what is printed is
the median over the rounds. --json keeps every single figure, --from takes them from there instead of measuring. --update
writes the tables into FILE, between the lines `<!-- figures: begin -->` and `<!-- figures: end -->`; --summary one short
table, between `<!-- summary: begin -->` and `<!-- summary: end -->`.
"""
import argparse
import datetime
import json
import os
import pathlib
import platform
import re
import statistics
import subprocess
import sys

PEERS = ['fief', 'fief_static', 'fief_inline', 'mimalloc_heap', 'mimalloc', 'jemalloc', 'jemalloc_arena', 'tcmalloc',
         'glibc', 'floor']
OURS = PEERS[:3]
HEADINGS = {'fief': 'fief, called', 'fief_static': 'fief, called, static', 'fief_inline': 'fief, inlined',
            'mimalloc_heap': 'mi_heap', 'jemalloc_arena': 'je arena', 'floor': 'empty call'}
FLOOR_ROWS = re.compile('pair|only object|burst')

# What each row is measured against, and the targets it has: called, inlined.
AGAINST_HEAPS, AGAINST_JEMALLOC, AGAINST_BEST = 'mimalloc_heap', 'jemalloc', 'best'
TIME_ROWS = [
    # program, row, base, called, inlined
    ('single', 'pair 16', AGAINST_HEAPS, 0.60, 0.50),
    ('single', 'pair 64', AGAINST_HEAPS, 0.60, 0.50),
    ('single', 'pair 256', AGAINST_HEAPS, 0.60, 0.50),
    ('single', 'only object', AGAINST_HEAPS, 0.60, 0.50),
    ('single', 'burst of 8', AGAINST_HEAPS, 0.80, 0.65),
    ('single', 'LIFO mixed/250', AGAINST_HEAPS, 0.80, 0.65),
    ('single', 'LIFO mixed/4000', AGAINST_HEAPS, 0.80, 0.65),
    ('single', 'FIFO mixed/250', AGAINST_HEAPS, 0.90, 0.75),
    ('single', 'FIFO mixed/4000', AGAINST_HEAPS, 0.90, 0.75),
    ('single', 'random 64/250', AGAINST_HEAPS, 0.92, 0.80),
    ('single', 'random 64/4000', AGAINST_HEAPS, 0.92, 0.80),
    ('single', 'random mixed/250', AGAINST_HEAPS, 0.88, 0.75),
    ('single', 'random mixed/4000', AGAINST_HEAPS, 0.88, 0.75),
    ('single', 'churn/1000', AGAINST_HEAPS, 0.75, 0.65),
    ('single', 'churn/100000', AGAINST_HEAPS, 0.80, 0.75),
    ('single', 'life/0', AGAINST_HEAPS, 0.60, None),
    ('single', 'life/1', AGAINST_HEAPS, 0.25, None),
    ('single', 'life/100', AGAINST_HEAPS, 0.20, None),
    ('single', 'life/10000', AGAINST_HEAPS, 0.80, None),
    ('single', 'realloc growth/1', AGAINST_HEAPS, 0.19, None),
    ('single', 'realloc growth/16', AGAINST_HEAPS, 0.80, None),
    ('single', 'realloc shrink', AGAINST_HEAPS, None, None),
    ('threads', 'foreign free', AGAINST_JEMALLOC, 1.0, None),
    ('threads', 'hand-off', AGAINST_JEMALLOC, 0.90, None),
]
MEMORY_TARGETS = {
    'bytes a heap, 1 object': 6 * 1024,
    'bytes a heap, 10 KB live': 40 * 1024,
    'RSS/live at 200 MiB': 1.04,
    'bytes after the oldest 90% were freed': 24 * 1024 * 1024,
}
LUA_SCRIPTS = [
    # script, called, inlined; the first three hardly do anything but allocate, the others are the examples'
    ('bench/lua/trees', 0.99, 0.97),
    ('bench/lua/strings', 0.97, 0.95),
    ('bench/lua/tables', 0.95, 0.93),
    ('examples/lua/json', None, None),
    ('examples/lua/tokenizer', None, None),
]
LUA_BASES = ['glibc', 'jemalloc', 'mimalloc', 'tcmalloc']


class Bench:
    def __init__(self, build, rounds):
        self.folder = pathlib.Path(build).resolve() / 'bench'
        self.rounds = rounds
        self.machine = machine()
        self.figures = {}  # row -> peer -> [figure of round 1, of round 2, ...]

    def program(self, name, peer):
        path = self.folder / f'{name}_{peer}'
        return path if path.exists() else None

    def keep(self, row, peer, figure):
        self.figures.setdefault(row, {}).setdefault(peer, []).append(figure)

    def median(self, row, peer):
        return statistics.median(self.figures[row][peer]) if peer in self.figures.get(row, {}) else None

    def ratio(self, row, peer, base):
        """Median over the rounds of the ratio within a round; `base` may be the best of several peers."""
        rounds = self.figures.get(row, {})
        bases = [b for b in (LUA_BASES if base == AGAINST_BEST else [base]) if b in rounds]
        if peer not in rounds or not bases:
            return None
        best = min(bases, key=lambda b: statistics.median(rounds[b]))
        return statistics.median(ours / theirs for ours, theirs in zip(rounds[peer], rounds[best]))


def progress(text):
    if not sys.stderr.isatty():
        return
    print(f'\r\033[K{text}', end='' if text else '\r', file=sys.stderr, flush=True)


# ---- time ----

def nanoseconds(program, row):
    name = row.replace(' ', '_')
    run = subprocess.run([program, f'--benchmark_filter=^{name}(/manual_time)?$', '--benchmark_format=json',
                          '--benchmark_min_time=0.05'], capture_output=True, text=True)
    if 'Failed to match' in run.stderr: # a row that the peer can't have
        return None
    return 1e9 / json.loads(run.stdout)['benchmarks'][0]['items_per_second']


def measure_time(bench, wanted):
    rows = [row for row in TIME_ROWS if wanted.search(row[1])]
    for turn in range(bench.rounds):
        for number, (name, row, _, _, _) in enumerate(rows):
            progress(f'round {turn + 1} of {bench.rounds}: {row} ({number + 1} of {len(rows)})')
            for peer in PEERS:
                program = bench.program(name, peer)
                if peer == 'floor' and not FLOOR_ROWS.match(row):
                    continue
                figure = nanoseconds(program, row) if program else None
                if figure is not None:
                    bench.keep(row, peer, figure)
    progress('')


# ---- memory ----

def measure_memory(bench):
    """Memory hardly varies: three rounds do."""
    for turn in range(min(bench.rounds, 3)):
        for peer in PEERS:
            if peer in OURS[1:] or not bench.program('memory', peer):
                continue
            progress(f'memory, round {turn + 1}: {peer}')
            run = subprocess.run([bench.program('memory', peer)], capture_output=True, text=True, check=True)
            for row, figure in json.loads(run.stdout).items():
                bench.keep(row, peer, figure)
    progress('')


# ---- Lua ----

def measure_lua(bench, wanted):
    folder = pathlib.Path(__file__).resolve().parent.parent
    for turn in range(bench.rounds):
        for script, _, _ in LUA_SCRIPTS:
            if not wanted.search('lua ' + script):
                continue
            progress(f'round {turn + 1} of {bench.rounds}: Lua {script}')
            for peer in PEERS:
                program = bench.program('lua', peer)
                if program is None:
                    continue
                run = subprocess.run([program, '3', folder / f'{script}.lua'], capture_output=True, text=True,
                                     check=True)
                bench.keep('lua ' + script, peer, min(float(line) for line in run.stderr.split()))
    progress('')


# ---- tables ----

def cell(figure, form='{:.2f}'):
    return form.format(figure) if figure is not None else ''


def against(ratio, target):
    if ratio is None or target is None:
        return cell(ratio)
    return f'**{ratio:.2f}**' if ratio <= target + 0.005 else f'{ratio:.2f}'


def targets(called, inlined):
    return ' / '.join(f'{t:.2f}' for t in (called, inlined) if t is not None)


def table(head, rows):
    lines = ['| ' + ' | '.join(head) + ' |', '|' + '|'.join([' --- '] + [' ---: '] * (len(head) - 1)) + '|']
    return '\n'.join(lines + ['| ' + ' | '.join(row) + ' |' for row in rows])


def peers_of(bench, rows):
    return [p for p in PEERS if any(p in bench.figures.get(row, {}) for row in rows)]


def heading(peer):
    return HEADINGS.get(peer, peer)


def ratio_table(bench, rows, form):
    """Rows of (row, shown name, base, called, inlined)."""
    rows = [row for row in rows if row[0] in bench.figures]
    peers = peers_of(bench, [row[0] for row in rows])
    head = ['row'] + ['ratio, ' + heading(p).removeprefix('fief, ') for p in OURS] + ['target'] + \
        [heading(p) for p in peers]
    body = []
    for row, shown, base, called, inlined in rows:
        wanted = [called, called, inlined]
        body.append([shown] + [against(bench.ratio(row, p, base), t) for p, t in zip(OURS, wanted)] +
                    [targets(called, inlined)] + [cell(bench.median(row, p), form) for p in peers])
    return table(head, body) if body else ''


def human(row, figure):
    if figure is None:
        return ''
    if not row.startswith('bytes'):
        return f'{figure:.3f}'
    return f'{figure / 1048576:.1f} MiB' if abs(figure) >= 1048576 else f'{figure / 1024:.1f} KiB'


def memory_table(bench):
    rows = [row for row in bench.figures if row.startswith('bytes') or row.startswith('RSS')]
    peers = [p for p in peers_of(bench, rows) if p not in OURS[1:]]
    body = [[row] + [human(row, MEMORY_TARGETS.get(row))] + [human(row, bench.median(row, p)) for p in peers]
            for row in rows]
    return table(['row', 'target'] + ['fief' if p == 'fief' else heading(p) for p in peers], body) if body else ''


def machine():
    with open('/proc/cpuinfo') as info:
        model = next((line.split(':')[1].strip() for line in info if line.startswith('model name')), 'unknown')
    return f'{model}, {os.cpu_count()} cores, Linux {platform.release()}, {datetime.date.today()}'


def document(bench, rounds):
    parts = [f'Machine: {bench.machine}. {rounds} rounds, medians. Bold: the target is met.']
    rows = [(row, row.replace('/', ' '), base, called, inlined) for _, row, base, called, inlined in TIME_ROWS]
    heaps = ratio_table(bench, [row for row in rows if row[2] == AGAINST_HEAPS], '{:.1f}')
    threads = ratio_table(bench, [row for row in rows if row[2] == AGAINST_JEMALLOC], '{:.1f}')
    memory = memory_table(bench)
    lua = ratio_table(bench, [('lua ' + s, pathlib.Path(s).name, AGAINST_BEST, c, i) for s, c, i in LUA_SCRIPTS], '{:.0f}')
    if heaps:
        parts += ['### Time, one thread: nanoseconds a malloc and free; ratios to `mi_heap_*`', heaps]
    if threads:
        parts += ['### Time, two threads: nanoseconds an object; ratios to jemalloc', threads]
    if memory:
        parts += ['### Memory', memory]
    if lua:
        parts += ['### Lua 5.4: milliseconds; ratios to the best of glibc, jemalloc, mimalloc and tcmalloc', lua]
    return '\n\n'.join(parts)


# What the summary shows: row, shown name, unit.
SUMMARY_ROWS = [
    ('pair 64', 'malloc and free of 64 bytes', 'ns'),
    ('only object', 'of the only object in a heap', 'ns'),
    ('LIFO mixed/4000', '4,000 of mixed sizes, last in first out', 'ns'),
    ('random mixed/4000', 'in random order', 'ns'),
    ('churn/100000', 'churn, 100,000 live', 'ns'),
    ('life/1', 'an interpreter with 1 object', 'ns'),
    ('life/100', 'with 100 objects', 'ns'),
    ('life/10000', 'with 10,000 objects, each', 'ns'),
    ('realloc growth/1', 'realloc, growing', 'ns'),
    ('realloc shrink', 'realloc, shrinking', 'ns'),
    ('foreign free', 'free from another thread', 'ns'),
    ('bytes a heap, 1 object', 'a heap with 1 object', 'KiB'),
    ('bytes a heap, 10 KB live', 'a heap with 10 KB in 16 sizes', 'KiB'),
    ('bytes after the oldest 90% were freed', '200 MiB, the oldest 90% freed', 'MiB'),
    ('lua bench/lua/trees', 'Lua, trees', 'ms'),
    ('lua bench/lua/strings', 'Lua, strings', 'ms'),
    ('lua bench/lua/tables', 'Lua, tables', 'ms'),
]
UNITS = {'ns': (1, '{:.1f}'), 'ms': (1, '{:.0f}'), 'KiB': (1024, '{:.1f}'), 'MiB': (1048576, '{:.1f}')}


def summary(bench):
    """Ours beside the heaps of mimalloc, and beside the best of all others, whoever that is."""
    others = [p for p in PEERS if p not in OURS and p != 'floor']
    body = []
    for row, shown, unit in SUMMARY_ROWS:
        divisor, form = UNITS[unit]
        figures = {p: bench.median(row, p) for p in PEERS}
        least = min(f for p, f in figures.items() if f is not None and p != 'floor')
        has_heaps = row.startswith(('life', 'bytes a heap'))  # the others have none, and so nothing to create
        able = [p for p in others if figures[p] is not None and (not has_heaps or p in ('mimalloc_heap', 'jemalloc_arena'))]
        best = min(able, key=figures.get)

        def shown_figure(peer, name=''):
            if figures[peer] is None:
                return ''
            text = form.format(figures[peer] / divisor)
            won = figures[peer] <= least * 1.005
            return (f'**{text}**' if won else text) + name
        body.append([f'{shown}, {unit}'] + [shown_figure(p) for p in OURS + ['mimalloc_heap']] +
                    [shown_figure(best, f' ({heading(best)})')])
    return f'{bench.machine}.\n\n' + table([''] + [heading(p) for p in OURS] + ['mi_heap', 'best other'], body)


def update(path, mark, text):
    begin, end = f'<!-- {mark}: begin -->', f'<!-- {mark}: end -->'
    page = pathlib.Path(path).read_text()
    before, rest = page.split(begin)
    after = rest.split(end)[1]
    pathlib.Path(path).write_text(f'{before}{begin}\n\n{text}\n\n{end}{after}')


def measure(bench, args):
    if 'time' in args.only:
        measure_time(bench, args.rows)
    if 'memory' in args.only:
        measure_memory(bench)
    if 'lua' in args.only:
        measure_lua(bench, args.rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('build')
    parser.add_argument('--rounds', type=int, default=11)
    parser.add_argument('--rows', default='', type=re.compile)
    parser.add_argument('--only', default='time,memory,lua')
    parser.add_argument('--json')
    parser.add_argument('--from', dest='source')
    parser.add_argument('--update')
    parser.add_argument('--summary')
    args = parser.parse_args()
    bench = Bench(args.build, args.rounds)
    if args.source:
        kept = json.loads(pathlib.Path(args.source).read_text())
        bench.machine, bench.figures = kept['machine'], kept['figures']
        args.rounds = max(len(f) for row in bench.figures.values() for f in row.values())
    else:
        measure(bench, args)
    text = document(bench, args.rounds)
    print(text)
    if args.json:
        pathlib.Path(args.json).write_text(json.dumps({'machine': bench.machine, 'figures': bench.figures}, indent=1))
    if args.update:
        update(args.update, 'figures', text)
    if args.summary:
        update(args.summary, 'summary', summary(bench))


if __name__ == '__main__':
    main()
