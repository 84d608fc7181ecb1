#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""Lints SystemVerilog with slang, a second frontend beside Verilator's; every warning is an error.

slang comes from PyPI: the first call installs the wheels of rtl/lint/slang.requirements.txt (version and hash are
fixed) into the folder given. Exits with 77, which ctest shows as skipped, if they cannot be had.
"""

import argparse
import hashlib
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
REQUIREMENTS = ROOT / "rtl/lint/slang.requirements.txt"
SKIPPED = 77

# All warnings but those against the house's style, each with its reason.
WARNINGS = ["-Weverything", "-Werror",
            "-Wno-useless-cast",             # operands of arithmetic are sized where they are used
            "-Wno-case-redundant-default",   # states that no enum value names go back to the first
            "-Wno-arith-op-mismatch",        # constants of the contract are int, parameters int unsigned
            "-Wno-sign-compare", "-Wno-sign-conversion"]


class Absent(Exception):
    """slang cannot be had."""


def install(folder, pip=(sys.executable, "-m", "pip")):
    """Installs the wheels, unless those that the requirements name are there."""
    stamp = folder / "installed"
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes() + sys.version.encode()).hexdigest()
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    command = [*pip, "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "--only-binary=:all:",
               "--target", str(folder), "--requirement", str(REQUIREMENTS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        if "DO NOT MATCH THE HASHES" in done.stderr or "Invalid requirement" in done.stderr:
            raise ValueError(f"{REQUIREMENTS.relative_to(ROOT)}: {done.stderr.strip()}")
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise Absent(f"pip could not install {REQUIREMENTS.relative_to(ROOT)}: {last}")
    stamp.write_text(wanted, encoding="utf-8")


def lint(folder, files, tops, defines=()):
    """True if slang has nothing to say; it prints what it has."""
    sys.path.insert(0, str(folder))
    from pyslang import driver  # pylint: disable=import-outside-toplevel
    slang = driver.Driver()
    slang.addStandardArgs()
    words = ["slang", *WARNINGS, *(f"--top {top}" for top in tops), *(f"-D{name}" for name in defines),
             *(f'"{file}"' for file in files)]
    if not slang.parseCommandLine(" ".join(words)) or not slang.processOptions() or not slang.parseAllSources():
        slang.reportDiagnostics(False)
        return False  # slang tells faults of the command line and of files apart from those of the code
    slang.reportCompilation(slang.createCompilation(), True)
    return slang.reportDiagnostics(True)


def rtl():
    """The package and then all modules."""
    package = ROOT / "rtl/pkg/xw_pkg.sv"
    return [package] + sorted(p for p in (ROOT / "rtl").glob("*/*.sv") if p != package)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=pathlib.Path, default=ROOT / "build/slang", help="for slang (default: %(default)s)")
    parser.add_argument("files", nargs="*", type=pathlib.Path, help="default: all of rtl, every module as a top")
    parser.add_argument("--top", action="append", default=[], help="top module of the files given")
    options = parser.parse_args(arguments)
    try:
        install(options.folder.absolute())
    except (Absent, OSError) as error:
        print(f"rtl_slang: skipped: {error}")
        return SKIPPED
    files = options.files or rtl()
    tops = options.top or [p.stem for p in files if p.stem != "xw_pkg"]
    clean = all([lint(options.folder.absolute(), files, tops, defines) for defines in ((), ("XW_FAST_SIMULATION",))])
    if clean:
        print(f"rtl_slang: {len(files)} files, nothing to say")
    return 0 if clean else 1


if __name__ == "__main__":
    sys.exit(main())
