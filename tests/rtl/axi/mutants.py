#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""The faults of mutants.toml in a copy of the RTL. As a program: checks that all of them fit and that Verilator reads them."""

import argparse
import pathlib
import shutil
import subprocess
import sys
import tempfile
import tomllib

HERE = pathlib.Path(__file__).resolve().parent
RTL = HERE.parent.parent.parent / "rtl"


class MutantError(Exception):
    """A mutant that does not fit the RTL."""


def load():
    """{name: {file, old, new}}, in the order of their numbers, from 1 on."""
    return tomllib.loads((HERE / "mutants.toml").read_text(encoding="utf-8"))


def sources(rtl):
    packages = sorted((rtl / "pkg").glob("*.sv"))
    return [*packages, *sorted(p for p in rtl.rglob("*.sv") if p not in packages)]


def mutate(target, mutants):
    """A copy of the RTL that has every mutant, chosen by xw_mutant::number. Its package comes first."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(RTL, target)
    for number, (name, mutant) in enumerate(mutants.items(), 1):
        file = target / mutant["file"]
        text = file.read_text(encoding="utf-8")
        if text.count(mutant["old"]) != 1:
            raise MutantError(f"mutant {name}: {mutant['file']} has {text.count(mutant['old'])} times, expected once: {mutant['old']}")
        if "MUTANT" not in mutant["new"]:
            raise MutantError(f"mutant {name} does not say MUTANT")
        file.write_text(text.replace(mutant["old"], mutant["new"].replace("MUTANT", f"(xw_mutant::number == {number})")), encoding="utf-8")
    (target / "pkg/a_mutant.sv").write_text("package xw_mutant;\n  int number /* verilator public */;\nendpackage\n", encoding="utf-8")
    return target


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--verilator", default="verilator")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        try:
            rtl = mutate(pathlib.Path(folder) / "rtl", load())
        except MutantError as error:
            print(f"mutants: {error}", file=sys.stderr)
            return 1
        command = [options.verilator, "--lint-only", "-Wno-lint", "-Wno-style", "-Wno-fatal", "-Wno-SYMRSVDWORD", "--top-module", "xw_kernel"]
        status = subprocess.run([*command, *map(str, [*sources(rtl), HERE / "monitor.sv"])], check=False).returncode
        if status == 0:
            print(f"{len(load())} mutants")
        return status


if __name__ == "__main__":
    sys.exit(main())
