#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""What `crossweave plan` says beside the simulation of the program that is compiled as the plan says: a token and a prompt on several chips; makes a table of docs/planning.md.

  scripts/plans_simulated.py --crossweave build/release/host/app/crossweave --model SmolLM2-135M-Instruct.Q4_1.gguf [--write]

Takes the model that is given and the default model of the tree. `links`, `fast` and `large` are hermes64-1p with other lines: tiles that share 8 links in each direction on a mesh, accumulators and an activation buffer; memory and digital units that a prompt
of the default model does not wait for; the same with 128 tiles.
"""

import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile

from document_table import write_table

ROOT = pathlib.Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs/planning.md"
DEFAULT = ROOT / "models/default/stories-2m.gguf"
CONTEXT, PROMPT = 512, 64


def output_of(crossweave, *words):
    done = subprocess.run([crossweave, *map(str, words), "--json"], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"crossweave {' '.join(map(str, words))}: exit status {done.returncode}")
    return json.loads(done.stdout)


def changed(text, constants, chip_lines=(), timing_lines=(), energy_lines=(), tiles=64):
    """hermes64-1p with other constants and further lines."""
    for key, value in constants.items():
        text, found = re.subn(rf"^({key} *= {{ value = )[0-9.]+", rf"\g<1>{value}", text, flags=re.M)
        if found != 1:
            sys.exit(f"plans_simulated.py: hermes64-1p: expected the constant {key} once, found it {found} times")
    text = re.sub(r"^num_tiles = \d+", "\n".join((f"num_tiles = {tiles}", *chip_lines)), text, flags=re.M)
    for table, lines in (("timing", timing_lines), ("energy", energy_lines)):
        text = text.replace(f"[chip.{table}]\n", "\n".join((f"[chip.{table}]", *lines, "")))
    return text


def made_chips(folder):
    text = (ROOT / "arch/chips/hermes64-1p.toml").read_text()
    constant = '{{ value = {}, unit = "{}", source = "assumed: for the table" }}'.format
    fast = {"memory_rate": 460.0, "digital_mac_rate": 4096.0, "digital_latency": 1.0}
    chips = {
        "links": changed(text, {}, ("input_links = 8", "output_links = 8", "mesh_columns = 8"),
                         (f"accumulate_rate = {constant(64.0, 'words/ns')}", f"buffer_rate = {constant(64.0, 'bytes/ns')}",
                          f"hop_latency = {constant(1.0, 'ns')}"),
                         (f"accumulate_word = {constant(0.1, 'pJ')}", f"buffer_byte = {constant(0.1, 'pJ')}", f"hop_byte = {constant(0.05, 'pJ')}")),
        "fast": changed(text, fast),
        "large": changed(text, fast, tiles=128),
    }
    for name, description in chips.items():
        (folder / f"{name}.toml").write_text(description)
    return {name: folder / f"{name}.toml" for name in chips}


def row(crossweave, folder, model, name, chip, kind, options):
    program = folder / "program.xwp"
    output_of(crossweave, "compile", model, "--chip", chip, "--ranges", "fixed:3", "--lambda", 12, *options, "-o", program)
    plans = output_of(crossweave, "plan", model, "--chip", chip, "--context", CONTEXT, "--prompt-tokens", PROMPT)["plans"]
    plan = next(plan for plan in plans if plan["kind"] == kind and (kind == "chips" or plan["change"].startswith((" ".join(options) or "none") + (":" if options else ""))))
    token = output_of(crossweave, "simulate", program, "--position", CONTEXT - 1)["runs"][0]
    prompt = output_of(crossweave, "simulate", program, "--prompt-tokens", PROMPT, "--tokens", 0)["runs"][0]
    times = plan["token_ns"], token["total_ns"]
    energies = plan["token_pj"], token["energy_pj_per_token"]
    prompts = plan["prompt_ns_per_token"], prompt["total_ns"] / PROMPT
    difference = [f"{100 * (planned / simulated - 1):+.2f} %" for planned, simulated in (times, energies, prompts)]
    return (f"| {model.stem.split('.')[0]} | `{name}` | {plan['what']} | {plan['tiles']} | {times[1] * 1e-3:.4g} | {difference[0]} | {energies[1] * 1e-6:.4g} | {difference[1]} | "
            f"{prompts[1] * 1e-3:.4g} | {difference[2]} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--crossweave", required=True)
    parser.add_argument("--model", required=True, type=pathlib.Path)
    parser.add_argument("--write", action="store_true", help=f"into {DOCUMENT.relative_to(ROOT)}")
    arguments = parser.parse_args()
    lines = ["| model | chip | plan | tiles | token, us: simulated | plan | uJ: simulated | plan | prompt, us per token: simulated | plan |", "|---|---|---|---|---|---|---|---|---|---|"]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        made = made_chips(folder)
        for model, chip, kind, options in (
                (arguments.model, "afm-512", "as it is", ()), (arguments.model, "buchel3d", "as it is", ()),
                (arguments.model, "hermes64-1p", "chips", ("--chips", "auto")), (arguments.model, "m1076", "chips", ("--chips", "auto")),
                (arguments.model, "links", "chips", ("--chips", "auto")),
                (DEFAULT, "hermes64-1p", "as it is", ()), (DEFAULT, "ibm34", "as it is", ()), (DEFAULT, "neurram48", "chips", ("--chips", "auto")),
                (DEFAULT, "links", "as it is", ()), (DEFAULT, "fast", "as it is", ()), (DEFAULT, "fast", "duplicate", ("--duplicate",)),
                (DEFAULT, "fast", "spread", ("--spread",)), (DEFAULT, "large", "duplicate", ("--duplicate",)), (DEFAULT, "large", "duplicate", ("--spread", "--duplicate"))):
            lines.append(row(arguments.crossweave, folder, model, chip, made.get(chip, chip), kind, options))
            print(lines[-1], flush=True)
    if arguments.write:
        write_table(DOCUMENT, "plans-simulated", lines)


if __name__ == "__main__":
    main()
