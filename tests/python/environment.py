# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""A virtual environment with pinned packages of PyPI, for tests and scripts that need more than NumPy."""

import os
import pathlib
import shutil
import subprocess
import sys
import venv

HERE = pathlib.Path(__file__).resolve().parent


def enter(folder, requirements):
    """Goes on as the same command in the environment of `folder`, made with the packages of tests/python/`requirements` if it is missing or
    has others, which needs the network. Returns in it."""
    folder, wanted = pathlib.Path(folder).absolute(), HERE / requirements
    python, stamp = folder / "bin/python", folder / "requirements.txt"
    if pathlib.Path(sys.prefix) == folder:
        return
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != wanted.read_text(encoding="utf-8"):
        print(f"installing {requirements} in {folder}", flush=True)
        venv.create(folder, clear=True, with_pip=True)
        done = subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "--only-binary=:all:", "-r", wanted],
                              check=False)
        if done.returncode != 0:
            sys.exit(f"{requirements} cannot be installed (is there a network, and is this CPython 3.11 on x86_64?)")
        shutil.copyfile(wanted, stamp)
    os.execv(python, [python, *sys.argv])


def needs(program, package):
    """Ends with what is missing, if the program is."""
    if shutil.which(program) is None:
        sys.exit(f"this needs {program}, which is not installed (Debian: {package}; scripts/setup.sh studies)")
