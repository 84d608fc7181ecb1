# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""scripts/rtl_coverage.py adds up Verilator's files and keeps coverage from falling."""

import contextlib
import io
import json
import pathlib
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "scripts"))

import rtl_coverage  # noqa: E402


def point(module, page, comment, count, lines=None, hierarchy="TOP.x"):
    key = f"\x01f\x02/r/rtl/tile/{module}.sv\x01l\x0212\x01n\x024\x01page\x02{page}/{module}\x01o\x02{comment}"
    if lines:
        key += f"\x01S\x02{lines}"
    return f"C '{key}\x01h\x02{hierarchy}' {count}\n"


class Report(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)
        self.ratchet = self.folder / "coverage.json"

    def write(self, name, *points):
        (self.folder / name).write_text("# SystemC::Coverage-3\n" + "".join(points), encoding="utf-8")

    def modules(self):
        return rtl_coverage.modules_of(rtl_coverage.read(self.folder))

    def run_main(self, *arguments):
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = rtl_coverage.main([str(self.folder), "--ratchet", str(self.ratchet), *arguments])
        return status, out.getvalue(), err.getvalue()

    def test_counts_of_files_and_instances_add_up(self):
        self.write("1-0.dat", point("xw_a", "v_branch", "if", 0, "3-4,9"), point("xw_a", "v_branch", "else", 2, None),
                   point("xw_a", "v_toggle", "q[0]", 0), point("xw_b", "v_line", "block", 0, "5"))
        self.write("1-1.dat", point("xw_a", "v_branch", "if", 1, "3-4,9", "TOP.y"), point("xw_a", "v_toggle", "q[1]", 5))
        modules = self.modules()
        a, b = modules["xw_a"], modules["xw_b"]
        self.assertEqual(a.lines, {3: True, 4: True, 9: True})
        self.assertEqual((a.branches, a.taken, a.toggles, a.toggled), (2, 2, 2, 1))
        self.assertEqual(b.lines, {5: False})
        self.assertEqual(rtl_coverage.summary(modules), {"total": {"lines": 75.0, "branches": 100.0, "toggles": 50.0},
                                                         "lines": {"xw_a": 100.0, "xw_b": 0.0}})

    def test_shapes_of_a_module_count_together(self):
        self.write("1-0.dat", point("xw_a", "v_branch", "if", 0, "3"), point("xw_a", "v_branch", "if", 4, "3").replace(
            "v_branch/xw_a", "v_branch/xw_a__L40_M2"))
        self.assertEqual((self.modules()["xw_a"].branches, self.modules()["xw_a"].taken), (1, 1))

    def test_a_line_of_several_points_needs_one(self):
        self.write("1-0.dat", point("xw_a", "v_line", "block", 3, "7-8"), point("xw_a", "v_line", "case", 0, "8"))
        self.assertEqual(self.modules()["xw_a"].lines, {7: True, 8: True})

    def test_what_fell(self):
        result = {"total": {"lines": 96.0, "branches": 80.0, "toggles": 70.0}, "lines": {"xw_a": 90.0, "xw_b": 100.0}}
        kept = {"total": {"lines": 96.0, "branches": 80.1, "toggles": 70.0}, "lines": {"xw_a": 92.5, "xw_gone": 50.0}}
        self.assertEqual(rtl_coverage.fallen(result, kept, {"xw_a", "xw_b", "xw_c"}),
                         ["total: 80.0 % of the branches, 80.1 % before", "xw_a: 90.0 % of the lines, 92.5 % before",
                          "xw_c: no test reaches it"])
        self.assertEqual(rtl_coverage.fallen(result, {}, {"xw_a"}), [])

    def test_too_few_lines(self):
        result = {"total": {"lines": 94.9, "branches": 80.0, "toggles": 70.0}, "lines": {}}
        self.assertEqual(rtl_coverage.fallen(result, {}, set()),
                         ["total: 94.9 % of the lines, at least 95.0 % are required"])

    def test_update_and_check(self):
        modules = sorted(p.stem for p in (ROOT / "rtl").glob("*/*.sv"))
        self.write("1-0.dat", *(point(m, "v_line", "block", 1, "1-99") for m in modules))
        status, out, err = self.run_main("--update")
        self.assertEqual((status, err), (0, ""))
        self.assertIn("total: lines 100.0 %", out)
        self.assertEqual(json.loads(self.ratchet.read_text(encoding="utf-8"))["lines"]["xw_engine"], 100.0)
        self.assertEqual(self.run_main()[0], 0)
        self.write("1-0.dat", *(point(m, "v_line", "block", 1, "1-99") for m in modules),
                   point("xw_engine", "v_line", "other", 0, "100"))
        status, out, err = self.run_main("--missed")
        self.assertEqual(status, 1)
        self.assertIn("xw_engine: 99.0 % of the lines, 100.0 % before", err)
        self.assertIn("xw_engine: lines 100\n", out)

    def test_no_files(self):
        status, _, err = self.run_main()
        self.assertEqual(status, 1)
        self.assertIn("no coverage files", err)


if __name__ == "__main__":
    unittest.main()
