#!/usr/bin/env python3
"""Makes the SmolLM2-135M table of docs/results.md: one command, every figure measured.

    scripts/results.py [--model GGUF] [--text wiki.test.raw] [--lambada lambada_openai.jsonl]

Compiles the checkpoint for afm-512 and evaluates fp32, digital-w8a8, digital-w4a8, analog ideal and analog pcm-afm
(five chip seeds). Rewrites the part of docs/results.md between the markers; everything else in the file stays.
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
    parser.add_argument("--compile-options", default="--lambda auto --ranges mse", help="options of `crossweave compile`")
    arguments = parser.parse_args()
    for path in (arguments.model, arguments.text, arguments.lambada, arguments.crossweave):
        if not path.exists():
            sys.exit(f"results.py: {path}: not found (build the release preset, run scripts/fetch_model.sh smollm2-135m)")
    return arguments


def evaluate(arguments, name, model, options):
    """Runs one row; a row that was already measured with the same command is taken from the work folder."""
    command = [str(arguments.crossweave), "eval", str(model), "--text", str(arguments.text), "--tokens", str(arguments.tokens),
               "--context", "512", "--lambada", str(arguments.lambada), "--limit", str(arguments.limit), "--json", *options]
    print("+", " ".join(command), flush=True)
    started = time.time()
    result = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    print(f"  {time.time() - started:.0f} s: perplexity {result['perplexity']['mean']:.3f}, "
          f"LAMBADA {100 * result['lambada_accuracy']['mean']:.1f} %", flush=True)
    (arguments.work / f"{name}.json").write_text(json.dumps(result, indent=1))
    return result


def cell(value, scale, digits, runs):
    text = f"{scale * value['mean']:.{digits}f}"
    return text + (f" ± {scale * value['std']:.{digits}f}" if runs > 1 else "")


def main():
    arguments = parse_arguments()
    arguments.work.mkdir(parents=True, exist_ok=True)
    analog, eight, four = (arguments.work / f"smollm2-{mode}.xwp" for mode in ("analog", "w8", "w4"))
    extra = arguments.compile_options.split()
    for program, weights in ((analog, "analog"), (eight, "w8"), (four, "w4")):
        subprocess.run([str(arguments.crossweave), "compile", str(arguments.model), "--chip", "afm-512", "--weights", weights,
                        "-o", str(program), *extra], check=True)
    seeds = ["--chip-seeds", str(arguments.seeds)]
    rows = [
        ("fp32", "weights as in the checkpoint", arguments.model, ["--mode", "fp32"]),
        ("digital-w8a8", "8-bit weights, static 8-bit inputs, exact sums", eight, ["--mode", "digital-w8a8"]),
        ("digital-w4a8", "4-bit weights, static 8-bit inputs, exact sums", four, ["--mode", "digital-w4a8"]),
        ("analog ideal", "8-bit DAC and ADC, cells without noise", analog, ["--noise", "ideal"]),
        ("analog pcm-afm", "PCM programming noise (IBM's polynomial)", analog, ["--noise", "pcm-afm", *seeds]),
    ]
    lines = ["| mode | what | wikitext-2 perplexity | LAMBADA accuracy, % | chips |", "|---|---|---|---|---|"]
    calibration = json.loads(subprocess.run([str(arguments.crossweave), "inspect", str(analog), "--json"], check=True,
                                            stdout=subprocess.PIPE, text=True).stdout)["calibration"]
    for name, what, model, options in rows:
        result = evaluate(arguments, name.replace(" ", "-"), model, options)
        runs = len(result["runs"])
        lines.append(f"| {name} | {what} | {cell(result['perplexity'], 1, 2, runs)} | "
                     f"{cell(result['lambada_accuracy'], 100, 1, runs)} | {runs if 'analog' in name else '-'} |")
    lines.append("")
    lines.append(f"wiki.test.raw, first {arguments.tokens} tokens, context 512; LAMBADA (OpenAI), first {arguments.limit}; mean ± standard deviation over chips. "
                 f"Chip `afm-512`, lm_head digital, calibration: {calibration}. Command: `scripts/results.py`.")
    document = ROOT / "docs/results.md"
    text = document.read_text()
    head, rest = text.split(BEGIN)
    tail = rest.split(END)[1]
    document.write_text(head + BEGIN + "\n" + "\n".join(lines) + "\n" + END + tail)
    print("\n".join(lines))


if __name__ == "__main__":
    main()
