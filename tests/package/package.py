#!/usr/bin/env python3
"""Installs what was built, and does with it what users do: finds it by pkg-config, CMake and as a meson subproject, and
builds and runs a small program each time. Speaks TAP.

usage: package.py SOURCE BUILD

Nothing is written outside of a temporary folder. With pkg-config the installed tree is a system root, for CMake it is moved
to another place first.
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

CONSUMER = pathlib.Path(__file__).resolve().parent / 'consumer'
LIBRARY = 'libfief.so.0'

results = []


class Failed(Exception):
    pass


def run(*command, **kwargs):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, **kwargs)
    if done.returncode != 0:
        raise Failed(f'{" ".join(map(str, command))}: status {done.returncode}\n{done.stdout}{done.stderr}'.strip())
    return done.stdout


def step(what, work, *args):
    try:
        results.append(('ok', what, work(*args) or []))
    except Failed as error:
        results.append(('not ok', what, str(error).splitlines()))


def skip(what, reason):
    results.append(('ok', f'{what} # SKIP {reason}', []))


def require(condition, why):
    if not condition:
        raise Failed(why)


class Installed:
    """The tree as `meson install` leaves it below a folder."""

    def __init__(self, source, build, folder):
        options = {option['name']: option['value']
                   for option in json.loads(run('meson', 'introspect', '--buildoptions', build))}
        self.source, self.version = source, json.loads(run('meson', 'introspect', '--projectinfo', build))['version']
        self.root = folder / 'root'
        self.prefix = self.root / options['prefix'].lstrip('/')
        self.libdir, self.includedir = options['libdir'], options['includedir']
        self.has_jemalloc = options['jemalloc'] == 'enabled'
        run('meson', 'install', '-C', build, '--quiet', '--destdir', self.root)

    def libraries(self):
        return self.prefix / self.libdir


def runs(program, version, libraries, needs_library):
    """It runs, with the installed library or with none."""
    told = run(program, env=dict(os.environ, LD_LIBRARY_PATH=str(libraries)))
    require(told == f'fief {version}\n', f'{program} printed {told!r}')
    dynamic = subprocess.run(['readelf', '-d', program], capture_output=True, text=True).stdout
    require((LIBRARY in dynamic) == needs_library, f'{program}: {dynamic}')


# ---- what is there ----

def has_all_headers(tree):
    wanted = {str(path.relative_to(tree.source / 'include')) for path in (tree.source / 'include').rglob('*.h')}
    if not tree.has_jemalloc:
        wanted.discard('fief/adapter/jemalloc.h')
    found = {str(path.relative_to(tree.prefix / tree.includedir)) for path in
             (tree.prefix / tree.includedir / 'fief').rglob('*.h')}
    require(wanted == found, f'missing {sorted(wanted - found)}, too many {sorted(found - wanted)}')


def has_libraries(tree):
    names = [LIBRARY, 'libfief.so', 'libfief.a', 'pkgconfig/fief.pc', 'cmake/fief/fiefConfig.cmake']
    names += ['libfief-jemalloc.so.0', 'pkgconfig/fief-jemalloc.pc'] if tree.has_jemalloc else []
    missing = [name for name in names if not (tree.libraries() / name).exists()]
    require(not missing, f'missing {missing}')


# ---- pkg-config ----

def pkg_config(tree, *args):
    env = dict(os.environ, PKG_CONFIG_LIBDIR=str(tree.libraries() / 'pkgconfig'), PKG_CONFIG_SYSROOT_DIR=str(tree.root))
    return run('pkg-config', *args, env=env).split()


def compile_with_pkg_config(tree, folder, compiler, source, static):
    program = folder / f'pkg_config_{compiler}_{"static" if static else "shared"}'
    flags = pkg_config(tree, *(['--static'] if static else []), '--cflags', '--libs', 'fief')
    run(compiler, '-o', program, CONSUMER / source, *(['-static'] if static else []), *flags)
    runs(program, tree.version, tree.libraries(), not static)


def compile_uninstalled(tree, build, folder):
    """Against the build folder, as meson describes it."""
    program = folder / 'uninstalled'
    env = dict(os.environ, PKG_CONFIG_PATH=str(build / 'meson-uninstalled'))
    flags = run('pkg-config', '--cflags', '--libs', 'fief', env=env).split()
    run('cc', '-o', program, CONSUMER / 'consumer.c', *flags)
    runs(program, tree.version, build / 'src', True)


def has_version(tree):
    require(pkg_config(tree, '--modversion', 'fief') == [tree.version], 'another version')
    header = run('cc', '-E', '-dM', '-include', 'fief/fief.h', '-x', 'c', '/dev/null', *pkg_config(tree, '--cflags', 'fief'))
    parts = [line.split()[2] for name in ('MAJOR', 'MINOR', 'PATCH') for line in header.splitlines()
             if line.startswith(f'#define FIEF_VERSION_{name} ')]
    require('.'.join(parts) == tree.version, f'fief.h has {parts}')


# ---- CMake, meson ----

def build_with_cmake(tree, folder):
    moved = folder / 'moved'
    shutil.copytree(tree.prefix, moved, symlinks=True)
    hidden = tree.root.rename(folder / 'hidden')
    try:
        run('cmake', '-S', CONSUMER, '-B', folder / 'cmake', f'-DCMAKE_PREFIX_PATH={moved}')
        run('cmake', '--build', folder / 'cmake')
        for name in ('shared', 'static', 'shared_cpp', 'static_cpp'):
            runs(folder / 'cmake' / name, tree.version, '', name.startswith('shared'))
    finally:
        hidden.rename(tree.root)


def build_as_subproject(tree, folder):
    project, build = folder / 'project', folder / 'subproject'
    shutil.copytree(CONSUMER, project)
    (project / 'subprojects/fief').symlink_to(tree.source)
    run('meson', 'setup', '--wrap-mode=nofallback', '--force-fallback-for=fief', build, project)
    tests = json.loads(run('meson', 'introspect', '--tests', build))
    programs = [target['name'] for target in json.loads(run('meson', 'introspect', '--targets', build))
                if target['type'] == 'executable']
    require(not tests and sorted(programs) == ['shared', 'static_cpp'], f'{programs}, {len(tests)} tests')
    run('ninja', '-C', build, 'shared', 'static_cpp')
    runs(build / 'shared', tree.version, '', True)
    runs(build / 'static_cpp', tree.version, '', False)


def main():
    source, build = (pathlib.Path(arg).resolve() for arg in sys.argv[1:])
    with tempfile.TemporaryDirectory(prefix='fief-package-') as name:
        folder = pathlib.Path(name)
        tree = Installed(source, build, folder)
        step('libraries and what finds them are installed', has_libraries, tree)
        step('all public headers are', has_all_headers, tree)
        step('header and pkg-config have the version of the project', has_version, tree)
        for compiler, program in ('cc', 'consumer.c'), ('c++', 'consumer.cc'):
            for static in False, True:
                step(f'pkg-config, {compiler}, {"static" if static else "shared"}', compile_with_pkg_config, tree, folder,
                     compiler, program, static)
        step('pkg-config, from the build folder', compile_uninstalled, tree, build, folder)
        if shutil.which('cmake'):
            step('CMake, from a tree that was moved', build_with_cmake, tree, folder)
        else:
            skip('CMake', 'needs cmake')
        step('meson subproject', build_as_subproject, tree, folder)
    print(f'1..{len(results)}')
    for number, (verdict, what, lines) in enumerate(results, 1):
        print(f'{verdict} {number} - {what}')
        for line in lines:
            print(f'# {line}')
    sys.exit(any(verdict != 'ok' for verdict, _, _ in results))


main()
