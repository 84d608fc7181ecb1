#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""Prefill and decode speed of Crossweave beside llama.cpp: same file, same machine, same threads, in turn, in one run.

    python3 -m venv peer && peer/bin/pip install --no-binary llama-cpp-python llama-cpp-python
    peer/bin/python scripts/compare_llama_cpp.py --model MODEL.gguf --program MODEL.xwp [--formats Q4_1 Q4_0 Q8_0] [--threads 1 2]

pip builds llama.cpp for the processor that it runs on, with weights that are repacked when they are loaded; which formats it repacks depends on the processor (Q4_0
and Q4_K on x86-64 without AMX), so llama.cpp also runs MODEL in the other --formats, which it makes itself: speed counts here, not quality.
Every round measures everything; the table shows medians and the medians of the rates of a round divided by that of the format that llama.cpp is fastest with in
this column, so that a drifting machine changes both sides alike.
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import tempfile
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


def in_format(peer, model, name, folder):
    """MODEL with its weights in another format of llama.cpp."""
    path = pathlib.Path(folder) / f"{name}.gguf"
    parameters = peer.llama_model_quantize_default_params()
    parameters.ftype = getattr(peer, f"LLAMA_FTYPE_MOSTLY_{name}")
    parameters.allow_requantize = True
    if peer.llama_model_quantize(str(model).encode(), str(path).encode(), parameters) != 0:
        raise SystemExit(f"{model}: llama.cpp cannot make {name} of it")
    return path


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True, type=pathlib.Path)
    parser.add_argument("--program", required=True, type=pathlib.Path)
    parser.add_argument("--crossweave", default=ROOT / "build/release/host/app/crossweave", type=pathlib.Path)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--formats", nargs="*", default=["Q4_0", "Q8_0"], help="of llama.cpp, beside that of the model")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--prompt", type=int, default=512)
    parser.add_argument("--decode", type=int, default=64)
    arguments = parser.parse_args()
    import llama_cpp as peer

    print(f"llama.cpp through llama-cpp-python {peer.__version__} ({peer.llama_print_system_info().decode().strip()}); prompt {arguments.prompt}, "
          f"decode {arguments.decode}, {arguments.rounds} rounds")
    print("\n| threads | run | prefill tokens/s | x best llama.cpp | decode tokens/s | x best llama.cpp |\n|---|---|---|---|---|---|")
    variants = [("analog ideal", arguments.program, ["--noise", "ideal"]), ("analog ideal + read noise", arguments.program, ["--noise", "ideal", "--read-sigma", "0.01"]),
                ("fp32", arguments.model, ["--mode", "fp32"]), ("int8", arguments.model, ["--mode", "int8"])]
    with tempfile.TemporaryDirectory() as folder:
        files = {"llama.cpp, as it is": arguments.model} | {f"llama.cpp, {name}": in_format(peer, arguments.model, name, folder) for name in arguments.formats}
        for threads in arguments.threads:
            peers = {name: peer.Llama(str(path), n_ctx=arguments.prompt + arguments.decode + 8, n_threads=threads, n_threads_batch=threads, n_batch=512,
                                      logits_all=False, verbose=False) for name, path in files.items()}
            for llm in peers.values():
                llama_cpp(llm, arguments.prompt, 4)  # warm-up
            rates = {name: [] for name in [*peers, *(name for name, _, _ in variants)]}
            for _ in range(arguments.rounds):
                for name, llm in peers.items():
                    rates[name].append(llama_cpp(llm, arguments.prompt, arguments.decode))
                for name, model, options in variants:
                    rates[name].append(crossweave(arguments.crossweave, model, threads, arguments.prompt, arguments.decode, options))
            best = [max(peers, key=lambda name: statistics.median(rate[column] for rate in rates[name])) for column in (0, 1)]
            for name, measured in rates.items():
                medians = [statistics.median(rate[column] for rate in measured) for column in (0, 1)]
                ratios = [statistics.median(a[column] / b[column] for a, b in zip(measured, rates[best[column]])) for column in (0, 1)]
                print(f"| {threads} | {name} | {medians[0]:.0f} | {ratios[0]:.2f} | {medians[1]:.1f} | {ratios[1]:.2f} |", flush=True)


if __name__ == "__main__":
    main()
