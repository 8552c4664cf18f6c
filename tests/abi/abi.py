#!/usr/bin/env python3
"""Compares the library's interface with the one that is kept. Speaks TAP.

usage: abi.py ABIDIFF BASELINE LIBRARY HEADERS

What is new is no difference. Anything else is: a function that is gone, a struct that has grown, a constant with another
value. If it is meant so, tools/update_abi renews the baseline, and the change goes into the same commit.
"""
import pathlib
import subprocess
import sys
import tempfile


def differences(abidiff, baseline, library, headers):
    """abidiff's status, and what it says."""
    done = subprocess.run([abidiff, '--no-added-syms', '--drop-private-types', '--headers-dir2', headers, baseline, library],
                          capture_output=True, text=True)
    return done.returncode, (done.stdout + done.stderr).splitlines()


def with_another(text, old, new):
    assert old in text
    return text.replace(old, new)


def notices(abidiff, planted, library, headers):
    with tempfile.NamedTemporaryFile('w', suffix='.abi') as file:
        file.write(planted)
        file.flush()
        return differences(abidiff, file.name, library, headers)[0] != 0


def main():
    abidiff, baseline, library, headers = sys.argv[1:]
    kept = pathlib.Path(baseline).read_text()
    status, said = differences(abidiff, baseline, library, headers)
    gone = with_another(kept, "'fief_usable_size'", "'fief_size_of_old'")
    other_constant = with_another(kept, "name='FIEF_NO_MEMORY' value='1'", "name='FIEF_NO_MEMORY' value='7'")
    results = [('nothing of the interface has changed', status == 0),
               ('a function that is gone would be noticed', notices(abidiff, gone, library, headers)),
               ('and a constant with another value', notices(abidiff, other_constant, library, headers))]
    print(f'1..{len(results)}')
    for number, (what, good) in enumerate(results, 1):
        print(f'{"ok" if good else "not ok"} {number} - {what}')
    for line in said if status != 0 else []:
        print(f'# {line}')
    if status != 0:
        print('# if this is meant: tools/update_abi BUILD')
    sys.exit(any(not good for _, good in results))


main()
