# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""Questions whose answers can be verified, and the table of what more answers to them give."""
import contextlib
import io
import json
import pathlib
import re
import sys
import tempfile
import unittest
from unittest import mock

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "scripts"))
import prepare_arithmetic  # noqa: E402  pylint: disable=wrong-import-position
import test_time_compute  # noqa: E402  pylint: disable=wrong-import-position


def called(module, *words):
    with mock.patch.object(sys, "argv", [module.__name__ + ".py", *map(str, words)]), contextlib.redirect_stdout(io.StringIO()):
        module.main()


class Questions(unittest.TestCase):
    def made(self, folder, *words):
        called(prepare_arithmetic, "-o", folder / "text.txt", "--task", folder / "task.jsonl", *words)
        lines = (folder / "text.txt").read_text().split("<|endoftext|>")
        items = [json.loads(line) for line in (folder / "task.jsonl").read_text().splitlines()]
        return lines, items

    def test_every_step_is_right_and_held_out_pairs_are_not_in_the_text(self):
        with tempfile.TemporaryDirectory() as name:
            lines, items = self.made(pathlib.Path(name), "--lines", 15000, "--held-out", 100)
            self.assertEqual((len(lines), len(items)), (15000, 100))
            seen = set()
            for line in lines:
                found = re.fullmatch(r"(\d\d)\*(\d\d): (\d+\*\d)=(\d+) (\d+\*\d+)=(\d+) (\d+)\+(\d+)=(\d+)\n", line)
                self.assertIsNotNone(found, line)
                a, b = int(found[1]), int(found[2])
                self.assertEqual([eval(found[3]), eval(found[5]), int(found[7]), int(found[8]), int(found[9])],  # pylint: disable=eval-used
                                 [int(found[4]), int(found[6]), int(found[4]), int(found[6]), a * b], line)
                self.assertNotEqual(b % 10, 0)
                seen.add((a, b))
            self.assertEqual(len(seen), 90 * 81 - 100)  # all others, since the text is longer
            for item in items:
                *before, question = item["context"].split("<|endoftext|>")
                self.assertEqual(len(before), 2)
                self.assertTrue(all(line in lines for line in before))
                a, b = map(int, question.rstrip(":").split("*"))
                self.assertEqual(item["answers"], [str(a * b)])
                self.assertNotIn((a, b), seen)

    def test_the_seed_decides(self):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            first, again, other = (self.made(folder, "--lines", 50, "--seed", seed) for seed in (3, 3, 4))
            self.assertEqual(first, again)
            self.assertNotEqual(first, other)

    def test_impossible_numbers_are_refused(self):
        for words in (("--held-out", 0), ("--held-out", 7290), ("--lines", 0), ("--shots", 9)):
            with self.assertRaisesRegex(SystemExit, f"{words[0]}: expected .*found {words[1]}"):
                self.made(pathlib.Path("/nonexistent"), *words)


class Table(unittest.TestCase):
    METRICS = {name: {"mean": mean, "std": 0.01} for name, mean in (("exact_match", 0.5), ("pass@2", 0.6), ("pass@4", 0.7), ("pass@8", 0.8), ("majority@2", 0.5),
                                                                     ("majority@4", 0.55), ("majority@8", 0.625), ("likeliest@2", 0.5))}

    def test_columns_are_those_that_were_measured(self):
        titles, cells = test_time_compute.row_cells(self.METRICS, 1)
        self.assertEqual(titles, ["one answer", "pass@4", "majority@4"])
        self.assertEqual(cells, ["50.0", "70.0", "55.0"])
        self.assertEqual(test_time_compute.row_cells(self.METRICS, 3)[1][0], "50.0 ± 1.0")
        self.assertEqual(test_time_compute.counts_of(self.METRICS), [1, 2, 4, 8])

    def test_the_table_and_the_figure_are_written(self):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            for file in ("plain", "trained", "task.jsonl", "command"):
                (folder / file).write_text("{}\n")
            document = folder / "results.md"
            document.write_text("<!-- test-time:begin -->\n<!-- test-time:end -->\n")
            measured = []

            def evaluate(_, row, model, what, options, threads):
                measured.append((row, pathlib.Path(model).name, options[0]))
                self.assertIn("--samples", what)
                self.assertEqual(threads, ["--threads", "0"])
                return {"runs": [{}] * (2 if "pcm" in row else 1), "tasks": {"task": self.METRICS}}, None

            with mock.patch.object(test_time_compute, "evaluate", evaluate), mock.patch.object(
                    test_time_compute, "compile_program", lambda arguments, place, options, model: f"{place}.xwp"):
                called(test_time_compute, "--plain", folder / "plain", "--trained", folder / "trained", "--task", folder / "task.jsonl", "--crossweave", folder / "command",
                       "--document", document, "--work", folder, "--samples", 8)
            self.assertEqual([one[1:] for one in measured], [("plain", "--mode"), ("test-time-plain-w4.xwp", "--mode"), ("test-time-plain.xwp", "--noise"),
                                                             ("trained", "--mode"), ("test-time-trained-w4.xwp", "--mode"), ("test-time-trained.xwp", "--noise")])
            lines = document.read_text().splitlines()
            self.assertEqual(lines[5], "| plain, analog pcm-afm | 50.0 ± 1.0 | 70.0 ± 1.0 | 55.0 ± 1.0 |")
            self.assertIn("1 questions of task.jsonl, 8 answers each", lines[-2])
            self.assertIn("majority, trained noisy", (folder / "figures/test-time-compute.svg").read_text())


if __name__ == "__main__":
    unittest.main()
