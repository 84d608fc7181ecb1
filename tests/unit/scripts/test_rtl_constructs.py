# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""Tests of scripts/rtl_constructs.py: unary operators before size casts are found, and nothing else is."""

import contextlib
import io
import pathlib
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "scripts"))

import rtl_constructs  # noqa: E402


class UnaryBeforeSizeCast(unittest.TestCase):
    def test_refused_wherever_it_stands(self):
        for text in ("h = -12'(MEAN);", "h = -12'(xw_pkg::NOISE_MEAN);", "h <= a + (-W'(x));", "h = {-8'(a), b};",
                     "assign m = ~W'(x);", "if (!1'(x)) y = z;", "y = c ? -4'(a) : b;", "y = f(a, -4'(b));",
                     "y = a - -4'(b);", "y = |8'(a);", "y = -(W + 1)'(x);", "y[-4'(a)] = b;", "return -4'(x);",
                     "y = -  // why\n 4'(a);", "y = a == ~4'(b);", "y = -xw_pkg::WIDTH'(a);"):
            with self.subTest(text):
                self.assertEqual(len(rtl_constructs.problems(text)), 1)

    def test_other_code_is_not_refused(self):
        for text in ("h = 12'sd0 - 12'(MEAN);", "h = -(12'(MEAN));", "h = -12'sd500;", "y = a - 4'(b);", "y = 2 - 4'(b);",
                     "y = a[3] & 4'(b);", "y = f(a) | 4'(b);", "y = {a, b} ^ 4'(c);", "y = '1 & 4'(b);", "y = 4'b01 - 4'(b);",
                     "y = &a;", "// -4'(a)\n", "/* -4'(a) */", 'x = "-4\'(a)";', "y = (W + 1)'(x);", "y <= 4'(a);",
                     "y = (a - (W + 1)'(x));", "y = ~(4'(a));", "a[4'(b) +: 2] = ~b;", "'{a: 4'(b)}"):
            with self.subTest(text):
                self.assertEqual(rtl_constructs.problems(text), [])

    def test_names_file_line_and_construct(self):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "bad.sv"
            file.write_text("module m;\n\n  assign a = -12'(MEAN);\nendmodule\n", encoding="utf-8")
            errors = io.StringIO()
            with contextlib.redirect_stderr(errors):
                self.assertEqual(rtl_constructs.main([str(file)]), 1)
            self.assertEqual(errors.getvalue(), f"{file}:3: unary operator before a size cast: -12'(...)\n")

    def test_the_rtl_has_none(self):
        self.assertEqual(rtl_constructs.main([]), 0)


if __name__ == "__main__":
    unittest.main()
