#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""Makes the SmolLM2-135M table of docs/results.md: one command, every figure measured.

    scripts/results.py [--model GGUF] [--text wiki.test.raw] [--lambada lambada_openai.jsonl] [--reuse]

Compiles the checkpoint for afm-512 and evaluates fp32, digital-w8a8, digital-w4a8, analog ideal and analog pcm-afm
(five chip seeds), and analog ideal with down_proj digital. Rewrites the part of docs/results.md between the markers
after every row; everything else in the file stays. --reuse takes rows that the same command gave before from the work folder.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BEGIN, END = "<!-- accuracy:begin -->", "<!-- accuracy:end -->"


def parse_arguments():
    shared = ROOT.parent / "shared" / "data"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default=ROOT / ".cache/models/SmolLM2-135M-Instruct.Q4_1.gguf", type=pathlib.Path)
    parser.add_argument("--text", default=shared / "corpora/wiki.test.raw", type=pathlib.Path)
    parser.add_argument("--lambada", default=shared / "eval/lambada_openai.jsonl", type=pathlib.Path)
    parser.add_argument("--crossweave", default=ROOT / "build/release/host/app/crossweave", type=pathlib.Path)
    parser.add_argument("--work", default=ROOT / "build/results", type=pathlib.Path, help="folder for programs and JSON")
    parser.add_argument("--tokens", default=20000, type=int)
    parser.add_argument("--limit", default=500, type=int)
    parser.add_argument("--seeds", default=5, type=int)
    parser.add_argument("--compile-options", default="", help="options of `crossweave compile`")
    parser.add_argument("--reuse", action="store_true", help="take rows that were measured before with the same command")
    arguments = parser.parse_args()
    for path in (arguments.model, arguments.text, arguments.lambada, arguments.crossweave):
        if not path.exists():
            sys.exit(f"results.py: {path}: not found (build the release preset, run scripts/fetch_model.sh smollm2-135m)")
    return arguments


def evaluate(arguments, name, model, options):
    """Runs one row and keeps its JSON, with the command, in the work folder."""
    command = ["eval", str(model), "--text", str(arguments.text), "--tokens", str(arguments.tokens), "--context", "512",
               "--lambada", str(arguments.lambada), "--limit", str(arguments.limit), "--json", *options]
    file = arguments.work / f"{name}.json"
    if arguments.reuse and file.exists():
        kept = json.loads(file.read_text())
        if kept.get("command") == command:
            return kept["result"]
    print("+ crossweave", " ".join(command), flush=True)
    started = time.time()
    result = json.loads(subprocess.run([str(arguments.crossweave), *command], check=True, stdout=subprocess.PIPE, text=True).stdout)
    print(f"  {time.time() - started:.0f} s: perplexity {result['perplexity']['mean']:.3f}, "
          f"LAMBADA {100 * result['lambada_accuracy']['mean']:.1f} %", flush=True)
    file.write_text(json.dumps({"command": command, "result": result}, indent=1))
    return result


def cell(value, scale, digits, runs):
    text = f"{scale * value['mean']:.{digits}f}"
    return text + (f" ± {scale * value['std']:.{digits}f}" if runs > 1 else "")


def write_table(lines, footer):
    document = ROOT / "docs/results.md"
    head, rest = document.read_text().split(BEGIN)
    document.write_text(head + BEGIN + "\n" + "\n".join([*lines, "", footer]) + "\n" + END + rest.split(END)[1])


def main():
    arguments = parse_arguments()
    arguments.work.mkdir(parents=True, exist_ok=True)
    extra = arguments.compile_options.split()
    programs = {}
    for name, options in (("analog", []), ("w8", ["--weights", "w8"]), ("w4", ["--weights", "w4"]), ("down-digital", ["--digital", "*.down_proj"])):
        programs[name] = arguments.work / f"smollm2-{name}.xwp"
        subprocess.run([str(arguments.crossweave), "compile", str(arguments.model), "--chip", "afm-512", "-o", str(programs[name]), *options, *extra], check=True)
    seeds = ["--chip-seeds", str(arguments.seeds)]
    analog, partial = programs["analog"], programs["down-digital"]
    rows = [
        ("fp32", "weights as in the checkpoint", arguments.model, ["--mode", "fp32"]),
        ("digital-w8a8", "8-bit weights, static 8-bit inputs, exact sums", programs["w8"], ["--mode", "digital-w8a8"]),
        ("digital-w4a8", "4-bit weights, static 8-bit inputs, exact sums", programs["w4"], ["--mode", "digital-w4a8"]),
        ("analog ideal", "8-bit DAC and ADC, cells without noise", analog, ["--noise", "ideal"]),
        ("analog pcm-afm", "PCM programming noise (IBM's polynomial)", analog, ["--noise", "pcm-afm", *seeds]),
        ("analog ideal, down_proj digital", "a quarter of the weights digital", partial, ["--noise", "ideal"]),
    ]
    inspect = subprocess.run([str(arguments.crossweave), "inspect", str(analog), "--json"], check=True, stdout=subprocess.PIPE, text=True)
    footer = (f"wiki.test.raw, first {arguments.tokens} tokens, context 512; LAMBADA (OpenAI), first {arguments.limit}; mean ± standard deviation over chips. "
              f"Chip `afm-512`, lm_head digital, input ranges: {json.loads(inspect.stdout)['calibration']}. Command: `scripts/results.py`.")
    lines = ["| mode | what | wikitext-2 perplexity | LAMBADA accuracy, % | chips |", "|---|---|---|---|---|"]
    for name, what, model, options in rows:
        result = evaluate(arguments, name.replace(" ", "-").replace(",", ""), model, options)
        runs = len(result["runs"])
        lines.append(f"| {name} | {what} | {cell(result['perplexity'], 1, 2, runs)} | "
                     f"{cell(result['lambada_accuracy'], 100, 1, runs)} | {runs if 'analog' in name else '-'} |")
        write_table(lines, footer)
    print("\n".join(lines))


if __name__ == "__main__":
    main()
