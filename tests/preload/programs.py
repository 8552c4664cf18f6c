#!/usr/bin/env python3
"""Programs that everybody has do the same with libfief-malloc.so as without: "programs.py LIBRARY BUILD [--only REGEX]
[--except REGEX]". Speaks TAP.

Each is a script of the shell's that runs in an empty folder, first plainly and then with LIBRARY preloaded: status,
standard output, standard error and the files it leaves have to be the same. BUILD has programs of our own. The names of
the cases are matched with the expressions. A program that is not installed is skipped.
"""
import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

TESTS = pathlib.Path(__file__).resolve().parent
SOURCE = TESTS.parent.parent
NOT_INHERITED = ('LD_PRELOAD', 'MALLOC_', 'PYTHON', 'GLIBC_TUNABLES', 'GIT_', 'MAKE', 'MFLAGS')
MODULES = """array ast bytes collections dict fork1 functools gc generators heapq itertools json list memoryview pickle re
    set struct thread threading unicode weakref zlib""".split()


class Case:
    """`needs` are programs; `leaves` matches the files that are compared; `settle` takes out of the output what is
    another in each run, the rest having to be the same."""

    def __init__(self, name, script, needs, leaves=None, settle=lambda text: text, timeout=120, **environment):
        self.name, self.script, self.needs, self.leaves = name, script, needs, leaves
        self.settle, self.timeout, self.environment = settle, timeout, environment

    def missing(self, options):
        return next((f'{name} is not there' for name in self.needs if not shutil.which(name.format(build=options.build))), '')


def what_modules_did(text):
    """Of the output of "python3 -m test": which modules passed, failed, were skipped."""
    return re.sub(r'Total duration: .*', '', text[max(text.rfind('== Tests result'), 0):])


PYTHON_MODULES = ' '.join(f'test_{module}' for module in MODULES)


class PythonModules(Case):
    """All succeed; what they print while they run is no business of ours."""

    def __init__(self, name, **environment):
        super().__init__(name, f'exec /usr/bin/python3 -m test {PYTHON_MODULES} 2>log', ['/usr/bin/python3'],
                         settle=what_modules_did, timeout=1200, **environment)

    def missing(self, options):
        found = subprocess.run(['/usr/bin/python3', '-c', 'import test.test_json'], capture_output=True).returncode == 0
        return super().missing(options) or ('' if found else 'libpython3-testsuite is not installed')


CASES = [
    Case('bash', 'bash "$TESTS/scripts/work.bash"', ['bash']),
    Case('dash, sed, awk, sort', 'sh "$TESTS/scripts/pipes.sh"', ['awk', 'sort', 'sed']),
    Case('find, tar, xz', r'''
        mkdir tree && cd tree
        for i in $(seq 200); do mkdir -p d$((i % 17)); seq $i $((i * 50)) >d$((i % 17))/f$i; done
        cd ..
        tar --sort=name --mtime=@0 --owner=0 --group=0 -cf tree.tar tree
        xz -k -T2 --block-size=100KiB tree.tar && gzip -nk tree.tar
        xz -t tree.tar.xz && mkdir again && tar -C again -xf tree.tar.xz && diff -r tree again/tree && echo same
        find tree -type f -size +1k | sort | xargs cat | cksum
        find again -name 'f*7' -delete; find again -type f | wc -l''', ['tar', 'xz', 'find'], leaves=r'tree\.tar'),
    Case('git', 'sh "$TESTS/scripts/work_git.sh"', ['git']),
    Case('gcc, this project', r'''
        for f in "$SOURCE"/src/heap/*.c "$SOURCE"/src/debug/*.c; do
            gcc -std=gnu11 -O2 -g -I"$SOURCE/include" -I"$SOURCE/src" -c "$f" -o "$(basename "$f").o" || exit
        done
        gcc -O2 -x c - -o program <<'END'
        int puts(const char *); int main(void) { return puts("linked") < 0; }
END
        ./program
        gcc -Wall -c "$TESTS/scripts/wrong.c" -o wrong.o; echo status $?''', ['gcc'], leaves=r'.*\.o|program'),
    Case('g++, templates', 'g++ -std=c++17 -O1 -c "$SOURCE/bench/preload/heavy.cc" -o heavy.o', ['g++'], leaves=r'.*\.o'),
    Case('clang++, templates', 'clang++ -std=c++17 -O1 -c "$SOURCE/bench/preload/heavy.cc" -o heavy.o', ['clang++'],
         leaves=r'.*\.o'),
    Case('make', r'''
        for i in $(seq 30); do echo "int f$i(int a) { return a * $i; }" >f$i.c; done
        printf 'all: $(patsubst %%.c,%%.o,$(sort $(wildcard *.c)))\n\t@ar rcD liball.a $^\n%%.o: %%.c\n\t@$(CC) -c $<\n' >Makefile
        make -s -j2 && make -s -j2 && ar t liball.a''', ['make', 'cc', 'ar'], leaves=r'.*\.[oa]'),
    Case('perl', 'perl "$TESTS/scripts/work.pl"', ['perl']),
    Case('sqlite3', 'sqlite3 data.db <"$TESTS/scripts/work.sql"; echo status $?; sqlite3 data.db .dump | cksum', ['sqlite3'],
         leaves=r'data\.db'),
    Case('node', 'node "$TESTS/scripts/work.js"', ['node']),
    Case('redis-server', 'sh "$TESTS/scripts/work_redis.sh"', ['redis-server', 'redis-benchmark', 'redis-cli']),
    Case('a threaded C++ program', '"$BUILD/tests/preload/preload_pipeline"', ['{build}/tests/preload/preload_pipeline']),
    Case('python3', '/usr/bin/python3 "$SOURCE/bench/preload/objects.py" 5', ['/usr/bin/python3']),
    PythonModules('python3 -m test'),
    PythonModules('python3 -m test, PYTHONMALLOC=malloc', PYTHONMALLOC='malloc'),
]


class Run:
    """In a folder that is made for it. Both runs of a case have the same: some programs write its name down, or sort by
    it."""

    def __init__(self, case, options, place, preload):
        environment = {key: value for key, value in os.environ.items() if not key.startswith(NOT_INHERITED)}
        environment.update(case.environment, TESTS=str(TESTS), SOURCE=str(SOURCE), BUILD=options.build, LC_ALL='C', TZ='UTC')
        environment.update(HOME=str(place), TMPDIR=str(place))
        if preload:
            environment['LD_PRELOAD'] = options.library
        folder = place / 'folder'
        folder.mkdir()
        try:
            done = subprocess.run(['sh', '-c', case.script], cwd=folder, env=environment, capture_output=True,
                                  timeout=case.timeout, stdin=subprocess.DEVNULL)
            self.status, output, errors = done.returncode, done.stdout, done.stderr
        except subprocess.TimeoutExpired as end:
            self.status, output, errors = 'timeout', end.stdout or b'', end.stderr or b''
        self.output, self.errors = case.settle(output.decode(errors='replace')), errors.decode(errors='replace')
        self.files = {}
        if case.leaves:
            self.files = {str(path.relative_to(folder)): path.read_bytes()
                          for path in folder.rglob('*') if path.is_file() and re.fullmatch(case.leaves, path.name)}
        shutil.rmtree(folder)

    def differences(self, other):
        """What is not the same, each in a line or more."""
        for what in ('status', 'output', 'errors'):
            mine, its = getattr(self, what), getattr(other, what)
            if mine != its:
                yield f'{what} without:\n{str(mine)[-2000:]}'
                yield f'{what} with it:\n{str(its)[-2000:]}'
        for name in sorted(self.files.keys() | other.files.keys()):
            if self.files.get(name) != other.files.get(name):
                yield f'file {name}'


def is_preloaded(options):
    """Whether there is anything to compare at all: a library that can't be preloaded is only warned of."""
    environment = dict(os.environ, LD_PRELOAD=options.library)
    maps = subprocess.run(['cat', '/proc/self/maps'], env=environment, capture_output=True, text=True).stdout
    return options.library in maps


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('library')
    parser.add_argument('build')
    parser.add_argument('--only', default='', type=re.compile)
    parser.add_argument('--except', default='^$', type=re.compile, dest='without')
    options = parser.parse_args()
    options.library = str(pathlib.Path(options.library).resolve())
    options.build = str(pathlib.Path(options.build).resolve())
    count, failed = 1, 0 if is_preloaded(options) else 1
    print('not ok' if failed else 'ok', count, '- the library is preloaded', flush=True)
    for case in CASES:
        if not options.only.search(case.name) or options.without.search(case.name):
            continue
        count += 1
        missing = case.missing(options)
        if missing:
            print('ok', count, '-', case.name, '# SKIP', missing, flush=True)
            continue
        with tempfile.TemporaryDirectory() as name:
            place = pathlib.Path(name)
            plain, preloaded = Run(case, options, place, False), Run(case, options, place, True)
        lines = list(plain.differences(preloaded))
        if plain.status != 0:
            lines.append(f'it does not work here, status {plain.status}:\n{plain.output[-1000:]}{plain.errors[-1000:]}')
        failed += bool(lines)
        print('not ok' if lines else 'ok', count, '-', case.name, flush=True)
        for line in '\n'.join(lines).splitlines():
            print('#', line)
    print(f'1..{count}')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
