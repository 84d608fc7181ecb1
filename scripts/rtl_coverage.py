#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""Adds up what Verilated models counted and reports it by module; started by scripts/coverage_rtl.sh.

Line: reached by some test, in some shape of the module. Branch: both ways were taken. Toggle: a bit rose or fell
(counted in narrow modules only, see cmake/XwVerilator.cmake).
"""

import argparse
import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
RATCHET = ROOT / "tests/rtl/coverage.json"
LEAST_LINES = 95.0  # percent, all modules together
SLACK = 0.05        # percent that rounding may take away

POINT = re.compile(rb"^C '(.*)' (\d+)$")
VARIANT = re.compile(rb"(\x01page\x02\w+/\w+?)__\w+")  # Verilator's names of a module with other parameters
FIELD = re.compile(rb"\x01([^\x02]+)\x02([^\x01]*)")


class CoverageError(Exception):
    pass


def read(folder):
    """Point -> hits, added up over all files. A point is its record without the hierarchy and the parameters."""
    files = sorted(folder.glob("*.dat"))
    if not files:
        raise CoverageError(f"{folder}: no coverage files")
    hits = {}
    for path in files:
        with open(path, "rb") as file:
            for line in file:
                match = POINT.match(line)
                if match:
                    key = VARIANT.sub(rb"\1", match.group(1).partition(b"\x01h\x02")[0])
                    hits[key] = hits.get(key, 0) + int(match.group(2))
    return hits


def lines_of(text):
    """Line numbers of a list such as '12-14,20'."""
    for part in text.split(","):
        first, _, last = part.partition("-")
        yield from range(int(first), int(last or first) + 1)


class Module:
    def __init__(self):
        self.lines = {}  # line -> reached
        self.branches = self.taken = self.toggles = self.toggled = 0


def modules_of(hits):
    """Name of a module -> what was counted in it."""
    modules = {}
    for key, count in hits.items():
        fields = {k.decode(): v.decode() for k, v in FIELD.findall(key)}
        kind, _, _ = fields["page"].partition("/")
        module = modules.setdefault(pathlib.PurePath(fields["f"]).stem, Module())
        if "S" in fields:
            for line in lines_of(fields["S"]):
                module.lines[line] = module.lines.get(line, False) or count > 0
        if kind == "v_branch":
            module.branches += 1
            module.taken += count > 0
        elif kind == "v_toggle":
            module.toggles += 1
            module.toggled += count > 0
    return modules


def percent(part, whole):
    return 100.0 * part / whole if whole else 100.0


def summary(modules):
    """Percentages as they are kept in the ratchet file."""
    lines = {name: round(percent(sum(m.lines.values()), len(m.lines)), 1) for name, m in sorted(modules.items())}
    total = {
        "lines": percent(sum(sum(m.lines.values()) for m in modules.values()), sum(len(m.lines) for m in modules.values())),
        "branches": percent(sum(m.taken for m in modules.values()), sum(m.branches for m in modules.values())),
        "toggles": percent(sum(m.toggled for m in modules.values()), sum(m.toggles for m in modules.values()))}
    return {"total": {kind: round(value, 1) for kind, value in total.items()}, "lines": lines}


def table(modules, result):
    rows = [f"{'module':24} {'lines':>12} {'branches':>12} {'toggles':>15}"]
    for name, m in sorted(modules.items()):
        toggles = f"{m.toggled}/{m.toggles}" if m.toggles else "-"
        rows.append(f"{name:24} {sum(m.lines.values()):5}/{len(m.lines):<6} {m.taken:5}/{m.branches:<6} {toggles:>15}")
    total = result["total"]
    rows.append(f"total: lines {total['lines']} %, branches {total['branches']} %, toggles {total['toggles']} %")
    return "\n".join(rows)


def fallen(result, kept, expected):
    """Complaints: what is below the ratchet, and modules that have no coverage at all."""
    messages = []
    if result["total"]["lines"] < LEAST_LINES:
        messages.append(f"total: {result['total']['lines']} % of the lines, at least {LEAST_LINES} % are required")
    for kind, value in result["total"].items():
        if value < kept.get("total", {}).get(kind, 0.0) - SLACK:
            messages.append(f"total: {value} % of the {kind}, {kept['total'][kind]} % before")
    for name in sorted(expected | set(kept.get("lines", {}))):
        if name not in result["lines"]:
            if name in expected:
                messages.append(f"{name}: no test reaches it")
        elif result["lines"][name] < kept.get("lines", {}).get(name, 0.0) - SLACK:
            messages.append(f"{name}: {result['lines'][name]} % of the lines, {kept['lines'][name]} % before")
    return messages


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path, help="coverage files of the tests")
    parser.add_argument("--update", action="store_true", help="keep what was measured")
    parser.add_argument("--missed", action="store_true", help="list the lines that no test reached")
    parser.add_argument("--ratchet", type=pathlib.Path, default=RATCHET, help="default: %(default)s")
    options = parser.parse_args(arguments)
    try:
        modules = modules_of(read(options.folder))
        result = summary(modules)
        print(table(modules, result))
        if options.missed:
            for name, module in sorted(modules.items()):
                missed = sorted(line for line, reached in module.lines.items() if not reached)
                if missed:
                    print(f"{name}: lines {', '.join(map(str, missed))}")
        kept = json.loads(options.ratchet.read_text(encoding="utf-8")) if options.ratchet.exists() else {}
        # Modules that only connect others have nothing to count.
        expected = {p.stem for p in (ROOT / "rtl").glob("*/*.sv") if "always_" in p.read_text(encoding="utf-8")}
        messages = fallen(result, {} if options.update else kept, expected)
        for message in messages:
            print(f"rtl_coverage: {message}", file=sys.stderr)
        if messages:
            return 1
        if options.update:
            options.ratchet.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    except (CoverageError, OSError, ValueError) as error:
        print(f"rtl_coverage: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
