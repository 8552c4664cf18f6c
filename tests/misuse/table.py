#!/usr/bin/env python3
"""Prints what each debug level promises to find, and how much of it was found: "table.py BUILD".

"table.py BUILD FILE" puts the table into FILE, between the lines
<!-- misuse table: begin --> and <!-- misuse table: end -->."""
import pathlib
import subprocess
import sys

BEGIN, END = "<!-- misuse table: begin -->\n", "<!-- misuse table: end -->"


def main() -> int:
    if len(sys.argv) not in (2, 3):
        print(__doc__, file=sys.stderr)
        return 2
    program = pathlib.Path(sys.argv[1]) / "tests/misuse/misuse-table"
    run = subprocess.run([program], stdout=subprocess.PIPE, text=True, check=False)
    if run.returncode != 0:
        return run.returncode
    if len(sys.argv) == 2:
        print(run.stdout, end="")
        return 0
    file = pathlib.Path(sys.argv[2])
    before, begin, rest = file.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        print(f"{file} has no place for the table", file=sys.stderr)
        return 1
    file.write_text(f"{before}{BEGIN}\n{run.stdout}\n{END}{after}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
