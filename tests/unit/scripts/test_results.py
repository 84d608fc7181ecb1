# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""Tables of scripts/results.py from made measurements."""
import argparse
import contextlib
import io
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "scripts"))
import results  # noqa: E402  pylint: disable=wrong-import-position


class Tables(unittest.TestCase):
    def test_only_the_part_between_the_markers_changes(self):
        with tempfile.TemporaryDirectory() as folder:
            document = pathlib.Path(folder) / "results.md"
            document.write_text("before\n<!-- cycles:begin -->\nold\n<!-- cycles:end -->\nafter\n")
            results.write_table(document, "cycles", ["new", "rows"])
            self.assertEqual(document.read_text(), "before\n<!-- cycles:begin -->\nnew\nrows\n<!-- cycles:end -->\nafter\n")

    def test_a_document_without_markers_is_refused_and_kept(self):
        with tempfile.TemporaryDirectory() as folder:
            document = pathlib.Path(folder) / "results.md"
            for text in ("nothing\n", "<!-- cycles:begin -->\n", 2 * "<!-- cycles:begin -->\n<!-- cycles:end -->\n"):
                document.write_text(text)
                with self.assertRaisesRegex(SystemExit, "markers"):
                    results.write_table(document, "cycles", ["new"])
                self.assertEqual(document.read_text(), text)

    def test_long_programs_get_a_row_each_and_short_ones_one_together(self):
        printed = ("[ RUN      ] Table/EmulatorCycles.x/one\ncycles: | one | 1 | 2000 | 1990 | -0.50 % |\n"
                   "cycles: | two | 4 | 300 | 303 | +1.00 % |\ncycles: | three | 4 | 1000 | 999 | -0.10 % |\n")
        self.assertEqual(results.conformance_lines(printed)[2:], [
            "| one | 1 | 2000 | 1990 | -0.50 % |",
            "| 2 of at most 1000 cycles, together | - | 1300 | 1302 | +0.15 % |",
            "| **all 3** | - | 3300 | 3292 | -0.24 % |"])

    def test_a_test_that_compared_nothing_is_no_table(self):
        with self.assertRaisesRegex(SystemExit, "compared no program"):
            results.conformance_lines("[  SKIPPED ] Table/EmulatorCycles\n")

    def test_tasks_show_their_main_metric_and_the_difference(self):
        chips = {"runs": [{}, {}], "tasks": {"arc": {"acc": {"mean": 0.1, "std": 0}, "acc_norm": {"mean": 0.5, "std": 0.02}},
                                             "words": {"acc": {"mean": 0.25, "std": 0.01}, "log_likelihood": {"mean": -2, "std": 0}}}}
        self.assertEqual(results.task_cells(chips, {}), ["50.0 ± 2.0", "25.0 ± 1.0"])
        rows = {("arc", "acc_norm"): {"difference": -0.1, "confidence_interval": [-0.15, 0.01]},
                ("words", "acc"): {"difference": 0.02, "confidence_interval": [-0.01, 0.04]}}
        self.assertEqual(results.task_cells(chips, rows), ["50.0 ± 2.0 (-10.0, -15.0 to +1.0)", "25.0 ± 1.0 (+2.0, -1.0 to +4.0)"])

    def test_the_table_has_to_be_named(self):
        with contextlib.redirect_stderr(io.StringIO()) as errors, self.assertRaises(SystemExit):
            sys.argv = ["results.py"]
            results.parse_arguments()
        self.assertIn("table", errors.getvalue())


# Stands for the command: keeps a chip, then is killed; a second time it finds what it kept.
COMMAND = """#!/usr/bin/env python3
import json, os, pathlib, signal, sys
file = pathlib.Path(next(word for word in sys.argv if word.startswith("--json="))[7:])
kept = json.loads(file.read_text())["chips"] if file.exists() else 0
with open(sys.argv[0] + ".calls", "a") as calls:
    calls.write(f"{kept}\\n")
file.write_text(json.dumps({"chips": kept + 1, "complete": kept > 0, "perplexity": {"mean": 20}, "lambada_accuracy": {"mean": 0.5}}))
if kept == 0:
    os.kill(os.getpid(), signal.SIGKILL)
"""


class Interruption(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.work = pathlib.Path(folder.name)
        command = self.work / "command"
        command.write_text(COMMAND)
        command.chmod(0o755)
        self.arguments = argparse.Namespace(text="t", tokens=1, lambada="l", limit=1, work=self.work, crossweave=command, reuse=False)

    def evaluate(self):
        with contextlib.redirect_stdout(io.StringIO()):
            return results.evaluate(self.arguments, "row", "model", ["--text", "t"], ["--chip-seeds", "2"])[0]

    def calls(self):
        return (self.work / "command.calls").read_text().split()

    def test_a_row_goes_on_from_the_chips_that_were_kept(self):
        with self.assertRaises(subprocess.CalledProcessError):
            self.evaluate()
        self.arguments.reuse = True
        self.assertEqual(self.evaluate()["chips"], 2)
        self.assertEqual(self.evaluate()["chips"], 2)  # a finished row is not measured again
        self.assertEqual(self.calls(), ["0", "1"])

    def test_without_reuse_nothing_that_was_kept_counts(self):
        for _ in range(2):
            with self.assertRaises(subprocess.CalledProcessError):
                self.evaluate()
        self.assertEqual(self.calls(), ["0", "0"])

    def test_a_row_of_another_command_is_measured(self):
        (self.work / "row.json").write_text('{"chips": 1, "complete": true}')
        (self.work / "row.command.json").write_text('["eval", "other"]')
        self.arguments.reuse = True
        with self.assertRaises(subprocess.CalledProcessError):
            self.evaluate()  # begins anew
        self.assertEqual(self.evaluate()["chips"], 2)
        self.assertEqual(self.calls(), ["0", "1"])


if __name__ == "__main__":
    unittest.main()
