#!/usr/bin/env python3
"""Runtimes that people embed, each on the C library's malloc, on other allocators, and on a fief of its own.

usage: bench/embed.py BUILD [--rounds N] [--rows REGEX] [--json FILE] [--from FILE...] [--update FILE]

BUILD is a meson build directory (buildtype=release); a runtime that was not there when it was set up is left out, and
so is a peer that is not installed: both are named on stderr. jemalloc and mimalloc take the place of malloc by
LD_PRELOAD, under the same executable that glibc's figure is from. A figure is the processor's time, user and system, from
the runtime's beginning to its end, the least of the two in one process, and the most that was resident then. Within a round every
peer runs a row before the next row begins; a ratio is taken within a round, and what is printed is the median over the
rounds. All peers must give the same result.

acorn is npm's acorn 5, which parses the sources of npm's uglify-js 2; both are fetched once into BUILD/bench/npm. Its
regular expressions are too large for MuJS.
--json keeps every figure; --from takes them from there instead of measuring, and puts several such files together.
--update writes the tables into FILE, between `<!-- embedded: begin -->` and `<!-- embedded: end -->`.
"""
import argparse
import ctypes.util
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tarfile

import run

FOLDER = pathlib.Path(__file__).resolve().parent / 'embed'
RUNS = 2

# name: heading, on a fief, variant, what is preloaded
PEERS = {
    'fief': ('fief, called', 'fief', 0, None),
    'fief_inline': ('fief, inlined', 'fief', 1, None),
    'glibc': ('glibc', 'stock', 0, None),
    'jemalloc': ('jemalloc', 'stock', 0, 'jemalloc'),
    'mimalloc': ('mimalloc', 'stock', 0, 'mimalloc'),
}
OURS = ['fief', 'fief_inline']
OTHERS = ['glibc', 'jemalloc', 'mimalloc']

# heading, program, script
ROWS = [(f'{heading}, {script}', program, f'{script}.{ending}') for heading, program, ending, scripts in (
    ('Lua 5.1', 'lua5.1', 'lua', ['mixed']), ('Lua 5.2', 'lua5.2', 'lua', ['mixed']),
    ('Lua 5.3', 'lua5.3', 'lua', ['mixed']), ('Lua 5.4', 'lua5.4', 'lua', ['mixed']),
    ('LuaJIT', 'luajit', 'lua', ['mixed']), ('Duktape', 'duktape', 'js', ['trees', 'text', 'acorn']),
    ('MuJS', 'mujs', 'js', ['trees', 'text']), ('QuickJS', 'quickjs', 'js', ['trees', 'text', 'acorn']),
    ('mruby', 'mruby', 'rb', ['trees', 'render']), ('SQLite', 'sqlite', 'sql', ['rows'])) for script in scripts]
WITHOUT_STATUS = ('SQLite, rows, memory status off', 'sqlite', 'rows.sql')
SQLITE = 'sqlite'  # has one variant of the adapter, and two ways to call it: 1 is with the memory status off

told = set()


def leave_out(why):
    if why not in told:
        print(f'left out: {why}', file=sys.stderr)
    told.add(why)


# ---- acorn ----

def npm(folder, package):
    """The package's folder; None if it can't be had."""
    there = folder / re.sub(r'@.*', '', package) / 'package'
    if there.exists():
        return there
    try:
        there.parent.mkdir(parents=True, exist_ok=True)
        packed = subprocess.run(['npm', 'pack', '--silent', package], cwd=there.parent, capture_output=True, text=True,
                                check=True, timeout=120).stdout.split()[-1]
        with tarfile.open(there.parent / packed) as archive:
            archive.extractall(there.parent)
    except (OSError, IndexError, subprocess.SubprocessError) as error:
        leave_out(f'acorn, for npm has no {package}: {error}')
        return None
    return there


def make_acorn(folder):
    """One script: acorn, a program as a string, and how much of a tree it makes."""
    acorn, program = npm(folder, 'acorn@5.7.4'), npm(folder, 'uglify-js@2.8.29')
    if acorn is None or program is None:
        return None
    parsed = ''.join(path.read_text() for path in sorted((program / 'lib').glob('*.js')))
    script = folder / 'acorn.js'
    script.write_text('(function () {\nvar exports = {}, module = { exports: exports };\n' +
                      (acorn / 'dist/acorn.js').read_text() + '\nvar tree = exports.parse(' + json.dumps(parsed) + ');\n'
                      'return tree.body.length + " " + JSON.stringify(tree).length;\n})()\n')
    return script


# ---- measuring ----

def measure_one(figures, row, program, script, name, variant):
    heading, memory, _, preload = PEERS[name]
    env = {key: value for key, value in os.environ.items() if key not in ('FIEF_CONF', 'LD_PRELOAD')}
    if preload:
        library = ctypes.util.find_library(preload)
        if library is None:
            leave_out(f'{heading} is not installed')
            return
        env['LD_PRELOAD'] = library
    done = subprocess.run([program, memory, str(variant), str(RUNS), script], env=env, capture_output=True, text=True,
                          check=False)
    said = re.fullmatch(r'((?:[\d.]+\n)+)gave (.*)\npeak (\d+)\n', done.stdout)
    if done.returncode != 0 or said is None or 'cannot be preloaded' in done.stderr:
        sys.exit(f'{row}, {heading}: exit {done.returncode}: {done.stderr[-500:]}')
    if figures.setdefault(row, {}).setdefault('gave', said.group(2)) != said.group(2):
        sys.exit(f'{row}, {heading} gave {said.group(2)}, and not {figures[row]["gave"]}')
    peer = figures[row].setdefault(name, {'ms': [], 'kib': []})
    peer['ms'].append(min(map(float, said.group(1).split())))
    peer['kib'].append(int(said.group(3)))


def variants_of(row, program):
    """Which peers there are, and how each is called."""
    if program != SQLITE:
        return {name: variant for name, (_, _, variant, _) in PEERS.items()}
    return {name: int(row == WITHOUT_STATUS[0]) for name in PEERS if name != 'fief_inline'}


def measure(build, rounds, wanted):
    figures = {}
    for turn in range(rounds):
        for row, name, script in ROWS + [WITHOUT_STATUS]:
            program = build / f'embed_{name}'
            path = FOLDER / script
            if not wanted.search(row):
                continue
            if not program.exists():
                leave_out(f'{row}: {program.name} is not built')
                continue
            if script == 'acorn.js' and (path := make_acorn(build / 'npm')) is None:
                continue
            peers = list(variants_of(row, name).items())
            for peer, variant in peers[turn % len(peers):] + peers[:turn % len(peers)]:
                run.progress(f'round {turn + 1} of {rounds}: {row}, {PEERS[peer][0]}')
                measure_one(figures, row, program, path, peer, variant)
    run.progress('')
    return figures


def add(figures, more):
    for row, peers in more.items():
        mine = figures.setdefault(row, {'gave': peers['gave']})
        for name, peer in peers.items():
            if name != 'gave':
                kept = mine.setdefault(name, {'ms': [], 'kib': []})
                for what in kept:
                    kept[what] += peer[what]


# ---- tables ----

def best_of(peers, what):
    """Of the others, by its median."""
    return min((name for name in OTHERS if name in peers), key=lambda name: statistics.median(peers[name][what]))


def ratio(peers, ours, base, what):
    if ours not in peers:
        return None
    return statistics.median(a / b for a, b in zip(peers[ours][what], peers[base][what]))


def table_of(figures, what, divisor, form):
    named = [name for name in PEERS if any(name in peers for peers in figures.values())]
    head = ['row'] + [f'{PEERS[o][0].removeprefix("fief, ")} / {base}' for base in ('glibc', 'best') for o in OURS] + \
        [PEERS[name][0] for name in named]
    body = []
    for row, peers in figures.items():
        bases = ['glibc', best_of(peers, what)]
        body.append([row] + [run.cell(ratio(peers, o, base, what)) for base in bases for o in OURS] +
                    [run.cell(statistics.median(peers[name][what]) / divisor, form) if name in peers else ''
                     for name in named])
    return run.table(head, body)


def document(machine, figures):
    rounds = max(len(peer['ms']) for peers in figures.values() for name, peer in peers.items() if name != 'gave')
    return '\n\n'.join([
        f'Machine: {machine}. {rounds} rounds, medians; best is the best of the other three.',
        '### Embedded runtimes: milliseconds of processor time', table_of(figures, 'ms', 1, '{:.0f}'),
        '### Embedded runtimes: MiB at the peak', table_of(figures, 'kib', 1024, '{:.1f}')])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('build')
    parser.add_argument('--rounds', type=int, default=7)
    parser.add_argument('--rows', default='', type=re.compile)
    parser.add_argument('--json')
    parser.add_argument('--from', dest='source', nargs='+')
    parser.add_argument('--update')
    args = parser.parse_args()
    machine, figures = run.machine(), {}
    if args.source:
        for source in args.source:
            kept = json.loads(pathlib.Path(source).read_text())
            machine = kept['machine']
            add(figures, kept['figures'])
    else:
        figures = measure(pathlib.Path(args.build).resolve() / 'bench', args.rounds, args.rows)
    if not figures:
        sys.exit('no runtime was found when BUILD was set up')
    text = document(machine, figures)
    print(text)
    if args.json:
        pathlib.Path(args.json).write_text(json.dumps({'machine': machine, 'figures': figures}, indent=1))
    if args.update:
        run.update(args.update, 'embedded', text)


if __name__ == '__main__':
    main()
