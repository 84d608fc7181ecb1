#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""How fast cells are programmed, model by model, beside IBM's aihwkit on the same matrix, on one core each; makes a table of docs/performance.md.

    python3 -m venv /tmp/aihwkit && /tmp/aihwkit/bin/pip install torch numpy scipy
    /tmp/aihwkit/bin/pip download --no-binary :all: --no-deps aihwkit==1.2.0    # or the .tar.gz from pypi.org; pip prepares its build, which takes minutes
    tar xf aihwkit-1.2.0.tar.gz
    cmake --build --preset release --target programming_speed
    /tmp/aihwkit/bin/python scripts/programming_speed.py aihwkit-1.2.0/src/aihwkit [--write]

The argument is aihwkit's package folder; only its Python code runs, as noise models need no more. A new chip is `apply_programming_noise` there
(no read noise), an aged one `apply_noise` at one day (programming, drift and read noise, all drawn anew); ours read the new chip, too.
--write puts the table between the markers in docs/performance.md.
"""
import argparse
import csv
import importlib
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import types

from document_table import write_table

ROOT = pathlib.Path(__file__).resolve().parent.parent
DAY = 86400
VERSION = "1.2.0"


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("aihwkit", type=pathlib.Path, help=f"package folder of aihwkit {VERSION}")
    parser.add_argument("--rows", type=int, default=1024)
    parser.add_argument("--columns", type=int, default=1024)
    parser.add_argument("--repeats", type=int, default=7, help="the best counts")
    parser.add_argument("--benchmark", type=pathlib.Path, default=ROOT / "build/release/tests/benchmark/analog/programming_speed")
    parser.add_argument("--document", type=pathlib.Path, default=ROOT / "docs/performance.md", help="file with the markers")
    parser.add_argument("--write", action="store_true", help="write the table into the document")
    arguments = parser.parse_args()
    if not arguments.benchmark.exists():
        sys.exit(f"programming_speed.py: {arguments.benchmark}: not found; build the target programming_speed")
    version_file = arguments.aihwkit / "VERSION.txt"
    version = version_file.read_text().strip() if version_file.exists() else "no VERSION.txt"
    if version != VERSION:
        sys.exit(f"programming_speed.py: {arguments.aihwkit}: expected aihwkit {VERSION}, found {version}")
    return arguments


def noise_models(package):
    """aihwkit's noise models by the names of ours, without the parts of it that need its compiled library."""
    for name, path in (("aihwkit", package), ("aihwkit.inference", package / "inference")):
        module = types.ModuleType(name)
        module.__path__ = [str(path)]
        sys.modules[name] = module
    pcm = importlib.import_module("aihwkit.inference.noise.pcm")
    hermes = importlib.import_module("aihwkit.inference.noise.hermes")
    reram = importlib.import_module("aihwkit.inference.noise.reram")
    return {
        "pcm-aihwkit": (pcm.PCMLikeNoiseModel(), True),
        "pcm-hermes": (hermes.HermesNoiseModel(num_devices=2), True),
        "reram-wan2022": (reram.ReRamWan2022NoiseModel(g_max=25.0), False),
        "reram-cmo": (reram.ReRamCMONoiseModel(acceptance_range=0.2), True),
    }


def speed_of(function, cells, repeats):
    """Million cells per second of CPU time, the best."""
    best = 0.0
    for _ in range(repeats):
        start = time.process_time()
        function()
        best = max(best, cells / (time.process_time() - start) * 1e-6)
    return best


def theirs(arguments, weights):
    speeds = {}
    for name, (model, drifts) in noise_models(arguments.aihwkit.resolve()).items():
        new = lambda: model.apply_programming_noise(weights)  # apply_noise without its drift part
        speeds[name, 0] = speed_of(new, weights.numel(), arguments.repeats)
        if drifts:
            speeds[name, DAY] = speed_of(lambda: model.apply_noise(weights, float(DAY)), weights.numel(), arguments.repeats)
    return speeds


def ours(arguments, weights, torch):
    targets = torch.round(weights / weights.abs().max() * 32767).to(torch.int16)
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "targets"
        path.write_bytes(targets.numpy().tobytes())
        done = subprocess.run([arguments.benchmark, path, str(arguments.columns), str(arguments.repeats)], check=True,
                              stdout=subprocess.PIPE, text=True)
    return {(row["model"], int(row["seconds"]), row["kernels"]): float(row["mcells_per_s"])
            for row in csv.DictReader(done.stdout.splitlines())}


def processor():
    fields = {}
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        key, _, value = line.partition(":")
        fields.setdefault(key.strip(), value.strip())
    return f"{fields.get('model name', 'unknown')}, family {fields.get('cpu family', '?')} model {fields.get('model', '?')}"


def table(arguments, mine, other, versions):
    kernels = [k for k in ("avx512", "avx2", "portable") if any(key[2] == k for key in mine)]
    lines = [f"Million cells per second of CPU time, one core of an {processor()}; a matrix of {arguments.rows} x {arguments.columns}, the best of "
             f"{arguments.repeats}; {versions}, one thread; shared with other work:", "",
             "| cell model | chip | " + " | ".join(kernels) + f" | aihwkit | {kernels[0]} / aihwkit |",
             "|---|---|" + "---|" * (len(kernels) + 2)]
    for name, seconds in dict.fromkeys(key[:2] for key in mine):
        reference = other.get((name, seconds))
        fastest = mine[name, seconds, kernels[0]]
        cells = [f"{mine[name, seconds, k]:.0f}" for k in kernels]
        cells += [f"{reference:.1f}", f"{fastest / reference:.0f}"] if reference else ["", ""]
        lines.append(f"| `{name}` | {'aged 1 d' if seconds else 'new'} | " + " | ".join(cells) + " |")
    return lines


def main():
    arguments = parse_arguments()
    os.environ["OMP_NUM_THREADS"] = "1"
    try:
        import torch
    except ImportError:
        sys.exit("programming_speed.py: this Python has no torch, which aihwkit needs; see --help")
    torch.set_num_threads(1)
    torch.manual_seed(3)
    weights = (0.3 * torch.randn(arguments.rows, arguments.columns)).clamp(-1, 1)
    lines = table(arguments, ours(arguments, weights, torch), theirs(arguments, weights),
                  f"aihwkit {VERSION} on torch {torch.__version__.split('+')[0]}")
    print("\n".join(lines))
    if arguments.write:
        write_table(arguments.document, "programming", lines)


if __name__ == "__main__":
    main()
