# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""Studies: the command and the package, workers that die, figures against single evaluations."""

import concurrent.futures
import csv
import json
import multiprocessing
import os
import re
import signal
import sqlite3
import subprocess
import time
import unittest

import crossweave
from crossweave import sweep
from support import CHOICES, COMMAND, FOLDER, MODEL, TEXT, command, said, task_file, without

STUDY = FOLDER / "study.toml"
POINTS = 12


def setUpModule():
    task_file("choices", CHOICES)
    STUDY.write_text(f'''
[measure]
text = "{TEXT}"
tokens = 120
tasks = ["choices.jsonl"]
[options]
model = "{MODEL}"
noise = "pcm-hermes"
[grid]
adapt = ["none", "fold"]
chip-seed = "3..4"
time = [0, "1d", "30d"]
''', encoding="utf-8")


def perimeter(point):
    """Measures a study with a function."""
    if point["side"] == "13":
        raise ArithmeticError("no thirteens")
    return {"perimeter": 4 * int(point["side"]), "by": os.getpid()}


def figures(folder):
    """Of every point, by point."""
    return {json.dumps(record["point"], sort_keys=True): record["figures"] for record in sweep.records(STUDY, folder)}


class Studies(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.serial = FOLDER / "serial"
        cls.first = command("sweep", STUDY, "-o", cls.serial, "--csv", FOLDER / "serial.csv").stdout

    def test_every_point_is_there_once_and_a_second_call_measures_nothing(self):
        self.assertIn(f"{POINTS} points on 4 chips", self.first)
        self.assertEqual(len(figures(self.serial)), POINTS)
        again = command("sweep", STUDY, "-o", self.serial).stdout
        self.assertIn(f"{POINTS} were there, 0 measured, 0 failed", again)
        self.assertEqual(len(list((self.serial / "programs").glob("*.xwp"))), 2)

    def test_figures_are_those_of_eval(self):
        rows = list(csv.DictReader((FOLDER / "serial.csv").read_text(encoding="utf-8").splitlines()))
        self.assertEqual(len(rows), POINTS)
        for row in rows[::5]:
            oracle = said("eval", MODEL, "--mode", "analog", "--adapt", row["adapt"], "--noise", row["noise"], "--chip-seed", row["chip-seed"],
                          "--time", row["time"], "--text", TEXT, "--tokens", "120", "--task", FOLDER / "choices.jsonl")
            self.assertEqual(float(row["perplexity"]), oracle["perplexity"]["mean"])
            self.assertEqual(float(row["choices.acc"]), oracle["tasks"]["choices"]["acc"]["mean"])
        self.assertEqual(rows, [{name: str(value) if value is not None else "" for name, value in row.items()} for row in sweep.rows(STUDY, self.serial)])

    def test_shards_and_processes_give_the_same(self):
        for options in (("--shard", "0/2"), ("--shard", "1/2")):
            command("sweep", STUDY, "-o", FOLDER / "shards", *options, "--threads", "1")
        self.assertEqual(figures(FOLDER / "shards"), figures(self.serial))
        command("sweep", STUDY, "-o", FOLDER / "jobs", "--jobs", "2", "--threads", "1")
        self.assertEqual(figures(FOLDER / "jobs"), figures(self.serial))
        self.assertEqual(len(list((FOLDER / "jobs").glob("*.jsonl"))), 2)

    def test_a_job_array_of_slurm_divides_itself(self):
        for task in ("5", "7"):
            environment = {**os.environ, "SLURM_ARRAY_TASK_ID": task, "SLURM_ARRAY_TASK_COUNT": "2", "SLURM_ARRAY_TASK_MIN": "5", "SLURM_ARRAY_TASK_STEP": "2"}
            subprocess.run([COMMAND, "sweep", STUDY, "-o", FOLDER / "array"], env=environment, check=True, capture_output=True)
        self.assertEqual(figures(FOLDER / "array"), figures(self.serial))
        self.assertEqual(sum(path.read_text(encoding="utf-8").count("\n") for path in (FOLDER / "array").glob("*.jsonl")), POINTS)

    def test_ranks_of_mpirun_divide_themselves(self):
        for rank in ("0", "1"):
            environment = {**os.environ, "OMPI_COMM_WORLD_RANK": rank, "OMPI_COMM_WORLD_SIZE": "2"}
            subprocess.run([COMMAND, "sweep", STUDY, "-o", FOLDER / "ranks"], env=environment, check=True, capture_output=True)
        self.assertEqual(figures(FOLDER / "ranks"), figures(self.serial))
        self.assertEqual(len(list((FOLDER / "ranks").glob("*.jsonl"))), 2)

    def test_a_killed_worker_loses_its_point_and_another_goes_on(self):
        folder = FOLDER / "killed"
        process = subprocess.Popen([COMMAND, "sweep", STUDY, "-o", folder, "--threads", "1"], stdout=subprocess.DEVNULL)
        limit = time.monotonic() + 200
        while sum(path.stat().st_size > 0 for path in folder.glob("*.jsonl")) == 0 and time.monotonic() < limit:
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        process.wait()
        there = len(figures(folder))
        self.assertGreater(there, 0)
        said_then = command("sweep", STUDY, "-o", folder).stdout
        self.assertIn(f"{there} were there, {POINTS - there} measured, 0 failed", said_then)
        self.assertEqual(figures(folder), figures(self.serial))

    def test_an_executor_of_processes_gives_the_same(self):
        folder = FOLDER / "executor"
        with concurrent.futures.ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as executor:
            self.assertEqual(sweep.run(STUDY, folder, executor=executor, parts=3), 0)
        self.assertEqual(figures(folder), figures(self.serial))
        self.assertEqual(sum(path.read_text(encoding="utf-8").count("\n") for path in folder.glob("*.jsonl")), POINTS)

    def test_tables_have_the_same_rows(self):
        sweep.write(STUDY, FOLDER / "table.sqlite", self.serial)
        connection = sqlite3.connect(FOLDER / "table.sqlite")
        connection.row_factory = sqlite3.Row
        found = [dict(row) for row in connection.execute("SELECT * FROM points")]
        connection.close()
        self.assertEqual(found, sweep.rows(STUDY, self.serial))
        self.assertEqual([{**row, "error": None} for row in sweep.rows(FOLDER / "table.sqlite")], found)
        command("sweep", "merge", STUDY, "-o", self.serial, "--sqlite", FOLDER / "merged.sqlite", "--csv", FOLDER / "merged.csv")
        self.assertEqual(sweep.rows(FOLDER / "merged.sqlite"), sweep.rows(FOLDER / "table.sqlite"))
        sweep.write(STUDY, FOLDER / "table.csv", self.serial)
        for table in ("table.csv", "merged.csv"):
            self.assertEqual((FOLDER / table).read_text(encoding="utf-8"), (FOLDER / "serial.csv").read_text(encoding="utf-8"))
        with self.assertRaises(crossweave.InputError):
            sweep.write(STUDY, FOLDER / "table.xls", self.serial)

    def test_curves_are_those_of_the_command_whatever_they_are_drawn_from(self):
        chosen = ("--x", "time", "--lines", "adapt", "--metric", "choices.acc", "--where", "chip-seed=3")
        for words, options in (((), {}), (chosen, {"x": "time", "lines": "adapt", "metrics": "choices.acc", "where": {"chip-seed": 3}})):
            oracle = json.loads(command("sweep", "plot", STUDY, "-o", self.serial, *words, "--json").stdout)
            drawn = sweep.plot(STUDY, folder=self.serial, **options)
            self.assertEqual(without(drawn, "about"), without(oracle, "about"))
            self.assertEqual(drawn["about"]["output"], "sweep")
            from_folder = sweep.plot(self.serial, **options)
            self.assertEqual(from_folder["metrics"], drawn["metrics"])
            sweep.write(STUDY, FOLDER / "plotted.sqlite", self.serial)
            self.assertEqual(sweep.plot(FOLDER / "plotted.sqlite", **options)["metrics"], drawn["metrics"])
        rows = [row for row in sweep.rows(STUDY, self.serial) if (row["adapt"], row["time"]) == ("fold", "1d")]
        point = sweep.plot(STUDY, folder=self.serial)["metrics"][0]["curves"][0]["points"][1]
        self.assertEqual(point["values"], [row["perplexity"] for row in rows])
        self.assertEqual(point["mean"], sum(row["perplexity"] for row in rows) / 2)
        with self.assertRaisesRegex(crossweave.InputError, "x: expected an option of the points"):
            sweep.plot(STUDY, folder=self.serial, x="nose")
        refused = command("sweep", "plot", STUDY, "-o", self.serial, "--x", "nose", "--json", check=False)
        self.assertEqual((refused.returncode, refused.stdout), (2, ""))
        self.assertIn("--x: expected an option of the points", refused.stderr)
        self.assertIn("--x: it chooses curves", command("sweep", "merge", STUDY, "--x", "time", check=False).stderr)
        self.assertIn("expected --html FILE or --json", command("sweep", "plot", STUDY, check=False).stderr)

    def test_a_page_holds_what_plot_returns(self):
        page = FOLDER / "page.html"
        if "no charting library" in command("sweep", "plot", STUDY, "--html", FOLDER / "probe.html", check=False).stderr:
            with self.assertRaisesRegex(crossweave.Error, "no charting library"):
                sweep.plot(STUDY, page, self.serial)
            self.assertFalse(page.exists())
            return
        drawn = sweep.plot(STUDY, page, self.serial, where={"adapt": "fold"})
        record, = re.findall(r'<script type="application/json" id="record">(.*?)</script>', page.read_text(encoding="utf-8"))
        self.assertEqual(json.loads(record), drawn)

    def test_a_function_measures_here_and_with_an_executor(self):
        study = FOLDER / "function.toml"
        study.write_text('[measure]\nfunction = "perimeter"\n[grid]\nside = [3, 5, 13, 21]\n', encoding="utf-8")
        self.assertEqual(sweep.run(study, FOLDER / "one", function=perimeter), 1)
        with concurrent.futures.ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as executor:
            self.assertEqual(sweep.run(study, FOLDER / "two", executor=executor, function=perimeter), 1)
        for folder in ("one", "two"):
            rows = {row["side"]: row for row in sweep.rows(study, FOLDER / folder)}
            self.assertEqual({side: row.get("perimeter") for side, row in rows.items()}, {"3": 12, "5": 20, "13": None, "21": 84})
            self.assertEqual(rows["13"]["error"], "no thirteens")
        self.assertEqual({row.get("by") for row in sweep.rows(study, FOLDER / "one")}, {os.getpid(), None})
        self.assertNotIn(os.getpid(), {row.get("by") for row in sweep.rows(study, FOLDER / "two")})
        self.assertEqual(sweep.plot(study, folder=FOLDER / "one", x="side", metrics="perimeter")["x"]["numbers"], [3, 5, 13, 21])
        with self.assertRaisesRegex(crossweave.InputError, "'perimeter' is a function of a program"):
            sweep.run(study, FOLDER / "three")
        self.assertIn("is a function of a program", command("sweep", study, "-o", FOLDER / "three", check=False).stderr)

    def test_merging_many_records_takes_seconds(self):
        folder = FOLDER / "many"
        folder.mkdir()
        line = next(self.serial.glob("*.jsonl")).read_text(encoding="utf-8").splitlines()[0] + "\n"
        for worker in range(10):
            (folder / f"w-{worker}-0.jsonl").write_text(line * 10_000, encoding="utf-8")
        begin = time.monotonic()
        command("sweep", STUDY, "-o", folder, "--merge", "--csv", FOLDER / "many.csv")
        self.assertLess(time.monotonic() - begin, 60)
        self.assertEqual(len((FOLDER / "many.csv").read_text(encoding="utf-8").splitlines()), 2)


class Mistakes(unittest.TestCase):
    def test_a_mistake_in_a_study_is_told_with_its_place(self):
        wrong = FOLDER / "wrong.toml"
        wrong.write_text(STUDY.read_text(encoding="utf-8").replace("noise", "nose"), encoding="utf-8")
        result = command("sweep", wrong, check=False)
        self.assertEqual(result.returncode, 2)
        self.assertIn("wrong.toml: options.nose: nose: there is no such option", result.stderr)
        with self.assertRaisesRegex(crossweave.InputError, "options.nose"):
            sweep.run(wrong)
        self.assertFalse(sweep.folder_of(wrong).exists())

    def test_points_that_cannot_be_are_told_and_the_others_measured(self):
        study = FOLDER / "loud.toml"
        study.write_text(f'[measure]\ntext = "{TEXT}"\ntokens = 40\n[options]\nmodel = "{MODEL}"\n[grid]\nnoise = ["ideal", "loud"]\n', encoding="utf-8")
        self.assertEqual(sweep.run(study), 1)
        good, bad = sweep.records(study)
        self.assertIn("perplexity", good["figures"])
        self.assertIn("'loud' is unknown", bad["error"]["message"])


if __name__ == "__main__":
    unittest.main()
