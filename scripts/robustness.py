#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""How far checkpoints bear noise that they were not trained for: tables of docs/results.md.

    scripts/robustness.py --row "as it is=MODEL.gguf" --row "fine-tuned=TRAINED.safetensors --first-token digital"
                          [--gamma 0,0.01,0.02,...] [--times 0,1h,1d,30d] [--compensation global] [--tokens N] [--seeds N] [--reuse]

A row is a name and a checkpoint, behind which options of `crossweave compile` may stand. Every row is compiled for afm-512 once and measured on chips
whose cells have gaussian noise of each deviation (gamma, in units of the cells' range), and on chips with pcm-afm cells as they age, compensated. Only the parts of
docs/results.md between the markers `robustness-noise` and `robustness-time` are rewritten, after every row. --reuse takes figures that the same command
gave before from the work folder.
"""
import argparse
import pathlib
import sys

from document_table import write_table
from results import ROOT, cell, compile_program, evaluate, parse_rows, words_of_name


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--text", default=ROOT.parent / "shared/data/corpora/wiki.test.raw", type=pathlib.Path)
    parser.add_argument("--tokens", default=5000, type=int)
    parser.add_argument("--context", default=512, type=int)
    parser.add_argument("--seeds", default=5, type=int, help="chips")
    parser.add_argument("--lm-head", default="digital", choices=("digital", "analog"))
    parser.add_argument("--gamma", default="0,0.01,0.02,0.03,0.05,0.08", help="deviations of the noise on weights")
    parser.add_argument("--times", default="0,1h,1d,30d", help="since programming")
    parser.add_argument("--compensation", default="global", help="of drift")
    arguments = parse_rows(parser)
    for path in [arguments.text, arguments.crossweave, *(pathlib.Path(row[1]) for row in arguments.row)]:
        if not path.exists():
            sys.exit(f"robustness.py: {path}: not found")
    arguments.work.mkdir(parents=True, exist_ok=True)
    return arguments


def noise_cells(arguments, place, program, what, threads):
    """Perplexity at every deviation of the noise."""
    cells = []
    for gamma in arguments.gamma.split(","):
        noise = ["--noise", "ideal"] if float(gamma) == 0 else ["--noise", f"gaussian:gamma={gamma}", "--chip-seeds", str(arguments.seeds)]
        result, _ = evaluate(arguments, f"{place}-gaussian-{gamma}", program, what, noise, threads)
        cells.append(cell(result["perplexity"], 1, 2, len(result["runs"])))
    return cells


def time_cells(arguments, place, program, what, threads):
    """Perplexity of pcm-afm chips at every time."""
    options = ["--noise", "pcm-afm", "--times", arguments.times, "--compensation", arguments.compensation, "--chip-seeds", str(arguments.seeds)]
    result, _ = evaluate(arguments, f"{place}-times", program, what, options, threads)
    return [cell(time["perplexity"], 1, 2, arguments.seeds) for time in result["times"]]


def main():
    arguments = parse_arguments()
    threads = ["--threads", str(arguments.threads)]
    what = ["--text", str(arguments.text), "--tokens", str(arguments.tokens), "--context", str(arguments.context)]
    footer = (f"Perplexity of the first {arguments.tokens} tokens of {arguments.text.name}, context {arguments.context}; `afm-512`, lm_head {arguments.lm_head}; mean ± standard "
              f"deviation over {arguments.seeds} chips. Command: `scripts/robustness.py`.")
    tables = {"robustness-noise": (noise_cells, [f"γ = {gamma}" for gamma in arguments.gamma.split(",")]),
              "robustness-time": (time_cells, arguments.times.split(","))}
    lines = {table: ["| checkpoint | " + " | ".join(titles) + " |", "|---" * (len(titles) + 1) + "|"] for table, (_, titles) in tables.items()}
    for name, checkpoint, *options in arguments.row:
        place = f"robustness-{words_of_name(name)}"
        program = compile_program(arguments, place, ["--lm-head", arguments.lm_head, *options, *threads], checkpoint)
        for table, (cells_of, _) in tables.items():
            lines[table].append(f"| {name} | " + " | ".join(cells_of(arguments, place, program, what, threads)) + " |")
            write_table(arguments.document, table, [*lines[table], "", footer])
    for table in lines.values():
        print("\n".join(table))


if __name__ == "__main__":
    main()
