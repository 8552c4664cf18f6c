#!/usr/bin/env python3
"""What the debug levels cost, beside other tools; and what the checks of the level off cost.

usage: bench/debug.py BUILD [--rounds N] [--runs N] [--only levels,tools,checks,instructions] [--json FILE]
                      [--from FILE...] [--update FILE]

BUILD is a meson build directory (buildtype=release) with Lua 5.4 and google-benchmark. Time is the processor's, user
and system, of a child process from its start to its end; memory is the most that was ever resident. Within a round
every peer runs a script before the next script begins, and a figure is a multiple of the level off in the same round;
what is printed is the median over the rounds. `levels` is fief and what checks malloc, `tools` is Valgrind (one round
of shorter scripts), `checks` is the library with its checks taken out (bench/unchecked.py), `instructions` the same
counted by callgrind. --runs is how often a process runs a script, but under Valgrind. --json keeps every single
figure; --from takes them from there instead of measuring, and puts the rounds of several such files together.
--update writes the tables into FILE, between the lines `<!-- levels: begin -->` and `<!-- levels: end -->`. A peer
that is not built, or a tool that is not installed, is named on stderr and left out.
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile

import run

SCRIPTS = ['trees', 'strings', 'tables']
SHORTER = {'trees': ('deepest, total = 14', 'deepest, total = 12'), 'strings': ('400000', '100000'),
           'tables': ('300000', '75000')}
BASE = 'off'
VALGRIND = ['valgrind', '-q', '--tool=memcheck']
MALLOC_CHECK = {'LD_PRELOAD': 'libc_malloc_debug.so.0', 'MALLOC_CHECK_': '3'}


class Peer:
    def __init__(self, heading, program, conf=None, env=None, under=(), target=None):
        self.heading, self.program, self.under, self.target = heading, program, list(under), target
        self.env = dict(env or {}, **({'FIEF_CONF': conf} if conf else {}))


LEVELS = {
    'off': Peer('fief: off', 'lua_fief_static'),
    'unmarked': Peer('off, without marks', 'costs/lua_unmarked'),
    'unchecked': Peer('off, without any check', 'costs/lua_unchecked'),
    'sample': Peer('off, sample:1000', 'lua_fief_static', 'sample:1000', target=1.02),
    'check': Peer('check', 'lua_fief_static', 'debug:check', target=2.0),
    'full': Peer('full', 'lua_fief_static', 'debug:full', target=3.5),
    'guard': Peer('guard', 'lua_fief_static', 'debug:guard'),
    'glibc': Peer('glibc', 'lua_glibc'),
    'malloc_check': Peer('glibc, MALLOC_CHECK_=3', 'lua_glibc', env=MALLOC_CHECK),
    'asan': Peer('glibc, AddressSanitizer', 'costs/lua_asan'),
}
TOOLS = {
    'off': LEVELS['off'],
    'memcheck': Peer('glibc, Valgrind', 'lua_glibc', under=VALGRIND),
    'memcheck_check': Peer('fief: check, Valgrind', 'lua_fief_static', 'debug:check', under=VALGRIND),
}
CHECK_ROWS = ['pair 64', 'LIFO mixed/250', 'LIFO mixed/4000', 'random 64/250', 'random 64/4000']
# heading, with all checks, without marks, without any
CHECK_PEERS = [('called', 'single_fief_static', 'costs/single_unmarked', 'costs/single_unchecked'),
               ('inlined', 'costs/single_fief_static_inline', 'costs/single_unmarked_inline',
                'costs/single_unchecked_inline')]
LOOPS = [('pair_called', 'malloc and free of 64 bytes, called'), ('pair_inlined', 'inlined, constant size'),
         ('pair_inlined_variable', 'inlined, variable size'), ('realloc_in_place', 'realloc that stays in place')]
LOOP_PEERS = ['static', 'unmarked', 'unchecked']


class Figures:
    def __init__(self, build):
        self.folder = pathlib.Path(build).resolve() / 'bench'
        self.machine = f'{run.machine()}, load {os.getloadavg()[1]:.1f} at the beginning'
        self.rounds = 0
        self.rows = {}  # row -> peer -> [figure of round 1, ...]
        self.told = set()

    def keep(self, row, peer, figure):
        self.rows.setdefault(row, {}).setdefault(peer, []).append(figure)

    def program(self, name):
        path = self.folder / name
        if path.exists():
            return path
        self.leave_out(f'{path} is not built')
        return None

    def leave_out(self, why):
        if why not in self.told:
            print(f'left out: {why}', file=sys.stderr)
        self.told.add(why)

    def multiples(self, row, peer):
        """Of the level off in the same round: one a round."""
        rounds = self.rows.get(row, {})
        return [a / b for a, b in zip(rounds.get(peer, []), rounds.get(BASE, []))]


# ---- measuring ----

def child(command, env):
    """Seconds of processor time, and the KiB that were resident at the peak, as the child tells."""
    process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stderr.close()
    peak = re.search(r'^peak (\d+)$', said, re.MULTILINE)
    if process.returncode != 0 or not peak or 'cannot be preloaded' in said:
        sys.exit(f'{" ".join(map(str, command))}: {said[-500:]}')
    return usage.ru_utime + usage.ru_stime, int(peak.group(1))


def rotated(peers, turn):
    """So that no peer always comes behind the same other."""
    first = turn % len(peers)
    return peers[first:] + peers[:first]


def measure_peers(figures, mark, peers, rounds, runs, folder=pathlib.Path(__file__).resolve().parent / 'lua'):
    clean = {key: value for key, value in os.environ.items() if key not in ('FIEF_CONF', 'MALLOC_CHECK_')}
    for turn in range(rounds):
        for script in SCRIPTS:
            for name, peer in rotated(list(peers.items()), turn):
                program = figures.program(peer.program)
                if program is None:
                    continue
                run.progress(f'round {turn + 1} of {rounds}: {script}, {peer.heading}')
                seconds, peak = child(peer.under + [program, str(runs), folder / f'{script}.lua', 'peak'],
                                      dict(clean, **peer.env))
                figures.keep(f'{mark} time {script}', name, seconds)
                figures.keep(f'{mark} memory {script}', name, peak)
    run.progress('')


def measure_tools(figures):
    with tempfile.TemporaryDirectory() as name:
        for script, (there, instead) in SHORTER.items():
            text = (pathlib.Path(__file__).resolve().parent / 'lua' / f'{script}.lua').read_text()
            assert text.count(there) == 1, script
            (pathlib.Path(name) / f'{script}.lua').write_text(text.replace(there, instead))
        measure_peers(figures, 'tools', TOOLS, 1, 1, pathlib.Path(name))


def measure_checks(figures, rounds):
    for turn in range(rounds):
        for row in CHECK_ROWS:
            run.progress(f'round {turn + 1} of {rounds}: {row}')
            for heading, *programs in CHECK_PEERS:
                for peer, name in zip((BASE, 'unmarked', 'unchecked'), programs):
                    program = figures.program(name)
                    if program:
                        figures.keep(f'checks {heading} {row}', peer, run.nanoseconds(program, row))
    run.progress('')


def instructions(program, loop, turns):
    said = subprocess.run(['valgrind', '--tool=callgrind', '--callgrind-out-file=/dev/null', program, loop, str(turns)],
                          capture_output=True, text=True, check=True).stderr
    return int(re.search(r'Collected : (\d+)', said).group(1))


def measure_instructions(figures):
    turns = 20000

    def cost(program, loop):
        return (instructions(program, loop, 5 * turns) - instructions(program, loop, turns)) / (4 * turns)
    for name in LOOP_PEERS:
        program = figures.program(f'costs/loops_{name}')
        if program is None:
            continue
        run.progress(f'instructions: {name}')
        nothing = cost(program, 'empty')
        for loop, _ in LOOPS:
            figures.keep(f'instructions {loop}', name, cost(program, loop) - nothing)
    run.progress('')


def measure(figures, args):
    has_valgrind = shutil.which('valgrind') is not None
    if not has_valgrind:
        figures.leave_out('valgrind is not installed')
    if 'levels' in args.only:
        figures.rounds = args.rounds
        measure_peers(figures, 'levels', LEVELS, args.rounds, args.runs)
    if 'checks' in args.only:
        measure_checks(figures, args.rounds)
    if 'instructions' in args.only and has_valgrind:
        measure_instructions(figures)
    if 'tools' in args.only and has_valgrind:
        measure_tools(figures)


def take_from(figures, kept):
    figures.machine = kept['machine']
    figures.rounds += kept['rounds']
    for row, peers in kept['figures'].items():
        for peer, rounds in peers.items():
            for figure in rounds:
                figures.keep(row, peer, figure)


# ---- tables ----

def of_all(figures, mark, what, peer):
    """Each round's geometric mean over the scripts."""
    rows = [figures.multiples(f'{mark} {what} {script}', peer) for script in SCRIPTS]
    return [statistics.geometric_mean(turn) for turn in zip(*rows)]


def shown(multiples, target=None):
    """Bold if every round is within the target; with a question mark if some are, and some are not."""
    if not multiples:
        return ''
    text = ('{:.3f}' if target is not None and target < 1.1 else '{:.2f}').format(statistics.median(multiples))
    if target is None or min(multiples) > target:
        return text
    return f'**{text}**' if max(multiples) <= target else f'{text} ?'


def overview(figures, mark, peers):
    """All scripts in one: time and memory."""
    body = []
    for name, peer in peers.items():
        if not of_all(figures, mark, 'time', name):
            continue
        body.append([peer.heading, shown(of_all(figures, mark, 'time', name), peer.target), run.cell(peer.target)] +
                    [shown(figures.multiples(f'{mark} time {s}', name), peer.target) for s in SCRIPTS] +
                    [shown(of_all(figures, mark, 'memory', name))] +
                    [shown(figures.multiples(f'{mark} memory {s}', name)) for s in SCRIPTS])
    head = ['', 'time, all', 'target'] + [f'time, {s}' for s in SCRIPTS] + ['memory, all'] + \
        [f'memory, {s}' for s in SCRIPTS]
    return run.table(head, body) if body else ''


def script_table(figures, script):
    body = []
    for name, peer in LEVELS.items():
        time, memory = (figures.rows.get(f'levels {what} {script}', {}).get(name) for what in ('time', 'memory'))
        if time is None:
            continue
        multiples = figures.multiples(f'levels time {script}', name)
        body.append([peer.heading, f'{statistics.median(time):.2f}', shown(multiples, peer.target),
                     f'{min(multiples):.2f} to {max(multiples):.2f}' if name != BASE else '',
                     f'{statistics.median(memory) / 1024:.1f}',
                     shown(figures.multiples(f'levels memory {script}', name))])
    return run.table([script, 's', 'multiple', 'least to most', 'peak MiB', 'multiple'], body) if body else ''


def checks_table(figures):
    body = []
    for heading, *_ in CHECK_PEERS:
        for row in CHECK_ROWS:
            peers = figures.rows.get(key := f'checks {heading} {row}', {})
            if BASE in peers:
                body.append([f'{row.replace("/", " ")}, {heading}'] +
                            [f'{statistics.median(peers[p]):.2f}' if p in peers else ''
                             for p in (BASE, 'unmarked', 'unchecked')] +
                            [shown(figures.multiples(key, p)) for p in ('unmarked', 'unchecked')])
    head = ['ns', 'all checks', 'without marks', 'without any', 'multiple, without marks', 'multiple, without any']
    return run.table(head, body) if body else ''


def instructions_table(figures):
    body = []
    for loop, what in LOOPS:
        peers = figures.rows.get(f'instructions {loop}', {})
        if peers:
            body.append([what] + [f'{peers[p][0]:.1f}' if p in peers else '' for p in LOOP_PEERS])
    return run.table(['instructions', 'all checks', 'without marks', 'without any'], body) if body else ''


def document(figures):
    parts = [f'Machine: {figures.machine}. Medians. Bold: every round met the target; ?: some did, and some did not.']
    check_rounds = max((len(peers[BASE]) for row, peers in figures.rows.items() if row.startswith('checks ')),
                       default=0)
    for title, text in [
            (f'### Levels and tools: multiples of off, {figures.rounds} rounds', overview(figures, 'levels', LEVELS)),
            ('### Under Valgrind: multiples of off without it, one round', overview(figures, 'tools', TOOLS)),
            ('### Each script', '\n\n'.join(filter(None, (script_table(figures, s) for s in SCRIPTS)))),
            (f'### Level off, against a build without checks: nanoseconds, {check_rounds} rounds',
             checks_table(figures)),
            ('### The same in instructions', instructions_table(figures))]:
        if text:
            parts += [title, text]
    return '\n\n'.join(parts)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('build')
    parser.add_argument('--rounds', type=int, default=11)
    parser.add_argument('--runs', type=int, default=1)
    parser.add_argument('--only', default='levels,tools,checks,instructions')
    parser.add_argument('--json')
    parser.add_argument('--from', dest='source', nargs='+')
    parser.add_argument('--update')
    args = parser.parse_args()
    figures = Figures(args.build)
    if args.source:
        for source in args.source:
            take_from(figures, json.loads(pathlib.Path(source).read_text()))
    else:
        if figures.program('lua_fief_static') is None:
            sys.exit('nothing to compare with: Lua 5.4 or google-benchmark was not found when BUILD was set up')
        measure(figures, args)
    text = document(figures)
    print(text)
    if args.json:
        kept = {'machine': figures.machine, 'rounds': figures.rounds, 'figures': figures.rows}
        pathlib.Path(args.json).write_text(json.dumps(kept, indent=1))
    if args.update:
        run.update(args.update, 'levels', text)


if __name__ == '__main__':
    main()
