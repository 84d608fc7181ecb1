#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""Makes products of two numbers with a scratchpad: a text to train on, and questions that it does not have, whose answers can be verified.

    scripts/prepare_arithmetic.py -o TEXT --task QUESTIONS.jsonl [--held-out 200] [--shots 2] [--lines 120000] [--seed 1]

A line is `47*85: 47*5=235 47*80=3760 235+3760=3995`: the product with the units of the second factor, that with its tens, and their sum. Both factors
have two digits; the second one does not end with 0. The text has every pair but the held-out ones about equally often, in an order by --seed, joined by
<|endoftext|> for `crossweave generate-data --separator`. QUESTIONS has the held-out pairs for `crossweave eval --task`, each behind
--shots lines of the text, as almost every line of training stands behind others: of what is generated up to the end of the line the last number is the answer.
"""
import argparse
import itertools
import json
import pathlib
import random
import sys

SEPARATOR = "<|endoftext|>"
PAIRS = [(a, b) for a, b in itertools.product(range(10, 100), repeat=2) if b % 10]


def question(a, b):
    return f"{a}*{b}:"


def solution(a, b):
    units, tens = a * (b % 10), a * (b - b % 10)
    return f"{a}*{b % 10}={units} {a}*{b - b % 10}={tens} {units}+{tens}={units + tens}"


def line(a, b):
    return f"{question(a, b)} {solution(a, b)}\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--output", required=True, type=pathlib.Path)
    parser.add_argument("--task", required=True, type=pathlib.Path)
    parser.add_argument("--held-out", type=int, default=200, help="pairs that only QUESTIONS has")
    parser.add_argument("--shots", type=int, default=2, help="lines of the text before every question")
    parser.add_argument("--lines", type=int, default=120000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    if not 0 < arguments.held_out < len(PAIRS):
        sys.exit(f"prepare_arithmetic.py: --held-out: expected 1 to {len(PAIRS) - 1}, found {arguments.held_out}")
    if arguments.lines < 1:
        sys.exit(f"prepare_arithmetic.py: --lines: expected at least 1, found {arguments.lines}")
    if not 0 <= arguments.shots <= 8:
        sys.exit(f"prepare_arithmetic.py: --shots: expected 0 to 8, found {arguments.shots}")
    source = random.Random(arguments.seed)
    pairs = source.sample(PAIRS, len(PAIRS))
    held_out, known = pairs[:arguments.held_out], pairs[arguments.held_out:]
    lines = []
    while len(lines) < arguments.lines:
        source.shuffle(known)
        lines += [line(a, b) for a, b in known[:arguments.lines - len(lines)]]
    arguments.output.write_text(SEPARATOR.join(lines))
    with arguments.task.open("w") as file:
        for a, b in held_out:
            before = "".join(line(*pair) + SEPARATOR for pair in source.sample(known, arguments.shots))
            file.write(json.dumps({"context": before + question(a, b), "answers": [str(a * b)], "until": ["\n"], "max_tokens": 48, "filter": "flexible-extract"}) + "\n")
    print(f"{len(lines)} lines of {len(known)} pairs: {arguments.output}; {len(held_out)} questions: {arguments.task}")


if __name__ == "__main__":
    main()
