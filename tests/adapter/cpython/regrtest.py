#!/usr/bin/env python3
"""CPython's own regression tests with the shim, against the same without it: test by test the same result. Speaks TAP.

  regrtest.py LIBRARY VERSION

Skipped where this machine has no such python, or it has no tests.
"""

import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

import pythons

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "support"))
from tap import Tap, skip_all

MODULES = """test_json test_pickle test_re test_gc test_threading test_subprocess test_list test_dict test_set test_bytes
test_long test_float test_copy test_weakref test_generators test_array test_marshal test_descr test_tracemalloc test_audit
test_atexit test_fork1 test_memoryview test_sys test_capi test_embed""".split()
INTERPRETERS = "test__xxsubinterpreters test__interpreters test__interpchannels test_interpreters".split()

# They ask pymalloc how much it has allocated, and it has nothing.
DIFFER = {"test_debugmallocstats", "test_getallocatedblocks"}


def results(python, modules, folder, **settings):
    """The outcome of each test: a set of "failure", "error" and "skipped", empty if it passed."""
    path = os.path.join(folder, "results.xml")
    environment = dict(os.environ, **settings)
    done = subprocess.run([python.program, "-m", "test", "--timeout", "600", "--junit-xml", path, *modules],
                          env=environment, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if not os.path.exists(path):
        return {}, done.stdout
    found = {}
    for case in xml.etree.ElementTree.parse(path).iter("testcase"):
        outcome = {part.tag for part in case} & {"failure", "error", "skipped"}
        found.setdefault(case.get("name"), set()).update(outcome)
    os.remove(path)
    return found, done.stdout


def available(python, modules):
    code = "import importlib.util as u; print(*[m for m in %r if u.find_spec('test.' + m)])" % (modules,)
    done = subprocess.run([python.program, "-c", "import test.libregrtest, test.test_list; " + code],
                          capture_output=True, text=True)
    return done.stdout.split()


def main():
    library, version = os.path.abspath(sys.argv[1]), sys.argv[2]
    python = pythons.find(version)
    if python is None:
        return skip_all("there is no python%s" % version)
    modules = available(python, MODULES + INTERPRETERS)
    if not modules:
        return skip_all("this python has no regression tests: needs libpython%s-testsuite" % version)
    tap = Tap()
    with tempfile.TemporaryDirectory() as folder:
        for module in modules:
            stock, _ = results(python, [module], folder)
            shim, told = results(python, [module], folder, LD_PRELOAD=library)
            differ = {name: (stock.get(name), shim.get(name)) for name in stock.keys() | shim.keys()
                      if stock.get(name) != shim.get(name) and name.split(".")[-1] not in DIFFER}
            tap.check(stock and not differ, "%s: %d tests as without" % (module, len(stock)),
                      *differ.items(), told if differ else "")
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
