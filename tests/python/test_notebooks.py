# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""The notebooks of docs/notebooks, executed, and their figures against the command: test_notebooks.py FOLDER

FOLDER is that of a virtual environment (environment.py)."""
import json
import os
import pathlib
import sys
import unittest

import environment

environment.needs("mpirun", "openmpi-bin")
environment.enter(sys.argv[1], "notebooks.requirements.txt")
sys.argv.pop(1)

import nbclient  # noqa: E402
import nbformat  # noqa: E402
from support import FOLDER, MODEL, ROOT, TEXT, command, said  # noqa: E402

os.environ["TMPDIR"] = str(FOLDER)  # of the notebooks, too
NOTEBOOKS = sorted((ROOT / "docs/notebooks").glob("*.ipynb"))


def executed(name, *wanted):
    """Values of these variables behind the last cell of a notebook, which runs in a folder where only its model, descriptions and scripts are."""
    place = FOLDER / "notebooks"
    place.mkdir(exist_ok=True)
    for folder in ("models", "arch", "scripts"):
        if not (place / folder).exists():
            (place / folder).symlink_to(ROOT / folder)
    notebook = nbformat.read(ROOT / "docs/notebooks" / name, as_version=4)
    told = ", ".join(f"{key!r}: {value}" for key, value in wanted)
    notebook.cells.append(nbformat.v4.new_code_cell(f"import json\nprint(json.dumps({{{told}}}, default=str))"))
    nbclient.NotebookClient(notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(place)}}).execute()
    return json.loads(notebook.cells[-1].outputs[0]["text"])


class Notebooks(unittest.TestCase):
    def test_they_are_stored_without_results(self):
        self.assertEqual([path.name for path in NOTEBOOKS], ["accuracy.ipynb", "afternoon.ipynb", "own-chip.ipynb", "waveforms.ipynb"])
        for path in NOTEBOOKS:
            for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
                if cell["cell_type"] == "code":
                    self.assertEqual((cell["outputs"], cell["execution_count"]), ([], None), path.name)

    def test_accuracy_is_that_of_eval(self):
        found = executed("accuracy.ipynb", ("fp32", "fp32"), ("ideal", "ideal"), ("rows", "noisy.rows()"), ("failed", "failed"),
                         ("study", "frame.to_dict('records')"), ("page", "(WORK / 'noise.html').read_text()[:15]"), ("drawn", "drawn"))
        text = ("--text", TEXT, "--tokens", "1000", "--context", "256")
        self.assertEqual(found["fp32"], said("eval", MODEL, "--mode", "fp32", *text)["perplexity"]["mean"])
        command("compile", MODEL, "--chip", "afm-512", "-o", FOLDER / "oracle.xwp")
        self.assertEqual(found["ideal"], said("eval", FOLDER / "oracle.xwp", "--noise", "ideal", *text)["perplexity"]["mean"])
        oracle = said("eval", FOLDER / "oracle.xwp", "--noise", "pcm-afm", "--chip-seeds", "3", "--times", "0,1d,1y", *text)
        values = [value for time in oracle["times"] for value in time["perplexity"]["values"]]
        self.assertEqual([row["value"] for row in found["rows"]], values)
        self.assertEqual((found["failed"], len(found["study"]), found["page"]), (0, 12, "<!DOCTYPE html>"))
        point = next(row for row in found["study"] if (row["noise"], row["adapt"], row["chip-seed"]) == ("pcm-hermes", "fold", "2"))
        one = said("eval", MODEL, "--mode", "analog", "--adapt", "fold", "--noise", "pcm-hermes", "--chip-seed", "2", "--text", TEXT, "--tokens", "200")
        self.assertEqual(point["perplexity"], one["perplexity"]["mean"])
        self.assertEqual([point["x"] for point in found["drawn"]["metrics"][0]["curves"][0]["points"]], ["pcm-afm", "pcm-hermes"])

    def test_an_afternoon_is_whole_whoever_measured_it(self):
        found = executed("afternoon.ipynb", ("lines", "lines"), ("killed", "killed"), ("again", "again"), ("rows", "frame.to_dict('records')"),
                         ("different", "different"), ("drawn", "drawn"), ("page", "(WORK / 'study.html').read_text()[:15]"), ("spent", "spent"))
        self.assertEqual((found["lines"], len(found["rows"]), found["again"], found["page"]), (16, 16, 0, "<!DOCTYPE html>"))
        self.assertGreater(found["killed"]["left"], 0, "nothing was left to measure when the worker was killed")
        self.assertEqual(found["different"], {"serial": 0, "mpi": 0})
        self.assertEqual(sum(times["points"] for times in found["spent"]["points"].values()), 16)
        for row in found["rows"][3::8]:
            one = said("eval", MODEL, "--mode", "analog", "--adapt", row["adapt"], "--noise", "pcm-afm", "--chip-seed", row["chip-seed"], "--time", row["time"],
                       "--text", TEXT, "--tokens", "1000")
            self.assertEqual(row["perplexity"], one["perplexity"]["mean"])
        curves = {curve["line"]: curve["points"] for curve in found["drawn"]["metrics"][0]["curves"]}
        for level, points in curves.items():
            for point in points:
                values = [row["perplexity"] for row in found["rows"] if (row["adapt"], row["time"]) == (level, point["x"])]
                self.assertEqual(len(values), 4)
                self.assertAlmostEqual(point["mean"], sum(values) / 4)
        self.assertEqual(set(curves), {"none", "fold"})

    def test_costs_of_an_own_chip_are_those_of_simulate(self):
        found = executed("own-chip.ipynb", ("own", "own.read_text()"), ("run", "run"), ("failed", "failed"), ("study", "frame.to_dict('records')"))
        own = FOLDER / "own.toml"
        own.write_text(found["own"], encoding="utf-8")
        command("compile", MODEL, "--chip", own, "-o", FOLDER / "own.xwp")
        oracle = said("simulate", FOLDER / "own.xwp", "--prompt-tokens", "16", "--tokens", "8")["runs"][0]
        for key in ("total_ns", "next_token_ns", "energy_pj_per_token", "area_mm2", "energy_pj"):
            self.assertEqual(found["run"][key], oracle[key], key)
        rows = {(row["tile"], row["converters"]): row for row in found["study"]}
        self.assertEqual((found["failed"], len(rows)), (0, 6))
        self.assertEqual(rows["256", "32"]["token_ns"], oracle["next_token_ns"])
        for tile in ("128", "256"):  # fewer converters, more rounds
            times = [rows[tile, converters]["token_ns"] for converters in ("8", "32", "128")]
            self.assertEqual(times, sorted(times, reverse=True))
            self.assertGreater(times[0], times[-1])

    def test_waveforms_are_those_of_the_rtl(self):
        if "verilated" not in command("--list-devices").stdout:
            self.fail("this build has no Verilator, which waveforms are made with (scripts/setup.sh)")
        found = executed("waveforms.ipynb", ("quality", "quality"), ("here", "here.tokens"), ("rtl", "rtl.tokens"), ("cycles", "rtl.json['device']['cycles']"),
                         ("waves", "str(waves)"))
        command("compile", MODEL, "--chip", "tiny-64", "-o", FOLDER / "small.xwp")
        oracle = said("run", FOLDER / "small.xwp", "--noise", "pcm-afm", "--chip-seed", "7", "-p", "Once upon a time", "-n", "2", "--device", "verilated")
        self.assertEqual((found["here"], found["rtl"], found["cycles"]), (oracle["tokens"], oracle["tokens"], oracle["device"]["cycles"]))
        self.assertEqual(found["quality"]["fp32"], said("eval", MODEL, "--mode", "fp32", "--text", TEXT, "--tokens", "500", "--context", "256")["perplexity"]["mean"])
        command("run", FOLDER / "small.xwp", "--noise", "pcm-afm", "--chip-seed", "7", "-p", "Once upon a time", "-n", "1", "--device",
                f"verilated:trace={FOLDER / 'oracle.fst'},from=20000,to=24000")
        ours, theirs = (pathlib.Path(path).read_bytes() for path in (found["waves"], FOLDER / "oracle.fst"))
        self.assertEqual(ours[:9], b"\0\0\0\0\0\0\0\x01\x49")  # the header block of FST, 329 bytes
        self.assertEqual(len(ours), len(theirs))


if __name__ == "__main__":
    unittest.main()
