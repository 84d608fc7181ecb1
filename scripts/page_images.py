#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""Makes the pictures of pages in docs/images: page_images.py CROSSWEAVE [--model GGUF] [--folder FOLDER]

Needs SmolLM2-135M-Instruct (scripts/fetch_model.sh) and Chromium (scripts/setup.sh browser). Checks that the console is silent. A PNG stays below
LIMIT bytes."""
import argparse
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/html"))
import browser as chromium  # noqa: E402

LIMIT = 300_000
TEXT = ROOT / "host/toolchain/calibration/general.txt"
STORIES = ROOT / "models/default"


def pages(crossweave, model, folder):
    """Makes the pages; {name: file}."""
    def run(*words):
        print("$ crossweave", *words, flush=True)
        subprocess.run([crossweave, *map(str, words)], cwd=folder, stdout=subprocess.DEVNULL, check=True)

    (folder / model.name).symlink_to(model.resolve())
    (folder / "text.txt").symlink_to(TEXT)
    run("compile", model.name, "--chip", "afm-512", "-o", "smollm2.xwp")
    run("report", "smollm2.xwp", "--noise", "pcm-afm", "--html", "report.html")
    run("plan", model.name, "--chip", "hermes64-1p", "--html", "plan.html")
    run("compile", model.name, "--chip", "hermes64-1p", "--chips", "auto", "-o", "several.xwp")
    run("report", "several.xwp", "--static", "--html", "several.html")
    run("eval", "smollm2.xwp", "--text", "text.txt", "--tokens", "512", "--context", "128", "--noise", "pcm-afm", "--compensation", "global", "--chip-seeds", "3", "--times", "0,1d,30d,1y", "--html", "eval.html")
    (folder / "noise.toml").write_text(f'[measure]\ntext = "{STORIES / "held-out.txt"}"\ntokens = 1000\n[options]\nmodel = "{STORIES / "stories-2m.gguf"}"\nnoise = "pcm-hermes"\n'
                                       '[grid]\nadapt = ["none", "fold", "clip"]\nchip-seed = "0..5"\ntime = ["0", "1h", "1d", "30d", "1y"]\n')
    run("sweep", "noise.toml", "--html", "study.html")
    return {name: folder / f"{name}.html" for name in ("report", "plan", "several", "eval", "study")}


PICTURES = (  # name, page, theme, width, element or None for the page from its top, height
    ("report", "report", "light", "wide", None, 1285),
    ("report-dark", "report", "dark", "wide", "#decode", None),
    ("report-phone", "report", "light", "phone", None, 1500),
    ("plan", "plan", "light", "wide", None, 1330),
    ("several-chips", "several", "light", "wide", "#tile-map", 1100),
    ("eval", "eval", "light", "wide", None, 1195),
    ("study", "study", "light", "wide", "#curves-0", None),
)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("crossweave", type=pathlib.Path)
    parser.add_argument("--model", type=pathlib.Path, help="default: fetched")
    parser.add_argument("--folder", type=pathlib.Path, default=ROOT / "docs/images", help="where pictures go")
    options = parser.parse_args()
    absent = chromium.missing()
    if absent:
        sys.exit(f"page_images: {absent} is not installed; scripts/setup.sh browser installs it")
    model = options.model or pathlib.Path(subprocess.run([ROOT / "scripts/fetch_model.sh", "smollm2-135m"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip())
    options.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        made = pages(options.crossweave.resolve(), model, pathlib.Path(temporary))
        browser = chromium.Browser()
        try:
            for name, page, theme, width, element, height in PICTURES:
                browser.open(made[page], theme, width)
                file = options.folder / f"{name}.png"
                browser.picture(file, element, height)
                said = browser.messages()
                if said:
                    sys.exit(f"page_images: {page}: the console says {said}")
                if file.stat().st_size > LIMIT:
                    sys.exit(f"page_images: {file}: expected at most {LIMIT} bytes, found {file.stat().st_size}")
                print(file, file.stat().st_size)
        finally:
            browser.close()


if __name__ == "__main__":
    main()
