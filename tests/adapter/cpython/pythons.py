"""Where a version of CPython is on this machine, for the tests of the CPython adapter."""

import glob
import os
import subprocess

ABOUT = """
import os, sysconfig
values = sysconfig.get_config_vars()
print("%d.%d" % __import__("sys").version_info[:2])
print(os.path.join(values.get("LIBDIR") or "", values.get("INSTSONAME") or ""))
print(values.get("prefix"))
print(int(bool(values.get("Py_GIL_DISABLED"))))
"""


class Python:
    """One interpreter: its program, and the shared library that programs embed (None if there is none)."""

    def __init__(self, program, library, prefix):
        self.program = program
        self.library = library if library.endswith((".so", ".so.1.0")) and os.path.exists(library) else None
        self.prefix = prefix


def candidates(version):
    for folder in ("/usr/bin", "/usr/local/bin"):
        yield os.path.join(folder, "python" + version)
    root = os.environ.get("PYENV_ROOT") or os.path.expanduser("~/.pyenv")
    yield from sorted(glob.glob(os.path.join(root, "versions", version + "*", "bin", "python" + version)))


def find(version):
    """The first python of that version with a GIL, or None."""
    for program in candidates(version):
        if not os.access(program, os.X_OK):
            continue
        done = subprocess.run([program, "-I", "-c", ABOUT], capture_output=True, text=True)
        lines = done.stdout.splitlines()
        if done.returncode == 0 and lines[0] == version and lines[3] == "0":
            return Python(program, lines[1], lines[2])
    return None
