# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""Tests of scripts/rtl_slang.py: wheels that cannot be had are told and skip; what slang does not like fails."""

import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "scripts"))

import rtl_slang  # noqa: E402

GOOD = "module m (input logic clk_i, input logic a_i, output logic q_o);\n  always_ff @(posedge clk_i) q_o <= a_i;\nendmodule\n"
USED_EARLY = "module m (input logic a_i, output logic q_o);\n  assign q_o = early;\n  logic early;\n  assign early = a_i;\nendmodule\n"


class Requirements(unittest.TestCase):
    def test_fix_version_and_hash_of_every_wheel(self):
        text = re.sub(r"#.*", "", rtl_slang.REQUIREMENTS.read_text(encoding="utf-8")).replace("\\\n", " ")
        lines = [line.split() for line in text.splitlines() if line.strip()]
        self.assertEqual([line[0].split("==")[0] for line in lines], ["pyslang", "nanobind-backend"])
        for line in lines:
            self.assertRegex(line[0], r"^[\w-]+==[\d.]+$")
            self.assertGreaterEqual(len(line), 2)
            for option in line[1:]:
                self.assertRegex(option, r"^--hash=sha256:[0-9a-f]{64}$")


class Installation(unittest.TestCase):
    def test_that_fails_is_told_with_pips_last_words(self):
        with tempfile.TemporaryDirectory() as folder:
            pip = (sys.executable, "-c", "import sys; sys.exit('no network')")
            with self.assertRaisesRegex(rtl_slang.Absent, "pip could not install rtl/lint/slang.requirements.txt: no network"):
                rtl_slang.install(pathlib.Path(folder) / "slang", pip)

    def test_wheels_that_are_not_the_wanted_ones_are_an_error(self):
        with tempfile.TemporaryDirectory() as folder:
            pip = (sys.executable, "-c", "import sys; sys.exit('THESE PACKAGES DO NOT MATCH THE HASHES')")
            with self.assertRaisesRegex(ValueError, "slang.requirements.txt: THESE PACKAGES DO NOT MATCH"):
                rtl_slang.install(pathlib.Path(folder) / "slang", pip)

    def test_happens_once(self):
        with tempfile.TemporaryDirectory() as folder:
            slang = pathlib.Path(folder) / "slang"
            rtl_slang.install(slang, (sys.executable, "-c", ""))
            rtl_slang.install(slang, (sys.executable, "-c", "import sys; sys.exit('again')"))


class Lint(unittest.TestCase):
    def lint(self, text):
        """Exit status and output for one file, in a process of its own."""
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "m.sv"
            file.write_text(text, encoding="utf-8")
            done = subprocess.run([sys.executable, "-B", str(ROOT / "scripts/rtl_slang.py"), "--top", "m", str(file)],
                                  capture_output=True, text=True, check=False)
        if done.returncode == rtl_slang.SKIPPED:
            self.skipTest(done.stdout.strip())
        return done.returncode, done.stdout + done.stderr

    def test_good_code_passes(self):
        self.assertEqual(self.lint(GOOD)[0], 0)

    def test_files_that_are_not_there_fail(self):
        done = subprocess.run([sys.executable, "-B", str(ROOT / "scripts/rtl_slang.py"), "--top", "m", "/nowhere/m.sv"],
                              capture_output=True, text=True, check=False)
        if done.returncode == rtl_slang.SKIPPED:
            self.skipTest(done.stdout.strip())
        self.assertEqual(done.returncode, 1)
        self.assertNotIn("nothing to say", done.stdout)

    def test_names_used_before_their_declaration_fail(self):
        status, output = self.lint(USED_EARLY)
        self.assertEqual(status, 1)
        self.assertIn("used before its declaration", output)


if __name__ == "__main__":
    unittest.main()
