"""What bench/preload.py measures: each row prepares what it needs, once, and runs it under one malloc."""
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import time

SOURCES = pathlib.Path(__file__).resolve().parent / 'preload'


class Place:
    """Where the rows run: the build, a folder that goes when the measuring ends, an environment without a peer."""

    def __init__(self, build, folder, environment):
        self.build, self.folder = build, folder
        # What a program reads of its user's settings would be another on every machine.
        self.environment = dict(environment, HOME=str(folder), LC_ALL='C')
        self.loads = build / 'bench/preload'

    def cost_of(self, command, preload, environment):
        """Wall seconds, processor seconds, peak KiB."""
        told = self.folder / 'told'
        done = subprocess.run([self.loads / 'measure', told, preload, *command], cwd=self.folder,
                              env=dict(self.environment, **environment), stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True)
        if done.returncode != 0 or 'cannot be preloaded' in done.stderr:
            sys.exit(f'{" ".join(map(str, command))}, preload {preload!r}: status {done.returncode}, {done.stderr[-500:]}')
        wall, cpu, peak = told.read_text().split()
        return float(wall), float(cpu), int(peak)


class Load:
    """A program of bench/preload, built by meson."""

    def __init__(self, name, program, *arguments):
        self.name, self.program, self.arguments = name, program, arguments

    def missing(self, place):
        path = place.loads / f'load_{self.program}'
        return '' if path.exists() else f'{path} is not built'

    def prepare(self, place):
        pass

    def run(self, place, preload):
        return place.cost_of([place.loads / f'load_{self.program}', *map(str, self.arguments)], preload, {})


class Program:
    """A program of the machine's. `make(folder)` puts what it works on into the folder; the run's standard output is not
    looked at here, tests/preload does."""

    def __init__(self, name, command, make=None, **environment):
        self.name, self.command, self.make, self.environment = name, command, make, environment

    def missing(self, place):
        return '' if shutil.which(self.command[0]) else f'no {self.command[0]}'

    def prepare(self, place):
        if self.make:
            self.make(place)

    def run(self, place, preload):
        return place.cost_of(self.command, preload, self.environment)


def make_big_c(place):
    """Functions by the hundred, none like the other."""
    parts = ['int sink[1024];']
    for i in range(500):
        cases = ''.join(f'    case {k}: sink[(a + {k * i % 97}) & 1023] += b * {k + i}; break;\n' for k in range(10))
        parts.append(f'static int f{i}(int a, int b) {{\n    for (int i = 0; i < a; i++) {{\n    switch ((a ^ b ^ i) % 11) {{\n'
                     f'{cases}    default: return a + {i};\n    }}\n    b = b * {i + 3} + sink[i & 1023];\n    }}\n    return b;\n}}')
    parts.append('int all(int a, int b) {\n    int r = 0;\n' + ''.join(f'    r += f{i}(a, b);\n' for i in range(500)) +
                 '    return r;\n}')
    (place.folder / 'big.c').write_text('\n'.join(parts))


def make_repository(place):
    """A history of a thousand files in forty commits."""
    folder = place.folder / 'repository'

    def git(*arguments):
        subprocess.run(['git', '-c', 'user.name=n', '-c', 'user.email=e@example.org', '-C', folder, *arguments], check=True,
                       env=place.environment, stdout=subprocess.DEVNULL)
    folder.mkdir()
    git('init', '-q')
    for commit in range(40):
        for i in range(25):
            lines = [f'line {n * 7919 % 1000} of file {i}, commit {commit if n % 10 == 0 else 0}' for n in range(400)]
            (folder / f'file-{i}-{commit % 8}').write_text('\n'.join(lines))
        git('add', '-A')
        git('commit', '-q', '-m', f'commit {commit}')


# ---- redis ----

def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def wait_for_port(port, server):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and server.poll() is None:
        try:
            socket.create_connection(('127.0.0.1', port)).close()
            return
        except OSError:
            time.sleep(0.05)
    sys.exit(f'redis-server does not answer: {server.poll()}')


class Redis:
    """The server runs under the malloc, redis-benchmark asks it. Debian's is linked with jemalloc: that it has the C
    library's takes a preload, too."""

    TESTS = 'set,get,incr,lpush,lpop,sadd,hset,zadd,lrange_100,mset'

    def __init__(self, name, requests, size):
        self.name, self.requests, self.size = name, requests, size

    def missing(self, place):
        return ', '.join(f'no {name}' for name in ('redis-server', 'redis-benchmark') if not shutil.which(name))

    def prepare(self, place):
        pass

    def run(self, place, preload):
        port = free_port()
        environment = dict(place.environment, LD_PRELOAD=preload or 'libc.so.6')
        server = subprocess.Popen(['redis-server', '--port', str(port), '--bind', '127.0.0.1', '--save', '', '--appendonly',
                                   'no'], cwd=place.folder, env=environment, stdout=subprocess.DEVNULL)
        try:
            wait_for_port(port, server)
            start = time.monotonic()
            subprocess.run(['redis-benchmark', '-p', str(port), '-q', '-n', str(self.requests), '-r', '100000', '-P', '16',
                            '-d', str(self.size), '-t', self.TESTS], check=True, env=place.environment,
                           stdout=subprocess.DEVNULL)
            wall = time.monotonic() - start
            return wall, self.processor_seconds(server.pid), self.peak_kib(server.pid)
        finally:
            server.terminate()
            server.wait()

    @staticmethod
    def processor_seconds(pid):
        ticks = pathlib.Path(f'/proc/{pid}/schedstat').read_text().split()[0]
        return int(ticks) / 1e9

    @staticmethod
    def peak_kib(pid):
        return int(re.search(r'^VmHWM:\s+(\d+) kB$', pathlib.Path(f'/proc/{pid}/status').read_text(), re.MULTILINE).group(1))


ROWS = [
    Load('foreign free, one way', 'foreign', 1, 6000000),
    Load('foreign free, both ways', 'foreign', 1, 4000000, 'both'),
    Load('foreign free, 4 pairs', 'foreign', 4, 2000000),
    Load('larson, 2 threads', 'larson', 2, 100, 1000, 200000),
    Load('larson, 8 threads', 'larson', 8, 50, 1000, 100000),
    Load('larson, short lives', 'larson', 2, 5000, 1000, 2000),
    Load('churn, 1,000 live', 'churn', 1000, 1, 20000000),
    Load('churn, 100,000 live', 'churn', 100000, 1, 10000000),
    Load('churn, 1,000,000 live', 'churn', 1000000, 1, 5000000),
    Load('churn, 1,000 live, 2 threads', 'churn', 1000, 2, 20000000),
    Load('churn, 100,000 live, 2 threads', 'churn', 100000, 2, 10000000),
    Load('churn, 1,000,000 live, 2 threads', 'churn', 1000000, 2, 5000000),
    Load('numbers (as cfrac)', 'numbers', 1000),
    Program('gcc, a big file', ['gcc', '-O1', '-c', 'big.c', '-o', 'big.o'], make_big_c),
    Program('g++, templates', ['g++', '-std=c++17', '-O1', '-c', str(SOURCES / 'heavy.cc'), '-o', 'heavy.o']),
    Program('python3', ['python3', str(SOURCES / 'objects.py'), '15']),
    Program('python3, PYTHONMALLOC=malloc', ['python3', str(SOURCES / 'objects.py'), '15'], PYTHONMALLOC='malloc'),
    Program('sqlite3', ['sqlite3', '-init', str(SOURCES / 'speed.sql'), ':memory:', '.quit']),
    Redis('redis-server', 100000, 64),
    Program('bash', ['bash', str(SOURCES / 'loop.sh'), '15000']),
    Program('git repack', ['git', '-C', 'repository', 'repack', '-adfq', '--threads=2'], make_repository),
]
