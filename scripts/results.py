#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""Makes the tables of docs/results.md: one command each, every figure measured.

    scripts/results.py accuracy [--model GGUF] [--text wiki.test.raw] [--lambada lambada_openai.jsonl] [--reuse]
    scripts/results.py tasks TASK.jsonl... [--model GGUF] [--lm-head digital] [--limit N] [--seeds N] [--reuse]
    scripts/results.py adaptation [--model GGUF] [--text wiki.test.raw] [--lm-head analog] [--calibration-text FILE] [--levels LIST] [--modes LIST]
                            [--seeds N] [--name NAME] [--jobs N] [--reuse]
    scripts/results.py cycles [--model GGUF] [--build FOLDER]

accuracy compiles SmolLM2-135M for afm-512 and evaluates fp32, digital-w8a8, digital-w4a8, analog ideal and analog pcm-afm
(five chip seeds), and analog ideal with down_proj digital. The file is written after every row. --reuse takes rows that
the same command gave before from the work folder; one that was interrupted goes on where it ended.

tasks does the same for files of `crossweave eval --task` (scripts/fetch_eval.sh), ten chip seeds, as it is and adapted at every level,
and compares every row with fp32 in pairs of items (`crossweave compare`).

adaptation does it for the levels of `crossweave adapt`, and for the last with layers several times on the chip: perplexity in fp32,
digital-w8a8, analog ideal and pcm-afm (five chip seeds), tiles, and time and energy of a token on the simulated chip.

cycles runs every layer call of SmolLM2-135M at batch 1 and 16, and the programs of the conformance suite, on the Verilated RTL
and on the SystemC model. It needs a build with Verilator, SystemC and benchmarks, and a minute of time.

Only the part of docs/results.md between the markers of the table is rewritten.
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import time

from document_table import write_table, write_whole

ROOT = pathlib.Path(__file__).resolve().parent.parent
SMOLLM2 = "SmolLM2-135M-Instruct"
DIGITAL_HEAD = ["--lm-head", "digital"]
LONG_ENOUGH = 1000  # cycles of a program that is compared one by one


ADAPTATION_MODES = ("fp32", "w8a8", "ideal", "pcm-afm")
ADAPTATION_LEVELS = ("none", "fold", "centre", "bypass", "clip")


def words_of(known):
    """Of an argument with commas: some of the known words, in their order."""
    def read(text):
        given = text.split(",")
        for word in given:
            if word not in known:
                raise argparse.ArgumentTypeError(f"expected some of {', '.join(known)}, found {word!r}")
        return [word for word in known if word in given]
    return read


def parse_arguments():
    shared = ROOT.parent / "shared" / "data"
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--model", default=ROOT / ".cache/models/SmolLM2-135M-Instruct.Q4_1.gguf", type=pathlib.Path)
    common.add_argument("--crossweave", default=ROOT / "build/release/host/app/crossweave", type=pathlib.Path)
    common.add_argument("--work", default=ROOT / "build/results", type=pathlib.Path, help="folder for programs and JSON")
    common.add_argument("--compile-options", default="", help="options of `crossweave compile`")
    common.add_argument("--document", default=ROOT / "docs/results.md", type=pathlib.Path, help="file with the markers")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    tables = parser.add_subparsers(dest="table", required=True)
    accuracy = tables.add_parser("accuracy", parents=[common], help="perplexity and LAMBADA of every mode")
    accuracy.add_argument("--text", default=shared / "corpora/wiki.test.raw", type=pathlib.Path)
    accuracy.add_argument("--lambada", default=shared / "eval/lambada_openai.jsonl", type=pathlib.Path)
    accuracy.add_argument("--tokens", default=20000, type=int)
    accuracy.add_argument("--limit", default=500, type=int)
    accuracy.add_argument("--seeds", default=5, type=int)
    accuracy.add_argument("--reuse", action="store_true", help="take rows that were measured before with the same command")
    tasks = tables.add_parser("tasks", parents=[common], help="multiple choice and last words of every mode")
    tasks.add_argument("files", nargs="+", type=pathlib.Path, metavar="TASK.jsonl")
    tasks.add_argument("--limit", default=0, type=int)
    tasks.add_argument("--seeds", default=10, type=int)
    tasks.add_argument("--lm-head", default="analog", choices=("digital", "analog"))
    tasks.add_argument("--calibration-text", default=None, type=pathlib.Path, help="text to adapt on (default: the built-in one)")
    tasks.add_argument("--name", default=SMOLLM2, help="of the model")
    tasks.add_argument("--reuse", action="store_true", help="take rows that were measured before with the same command")
    adaptation = tables.add_parser("adaptation", parents=[common], help="levels of adaptation: perplexity and cost")
    adaptation.add_argument("--text", default=shared / "corpora/wiki.test.raw", type=pathlib.Path)
    adaptation.add_argument("--tokens", default=20000, type=int)
    adaptation.add_argument("--seeds", default=5, type=int)
    adaptation.add_argument("--lm-head", default="digital", choices=("digital", "analog"))
    adaptation.add_argument("--calibration-text", default=None, type=pathlib.Path, help="text to adapt on (default: the built-in one)")
    adaptation.add_argument("--modes", default=list(ADAPTATION_MODES), type=words_of(ADAPTATION_MODES), help="what is measured")
    adaptation.add_argument("--levels", default=list(ADAPTATION_LEVELS), type=words_of(ADAPTATION_LEVELS), help="rows")
    adaptation.add_argument("--name", default=SMOLLM2, help="of the model; another one has a table of its own")
    adaptation.add_argument("--jobs", default=1, type=int, help="rows that are measured at the same time, each with its part of the cores")
    adaptation.add_argument("--reuse", action="store_true", help="take rows that were measured before with the same command")
    cycles = tables.add_parser("cycles", parents=[common], help="SystemC model beside the Verilated RTL")
    cycles.add_argument("--build", default=ROOT / "build/dev", type=pathlib.Path, help="build folder with the Verilated kernels")
    arguments = parser.parse_args()
    needed = [arguments.model, arguments.crossweave]
    if arguments.table == "accuracy":
        needed += [arguments.text, arguments.lambada]
    elif arguments.table == "tasks":
        needed += arguments.files
    elif arguments.table == "adaptation":
        needed += [arguments.text] + ([arguments.calibration_text] if arguments.calibration_text else [])
    else:
        arguments.cycle_table = arguments.build / "tests/benchmark/systemc/systemc_cycles"
        arguments.cycle_test = arguments.build / "tests/systemc/systemc_cycles_test"
        needed += [arguments.cycle_table, arguments.cycle_test]
    for path in needed:
        if not path.exists():
            sys.exit(f"results.py: {path}: not found (build the release preset, for cycles also the dev preset; "
                     "run scripts/fetch_model.sh smollm2-135m)")
    return arguments


def parse_measuring(parser):
    """The arguments of a table that another script makes with evaluate() and compile_program(): `parser` with what these need."""
    parser.add_argument("--threads", default=0, type=int)
    parser.add_argument("--crossweave", default=ROOT / "build/release/host/app/crossweave", type=pathlib.Path)
    parser.add_argument("--work", default=ROOT / "build/results", type=pathlib.Path, help="folder for programs and JSON")
    parser.add_argument("--document", default=ROOT / "docs/results.md", type=pathlib.Path, help="file with the markers")
    parser.add_argument("--reuse", action="store_true", help="take what was measured before with the same command")
    parser.set_defaults(compile_options="", model=None)
    return parser.parse_args()


def parse_rows(parser):
    """The same, with rows that are [name, checkpoint, options of `crossweave compile`...] each."""
    parser.add_argument("--row", action="append", required=True, metavar="NAME=CHECKPOINT [OPTIONS]", help="options: of `crossweave compile`")
    arguments = parse_measuring(parser)
    for number, row in enumerate(arguments.row):
        name, _, words = row.partition("=")
        if not name or not words.split():
            parser.error(f"--row: expected NAME=CHECKPOINT [OPTIONS], found {row!r}")
        arguments.row[number] = [name, *shlex.split(words)]
    return arguments


def words_of_name(name):
    """A name as a part of file names: its letters and digits, with lines between."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def evaluate(arguments, name, model, what, options, threads=()):
    """Runs one row; its JSON stays in the work folder, with the command beside it. Returns the result and its file."""
    file = arguments.work / f"{name}.json"
    command = ["eval", str(model), *what, f"--json={file}", *options]
    kept = arguments.work / f"{name}.command.json"
    if arguments.reuse and file.exists() and kept.exists() and json.loads(kept.read_text()) == command:
        result = json.loads(file.read_text())
        if result["complete"]:
            return result, file
    else:
        file.unlink(missing_ok=True)
    write_whole(kept, json.dumps(command))
    print("+ crossweave", " ".join(command), flush=True)
    started = time.time()
    subprocess.run([str(arguments.crossweave), *command, *threads], check=True)
    print(f"  {time.time() - started:.0f} s", flush=True)
    return json.loads(file.read_text()), file


def cell(value, scale, digits, runs):
    text = f"{scale * value['mean']:.{digits}f}"
    return text + (f" ± {scale * value['std']:.{digits}f}" if runs > 1 else "")


def compile_program(arguments, name, options, model=None):
    program = arguments.work / f"{name}.xwp"
    subprocess.run([str(arguments.crossweave), "compile", str(model or arguments.model), "--chip", "afm-512", "-o", str(program), *options,
                    *arguments.compile_options.split()], check=True)
    return program


def file_name(row):
    return row.replace(" ", "-").replace(",", "")


def accuracy(arguments):
    programs = {}
    for name, options in (("analog", []), ("w8", ["--weights", "w8"]), ("w4", ["--weights", "w4"]), ("down-digital", ["--digital", "*.down_proj"])):
        programs[name] = compile_program(arguments, f"smollm2-{name}", [*DIGITAL_HEAD, *options])
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
              f"Chip `afm-512`, lm_head digital, input ranges: {json.loads(inspect.stdout)['calibration']}. Command: `scripts/results.py accuracy`.")
    lines = ["| mode | what | wikitext-2 perplexity | LAMBADA accuracy, % | chips |", "|---|---|---|---|---|"]
    for name, what, model, options in rows:
        measured = ["--text", str(arguments.text), "--tokens", str(arguments.tokens), "--context", "512", "--task", str(arguments.lambada),
                    "--limit", str(arguments.limit)]
        result, _ = evaluate(arguments, file_name(name), model, measured, options)
        runs = len(result["runs"])
        lines.append(f"| {name} | {what} | {cell(result['perplexity'], 1, 2, runs)} | "
                     f"{cell(result['tasks'][arguments.lambada.stem]['acc'], 100, 1, runs)} | {runs if 'analog' in name else '-'} |")
        write_table(arguments.document, "accuracy", [*lines, "", footer])
    print("\n".join(lines))


def main_metric(task):
    """The metric that the literature quotes for a task: with lengths where there are any, else plain accuracy."""
    return next(name for name in ("acc_norm", "acc", "exact_match") if name in task)


def compared(arguments, first, second):
    """Rows of `crossweave compare` by task."""
    done = subprocess.run([str(arguments.crossweave), "compare", str(first), str(second), "--json"], check=True, stdout=subprocess.PIPE, text=True)
    return {(row["task"], row["metric"]): row for row in json.loads(done.stdout)["metrics"]}


def task_cells(result, rows):
    """Cells of a row of the table of tasks; `rows` of the comparison with the first row are empty for the first."""
    runs = len(result["runs"])
    cells = []
    for task, metrics in result["tasks"].items():
        metric = main_metric(metrics)
        text = cell(metrics[metric], 100, 1, runs)
        if rows:
            low, high = rows[task, metric]["confidence_interval"]
            text += f" ({100 * rows[task, metric]['difference']:+.1f}, {100 * low:+.1f} to {100 * high:+.1f})"
        cells.append(text)
    return cells


def tasks_rows(arguments):
    """(name, model, options of `eval`) of every row: as it is in every mode, then adapted at every level on the noisy chip."""
    head = ["--lm-head", arguments.lm_head]
    pcm = ["--noise", "pcm-afm", "--chip-seeds", str(arguments.seeds)]
    analog = compile_program(arguments, "tasks-analog", head)
    yield "fp32", arguments.model, ["--mode", "fp32"]
    for bits in (8, 4):
        yield f"digital-w{bits}a8", compile_program(arguments, f"tasks-w{bits}", [*head, "--weights", f"w{bits}"]), ["--mode", f"digital-w{bits}a8"]
    yield "analog ideal", analog, ["--noise", "ideal"]
    yield "analog pcm-afm", analog, pcm
    for number, (level, what, copies) in enumerate(ADAPTATION_ROWS):
        if level != "none":
            program = compile_program(arguments, f"tasks-adapted-{number}", [*head, *copies], adapted(arguments, level, copies, []))
            yield f"analog pcm-afm, {level}" + (f" {what}" if copies else ""), program, pcm


def tasks(arguments):
    measured = [word for file in arguments.files for word in ("--task", str(file))] + ["--limit", str(arguments.limit)]
    items = "All items" if arguments.limit == 0 else f"The first {arguments.limit} items"
    footer = (f"{items} of every task; lm_head {arguments.lm_head}; mean ± standard deviation over chips; in parentheses the difference from fp32 with its "
              "95 % interval (paired bootstrap over items and chips); the last rows are adapted ([levels](adaptation.md)). Command: `scripts/results.py tasks`.")
    lines, reference = [], None
    for name, model, options in tasks_rows(arguments):
        result, file = evaluate(arguments, "tasks-" + file_name(name), model, measured, options)
        if reference is None:
            reference = file
            names = [f"{task} {main_metric(metrics)}, %" for task, metrics in result["tasks"].items()]
            lines = ["| mode | " + " | ".join(names) + " | chips |", "|---" * (len(names) + 2) + "|"]
        cells = task_cells(result, compared(arguments, reference, file) if file != reference else {})
        lines.append(f"| {name} | " + " | ".join(cells) + f" | {len(result['runs']) if 'analog' in name else '-'} |")
        write_table(arguments.document, "tasks", [*lines, "", footer])
    print("\n".join(lines))


ADAPTATION_ROWS = [
    ("none", "as it is", []), ("fold", "scales", []), ("centre", "+ means and first token", []), ("bypass", "+ 16 directions", []),
    ("clip", "+ clipping", []), ("clip", "+ the MLP twice", ["--replicate", "*.gate_proj=2,*.up_proj=2,*.down_proj=2"]),
    ("clip", "+ all twice", ["--replicate", "all=2"])]


def adapted(arguments, level, copies, threads):
    """The checkpoint at a level for layers that are on the chip once or, by the options `copies`, several times; made unless the same
    command made it before."""
    if level == "none":
        return arguments.model
    file = arguments.work / f"{adaptation_marker(arguments)}-{level}{re.sub('[^a-z0-9]+', '-', ''.join(copies[1:]))}.safetensors"
    command = ["adapt", str(arguments.model), "--level", level, "--lm-head", arguments.lm_head, *copies, "-o", str(file)]
    if arguments.calibration_text:
        command += ["--calibration-text", str(arguments.calibration_text)]
    kept = file.with_suffix(".command.json")
    if not (arguments.reuse and file.exists() and kept.exists() and json.loads(kept.read_text()) == command):
        subprocess.run([str(arguments.crossweave), *command, *threads], check=True)
        write_whole(kept, json.dumps(command))
    return file


def adaptation_marker(arguments):
    """Name of the table: one for each model, place of the output layer and kind of calibration text."""
    name = "" if arguments.name == SMOLLM2 else "-" + words_of_name(arguments.name)
    return "adaptation" + name + ("-analog-head" if arguments.lm_head == "analog" else "") + ("-in-domain" if arguments.calibration_text else "")


def adaptation_row(arguments, number, checkpoint, threads):
    """One line of the table."""
    level, what, options = ADAPTATION_ROWS[number]
    name = f"{adaptation_marker(arguments)}-{number}"
    program = compile_program(arguments, name, ["--lm-head", arguments.lm_head, *options, *threads], checkpoint)
    # First, since it needs a command with SystemC, and the rest takes minutes.
    done = subprocess.run([str(arguments.crossweave), "simulate", str(program), "--position", "511", "--json"], check=True,
                          stdout=subprocess.PIPE, text=True)
    simulated = json.loads(done.stdout)
    run = simulated["runs"][0]
    measured = ["--text", str(arguments.text), "--tokens", str(arguments.tokens), "--context", "512"]
    cells = []
    for mode in arguments.modes:
        model, mode_options = {"fp32": (checkpoint, ["--mode", "fp32"]), "w8a8": (program, ["--mode", "digital-w8a8"]),
                               "ideal": (program, ["--noise", "ideal"]),
                               "pcm-afm": (program, ["--noise", "pcm-afm", "--chip-seeds", str(arguments.seeds)])}[mode]
        result, _ = evaluate(arguments, f"{name}-{mode}", model, measured, mode_options, threads)
        cells.append(cell(result["perplexity"], 1, 2, len(result["runs"])))
    return (f"| {level} | {what} | {simulated['tiles']} | {100 * run['digital_macs'] / (run['digital_macs'] + run['cell_macs']):.1f} % | "
            + " | ".join(cells) + f" | {run['total_ns'] * 1e-6:.2f} | {run['energy_pj_per_token'] * 1e-9:.2f} |")


def adaptation(arguments):
    threads = ["--threads", str(max(1, (os.cpu_count() or 1) // arguments.jobs))]
    titles = ["level", "what", "tiles", "digital MACs", *arguments.modes, "ms/token", "mJ/token"]
    head = ["| " + " | ".join(titles) + " |", "|---" * len(titles) + "|"]
    levels = [row for row in range(len(ADAPTATION_ROWS)) if ADAPTATION_ROWS[row][0] in arguments.levels]
    footer = (f"{arguments.name} on `afm-512`, lm_head {arguments.lm_head}; {arguments.text.name}, first {arguments.tokens} tokens, context 512; mean ± standard deviation over "
              f"{arguments.seeds} chips. Adapted {'to ' + arguments.calibration_text.name if arguments.calibration_text else 'to the built-in text'}. Time and energy of one token at position "
              f"511 on the simulated chip; digital MACs with attention{' and lm_head' if arguments.lm_head == 'digital' else ''}. Command: `scripts/results.py adaptation`.")
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        checkpoints = [pool.submit(adapted, arguments, ADAPTATION_ROWS[row][0], ADAPTATION_ROWS[row][2], threads) for row in levels]
        rows = [pool.submit(lambda n=row, c=checkpoint: adaptation_row(arguments, n, c.result(), threads))
                for row, checkpoint in zip(levels, checkpoints)]
        lines = list(head)
        for row in rows:
            lines.append(row.result())
            write_table(arguments.document, adaptation_marker(arguments), [*lines, "", footer])
    print("\n".join(lines))


def conformance_lines(text):
    """Table of what systemc_cycles_test printed: rows for the programs long enough, one for the others together."""
    rows = re.findall(r"^cycles: \| (\S+) \| (\d+) \| (\d+) \| (\d+) \|", text, re.MULTILINE)
    if not rows:
        sys.exit("results.py: systemc_cycles_test compared no program (a build with Verilator and SystemC is needed)")
    lines = ["| program | vectors | RTL cycles | SystemC cycles | difference |", "|---|---|---|---|---|"]
    short, total = [0, 0, 0], [0, 0, 0]
    for name, vectors, *cycles in rows:
        rtl, model = map(int, cycles)
        for sums in (total, short) if rtl <= LONG_ENOUGH else (total,):
            sums[0], sums[1], sums[2] = sums[0] + 1, sums[1] + rtl, sums[2] + model
        if rtl > LONG_ENOUGH:
            lines.append(f"| {name} | {vectors} | {rtl} | {model} | {difference(rtl, model)} |")
    if short[0] != 0:
        lines.append(f"| {short[0]} of at most {LONG_ENOUGH} cycles, together | - | {short[1]} | {short[2]} | {difference(*short[1:])} |")
    lines.append(f"| **all {total[0]}** | - | {total[1]} | {total[2]} | {difference(*total[1:])} |")
    return lines


def difference(rtl, model):
    return f"{100 * (model / rtl - 1):+.2f} %"


def cycles(arguments):
    program = compile_program(arguments, "smollm2-analog", DIGITAL_HEAD)
    calls = subprocess.run([str(arguments.cycle_table), str(program), "1", "16"], check=True, stdout=subprocess.PIPE, text=True).stdout
    test = subprocess.run([str(arguments.cycle_test)], check=False, stdout=subprocess.PIPE, text=True)
    # Without the milliseconds, which are of this machine.
    lines = ["|".join(line.split("|")[:6]) + "|" for line in calls.splitlines()]
    lines += ["", "Programs of the conformance suite, and others made for their timing (`systemc_cycles_test`):", "", *conformance_lines(test.stdout),
              "", "Command: `scripts/results.py cycles`."]
    write_table(arguments.document, "cycles", lines)
    print("\n".join(lines))
    if test.returncode != 0:
        sys.exit("results.py: systemc_cycles_test failed: a program is off by more than its tolerance, or words differ")


def main():
    arguments = parse_arguments()
    arguments.work.mkdir(parents=True, exist_ok=True)
    {"accuracy": accuracy, "tasks": tasks, "adaptation": adaptation, "cycles": cycles}[arguments.table](arguments)


if __name__ == "__main__":
    main()
