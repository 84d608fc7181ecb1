#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""Fails when a folder includes a header of a folder that it may not depend on.

The table below is the layering of the project. A folder may always include itself and ARCH. Longest prefix wins.
Headers are named from the root of the repository.
"""

import argparse
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
ARCH = ("arch/support", "arch/description", "arch/generated")
COMPILER = ("compiler/ir", "compiler/checkpoint", "compiler/passes", "compiler/mapping", "compiler/program", "compiler/codegen",
            "compiler/pipeline")

ALLOWED = {  # folder -> folders that it may include besides itself and ARCH
    "arch/generated": (),
    "arch/support": (),
    "arch/description": (),
    "models/analog": (),
    "models/cells": ("models/analog",),
    "models/reference": ("models/analog", "models/cells"),
    "models/calibration": (),
    "compiler/ir": (),
    "compiler/checkpoint": ("compiler/ir",),
    "compiler/passes": ("models", "compiler/ir"),
    "compiler/mapping": ("models", "compiler/ir"),
    "compiler/program": (),
    "compiler/codegen": ("compiler/ir", "compiler/mapping", "compiler/program"),
    "compiler/pipeline": ("models", *COMPILER),
    "systemc": ("models", "compiler/program"),
    "firmware": (),
    "host/device": ("compiler/program",),
    "host/backends/functional": ("models", "compiler/program", "host/device"),
    "host/backends/systemc": ("systemc", "compiler/program", "compiler/ir", "host/device"),
    "host/backends/verilated": ("compiler/program", "host/device"),
    "host/backends/xrt": ("compiler/program", "host/device"),
    "host/backends/registry": ("compiler/program", "host/device", "host/backends"),
    "host/runtime": ("models", "compiler/program", "compiler/ir", "host/device"),
    "host/tokenizer/unicode": (),
    "host/tokenizer/jinja": ("host/tokenizer/unicode",),
    "host/tokenizer": ("compiler/checkpoint",),
    "host/transformer": ("compiler/ir", "compiler/checkpoint", "compiler/program", "models", "host/runtime", "host/device",
                         "host/tokenizer"),
    "host/evaluation": ("compiler/ir", "compiler/checkpoint", "compiler/program", "models", "host/runtime", "host/device",
                        "host/tokenizer", "host/transformer"),
    "host/report": ("compiler/ir", "compiler/program", "compiler/mapping", "host/runtime", "host/device", "systemc"),
    "host/toolchain": ("compiler/checkpoint", "compiler/ir", "compiler/passes", "compiler/pipeline", "compiler/program",
                       "models/calibration", "host/backends/registry", "host/runtime", "host/tokenizer", "host/transformer"),
    "host/app": ("models", "compiler", "host"),
}
ANYTHING = ("tests", "scripts")  # may include everything; nobody else may include them
SUFFIXES = {".hpp", ".cpp", ".h", ".c", ".cc"}
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"')


def within(path, folder):
    return path == folder or path.startswith(folder + "/")


def owner(path, folders):
    """The longest of `folders` that contains `path`, or None."""
    return max((f for f in folders if within(path, f)), key=len, default=None)


def check_file(root, relative):
    """Violations of one file, as lines to print."""
    folder = owner(relative, ALLOWED)
    if folder is None:
        if not any(within(relative, f) for f in ANYTHING):
            yield f"{relative}:1: this folder is not in the table of scripts/check_includes.py"
        return
    permitted = (folder, *ARCH, *ALLOWED[folder]) if folder not in ARCH else (folder, *ARCH)
    text = (root / relative).read_text(encoding="utf-8", errors="replace")
    for number, line in enumerate(text.splitlines(), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        header = match[1]
        if not (root / header).exists():
            yield f"{relative}:{number}: \"{header}\" is not a header named from the root of the repository"
        elif not any(within(header, p) for p in permitted):
            yield f"{relative}:{number}: {folder} may not include {owner(header, (*ALLOWED, *ANYTHING)) or header}"


def sources(root):
    tops = sorted({f.split("/")[0] for f in ALLOWED})
    for top in tops:
        for path in sorted((root / top).rglob("*")):
            if path.suffix in SUFFIXES and path.is_file():
                yield path.relative_to(root).as_posix()


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=pathlib.Path, default=ROOT, help="root of the sources")
    options = parser.parse_args(arguments)
    found = [violation for path in sources(options.root) for violation in check_file(options.root, path)]
    for violation in found:
        print(violation)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
