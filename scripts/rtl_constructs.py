#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""Refuses SystemVerilog that tools read differently: a unary operator right before a size cast.

`-12'(MEAN)` is the negative of the cast for Verilator and slang. Yosys (0.23 to 0.70, read_verilog) takes the operator
for a part of the size and drops it, so the netlist differs from what was simulated. Write `12'sd0 - 12'(MEAN)`, or
parentheses around the cast.
"""

import argparse
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
TOKEN = re.compile(r"""
    (?P<space>\s+|//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\])*"|`\w+) |
    (?P<number>\d[\d_]*\s*'[sS]?[bodhBODH][\da-fA-FxXzZ?_]+|'[sS]?[bodhBODH][\da-fA-FxXzZ?_]+|'[01xXzZ]|\d[\d_]*(?:\.\d+)?) |
    (?P<name>[A-Za-z_$][\w$]*(?:::[A-Za-z_]\w*)*) |
    (?P<cast>'\() |
    (?P<operator><<<=|>>>=|<<=|>>=|===|!==|==\?|!=\?|<<<|>>>|\*\*|<<|>>|<=|>=|==|!=|&&|\|\||~&|~\||~\^|\^~|[-+*/%&|^]=|\+:|-:|->|[-+~!&|^*/%<>=?:]) |
    (?P<other>.)""", re.X | re.S)
UNARY = {"-", "+", "~", "!", "&", "|", "^", "~&", "~|", "~^", "^~"}
KEYWORDS = {"return", "case", "casez", "casex", "if", "else", "begin", "assign", "inside", "iff", "while", "and", "or", "not"}


def tokens(text):
    """(kind, text, line) of everything but white space, comments and strings."""
    line = 1
    for match in TOKEN.finditer(text):
        if match.lastgroup != "space":
            yield match.lastgroup, match.group(), line
        line += match.group().count("\n")


def ends_operand(token):
    kind, text, _ = token
    return kind == "number" or (kind == "name" and text not in KEYWORDS) or text in (")", "]", "}")


def opening(found, close):
    """Position of the parenthesis that the one at `close` closes."""
    depth = 0
    for place in range(close, -1, -1):
        if found[place][1] == ")":
            depth += 1
        elif found[place][1] in ("(", "'("):
            depth -= 1
            if depth == 0:
                return place
    return 0


def problems(text):
    """(line, construct) of everything that is refused."""
    found = list(tokens(text))
    result = []
    for place, (kind, _, line) in enumerate(found):
        if kind != "cast" or place < 2:
            continue
        size = opening(found, place - 1) if found[place - 1][1] == ")" else place - 1
        operator = size - 1
        if operator < 0 or found[operator][1] not in UNARY:
            continue
        if operator == 0 or not ends_operand(found[operator - 1]):
            result.append((line, "".join(t for _, t, _ in found[operator:place + 1]) + "...)"))
    return result


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=pathlib.Path, help="default: all SystemVerilog of the repository")
    options = parser.parse_args(arguments)
    files = options.files or sorted((ROOT / "rtl").rglob("*.sv"))
    bad = 0
    for file in files:
        for line, construct in problems(file.read_text(encoding="utf-8")):
            print(f"{file}:{line}: unary operator before a size cast: {construct}", file=sys.stderr)
            bad += 1
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
