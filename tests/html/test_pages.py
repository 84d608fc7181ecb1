# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""The pages of all commands in headless Chromium: test_pages.py CROSSWEAVE --folder FOLDER [--without-simulation]

Light and dark, wide and as a phone, on paper; no message in the console, nothing asked for but the file itself, every chart drawn, key figures
those of the record. FOLDER keeps the pages and pictures of them. scripts/page_images.py makes the pictures of the documentation."""
import argparse
import csv
import json
import pathlib
import shutil
import statistics
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import browser as chromium  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODEL = ROOT / "models/default/stories-2m.gguf"
TEXT = ROOT / "models/default/held-out.txt"
HOSTILE = "</script><img src=x onerror=document.title=1><b>&amp;"

CHARTS = {  # figures that a page must have, by its id; what a build without a simulation does not have is marked
    "report": {"tile-map": 0, "tile-use": 0, "saturation": 0, "host-time": 0, "decode-time": 1, "decode-energy": 1, "decode-layers-time": 1, "decode-layers-energy": 1,
               "decode-busy": 1, "roofline": 1, "prefill-time": 1, "prefill-energy": 1, "prefill-layers-time": 1, "prefill-layers-energy": 1, "prefill-busy": 1},
    "static": {"tile-map": 0, "tile-use": 0},
    "simulate": {name: 1 for name in ("run-time", "run-energy", "run-layers-time", "run-layers-energy", "run-busy", "roofline")},
    "sweep": {name: 1 for name in ("sweep-time", "sweep-energy", "sweep-attention", "roofline")},
    "plan": {name: 0 for name in ("pareto", "silicon", "writing", "bounds")},
    "eval": {name: 0 for name in ("perplexity-chips", "perplexity-times", "windows", "task-task", "task-task-times")},
    "sensitivity": {name: 0 for name in ("sensitivity-kind", "sensitivity-layer", "ages-kind", "ages-layer")},
    "study": {"curves-0": 0, "curves-1": 0},
    "answers": {"task-questions-answers": 0},
    "compare": {"ratios": 0},
    "compare-eval": {"losses": 0},
    "several": {"tile-map": 0},
}


def scaled(value, unit):
    """"1.87 ms" of 0.00187 and "s": three digits, as people read them."""
    value = float(f"{value:.3g}")
    factor, prefix = next((factor, prefix) for factor, prefix in ((1, ""), (1e-3, "m"), (1e-6, "µ"), (1e-9, "n"), (1e-12, "p")) if value >= factor)
    return f"{value / factor:.3g} {prefix}{unit}"


def crossweave(*words):
    done = subprocess.run([ARGUMENTS.crossweave, *map(str, words)], cwd=ARGUMENTS.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 0, (words, done.stderr)
    return done.stdout


def make_pages():
    """A page of every command and kind of result, and the record in it as JSON beside it."""
    shutil.rmtree(ARGUMENTS.folder, ignore_errors=True)
    ARGUMENTS.folder.mkdir(parents=True)

    def page(name, command, *words):
        crossweave(command, *words, f"--json={name}.json", "--html", f"{name}.html")

    crossweave("compile", MODEL, "--chip", "afm-512", "-o", "model.xwp")
    crossweave("compile", MODEL, "--chip", "hermes-core", "--chips", "auto", "-o", "several.xwp")
    page("report", "report", "model.xwp", "--noise", "pcm-afm", "--prefill-tokens", "32", "--decode-tokens", "4")
    page("static", "report", "model.xwp", "--static", "--context", "64")
    page("several", "report", "several.xwp", "--static")
    if not ARGUMENTS.without_simulation:
        page("simulate", "simulate", "model.xwp", "--prompt-tokens", "8", "--tokens", "3", "--sequences", "2")
        page("sweep", "simulate", "model.xwp", "--sweep", "128")
    page("plan", "plan", MODEL, "--chip", "hermes-core")
    (ARGUMENTS.folder / "task.jsonl").write_text("".join(json.dumps({"context": "One day,", "choices": ["a girl", "a boy"], "gold": i % 2}) + "\n" for i in range(6)))
    text = ("--text", TEXT, "--tokens", "256", "--context", "64")
    page("eval", "eval", "model.xwp", *text, "--task", "task.jsonl", "--noise", "pcm-afm", "--chip-seeds", "3", "--times", "0,1d,1y")
    (ARGUMENTS.folder / "questions.jsonl").write_text("".join(json.dumps({"context": "One day, a little", "answers": [word], "max_tokens": 1}) + "\n" for word in ("girl", "boy", "cat")))
    (ARGUMENTS.folder / "study.toml").write_text(f'[measure]\ntext = "{TEXT}"\ntokens = 64\ntasks = ["task.jsonl"]\n[options]\nmodel = "model.xwp"\n'
                                                 '[grid]\nnoise = ["pcm-afm", "pcm-hermes"]\nchip-seed = "1..3"\ntime = [0, "1d"]\n')
    page("study", "sweep", "study.toml")
    page("answers", "eval", "model.xwp", "--task", "questions.jsonl", "--samples", "4", "--noise", "pcm-afm", "--chip-seeds", "2")
    crossweave("eval", MODEL, "--mode", "fp32", *text, "--task", "task.jsonl", "--json=fp32.json")
    crossweave("eval", "model.xwp", *text, "--task", "task.jsonl", "--noise", "pcm-afm", "--json=analog.json")
    page("sensitivity", "sensitivity", "model.xwp", "--text", TEXT, "--tokens", "128", "--context", "64", "--noise", "pcm-afm", "--times", "0,1d")
    page("compare", "compare", "report.json", "static.json")
    page("compare-eval", "compare", "fp32.json", "analog.json")


class Pages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        make_pages()
        cls.browser = chromium.Browser()
        cls.addClassCleanup(cls.browser.close)
        cls.pages = {file.stem: file for file in sorted(ARGUMENTS.folder.glob("*.html"))}

    def charts(self, name):
        return [chart for chart, simulated in CHARTS[name].items() if not (simulated and ARGUMENTS.without_simulation)]

    def look(self, name, theme, width):
        """Opens the page; checks what holds for all pages."""
        self.browser.open(self.pages[name], theme, width)
        self.assertEqual(self.browser.messages(), [])
        asked = {url for url in self.browser.requests() if not url.startswith("data:")}
        self.assertEqual(asked, {self.pages[name].resolve().as_uri()})
        shapes = self.browser.run("""return Object.fromEntries([...document.querySelectorAll("figure[id]")].map((figure) => {
            const svg = figure.querySelector(".plot svg"), box = svg?.getBoundingClientRect();
            return [figure.id, svg ? {marks: svg.querySelectorAll("rect, path, circle, line").length, width: box.width, height: box.height, text: svg.outerHTML} : null]; }));""")
        for chart in self.charts(name):
            with self.subTest(page=name, chart=chart, theme=theme, width=width):
                self.assertIn(chart, shapes)
                self.assertIsNotNone(shapes[chart], "no picture")
                self.assertGreater(shapes[chart]["marks"], 1)
                self.assertGreater(min(shapes[chart]["width"], shapes[chart]["height"]), 30)
                self.assertNotRegex(shapes[chart]["text"], r"NaN|undefined|Infinity")
        texts = self.browser.run("return document.querySelector('main').innerText + document.querySelector('footer').innerText;")
        self.assertNotRegex(texts, r"\bNaN\b|\bundefined\b|\[object|\bnull\b|Infinity")
        self.assertLessEqual(self.browser.run("return document.documentElement.scrollWidth"), chromium.WIDTHS[width], "wider than the screen")
        return texts

    def test_every_page_has_its_charts_in_light_and_dark_wide_and_narrow(self):
        self.assertEqual(set(self.pages), {name for name in CHARTS if self.charts(name)})
        for name in self.pages:
            for theme, width in (("light", "wide"), ("dark", "wide"), ("light", "phone"), ("dark", "phone")):
                self.look(name, theme, width)
                self.browser.picture(ARGUMENTS.folder / f"{name}-{theme}-{width}.png")

    def test_the_browser_tells_of_errors_and_of_what_is_loaded(self):
        page = ARGUMENTS.folder / "wrong.htm"
        page.write_text("<html data-ready='true'><img src='http://127.0.0.1:9/picture.png'><script>noSuchFunction()</script></html>")
        self.browser.open(page)
        self.assertIn("noSuchFunction", "".join(self.browser.messages()))
        self.assertIn("http://127.0.0.1:9/picture.png", self.browser.requests())
        page.unlink()

    def test_themes_follow_the_system_and_the_button(self):
        background = "return getComputedStyle(document.body).backgroundColor"
        self.browser.open(self.pages["plan"], "dark")
        dark = self.browser.run(background)
        self.browser.open(self.pages["plan"], "light")
        self.assertNotEqual(self.browser.run(background), dark)
        press = "[...document.querySelectorAll('#tools button')].find((b) => b.textContent.startsWith('Theme')).click()"
        for said in ("light", "dark"):
            self.browser.run(press)
            self.assertIn(f"Theme: {said}", self.browser.run("return document.getElementById('tools').textContent"))
        self.assertEqual(self.browser.run(background), dark)
        self.browser.run(press)  # back to the system's

    def test_paper_is_white_and_has_every_chart(self):
        for name in self.pages:
            self.browser.open(self.pages[name], "dark")
            self.browser.pdf(ARGUMENTS.folder / f"{name}.pdf")
            self.assertEqual(self.browser.run("return document.documentElement.dataset.theme"), "dark", "the theme comes back")
            self.browser.devtools("Emulation.setEmulatedMedia", media="print")
            self.browser.run("dispatchEvent(new Event('beforeprint'))")
            self.assertEqual(self.browser.run("return getComputedStyle(document.body).backgroundColor"), "rgb(255, 255, 255)")
            shown = self.browser.run("return [...document.querySelectorAll('figure[id] .plot svg')].filter((svg) => svg.getBoundingClientRect().height > 20).map((svg) => svg.closest('figure').id)")
            self.assertLessEqual(set(self.charts(name)), set(shown))
            self.assertEqual(self.browser.run("return getComputedStyle(document.getElementById('tools')).display"), "none")
            self.assertGreater((ARGUMENTS.folder / f"{name}.pdf").stat().st_size, 10000)
        self.browser.devtools("Emulation.setEmulatedMedia", media="")

    def test_the_tile_map_tells_what_tiles_hold_with_pointer_and_keys(self):
        record = json.loads((ARGUMENTS.folder / "report.json").read_text())
        told, blocks = "return document.querySelector('.map-detail').innerText", record["tile_map"]["blocks"]
        self.browser.open(self.pages["report"])
        self.assertEqual(self.browser.run("return document.querySelectorAll('#tile-map .tile rect:not(.tile-frame)').length"), len(blocks))
        self.browser.run("document.querySelector('.map-canvas').focus()")
        self.browser.key("Home", 36)
        for tile in range(3):
            text = self.browser.run(told)
            self.assertTrue(text.startswith(f"Tile {tile}\n"), text)
            here = [block for block in blocks if block["tile"] == tile]
            cells = sum(block["rows"] * block["cols"] for block in here) / 512 ** 2
            self.assertIn(f"{100 * cells:.1f} %", text)
            for block in here:
                self.assertIn(f"{record['tile_map']['matrices'][block['matrix']]['name']}\n", text)
                self.assertIn(f"{block['rows']} × {block['cols']} cells", text)
            self.browser.key("ArrowRight", 39)
        last = max(block["tile"] for block in blocks)
        self.browser.run("document.querySelectorAll('#tile-map .tile')[arguments[0]].dispatchEvent(new PointerEvent('pointerenter'))", last)
        self.assertTrue(self.browser.run(told).startswith(f"Tile {last}\n"))

    def test_key_figures_are_those_of_the_record(self):
        plan = next(plan for plan in json.loads((ARGUMENTS.folder / "plan.json").read_text())["plans"] if plan["best"])
        self.assertIn(scaled(plan["token_ns"] * 1e-9, "s"), self.look("plan", "light", "wide"))
        chips = json.loads((ARGUMENTS.folder / "eval.json").read_text())["perplexity"]
        self.assertIn(f"{chips['mean']:.4g} ±", self.look("eval", "light", "wide").replace(",", ""))
        report = json.loads((ARGUMENTS.folder / "report.json").read_text())
        text = self.look("report", "light", "wide")
        self.assertIn(f"{report['tiles']:,}\n", text)
        self.assertIn(f"{100 * report['utilisation']:.1f} %", text)
        if not ARGUMENTS.without_simulation:
            decode = report["chip_simulation"]["decode"]
            self.assertIn(f"bound by {decode['bottleneck']}", text)
            self.assertIn(scaled(decode["total_ns"] * 1e-9, "s"), text)
            self.assertIn(scaled(decode["energy_pj_per_token"] * 1e-12, "J"), text)
            self.assertIn(f"at context {decode['context']}", text)
            self.browser.run("document.querySelector('#decode-time details').open = true")
            self.browser.settle()
            told = self.browser.run("return [...document.querySelectorAll('#decode-time tbody tr')].map((row) => [...row.cells].map((cell) => cell.textContent))")
            shares = sorted(decode["critical_path_ns"].items(), key=lambda item: -item[1])
            self.assertEqual([row[0] for row in told], [name for name, _ in shares])
            self.assertEqual([row[2] for row in told], [f"{100 * value / sum(decode['critical_path_ns'].values()):.2f} %" for _, value in shares])
            points = {point["name"]: point for point in report["roofline"]["points"]}
            self.assertAlmostEqual(points["decode"]["operations"] / decode["total_ns"] * 1e-3, decode["tops"], delta=1e-9 + 1e-6 * decode["tops"])

    def test_curves_of_a_study_are_those_of_its_table(self):
        crossweave("sweep", "merge", "study.toml", "--csv", "study.csv")
        with (ARGUMENTS.folder / "study.csv").open() as file:
            rows = list(csv.DictReader(file))
        self.browser.open(self.pages["study"])
        self.assertEqual(self.browser.run("return [...document.querySelectorAll('#curves-0 .legend li')].map((item) => item.innerText.trim())"), ["pcm-afm", "pcm-hermes"])
        self.browser.run("document.querySelector('#curves-0 details').open = true")
        self.browser.settle()
        told = self.browser.run("return [...document.querySelectorAll('#curves-0 tbody tr')].map((row) => [...row.cells].map((cell) => cell.textContent))")
        self.assertEqual([row[:3] for row in told], [[noise, time, "3"] for noise in ("pcm-afm", "pcm-hermes") for time in ("0", "1d")])
        for noise, time, _, mean, deviation, low, high in told:
            values = [float(row["perplexity"]) for row in rows if (row["noise"], row["time"]) == (noise, time)]
            half = 4.302653 * statistics.stdev(values) / len(values) ** 0.5  # Student's 97.5 % quantile for 2 degrees of freedom, from tables
            expected = (statistics.mean(values), statistics.stdev(values), statistics.mean(values) - half, statistics.mean(values) + half)
            for cell, value in zip((mean, deviation, low, high), expected, strict=True):
                self.assertAlmostEqual(float(cell.replace(",", "")), value, delta=2e-4 * values[0])

    def test_texts_of_a_record_are_texts(self):
        file = ARGUMENTS.folder / "hostile.json"
        record = json.loads((ARGUMENTS.folder / "report.json").read_text())
        record.update(model=HOSTILE, chip=HOSTILE)
        file.write_text(json.dumps(record))
        crossweave("compare", "hostile.json", "report.json", "--html", "hostile.page")
        (ARGUMENTS.folder / "hostile.page").rename(ARGUMENTS.folder / "hostile-page.htm")
        self.browser.open(ARGUMENTS.folder / "hostile-page.htm")
        self.assertEqual(self.browser.messages(), [])
        self.assertEqual(self.browser.run("return document.images.length"), 0)
        self.assertIn(HOSTILE, self.browser.run("return document.querySelector('main').innerText"))
        self.assertTrue(self.browser.run("return document.title").startswith("crossweave compare"))

    def test_everything_can_be_reached_with_the_keyboard(self):
        self.browser.open(self.pages["report"])
        reached = []
        for _ in range(80):
            self.browser.key("Tab", 9)
            reached.append(self.browser.run("const e = document.activeElement; return e.className + '|' + e.tagName + '|' + e.textContent.slice(0, 30)"))
        for wanted in ("skip|A", "|BUTTON|Save JSON", "|BUTTON|Theme", "|BUTTON|Kind of layer", "map-canvas", "|SUMMARY|Numbers"):
            self.assertTrue(any(wanted in one for one in reached), (wanted, reached))


parser = argparse.ArgumentParser()
parser.add_argument("crossweave")
parser.add_argument("--folder", type=pathlib.Path, required=True, help="for pages and pictures; what is in it is lost")
parser.add_argument("--without-simulation", action="store_true", help="the command was built without SystemC")
ARGUMENTS, rest = parser.parse_known_args()
ARGUMENTS.crossweave, ARGUMENTS.folder = str(pathlib.Path(ARGUMENTS.crossweave).resolve()), ARGUMENTS.folder.resolve()
absent = chromium.missing()
if absent:
    print(f"skipped: {absent} is not installed; scripts/setup.sh browser installs it")
    sys.exit(77)
probe = subprocess.run([ARGUMENTS.crossweave, "compare", "a", "b", "--html", "x"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
if "no charting library" in probe.stderr:
    print("skipped: built without the charting library; scripts/fetch_charts.sh fetches it, then configure and build again")
    sys.exit(77)
unittest.main(argv=["test_pages.py", *rest])
