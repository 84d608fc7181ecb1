#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""Makes the tables of docs/chip-life.md: quality over time with and without compensation, and with faults.

    scripts/chip_life.py time [--model GGUF] [--adapt LEVEL] [--noise MODEL]... [--tokens N] [--seeds N] [--times 0,1h,1d,30d,1y]
    scripts/chip_life.py faults [--model GGUF] [--adapt LEVEL] [--noise MODEL] [--tokens N] [--seeds N] [--rates 0,1e-4,1e-3,1e-2]

Programs are compiled for afm-512 into the work folder, where results stay, too: a table that was interrupted goes on where it ended, and one
with more seeds measures only the new ones. What is complete is taken as it is, even from another build. Only the part of the document between
the markers of the table is rewritten. `time` draws a figure as well, docs/figures/chip-life.svg or chip-life-adapted.svg.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys

from document_table import write_table
from line_chart import line_chart

ROOT = pathlib.Path(__file__).resolve().parent.parent
COMPENSATIONS = ("none", "global", "column")


def parse_arguments():
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--model", default=ROOT / ".cache/models/SmolLM2-135M-Instruct.Q4_1.gguf", type=pathlib.Path)
    common.add_argument("--adapt", default="none", help="level of `crossweave compile --adapt`")
    common.add_argument("--text", default=ROOT.parent / "shared/data/corpora/wiki.test.raw", type=pathlib.Path)
    common.add_argument("--tokens", default=2000, type=int)
    common.add_argument("--seeds", default=5, type=int)
    common.add_argument("--threads", default=1, type=int)
    common.add_argument("--nice", default=0, type=int, help="how much to step back behind other work, 0..19")
    common.add_argument("--crossweave", default=ROOT / "build/release/host/app/crossweave", type=pathlib.Path)
    common.add_argument("--work", default=ROOT / "build/chip_life", type=pathlib.Path, help="folder for programs and JSON")
    common.add_argument("--document", default=ROOT / "docs/chip-life.md", type=pathlib.Path, help="file with the markers")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    tables = parser.add_subparsers(dest="table", required=True)
    time = tables.add_parser("time", parents=[common], help="perplexity over time")
    time.add_argument("--noise", action="append", help="cell model; may be given several times (default: pcm-afm and pcm-hermes)")
    time.add_argument("--compensation", action="append", help="several may be given (default: none, global and column)")
    time.add_argument("--times", default="0,1h,1d,30d,1y")
    faults = tables.add_parser("faults", parents=[common], help="perplexity with stuck cells, with and without spares")
    faults.add_argument("--noise", default="pcm-afm")
    faults.add_argument("--rates", default="0,1e-4,1e-3,1e-2", help="of cells, half of them low and half high")
    faults.add_argument("--spare-columns", default=16, type=int)
    arguments = parser.parse_args()
    for path in (arguments.model, arguments.text, arguments.crossweave):
        if not path.exists():
            sys.exit(f"chip_life.py: {path}: not found (build the release preset; run scripts/fetch_model.sh smollm2-135m)")
    arguments.work.mkdir(parents=True, exist_ok=True)
    os.nice(arguments.nice)
    return arguments


def run(arguments, *command):
    print("+ crossweave", *command, flush=True)
    subprocess.run([str(arguments.crossweave), *map(str, command)], check=True)


def compiled(arguments):
    program = arguments.work / f"{arguments.model.stem}.{arguments.adapt}.xwp"
    if not program.exists():
        run(arguments, "compile", arguments.model, "--chip", "afm-512", "--adapt", arguments.adapt, "--threads", arguments.threads, "-o", program)
    return program


def evaluated(arguments, program, name, *options):
    """The finished JSON of an evaluation; what the file has already is not measured again."""
    file = arguments.work / f"{program.stem}.{name}.{arguments.tokens}.json"
    if file.exists():
        kept = json.loads(file.read_text())
        if kept.get("complete") and len({run["chip_seed"] for run in kept["runs"]}) == arguments.seeds:
            return kept
    run(arguments, "eval", program, "--threads", arguments.threads, "--text", arguments.text, "--tokens", arguments.tokens, "--chip-seeds", arguments.seeds, f"--json={file}",
        *options)
    return json.loads(file.read_text())


def cell(statistics):
    digits = 1 if statistics["mean"] < 1000 else 0
    text = f"{statistics['mean']:.{digits}f}"
    return text + (f" ± {statistics['std']:.{digits}f}" if len(statistics["values"]) > 1 else "")


def caption(arguments, what):
    adapted = "" if arguments.adapt == "none" else f", adapted ({arguments.adapt})"
    return f"{what} {arguments.model.stem}{adapted}, afm-512, {arguments.tokens} tokens of {arguments.text.name}, {arguments.seeds} chips, measured:"


def time_table(arguments):
    program = compiled(arguments)
    rows = []
    for noise in arguments.noise or ["pcm-afm", "pcm-hermes"]:
        for compensation in arguments.compensation or COMPENSATIONS:
            name = f"{noise.replace(':', '-')}.{compensation}.{arguments.times.replace(',', '-')}"
            result = evaluated(arguments, program, name, "--noise", noise, "--times", arguments.times, "--compensation", compensation)
            rows.append((noise, compensation, result["times"]))
    lines = [caption(arguments, "Perplexity of"), "", "| cells | compensation | " + " | ".join(t["time"] for t in rows[0][2]) + " |",
             "|---|---|" + "---|" * len(rows[0][2])]
    for noise, compensation, times in rows:
        lines.append(f"| `{noise}` | {compensation} | " + " | ".join(cell(t["perplexity"]) for t in times) + " |")
    adapted = "" if arguments.adapt == "none" else "-adapted"
    write_table(arguments.document, "time" + adapted, lines)
    figure = arguments.document.parent / f"figures/chip-life{adapted}.svg"
    figure.parent.mkdir(exist_ok=True)
    series = {f"{noise} {compensation}": [t["perplexity"]["mean"] for t in times] for noise, compensation, times in rows}
    figure.write_text(line_chart(caption(arguments, "Perplexity of").rstrip(":"), [t["time"] for t in rows[0][2]], series, "perplexity"))


def faults_table(arguments):
    program = compiled(arguments)
    rows = []
    for rate in arguments.rates.split(","):
        row = [rate]
        for spares in ("none", f"columns={arguments.spare_columns}"):
            half = float(rate) / 2
            name = f"{arguments.noise.replace(':', '-')}.faults-{rate}.{spares}"
            result = evaluated(arguments, program, name, "--noise", arguments.noise, "--faults", f"stuck-low={half!r},stuck-high={half!r}",
                               "--spares", spares)
            row.append(cell(result["perplexity"]))
        rows.append(row)
    lines = [caption(arguments, f"Perplexity with stuck cells (`{arguments.noise}`, half low, half high) of"), "",
             f"| stuck cells | without spares | {arguments.spare_columns} spare columns per tile |", "|---|---|---|"]
    lines += [f"| {100 * float(rate):g} % | {without} | {spared} |" for rate, without, spared in rows]
    write_table(arguments.document, "faults" if arguments.adapt == "none" else "faults-adapted", lines)


if __name__ == "__main__":
    chosen = parse_arguments()
    (time_table if chosen.table == "time" else faults_table)(chosen)
