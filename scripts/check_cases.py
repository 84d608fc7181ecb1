#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""Runs a folder of small inputs that once failed through a `crossweave` binary and prints a table.

  scripts/check_cases.py FOLDER BINARY [--only 2,23] [--keep]

FOLDER holds case files as FOLDER/README.md lists them (overlays over FOLDER/base). Every command runs with limits of time
and memory; the exit status is 0 when all cases are right. The same promises are tests of the project with inputs that the
tests make; this script repeats them on the original files. Python 3.11, nothing else.
"""

import argparse
import pathlib
import shutil
import sys
import tempfile

from casecheck import checkpoints, commands  # noqa: F401  pylint: disable=unused-import; they fill the table
from casecheck.bench import CASES, Bench


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("binary", type=pathlib.Path)
    parser.add_argument("--only", help="numbers of cases, with commas")
    parser.add_argument("--keep", action="store_true", help="keep the scratch folder")
    arguments = parser.parse_args()
    wanted = {int(number) for number in arguments.only.split(",")} if arguments.only else None
    scratch = pathlib.Path(tempfile.mkdtemp(prefix="xw-cases-"))
    bench = Bench(arguments.folder.resolve(), arguments.binary.resolve(), scratch)
    missed = []
    print(f"| n | what | expected | found | ok |\n|---|---|---|---|---|")
    for number, what, expected, function in CASES:
        if wanted and number not in wanted:
            continue
        try:
            found, ok = function(bench)
        except Exception as error:  # pylint: disable=broad-except; a case that cannot be run is a miss, not the end
            found, ok = f"{type(error).__name__}: {error}", False
        if not ok:
            missed.append(number)
        cells = [str(number), what, expected, " ".join(ascii(found)[1:-1].split()).replace("|", "/"), "yes" if ok else "NO"]
        print("| " + " | ".join(cells) + " |", flush=True)
    if arguments.keep:
        print(f"scratch folder: {scratch}", file=sys.stderr)
    else:
        shutil.rmtree(scratch, ignore_errors=True)
    print(f"\n{len(missed)} missed" + (f": {', '.join(map(str, missed))}" if missed else ""))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
