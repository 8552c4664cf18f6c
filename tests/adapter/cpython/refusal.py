#!/usr/bin/env python3
"""What the shim says to a CPython that it does not serve: "refusal.py LIBRARY FAKE". Speaks TAP."""

import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "support"))
from tap import Tap

CASES = (
    ("3.13.0 experimental free-threading build (main, Oct  7 2024)", "it is built without the GIL"),
    ("3.14.0 free-threading build (main, Oct  7 2025)", "it is built without the GIL"),
    ("3.8.18 (default, Dec  5 2023)", "it is older than 3.9"),
    ("2.7.18 (default, Dec  5 2023)", "it is no Python 3"),
    ("3.11.2 (main, Dec  5 2023)", "it does not export what tells its interpreters apart"),
)


def main():
    library, fake = map(os.path.abspath, sys.argv[1:])
    tap = Tap()
    for version, reason in CASES:
        done = subprocess.run([fake], env=dict(os.environ, LD_PRELOAD=library, FAKE_VERSION=version),
                              capture_output=True, text=True)
        told = done.stderr.startswith("fief: this python keeps its own allocator: " + reason)
        tap.check((done.returncode, done.stdout) == (0, "kept\n") and told and done.stderr.count("\n") == 1,
                  version, done)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
