# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""Typed access to the contract's tables; problems are collected."""

import re

from archgen.spec import WORD_BITS, Field

STYLES = ("decimal", "hex", "unit", "flag")  # of a field in assembler text
NAME = re.compile(r"[a-z][a-z0-9_]*\Z")


class Reader:
    """Typed access to TOML tables that remembers every problem and goes on."""

    def __init__(self):
        self.problems = []

    def problem(self, where, text):
        self.problems.append(f"{where}: {text}")

    def table(self, value, where):
        if isinstance(value, dict):
            return value
        self.problem(where, f"expected a table, found {type(value).__name__}")
        return {}

    def keys(self, table, where, required, optional=()):
        for key in table:
            if key not in required and key not in optional:
                self.problem(where, f"unknown key '{key}'; known: {', '.join((*required, *optional))}")
        for key in required:
            if key not in table:
                self.problem(where, f"key '{key}' is missing")

    def integer(self, table, key, where, default=0, low=0, high=0xFFFFFFFF):
        value = table.get(key, default)
        if not isinstance(value, int) or isinstance(value, bool):
            self.problem(where, f"'{key}': expected an integer, found {value!r}")
            return default
        if not low <= value <= high:
            self.problem(where, f"'{key}': expected {low}..{high}, found {value}")
            return default
        return value

    def text(self, table, key, where, default="", choices=None):
        value = table.get(key, default)
        if not isinstance(value, str):
            self.problem(where, f"'{key}': expected a string, found {value!r}")
            return default
        if choices is not None and value not in choices:
            self.problem(where, f"'{key}': expected one of {', '.join(choices)}, found '{value}'")
        return value

    def doc(self, table, where):
        value = self.text(table, "doc", where)
        if "\n" in value or value.strip() == "":
            self.problem(where, "'doc': expected one line of text")
        return value

    def name(self, value, where):
        if not isinstance(value, str) or not NAME.match(value):
            self.problem(where, f"name {value!r} is not lower_snake")
        return value if isinstance(value, str) else "unnamed"

    def bits(self, table, where):
        """`bits = "high:low"` or one number, inside a 32-bit word: (low, width)."""
        text = table.get("bits", "0")
        match = re.fullmatch(r"(\d{1,4})(?::(\d{1,4}))?", text) if isinstance(text, str) else None
        if not match:
            self.problem(where, f"'bits': expected \"high:low\" or \"bit\", found {text!r}")
            return 0, 1
        high, low = int(match[1]), int(match[2] or match[1])
        if low > high or high >= WORD_BITS:
            self.problem(where, f"'bits': expected 31 >= high >= low >= 0, found {text}")
            return 0, 1
        return low, high - low + 1

    def fields(self, table, where, num_words, has_text=False):
        """Fields of an instruction (num_words > 1) or a register; `has_text`: with a form in assembler text."""
        result = []
        for name, entry in self.table(table, where).items():
            here = f"{where}.{name}"
            self.name(name, here)
            entry = self.table(entry, here)
            self.keys(entry, here, ("word", "bits", "doc") if num_words > 1 else ("bits", "doc"),
                      ("text", "style") if has_text else ())
            low, width = self.bits(entry, here)
            word = self.integer(entry, "word", here, high=num_words - 1)
            text = self.name(entry.get("text", name), here)
            style = self.text(entry, "style", here, "flag" if width == 1 else "decimal", STYLES)
            if (style == "flag") != (width == 1):
                self.problem(here, f"style '{style}' of {width} bit{'s' if width > 1 else ''}")
            result.append(Field(name, word, low, width, self.doc(entry, here), text, style))
        return tuple(result)

    def unique(self, items, where, key, what):
        """Reports two items with the same key."""
        seen = {}
        for item in items:
            value = key(item)
            if value in seen:
                self.problem(where, f"{what} {value} is used by '{seen[value]}' and '{item.name}'")
            seen.setdefault(value, item.name)

    def no_overlap(self, ranges, where, what):
        """ranges: (begin, end, name), half open."""
        ordered = sorted(ranges)
        for (_, end, first), (begin, _, second) in zip(ordered, ordered[1:]):
            if begin < end:
                self.problem(where, f"{what} '{first}' and '{second}' overlap")

    def no_field_overlap(self, fields, where):
        self.no_overlap([(f.word * WORD_BITS + f.low, f.word * WORD_BITS + f.low + f.width, f.name) for f in fields],
                        where, "fields")
