"""One run of fief, and what can be seen of it."""
import os
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from tap import Tap

OWN_VARIABLES = ["LD_PRELOAD", "FIEF_CONF", "FIEF_RUN"]


class Run:
    """`words` are the command and its arguments; `variables` are set besides those of this process, None: not set."""

    def __init__(self, words, folder, variables=(), stdin=b""):
        self.words = [str(word) for word in words]
        environment = {name: value for name, value in os.environ.items() if name not in OWN_VARIABLES}
        environment.update(variables)
        environment = {name: value for name, value in environment.items() if value is not None}
        child = subprocess.Popen(self.words, cwd=folder, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, restore_signals=False)
        self.stdout, stderr = child.communicate(stdin, timeout=120)
        self.stderr = stderr.decode(errors="replace")
        self.status = child.returncode
        self.number = child.pid

    def __str__(self):
        end = self.status if self.status >= 0 else signal.Signals(-self.status).name
        return "%s\nended with %s\nstdout: %r\nstderr: %s" % (" ".join(self.words), end, self.stdout[:2000], self.stderr)
