#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""A model on as many chips of each kind as it needs: the plan beside the simulation, and the same text on two devices.

  scripts/several_chips.py --crossweave build/release/host/app/crossweave --model SmolLM2-135M-Instruct.Q4_1.gguf [--write]

Compiles the model with --chips auto for every chip, takes time and energy of a token at --position from `crossweave plan` and from
`crossweave simulate`, generates --tokens tokens on `functional` and on `systemc:chip`, and prints a table. With --write the table replaces that of docs/planning.md.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

from document_table import write_table

ROOT = pathlib.Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs/planning.md"
CHIPS = ("hermes64-1p", "ibm34", "neurram48", "m1076")


def output_of(crossweave, *words):
    done = subprocess.run([crossweave, *map(str, words)], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"crossweave {' '.join(map(str, words))}: exit status {done.returncode}")
    return json.loads(done.stdout)


def row(arguments, chip, folder):
    program = folder / f"{chip}.xwp"
    compiled = output_of(arguments.crossweave, "compile", arguments.model, "--chip", chip, "--chips", "auto", "-o", program, "--json")
    report = output_of(arguments.crossweave, "plan", arguments.model, "--chip", chip, "--context", arguments.position + 1, "--json")
    plan = next(plan for plan in report["plans"] if plan["kind"] in ("chips", "as it is") and plan["possible"])
    if plan["chips"] != compiled["chips"]:
        sys.exit(f"{chip}: the plan has {plan['chips']} chips, the program {compiled['chips']}")
    simulated = output_of(arguments.crossweave, "simulate", program, "--position", arguments.position, "--json")["runs"][0]
    texts = []
    for device in ("functional", "systemc:chip"):
        run = output_of(arguments.crossweave, "run", program, "--prompt", arguments.prompt, "-n", arguments.tokens, "--ignore-eos", "--device", device,
                        "--y-checksum", "--json")
        texts.append((run["text"], run["device"]["y_crc32"]))
    if texts[0] != texts[1]:
        sys.exit(f"{chip}: functional and systemc:chip differ: {texts}")
    times = plan["token_ns"], simulated["total_ns"]
    energies = plan["token_pj"], simulated["energy_pj_per_token"]
    difference = [f"{100 * (a / b - 1):+.2f} %" for a, b in (times, energies)]
    return (f"| `{chip}` | {compiled['chips']} | {plan['tiles']} | {1e9 / times[1]:.0f} | {energies[1] * 1e-6:.0f} | {simulated['bottleneck']} | {difference[0]} | "
            f"{difference[1]} | {texts[0][1]} | {' '.join(texts[0][0].split())[:60]} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--crossweave", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--position", type=int, default=511, help="positions before the token")
    parser.add_argument("--prompt", default="The sea")
    parser.add_argument("--tokens", type=int, default=8)
    parser.add_argument("--write", action="store_true", help=f"into {DOCUMENT.relative_to(ROOT)}")
    arguments = parser.parse_args()
    lines = ["| chip | chips | tiles | tokens/s | uJ/token | bound by | plan: time | plan: energy | CRC-32 of Y | text |", "|---|---|---|---|---|---|---|---|---|---|"]
    with tempfile.TemporaryDirectory() as folder:
        for chip in CHIPS:
            lines.append(row(arguments, chip, pathlib.Path(folder)))
    if arguments.write:
        write_table(DOCUMENT, "several-chips", lines)
    else:
        print("\n".join(lines))


if __name__ == "__main__":
    main()
