# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""Every JSON output against its schema in docs/schemas: test_json_outputs.py CROSSWEAVE [--without DEVICE]..."""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest
import warnings
import zlib

try:
    import jsonschema
except ImportError:  # a Python beside Debian's, whose packages are there all the same
    sys.path.append("/usr/lib/python3/dist-packages")
    import jsonschema

ROOT = pathlib.Path(__file__).resolve().parents[3]
SCHEMAS = {file.name: json.loads(file.read_text()) for file in (ROOT / "docs/schemas").glob("*.schema.json")}
MODEL = ROOT / "models/default/stories-2m.gguf"
TEXT = ROOT / "models/default/held-out.txt"


def strict(schema):
    """The schema without room for keys that it does not name; objects that name none stay open."""
    if isinstance(schema, list):
        return [strict(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    result = {key: strict(part) if key not in ("properties", "const", "required") else part for key, part in schema.items()}
    if "properties" in schema:
        result["properties"] = {key: strict(part) for key, part in schema["properties"].items()}
        result.setdefault("additionalProperties", False)
    return result


class Outputs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(temporary.cleanup)
        cls.folder = pathlib.Path(temporary.name)
        cls.seen = set()
        cls.made("compile", MODEL, "--chip", "afm-512", "-o", "model.xwp")

    @classmethod
    def run_command(cls, *arguments):
        done = subprocess.run([ARGUMENTS.crossweave, *map(str, arguments)], cwd=cls.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              check=False)
        return done

    @classmethod
    def made(cls, command, *arguments, name=None):
        """Runs a command with --json=FILE and checks the file; returns its content."""
        file = name or f"{command}-{len(list(cls.folder.glob('*.json')))}.json"
        words = [command, *map(str, arguments), f"--json={file}"]
        done = cls.run_command(*words)
        assert done.returncode == 0, (words, done.stderr)
        return cls.check(command, json.loads((cls.folder / file).read_text()), words)

    @classmethod
    def check(cls, command, output, words):
        schema = SCHEMAS[f"{command}.schema.json"]
        for one in (schema, strict(schema)):  # what it promises, and that it knows every key
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                resolver = jsonschema.RefResolver("", one, store=SCHEMAS)
            for error in jsonschema.Draft202012Validator(one, resolver=resolver).iter_errors(output):
                raise AssertionError(f"{words}: {'.'.join(map(str, error.absolute_path))}: {error.message}")
        about = output["about"]
        assert next(iter(output)) == "about"
        assert about["output"] == command and about["command"] == ["crossweave", *words], about
        for entry in about["inputs"]:
            path = cls.folder / entry["path"]
            assert path.is_file() == ("crc32" in entry), entry
            if path.is_file():
                content = path.read_bytes()
                assert (entry["bytes"], entry["crc32"]) == (len(content), f"{zlib.crc32(content):08x}"), entry
        cls.seen.add(command)
        return output

    def test_schemas_are_schemas(self):
        for name, schema in SCHEMAS.items():
            jsonschema.Draft202012Validator.check_schema(schema)
            self.assertEqual(schema["$id"], name)
            self.assertTrue(schema["description"], name)

    def test_a_schema_refuses_what_is_wrong(self):
        output = self.made("compile", MODEL, "-o", "again.xwp")
        for change in ({"tiles": "ten"}, {"about": {}}):
            with self.assertRaisesRegex(AssertionError, "is not of type|is a required property"):
                self.check("compile", {**output, **change}, [])
        with self.assertRaisesRegex(AssertionError, "unheard_of"):
            self.check("compile", {**output, "unheard_of": 1}, output["about"]["command"][1:])

    def test_programs(self):
        self.made("compile", MODEL, "--adapt", "fold", "--calibration-tokens", "128", "-o", "adapted.xwp")
        self.made("inspect", "model.xwp")
        self.made("adapt", MODEL, "--level", "centre", "--calibration-tokens", "128", "-o", "centre.safetensors")
        self.made("bench", "model.xwp", "--prompt-tokens", "8", "--decode-tokens", "2", "--repeats", "1")
        self.made("generate-data", MODEL, "-o", "data", "--sequences", "4", "--length", "16")

    def test_runs(self):
        self.made("run", "model.xwp", "-p", "One day", "-n", "2", "--noise", "pcm-afm", "--y-checksum")
        self.made("run", "model.xwp", "-p", "One day", "-n", "2", "--noise", "pcm-afm", "--time", "1d", "--compensation", "global", "--faults",
                  "stuck-low=0.01,tiles=0.1", "--spares", "columns=2,tiles=2")
        self.made("run", MODEL, "--mode", "fp32", "-p", "One day", "-n", "2")
        if "systemc" not in ARGUMENTS.without:
            self.made("run", "model.xwp", "-p", "One day", "-n", "2", "--device", "systemc:chip")

    def test_tiles_that_are_written_anew(self):
        chip = (ROOT / "arch/chips/hermes64-1p.toml").read_text()
        self.assertIn("num_tiles = 64", chip)
        (self.folder / "nine.toml").write_text(chip.replace("num_tiles = 64", "num_tiles = 9"))
        compiled = self.made("compile", MODEL, "--chip", "nine.toml", "--reload", "-o", "rounds.xwp")
        self.assertEqual((compiled["rounds"], compiled["areas"]), (5, 1))
        self.made("inspect", "rounds.xwp")
        run = self.made("run", "rounds.xwp", "-p", "One day", "-n", "2")
        self.assertEqual({tile["tile"] for tile in run["device"]["tile_writes"]}, set(range(9)))
        plans = self.made("plan", MODEL, "--chip", "nine.toml")["plans"]
        self.assertEqual([plan["reload"]["areas"] for plan in plans if plan["kind"] == "reload"], [1])
        self.made("report", "rounds.xwp", "--static")
        if "systemc" not in ARGUMENTS.without:
            self.assertEqual(self.made("simulate", "rounds.xwp")["runs"][0]["reload"]["rounds_written"], 5)

    def test_evaluations(self):
        text = ["--text", TEXT, "--tokens", "128", "--context", "64"]
        first = self.made("eval", "model.xwp", *text, "--noise", "pcm-afm", "--chip-seeds", "2", name="first.json")
        second = self.made("eval", MODEL, "--mode", "fp32", *text, name="second.json")
        self.assertTrue(first["complete"] and second["complete"])
        self.made("eval", "model.xwp", *text, "--noise", "pcm-afm", "--chip-seeds", "2", "--times", "0,1d")
        task = self.folder / "task.jsonl"
        task.write_text("".join(json.dumps({"query": "One day,", "choices": [" a girl", " a boy"], "gold": gold}) + "\n" for gold in (0, 1)))
        self.made("eval", "model.xwp", "--task", "task.jsonl", "--noise", "pcm-afm", "--chip-seeds", "2")
        self.made("compare", "first.json", "second.json")
        self.made("sensitivity", "model.xwp", "--text", TEXT, "--tokens", "64", "--context", "32", "--by", "kind", name="losses.json")
        self.made("plan", MODEL, "--chip", "hermes64-1p", "--sensitivity", "losses.json", "--objective", "quality")

    def test_a_study(self):
        (self.folder / "study.toml").write_text(f'[measure]\ntext = "{TEXT}"\ntokens = 24\n[options]\nmodel = "model.xwp"\n'
                                                '[grid]\nnoise = ["ideal", "pcm-afm", "loud"]\nchip-seed = "0..1"\n')
        first = self.made("sweep", "study.toml", name="sweep.json")
        self.assertEqual((first["points"], first["failed"], len(first["errors"])), (6, 2, 2))
        self.made("sweep", "plot", "study.sweep", "--where", "noise=pcm-afm", "--x", "chip-seed", "--lines", "none", name="plot.json")

    def test_plans(self):
        plans = self.made("plan", MODEL, "--chip", "hermes-core")["plans"]
        self.assertEqual({plan["kind"] for plan in plans}, {"as it is", "chips", "reload", "digital", "tile size"})
        self.made("plan", MODEL, "--chip", "ibm34", "--batch", "8", "--objective", "energy")
        copies = self.made("plan", MODEL, "--chip", "m1076", "--lm-head", "digital")["plans"]
        self.assertIn("as it is", {plan["kind"] for plan in copies})

    def test_costs(self):
        self.made("report", "model.xwp", "--static", name="static.json")
        self.made("report", "model.xwp", "--static", "--compensation", "global", "--recalibrate", "every:1h", "--noise", "pcm-afm")
        self.made("report", "model.xwp", "--prefill-tokens", "4", "--decode-tokens", "2", name="measured.json")
        rows = self.made("compare", "static.json", "measured.json")["values"]
        self.assertFalse([row for row in rows if row["path"].startswith("about")])
        if "systemc" not in ARGUMENTS.without:
            self.made("simulate", "model.xwp", "--prompt-tokens", "2", "--sequences", "2")
            self.made("simulate", "model.xwp", "--sweep", "4")

    def test_a_saved_run(self):
        if "verilated" in ARGUMENTS.without:
            self.skipTest("built without Verilator: nothing saves runs")
        words = ["run", "model.xwp", "-p", "a", "-n", "1", "--device", "verilated:latency=1000000,timeout=300000,save=failed.xwrun"]
        self.assertEqual(self.run_command(*words).returncode, 5)
        self.made("replay", "failed.xwrun")

    def test_a_page_holds_the_record_and_overwrites_no_input(self):
        words = ["report", "model.xwp", "--static", "--html", "page.html", "--json=page.json"]
        done = self.run_command(*words)
        if "--html" in ARGUMENTS.without:
            self.assertNotEqual(done.returncode, 0)
            self.assertIn("scripts/fetch_charts.sh", done.stderr)
            self.skipTest("built without the charting library")
        self.assertEqual(done.returncode, 0, done.stderr)
        page = (self.folder / "page.html").read_text()
        record = json.loads(page.split('id="record">')[1].split("</script>")[0])
        self.check("report", record, words)
        written = json.loads((self.folder / "page.json").read_text())
        for output in (record, written):  # measured
            for run in ("decode", "prefill"):
                output["chip_simulation"].get(run, {}).pop("host_ms", None)
        self.assertEqual(record, written)
        before = (self.folder / "model.xwp").read_bytes()
        for wrong in ("model.xwp", "page.json", "-", "", "no/such/folder.html"):
            self.assertNotEqual(self.run_command("report", "model.xwp", "--static", "--html", wrong, "--json=page.json").returncode, 0, wrong)
        self.assertEqual((self.folder / "model.xwp").read_bytes(), before)

    def test_the_tile_map_is_that_of_the_program(self):
        report = self.made("report", "model.xwp", "--static")
        cells, seen, tile_map = {}, set(), report["tile_map"]
        for block in tile_map["blocks"]:
            call = tile_map["matrices"][block["matrix"]]["call"]
            cells[call] = cells.get(call, 0) + block["rows"] * block["cols"]
            self.assertLessEqual(block["row0"] + block["rows"], tile_map["tile_rows"])
            self.assertLessEqual(block["col0"] + block["cols"], tile_map["tile_cols"])
            here = {(block["tile"], row, col) for row in range(block["row0"], block["row0"] + block["rows"]) for col in range(block["col0"], block["col0"] + block["cols"])}
            self.assertFalse(seen & here, "blocks overlap")
            seen |= here
        self.assertEqual([cells[call] for call in range(len(report["calls"]))], [call["cells"] for call in report["calls"]])
        self.assertEqual({block["tile"] for block in tile_map["blocks"]}, set(range(report["tiles"])))

    def test_the_roofline_counts_the_bytes_that_the_simulation_pays_for(self):
        if "systemc" in ARGUMENTS.without:
            self.skipTest("built without SystemC: nothing is simulated")
        report = self.made("report", "model.xwp", "--static", "--prefill-tokens", "16")
        per_byte = report["chip_estimate"]["constants"]["energy"]["memory_byte"]["value"]
        for point in report["roofline"]["points"]:
            run = report["chip_simulation"][point["name"]]
            self.assertAlmostEqual(point["memory_bytes"] * per_byte, run["energy_pj"]["memory"], delta=1e-6 * run["energy_pj"]["memory"])
            self.assertEqual(point["operations"], 2 * (run["cell_macs"] + run["digital_macs"]))
            roof = report["roofline"]["memory"]["bytes_per_s"] * point["time_ns"] * 1e-9
            self.assertLessEqual(point["memory_bytes"], roof * (1 + 1e-9))

    def test_json_alone_goes_to_standard_output_and_takes_no_argument(self):
        done = self.run_command("inspect", "--json", "model.xwp")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.check("inspect", json.loads(done.stdout), ["inspect", "--json", "model.xwp"])
        self.assertFalse((self.folder / "--json").exists())
        before = (self.folder / "model.xwp").read_bytes()
        self.assertEqual(self.run_command("inspect", "model.xwp", "--json=model.xwp").returncode, 2)
        self.assertEqual((self.folder / "model.xwp").read_bytes(), before)


parser = argparse.ArgumentParser()
parser.add_argument("crossweave")
parser.add_argument("--without", action="append", default=[])
ARGUMENTS, rest = parser.parse_known_args()
ARGUMENTS.crossweave = str(pathlib.Path(ARGUMENTS.crossweave).resolve())
unittest.main(argv=["test_json_outputs.py", *rest])
