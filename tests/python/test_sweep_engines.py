# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""Studies with Dask, MPI, pandas and Parquet: test_sweep_engines.py FOLDER

FOLDER is that of a virtual environment (environment.py). Needs mpirun (Debian: openmpi-bin)."""
import json
import os
import sqlite3
import subprocess
import sys
import unittest

import environment

if __name__ == "__main__":  # workers of Dask read this file, too
    environment.needs("mpirun", "openmpi-bin")
    environment.enter(sys.argv[1], "study.requirements.txt")
    sys.argv.pop(1)

import pandas  # noqa: E402
from crossweave import sweep  # noqa: E402
from dask.distributed import Client, LocalCluster  # noqa: E402
from support import COMMAND, FOLDER, MODEL, ROOT, TEXT, command  # noqa: E402

STUDY = FOLDER / "study.toml"
POINTS = 12
MPI = ["mpirun", *(["--allow-run-as-root"] if os.geteuid() == 0 else []), "--oversubscribe"]
WORKERS = f"""
import sys
from mpi4py.futures import MPIPoolExecutor
from crossweave import sweep
if __name__ == "__main__":
    with MPIPoolExecutor() as executor:
        assert executor.num_workers == 2, executor.num_workers
        sys.exit(sweep.run({str(STUDY)!r}, sys.argv[1], executor=executor, parts=4))
"""


def setUpModule():
    STUDY.write_text(f'''
[measure]
text = "{TEXT}"
tokens = 120
[options]
model = "{MODEL}"
noise = "pcm-hermes"
[grid]
adapt = ["none", "fold"]
chip-seed = "3..5"
time = [0, "1d"]
''', encoding="utf-8")
    command("sweep", STUDY, "-o", FOLDER / "serial")


def figures(folder):
    return {json.dumps(record["point"], sort_keys=True): record["figures"] for record in sweep.records(STUDY, folder)}


def lines(folder):
    return sum(path.read_text(encoding="utf-8").count("\n") for path in folder.glob("*.jsonl"))


def times_ten(point):
    """A function that measures; sent to workers."""
    return {"ten": 10 * float(point["side"])}


class Engines(unittest.TestCase):
    def same(self, folder, workers=None):
        self.assertEqual(figures(folder), figures(FOLDER / "serial"))
        self.assertEqual(len(figures(folder)), POINTS)
        self.assertEqual(lines(folder), POINTS)
        if workers:
            self.assertEqual(len({record["worker"] for record in sweep.records(STUDY, folder)}), workers)

    def test_dask_gives_what_one_process_gives(self):
        with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:
            self.assertEqual(sweep.run(STUDY, FOLDER / "client", executor=client), 0)
            self.same(FOLDER / "client", 2)
            self.assertEqual(sweep.run(STUDY, FOLDER / "executor", executor=client.get_executor(), parts=5), 0)
            self.same(FOLDER / "executor", 2)
            # A call that is the same as one before is made all the same.
            for file in (FOLDER / "client").glob("*.jsonl"):
                file.unlink()
            self.assertEqual(sweep.run(STUDY, FOLDER / "client", executor=client), 0)
            self.same(FOLDER / "client")
            own = FOLDER / "own.toml"
            own.write_text('[measure]\nfunction = "times ten"\n[grid]\nside = [1, 2, 3]\n', encoding="utf-8")
            self.assertEqual(sweep.run(own, executor=client, function=times_ten), 0)
            self.assertEqual([row["ten"] for row in sweep.rows(own)], [10, 20, 30])

    def test_executors_of_mpi4py_give_what_one_process_gives(self):
        script = FOLDER / "workers.py"
        script.write_text(WORKERS, encoding="utf-8")
        subprocess.run([*MPI, "-n", "3", sys.executable, "-m", "mpi4py.futures", script, FOLDER / "mpi4py"], check=True)  # one gives out the work
        self.same(FOLDER / "mpi4py", 2)

    def test_ranks_of_mpirun_give_what_one_process_gives(self):
        subprocess.run([*MPI, "-n", "2", COMMAND, "sweep", STUDY, "-o", FOLDER / "ranks", "--threads", "1"], check=True, stdout=subprocess.DEVNULL)
        self.same(FOLDER / "ranks", 2)


class Tables(unittest.TestCase):
    def test_a_frame_a_parquet_file_and_a_database_have_the_rows(self):
        rows = sweep.rows(STUDY, FOLDER / "serial")
        frame = sweep.frame(STUDY, FOLDER / "serial")
        self.assertEqual(list(frame.columns), list(rows[0]))
        self.assertEqual(frame.perplexity.dtype, "float64")
        self.assertEqual(frame.perplexity.tolist(), [row["perplexity"] for row in rows])
        mean = frame.groupby(["adapt", "time"]).perplexity.mean()
        self.assertEqual(mean["fold", "1d"], pandas.Series([row["perplexity"] for row in rows if (row["adapt"], row["time"]) == ("fold", "1d")]).mean())
        sweep.write(STUDY, FOLDER / "table.parquet", FOLDER / "serial")
        pandas.testing.assert_frame_equal(pandas.read_parquet(FOLDER / "table.parquet"), frame)
        sweep.write(STUDY, FOLDER / "table.csv", FOLDER / "serial")
        read = pandas.read_csv(FOLDER / "table.csv", float_precision="round_trip")
        self.assertEqual(read.perplexity.tolist(), frame.perplexity.tolist())
        command("sweep", "merge", STUDY, "-o", FOLDER / "serial", "--sqlite", FOLDER / "table.sqlite")
        connection = sqlite3.connect(FOLDER / "table.sqlite")
        self.assertEqual(pandas.read_sql("SELECT * FROM points", connection).perplexity.tolist(), frame.perplexity.tolist())
        connection.close()
        intervals = sweep.plot(STUDY, folder=FOLDER / "serial")["metrics"][0]["curves"][0]["points"]
        self.assertAlmostEqual(intervals[1]["mean"], mean["fold", "1d"], places=12)


class Afternoon(unittest.TestCase):
    def test_a_study_with_a_killed_worker_is_that_of_one_process_and_of_ranks(self):
        folder = FOLDER / "afternoon"
        done = subprocess.run([sys.executable, "-B", ROOT / "scripts/study.py", "--model", MODEL, "--text", TEXT, "--folder", folder, "--levels", "none,fold",
                               "--times", "0,1d,30d", "--chips", "4", "--tokens", "1000", "--check", "serial,mpi", "--crossweave", COMMAND],
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout[-2000:] + done.stderr[-4000:])
        result = json.loads(done.stdout)
        self.assertEqual((result["points"], result["lines"]), (24, 24))
        self.assertGreater(result["dask"]["left"], 0, "nothing was left to measure when the worker was killed")
        self.assertEqual((result["serial"]["different"], result["mpi"]["different"]), (0, 0))
        self.assertEqual(set(result["curves"]), {"none", "fold"})
        self.assertTrue((folder / "study.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>"))
        print(json.dumps(result["profile"], indent=1))


if __name__ == "__main__":
    unittest.main()
