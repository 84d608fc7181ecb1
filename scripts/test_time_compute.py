#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""Measures what more answers to a question give, on references and on noisy chips: the table of test-time compute in docs/results.md.

    scripts/test_time_compute.py --plain MODEL --trained MODEL --task QUESTIONS.jsonl [--samples 64] [--limit N] [--seeds 10] [--reuse]

MODEL is a checkpoint before and after training for the chip. Every question is asked --samples times at --temperature; rows are fp32, weights of four
bits (digital-w4a8, rounded to nearest), and chips with pcm-afm noise, of both checkpoints. The table has the part of single answers that is right, and for
growing numbers k of answers whether one of them is right (pass@k: what a perfect verifier reaches) and whether the most frequent one is (majority@k). The
figure docs/figures/test-time-compute.svg draws them. --reuse takes figures that the same command gave before from the work folder.
"""
import argparse
import pathlib
import sys

from document_table import write_table
from line_chart import line_chart
from results import cell, compile_program, evaluate, parse_measuring

SHOWN = (4, 16, 64)
DRAWN = {"plain, fp32": "plain fp32", "plain, analog pcm-afm": "plain noisy", "trained for the chip, analog pcm-afm": "trained noisy"}  # short: a legend
SMALLEST = 0.1  # percent: where the figure's axis of powers of ten begins


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--plain", required=True, type=pathlib.Path, help="checkpoint before training for the chip")
    parser.add_argument("--trained", required=True, type=pathlib.Path, help="checkpoint after it")
    parser.add_argument("--task", required=True, type=pathlib.Path, metavar="QUESTIONS.jsonl")
    parser.add_argument("--samples", default=64, type=int)
    parser.add_argument("--temperature", default=1.0, type=float)
    parser.add_argument("--limit", default=0, type=int, help="first questions")
    parser.add_argument("--seeds", default=10, type=int, help="chips with noise")
    arguments = parse_measuring(parser)
    if arguments.samples < 2:
        parser.error(f"--samples: expected at least 2, found {arguments.samples}")
    for path in (arguments.plain, arguments.trained, arguments.task, arguments.crossweave):
        if not path.exists():
            sys.exit(f"test_time_compute.py: {path}: not found")
    return arguments


def rows_of(arguments):
    """(name, model, options of `eval`) of every row."""
    noisy = ["--noise", "pcm-afm", "--chip-seeds", str(arguments.seeds)]
    for name, checkpoint in (("plain", arguments.plain), ("trained for the chip", arguments.trained)):
        place = "test-time-" + name.split()[0]
        w4 = compile_program(arguments, place + "-w4", ["--weights", "w4"], checkpoint)
        yield f"{name}, fp32", checkpoint, ["--mode", "fp32"]
        yield f"{name}, digital-w4a8", w4, ["--mode", "digital-w4a8"]
        yield f"{name}, analog pcm-afm", compile_program(arguments, place, [], checkpoint), noisy


def counts_of(metrics):
    """Numbers of answers that the result has figures for, 1 first."""
    return [1, *sorted(int(name.split("@")[1]) for name in metrics if name.startswith("pass@"))]


def metric(metrics, kind, count):
    return metrics["exact_match"] if count == 1 else metrics[f"{kind}@{count}"]


def row_cells(metrics, runs):
    counts = counts_of(metrics)
    shown = [(kind, count) for kind in ("pass", "majority") for count in SHOWN if count in counts]
    cells = [cell(metrics["exact_match"], 100, 1, runs)] + [cell(metric(metrics, kind, count), 100, 1, runs) for kind, count in shown]
    return ["one answer", *(f"{kind}@{count}" for kind, count in shown)], cells


def main():
    arguments = parse_arguments()
    what = ["--task", str(arguments.task), "--limit", str(arguments.limit), "--samples", str(arguments.samples), "--temperature", str(arguments.temperature)]
    questions = arguments.limit or sum(1 for line in arguments.task.read_text().splitlines() if line.strip())
    footer = (f"{questions} questions of {arguments.task.name}, {arguments.samples} answers each at temperature {arguments.temperature:g}; percent; mean ± standard "
              f"deviation over {arguments.seeds} chips (`afm-512`, output layer on the chip). Command: `scripts/test_time_compute.py`.")
    lines, series, points = [], {}, []
    for name, model, options in rows_of(arguments):
        result, _ = evaluate(arguments, "test-time-" + name.replace(",", "").replace(" ", "-"), model, what, options, ["--threads", str(arguments.threads)])
        (metrics,) = result["tasks"].values()
        titles, cells = row_cells(metrics, len(result["runs"]))
        if not lines:
            lines = ["| model and mode | " + " | ".join(titles) + " |", "|---" * (len(titles) + 1) + "|"]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
        points = counts_of(metrics)
        if name in DRAWN:
            for kind in ("pass", "majority"):
                series[f"{kind}, {DRAWN[name]}"] = [max(SMALLEST, 100 * metric(metrics, kind, count)["mean"]) for count in points]
        write_table(arguments.document, "test-time", [*lines, "", footer])
    figure = arguments.document.parent / "figures/test-time-compute.svg"
    figure.parent.mkdir(exist_ok=True)
    figure.write_text(line_chart(f"{questions} questions, right answers over the number of answers to each", [str(count) for count in points], series, "percent"))
    print("\n".join(lines))


if __name__ == "__main__":
    main()
