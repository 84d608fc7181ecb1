# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""How studies scale, with points that only wait: test_sweep_scale.py FOLDER [--workers 1,8,64] [--wait 0.5] [--each 40] [--seed 1]

FOLDER is that of a virtual environment (environment.py). Prints what a study costs at its start and what a point costs beside its own time with every number of workers of Dask (limit: 10 ms of
a worker for a point), kills workers at random and looks for points that are lost or there twice, and merges 100,000 records (limit: 10 s)."""
import argparse
import collections
import json
import os
import pathlib
import random
import signal
import sys
import tempfile
import threading
import time

import environment

if __name__ == "__main__":
    os.environ["DASK_LOGGING__DISTRIBUTED"] = "critical"  # killed workers are meant
    environment.enter(sys.argv[1], "study.requirements.txt")

from crossweave import sweep  # noqa: E402

STUDY = '[measure]\nfunction = "waiting"\n[grid]\nwait = {wait}\nnumber = {numbers}\n'
LIMIT_SECONDS = 0.010
MERGE_LIMIT_SECONDS = 10
# What workers of Dask do beside their tasks is 2 % of a core for each by default; this makes it a tenth (docs/sweep.md).
QUIET = {"distributed.worker.profile.enabled": False, "distributed.admin.tick.interval": "1s", "distributed.worker.memory.monitor-interval": "1s",
         "distributed.admin.system-monitor.interval": "5s"}


def waiting(point):
    """Takes a point's time and no processor."""
    time.sleep(float(point["wait"]))
    return {"number": float(point["number"])}


def study_of(folder, wait, points):
    study = folder / f"waiting-{wait}-{points}.toml"
    study.write_text(STUDY.format(wait=wait, numbers=list(range(points))), encoding="utf-8")
    return study


def counted(folder):
    """How often every point is there, and by how many workers."""
    points, workers = collections.Counter(), set()
    for file in folder.glob("*.jsonl"):
        for line in file.read_text(encoding="utf-8").splitlines():
            record = json.loads(line)
            points[record["point"]["number"]] += 1
            workers.add(record["worker"])
    return points, workers


def check_once(folder, points):
    found, _ = counted(folder)
    twice = [number for number, count in found.items() if count > 1]
    lost = [number for number in range(points) if str(number) not in found]
    assert not twice and not lost, f"there twice: {twice}, lost: {lost}"


def overhead(cluster_of, folder, workers, wait, each):
    """What a study costs beside the points' own time, on a cluster that has run another one before: seconds from its call to its return if every worker has one point, which is
    its start and end, and seconds of a worker that every further point costs."""
    points = workers * each
    with cluster_of(workers) as client:
        assert sweep.run(study_of(folder, 0, workers), folder / f"warm-{workers}", executor=client, parts=workers, function=waiting) == 0

        def timed(count):
            results = folder / f"results-{workers}-{count}"
            begin = time.monotonic()
            failed = sweep.run(study_of(folder, wait, count), results, executor=client, parts=workers, function=waiting)
            seconds = time.monotonic() - begin
            assert failed == 0
            check_once(results, count)
            return seconds, len(counted(results)[1])

        short, _ = timed(workers)
        seconds, used = timed(points)
    return short - wait, (seconds - short) / (each - 1) - wait, seconds, used


def killing(cluster_of, folder, workers, wait, points, kills, seed):
    """Kills workers at random moments; returns how many."""
    study, results = study_of(folder, wait, points), folder / f"results-killed-{workers}"
    dice, done, killed = random.Random(seed), threading.Event(), []
    with cluster_of(workers) as client:
        expected = points * wait / workers

        def kill():
            while len(killed) < kills and not done.wait(dice.uniform(0.2, 1.6) * expected / kills):
                try:
                    pids = sorted(client.run(os.getpid, on_error="ignore").values())
                    os.kill(dice.choice(pids), signal.SIGKILL)
                    killed.append(len(counted(results)[0]) if results.exists() else 0)
                except (OSError, IndexError):
                    pass

        killer = threading.Thread(target=kill)
        killer.start()
        failed = sweep.run(study, results, executor=client, parts=4 * workers, function=waiting)
        done.set()
        killer.join()
    assert failed == 0
    check_once(results, points)
    assert killed and min(killed) < points, "no worker was killed on the way"
    return killed


def merging(folder, records):
    """Seconds that merging takes, all files read and a database and a table written."""
    study, results = folder / "many.toml", folder / "results-many"
    side = round(records ** 0.5)
    study.write_text(f'[measure]\nfunction = "waiting"\n[grid]\nx = {list(range(side))}\ny = {list(range(records // side))}\n', encoding="utf-8")
    points = sweep.points(study)
    results.mkdir()
    one = folder / "one.toml"
    one.write_text('[measure]\nfunction = "waiting"\n[grid]\nwait = 0\nnumber = 0\n', encoding="utf-8")
    sweep.run(one, folder / "results-one", function=waiting)
    record = json.loads(next((folder / "results-one").glob("*.jsonl")).read_text(encoding="utf-8"))  # as a worker writes them
    for worker in range(64):
        (results / f"host-{worker}-0.jsonl").write_text(
            "".join(json.dumps({**record, "point": point, "figures": {"perplexity": i / 7, "loss": i / 11}}) + "\n" for i, point in enumerate(points) if i % 64 == worker),
            encoding="utf-8")
    begin = time.monotonic()
    sweep.write(study, folder / "many.sqlite", results)
    database = time.monotonic() - begin
    begin = time.monotonic()
    sweep.write(study, folder / "many.csv", results)
    table = time.monotonic() - begin
    assert (folder / "many.csv").read_text(encoding="utf-8").count("\n") == len(points) + 1
    begin = time.monotonic()
    sweep.plot(study, folder=results, x="x", lines="none")
    return len(points), database, table, time.monotonic() - begin


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("environment")
    parser.add_argument("--workers", default="1,8,64", help="processes of one thread")
    parser.add_argument("--wait", type=float, default=0.5, help="seconds of a point")
    parser.add_argument("--each", type=int, default=40, help="points of a worker")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--records", type=int, default=100_000)
    options = parser.parse_args()
    import dask
    from dask.distributed import Client, LocalCluster

    class cluster_of:
        """A cluster of so many processes, all of them there, and its client."""

        def __init__(self, workers):
            self.cluster = LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None)
            self.client = Client(self.cluster)
            self.client.wait_for_workers(workers)

        def __enter__(self):
            return self.client

        def __exit__(self, *_):
            self.client.close()
            self.cluster.close()

    dask.config.set({**QUIET, "distributed.scheduler.allowed-failures": 50, "distributed.comm.timeouts.connect": "120s"})
    wrong = []
    with tempfile.TemporaryDirectory(prefix="crossweave-scale-") as name:
        folder = pathlib.Path(name)
        points, database, table, plot = merging(folder, options.records)
        print(f"merging {points} records: {database:.1f} s to SQLite, {table:.1f} s to CSV, {plot:.1f} s to curves", flush=True)
        if max(database, table, plot) > MERGE_LIMIT_SECONDS:
            wrong.append("merging takes too long")
        for workers in map(int, options.workers.split(",")):
            start, extra, seconds, used = overhead(cluster_of, folder, workers, options.wait, options.each)
            print(f"{workers:3} workers, {workers * options.each} points of {options.wait:g} s: {seconds:.2f} s, {used} worked, {1e3 * start:.0f} ms for the start and the end, {1e3 * extra:.1f} ms for a point beside its own time",
                  flush=True)
            if extra > LIMIT_SECONDS or used != workers:
                wrong.append(f"{workers} workers: {1e3 * extra:.1f} ms, {used} worked")
        for workers in (8, 64):
            points = 50 * workers
            killed = killing(cluster_of, folder, workers, 0.2, points, 6, options.seed)
            print(f"{workers} workers, {points} points of 0.2 s, {len(killed)} workers killed with {killed} points there (seed {options.seed}): every point is there once",
                  flush=True)
    if wrong:
        sys.exit("; ".join(wrong))


if __name__ == "__main__":
    main()
