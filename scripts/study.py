#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""A study from beginning to end: perplexity over chips, times and adaptation, by workers of Dask of which one is killed on the way; a page with curves; the
same serially and on ranks of MPI, whose figures must be equal; where the time went.

  scripts/study.py --model SmolLM2-135M-Instruct.Q4_1.gguf --text wiki.test.raw --folder study --check serial,mpi

The figures of 10 chips x 5 times x 3 levels are 150 points. `--folder` keeps everything: called again, it measures what is missing. Needs the
package crossweave (docs/python.md), dask and distributed, and for `mpi` mpirun.
"""
import argparse
import json
import os
import pathlib
import platform
import shutil
import signal
import statistics
import subprocess
import sys
import threading
import time

from crossweave import sweep

STUDY = """[measure]
text = {text}
tokens = {tokens}
[options]
model = {model}
chip = {chip}
noise = {noise}
[grid]
adapt = {levels}
chip-seed = "0..{last}"
time = {times}
"""


def arguments(words=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, type=pathlib.Path)
    parser.add_argument("--text", required=True, type=pathlib.Path)
    parser.add_argument("--folder", required=True, type=pathlib.Path, help="for the study, its results, the page and the profile")
    parser.add_argument("--chip", default="afm-512")
    parser.add_argument("--noise", default="pcm-afm")
    parser.add_argument("--levels", default="none,fold,clip", help="of adaptation (--adapt)")
    parser.add_argument("--times", default="0,1h,1d,30d,1y", help="since programming")
    parser.add_argument("--chips", type=int, default=10)
    parser.add_argument("--tokens", type=int, default=5000)
    parser.add_argument("--workers", type=int, default=2, help="processes of Dask, and ranks of MPI")
    parser.add_argument("--check", default="", help="serial, mpi or both with a comma: measured again so, in folders of their own")
    parser.add_argument("--crossweave", default="crossweave", help="the command, for --check")
    return parser.parse_args(words)


def write_study(options):
    options.folder.mkdir(parents=True, exist_ok=True)
    study = options.folder / "study.toml"
    study.write_text(STUDY.format(text=json.dumps(str(options.text.resolve())), tokens=options.tokens, model=json.dumps(str(options.model.resolve())),
                                  chip=json.dumps(options.chip), noise=json.dumps(options.noise), levels=json.dumps(options.levels.split(",")),
                                  last=options.chips - 1, times=json.dumps(options.times.split(","))), encoding="utf-8")
    return study


def lines_in(folder):
    return sum(path.read_bytes().count(b"\n") for path in folder.glob("*.jsonl"))


def run_on_dask(study, folder, workers):
    """Measures the study; kills a worker when a third of what was missing is there. Returns (seconds, {"killed": pid, "after": points there, "left": points})."""
    from dask.distributed import Client, LocalCluster  # the other parts need no Dask
    total, before = len(sweep.points(study)), lines_in(folder)
    told = {}
    with LocalCluster(n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=None) as cluster, Client(cluster) as client:
        pids = client.run(os.getpid)
        done = threading.Event()

        def kill_one():
            while not done.wait(0.02):
                there = lines_in(folder)
                if there >= before + max(1, (total - before) // 3) and there < total:
                    busy = {record["worker"].rsplit("-", 1)[-1] for record in sweep.records(folder)}
                    pid = next((pid for pid in pids.values() if str(pid) in busy), next(iter(pids.values())))
                    os.kill(pid, signal.SIGKILL)
                    told.update(killed=pid, after=there, left=total - there)
                    return

        killer = threading.Thread(target=kill_one)
        begin = time.monotonic()
        killer.start()
        failed = sweep.run(study, folder, executor=client)
        seconds = time.monotonic() - begin
        done.set()
        killer.join()
    if failed:
        sys.exit(f"{failed} points failed: {[row for row in sweep.rows(study, folder) if row['error']][0]}")
    return seconds, told


def figures(study, folder):
    return {json.dumps(record["point"], sort_keys=True): record["figures"] for record in sweep.records(study, folder)}


def check(kind, study, folder, options):
    """The same study another way, with the programs that are there; returns (seconds, points that differ)."""
    other = options.folder / kind
    other.mkdir(exist_ok=True)
    if not (other / "programs").exists():
        shutil.copytree(folder / "programs", other / "programs")
    command = [options.crossweave, "sweep", study, "-o", other, "--threads", "1"]
    if kind == "mpi":
        root = ["--allow-run-as-root"] if os.geteuid() == 0 else []
        command = ["mpirun", *root, "--oversubscribe", "-n", str(options.workers), *command]
    begin = time.monotonic()
    subprocess.run([str(word) for word in command], check=True, stdout=subprocess.DEVNULL)
    seconds = time.monotonic() - begin
    wanted, found = figures(study, folder), figures(study, other)
    return seconds, [point for point in wanted if found.get(point) != wanted[point]]


def profile(study, folder, seconds, workers):
    """Where the time of the workers went. The first point of a program has its compilation in its time, the first of a chip its programming; they are told by
    being the slowest of their program and chip."""
    kinds = {"first of a program": [], "first of a chip": [], "others": []}
    seen = set()
    records = sorted(sweep.records(study, folder), key=lambda record: record["seconds_measured"], reverse=True)
    for record in records:
        program = record["point"]["adapt"]
        chip = (program, record["point"]["chip-seed"])
        kinds["others" if chip in seen else "first of a chip" if program in seen else "first of a program"].append(record["seconds_measured"])
        seen |= {program, chip}
    busy = sum(record["seconds_measured"] for record in records)
    return {"seconds_of_workers": seconds * workers, "seconds_in_points": busy,
            "points": {kind: {"points": len(times), "median_seconds": statistics.median(times), "sum_seconds": sum(times)}
                       for kind, times in kinds.items() if times}}


def processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return f"{line.split(':', 1)[1].strip()}, {os.cpu_count()} cores"
    return platform.processor()


def main():
    options = arguments()
    study = write_study(options)
    folder = sweep.folder_of(study)
    total = len(sweep.points(study))
    seconds, told = run_on_dask(study, folder, options.workers)
    result = {"points": total, "processor": processor(), "dask": {"seconds": seconds, **told}, "lines": lines_in(folder)}
    if result["lines"] != total:
        sys.exit(f"{total} points have {result['lines']} lines: some were measured twice or not at all")
    begin = time.monotonic()
    if sweep.run(study, folder) != 0 or lines_in(folder) != total:
        sys.exit("a second call measured something")
    result["second_call_seconds"] = time.monotonic() - begin
    result["profile"] = profile(study, folder, seconds, options.workers)
    drawn = sweep.plot(study, options.folder / "study.html", x="time", lines="adapt", metrics="perplexity")
    result["curves"] = {curve["line"]: [[point["x"], point["mean"], point.get("low"), point.get("high")] for point in curve["points"]]
                        for curve in drawn["metrics"][0]["curves"]}
    for kind in filter(None, options.check.split(",")):
        took, different = check(kind, study, folder, options)
        result[kind] = {"seconds": took, "different": len(different)}
        if different:
            sys.exit(f"{kind}: {len(different)} points have other figures, the first: {different[0]}")
    (options.folder / "result.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
