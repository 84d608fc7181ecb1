#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""Measures trained checkpoints beside those that they come from: the tables of fine-tuning in docs/results.md.

    scripts/finetuned.py --table finetuned --row "as it is=MODEL.gguf" --row "fine-tuned=TRAINED.safetensors"
                         [--text FILE] [--tokens N] [--context N] [--seeds N] [--task TASK.jsonl]... [--reuse]

A row is a name and a checkpoint, behind which options of `crossweave compile` may stand; those behind `w8:`, `w4:` or `analog:` are for that
program alone (`w8: --ranges mse analog: --ranges mse` for a checkpoint of 4-bit training, whose ranges are for 4-bit weights). Every row is compiled for afm-512 and measured in fp32, digital-w8a8 and
digital-w4a8 (trained weights rounded to nearest), on a chip with ideal cells and on chips with pcm-afm noise: perplexity, and with --task the main
metric of every task. The file is written after every row. --reuse takes figures that the same command gave before from the work folder.
Only the part of docs/results.md between the markers of the table is rewritten.
"""
import argparse
import pathlib
import sys

from document_table import write_table
from results import ROOT, cell, compile_program, evaluate, main_metric, parse_rows, words_of_name

PROGRAMS = {"analog": [], "w8": ["--weights", "w8"], "w4": ["--weights", "w4"]}
MODES = ("fp32", "w8a8", "w4a8", "ideal", "pcm-afm")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--table", required=True, help="name of the markers")
    parser.add_argument("--text", default=ROOT.parent / "shared/data/corpora/wiki.test.raw", type=pathlib.Path)
    parser.add_argument("--tokens", default=20000, type=int)
    parser.add_argument("--context", default=512, type=int)
    parser.add_argument("--task", default=[], action="append", type=pathlib.Path, metavar="TASK.jsonl")
    parser.add_argument("--limit", default=0, type=int, help="first items of every task")
    parser.add_argument("--seeds", default=10, type=int, help="chips with noise")
    parser.add_argument("--lm-head", default="digital", choices=("digital", "analog"))
    parser.add_argument("--about", default="", help="what the line below the table begins with")
    arguments = parse_rows(parser)
    for path in [arguments.text, arguments.crossweave, *arguments.task, *(pathlib.Path(row[1]) for row in arguments.row)]:
        if not path.exists():
            sys.exit(f"finetuned.py: {path}: not found")
    return arguments


def options_of_programs(words):
    """By program, the options of all and its own."""
    own = {"": []} | {program: [] for program in PROGRAMS}
    program = ""
    for word in words:
        if word.endswith(":") and word[:-1] in PROGRAMS:
            program = word[:-1]
        else:
            own[program].append(word)
    return {program: own[""] + own[program] for program in PROGRAMS}


def measured_row(arguments, row):
    """A cell of every mode; tasks stand behind the perplexity."""
    name, checkpoint, *options = row
    place = f"{arguments.table}-{words_of_name(name)}"
    threads = ["--threads", str(arguments.threads)]
    what = ["--text", str(arguments.text), "--tokens", str(arguments.tokens), "--context", str(arguments.context)]
    for task in arguments.task:
        what += ["--task", str(task)]
    if arguments.task:
        what += ["--limit", str(arguments.limit)]
    programs = {program: compile_program(arguments, place if program == "analog" else f"{place}-{program}", ["--lm-head", arguments.lm_head, *words, *threads, *PROGRAMS[program]], checkpoint)
                for program, words in options_of_programs(options).items()}
    cells = []
    for mode in MODES:
        model, mode_options = {"fp32": (checkpoint, ["--mode", "fp32"]), "w8a8": (programs["w8"], ["--mode", "digital-w8a8"]),
                               "w4a8": (programs["w4"], ["--mode", "digital-w4a8"]), "ideal": (programs["analog"], ["--noise", "ideal"]),
                               "pcm-afm": (programs["analog"], ["--noise", "pcm-afm", "--chip-seeds", str(arguments.seeds)])}[mode]
        result, _ = evaluate(arguments, f"{place}-{mode}", model, what, mode_options, threads)
        runs = len(result["runs"])
        parts = [cell(result["perplexity"], 1, 2, runs)]
        for metrics in result.get("tasks", {}).values():
            parts.append(cell(metrics[main_metric(metrics)], 100, 1, runs) + " %")
        cells.append("; ".join(parts))
    return f"| {name} | " + " | ".join(cells) + " |"


def main():
    arguments = parse_arguments()
    names = f"; behind it percent right of {', '.join(task.stem for task in arguments.task)}" if arguments.task else ""
    if arguments.task and arguments.limit:
        names += f" (first {arguments.limit} items)"
    footer = (f"{arguments.about + ' ' if arguments.about else ''}Perplexity of the first {arguments.tokens} tokens of {arguments.text.name}, context {arguments.context}{names}. "
              f"`afm-512`, lm_head {arguments.lm_head}; w4a8: trained weights rounded to nearest; mean ± standard deviation over {arguments.seeds} chips. "
              "Command: `scripts/finetuned.py`.")
    lines = ["| checkpoint | " + " | ".join(MODES) + " |", "|---" * (len(MODES) + 1) + "|"]
    for row in arguments.row:
        lines.append(measured_row(arguments, row))
        write_table(arguments.document, arguments.table, [*lines, "", footer])
    print("\n".join(lines))


if __name__ == "__main__":
    main()
