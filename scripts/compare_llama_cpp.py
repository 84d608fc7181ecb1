#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""Prefill and decode speed of Crossweave beside llama.cpp: same file, same machine, same threads, in turn, in one run.

    python3 -m venv peer && peer/bin/pip install llama-cpp-python
    peer/bin/python scripts/compare_llama_cpp.py --model MODEL.gguf --program MODEL.xwp [--threads 1 2]

Every round measures both; the table shows medians and the median of the per-round ratios, so that a drifting machine
changes both sides alike.
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent


def crossweave(binary, model, threads, prompt, decode, options):
    command = [str(binary), "bench", str(model), "--threads", str(threads), "--prompt-tokens", str(prompt), "--decode-tokens",
               str(decode), "--repeats", "1", "--json", *options]
    result = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    return result["prefill_tokens_per_s"], result["decode_tokens_per_s"]


def llama_cpp(llm, prompt, decode):
    vocabulary = llm.n_vocab()
    tokens = [(i * 7919 + 13) % vocabulary for i in range(prompt)]
    llm.reset()
    started = time.perf_counter()
    llm.eval(tokens)
    prefill = prompt / (time.perf_counter() - started)
    started = time.perf_counter()
    for i in range(decode):
        llm.eval([tokens[i % prompt]])
    return prefill, decode / (time.perf_counter() - started)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True, type=pathlib.Path)
    parser.add_argument("--program", required=True, type=pathlib.Path)
    parser.add_argument("--crossweave", default=ROOT / "build/release/host/app/crossweave", type=pathlib.Path)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--prompt", type=int, default=512)
    parser.add_argument("--decode", type=int, default=64)
    arguments = parser.parse_args()
    import llama_cpp as peer

    print(f"llama.cpp through llama-cpp-python {peer.__version__}; prompt {arguments.prompt}, decode {arguments.decode}, {arguments.rounds} rounds")
    print("| threads | run | prefill tokens/s | x llama.cpp | decode tokens/s | x llama.cpp |\n|---|---|---|---|---|---|")
    variants = [("analog ideal", arguments.program, ["--noise", "ideal"]), ("analog ideal + read noise", arguments.program, ["--noise", "ideal", "--read-sigma", "0.01"]),
                ("fp32", arguments.model, ["--mode", "fp32"])]
    for threads in arguments.threads:
        llm = peer.Llama(str(arguments.model), n_ctx=arguments.prompt + arguments.decode + 8, n_threads=threads, n_threads_batch=threads, n_batch=512,
                         logits_all=False, verbose=False)
        llama_cpp(llm, arguments.prompt, 4)  # warm-up
        base, ours = [], {name: [] for name, _, _ in variants}
        for _ in range(arguments.rounds):
            base.append(llama_cpp(llm, arguments.prompt, arguments.decode))
            for name, model, options in variants:
                ours[name].append(crossweave(arguments.crossweave, model, threads, arguments.prompt, arguments.decode, options))
        print(f"| {threads} | llama.cpp | {statistics.median(p for p, _ in base):.0f} | 1 | {statistics.median(d for _, d in base):.1f} | 1 |")
        for name, _, _ in variants:
            prefill = statistics.median(p for p, _ in ours[name])
            decode = statistics.median(d for _, d in ours[name])
            prefill_ratio = statistics.median(a[0] / b[0] for a, b in zip(ours[name], base))
            decode_ratio = statistics.median(a[1] / b[1] for a, b in zip(ours[name], base))
            print(f"| {threads} | {name} | {prefill:.0f} | {prefill_ratio:.2f} | {decode:.1f} | {decode_ratio:.2f} |", flush=True)


if __name__ == "__main__":
    main()
