# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""scripts/rtl_parameters.py: RTL parameters from emulator descriptions."""

import contextlib
import io
import pathlib
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "scripts"))
import rtl_parameters  # noqa: E402


class RtlParameters(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.text = (ROOT / "arch/chips/tiny-64.toml").read_text(encoding="utf-8")

    def run_on(self, *texts):
        """Exit status, standard output, standard error."""
        paths = []
        for number, text in enumerate(texts):
            path = pathlib.Path(self.folder.name) / f"{number}.toml"
            path.write_text(text, encoding="utf-8")
            paths.append(str(path))
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = rtl_parameters.main(paths)
        return status, out.getvalue(), err.getvalue()

    def test_writes_parameters_and_shape(self):
        status, out, _ = self.run_on(self.text)
        self.assertEqual(status, 0)
        self.assertIn("set(XW_RTL_NAMES tiny_64)", out)
        self.assertIn("set(XW_RTL_tiny_64_PARAMETERS NumEngines=1 Lanes=16 BlockRows=64 BlockCols=64 Contexts=2 XbufBytes=1024 "
                      "YbufWords=256 MaxBatch=4 AdcCols=2 MaxOutstanding=4)", out)
        self.assertIn('set(XW_RTL_tiny_64_SHAPE "1, 16, 64, 64, 2, 1024, 256, 4, 2, 128, 4")', out)

    def test_shape_has_the_order_of_its_struct(self):
        header = (ROOT / "host/backends/verilated/model.hpp").read_text(encoding="utf-8")
        members = header.split("struct Shape {")[1].split("friend")[0]
        order = [m.split("=")[0].split()[-1] for m in members.split(",")]
        self.assertEqual(order, list(rtl_parameters.PARAMETERS.values()))

    def test_parameters_are_those_of_the_kernel(self):
        kernel = (ROOT / "rtl/top/xw_kernel.sv").read_text(encoding="utf-8")
        for name in rtl_parameters.PARAMETERS:
            if name not in rtl_parameters.DERIVED:
                self.assertRegex(kernel, rf"parameter int unsigned {name}\s*=")

    def test_every_limit_is_named(self):
        for key, value in {"lanes": 8, "data_width_bits": 256, "num_engines": 9, "block_rows": 1025, "block_cols": 72,
                           "contexts": 1, "xbuf_bytes": 1032, "ybuf_words": 254, "max_batch": 257, "adc_columns_per_cycle": 3,
                           "max_outstanding": 0}.items():
            with self.subTest(key):
                lines = [f"{key} = {value}" if line.startswith(key + " ") else line for line in self.text.splitlines()]
                status, out, err = self.run_on("\n".join(lines))
                self.assertEqual((status, out), (1, ""))
                self.assertRegex(err, rf"0\.toml: emulator\.{key}: the RTL expects .*, found {value}")

    def test_bad_files_are_named(self):
        for text, message in {"": "has no [emulator]", "[emulator": "0.toml: ", "[emulator]\n": "emulator.name: expected a text",
                              self.text.replace("lanes = 16", "lanes = true"): "emulator.lanes: expected an integer, found True",
                              self.text.replace("lanes = 16\n", ""): "emulator.lanes: expected an integer, found None"}.items():
            with self.subTest(message):
                status, out, err = self.run_on(text)
                self.assertEqual((status, out), (1, ""))
                self.assertIn(message, err)

    def test_names_must_differ(self):
        status, _, err = self.run_on(self.text, self.text)
        self.assertEqual(status, 1)
        self.assertIn("tiny-64 is also that of", err)

    def test_absent_file(self):
        err = io.StringIO()
        with contextlib.redirect_stderr(err):
            self.assertEqual(rtl_parameters.main(["absent.toml"]), 1)
        self.assertIn("absent.toml", err.getvalue())


if __name__ == "__main__":
    unittest.main()
