"""fief with stand-ins for the libraries that it puts under programs."""
import collections
import os
import shutil
import sys

from running import Run

NAMES = {"malloc": "libfief-malloc.so", "cpython": "libfief-cpython.so"}
BUILT = {"malloc": "src/preload", "cpython": "src/adapter/cpython"}

# What a stand-in saw.
Seen = collections.namedtuple("Seen", "library program preload conf run")


class StandIns:
    """A folder with fief and the stand-ins in it; runs of that fief, with what the stand-ins saw."""

    def __init__(self, tap, options, folder):
        self.tap = tap
        self.options = options
        self.folder = folder
        self.log = os.path.join(folder, "log")
        self.tree = self.make_tree("tree")
        self.fief = os.path.join(self.tree, "tools/fief/fief")
        self.python = os.path.realpath(sys.executable)

    # ---- places ----

    def path(self, *parts):
        path = os.path.join(self.folder, *parts)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return path

    def make_tree(self, name):
        """A build folder with fief and the stand-ins where they are built."""
        shutil.copy(self.options.fief, self.path(name, "tools/fief/fief"))
        for library, stand_in in zip(NAMES, self.options.stand_in):
            shutil.copy(stand_in, self.path(name, BUILT[library], NAMES[library]))
        return os.path.join(self.folder, name)

    def library(self, name):
        return os.path.join(self.tree, BUILT[name], NAMES[name])

    def script(self, name, text, mode=0o755):
        path = self.path(name)
        with open(path, "w") as file:
            file.write(text)
        os.chmod(path, mode)
        return path

    def changed(self, program, name, change):
        """A copy of a program, with its bytes changed."""
        with open(program, "rb") as file:
            content = bytearray(file.read())
        change(content)
        path = self.path(name)
        with open(path, "wb") as file:
            file.write(content)
        os.chmod(path, 0o755)
        return path

    # ---- runs ----

    def run(self, *arguments, fief=None, folder=None, variables=(), stdin=b""):
        if os.path.exists(self.log):
            os.unlink(self.log)
        variables = {"STAND_IN_LOG": self.log, **dict(variables)}
        run = Run([fief or self.fief, *arguments], folder or self.folder, variables, stdin)
        run.seen = []
        if os.path.exists(self.log):
            with open(self.log) as log:
                run.seen = [Seen(*line.rstrip("\n").split("\t")) for line in log]
        return run

    def check_fails(self, run, status, message, what):
        self.tap.check(run.status == status and message in run.stderr and run.stdout == b"" and run.seen == [], what, run)
