#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""Training text of many sequences at once: `crossweave generate-data` beside llama.cpp, same model, same machine, same threads, in turn, in one run.

    python3 -m venv peer && peer/bin/pip install --no-binary llama-cpp-python llama-cpp-python
    peer/bin/python scripts/compare_sampling.py --model MODEL.gguf [--sequences 128] [--length 256] [--threads 2]

llama.cpp computes the logits of a token of every sequence per batch and does not choose tokens, which takes Crossweave some per cent of its time. It runs MODEL in the other
--formats, too, which it makes itself.
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import tempfile
import time

from compare_llama_cpp import ROOT, in_format

RUNS = {"Crossweave, int8": ["--compute", "int8"], "Crossweave, fp32": ["--compute", "fp32"],
        "Crossweave, torch": ["--engine", "torch"]}  # a build with libtorch


def crossweave(binary, model, arguments, options):
    with tempfile.TemporaryDirectory() as folder:
        command = [str(binary), "generate-data", str(model), "-o", f"{folder}/data", "--sequences", str(arguments.sequences), "--batch", str(arguments.sequences),
                   "--length", str(arguments.length), "--threads", str(arguments.threads), "--json", *options]
        document = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout)
        return arguments.sequences * (arguments.length - 1) / document["seconds"]  # the first token of a sequence is given


def llama_cpp(peer, path, arguments):
    """Tokens per second of batches of a token of every sequence."""
    parameters = peer.llama_context_default_params()
    parameters.n_ctx = arguments.sequences * arguments.length
    parameters.n_batch = parameters.n_ubatch = arguments.sequences
    parameters.n_seq_max = arguments.sequences
    parameters.n_threads = parameters.n_threads_batch = arguments.threads
    model = peer.llama_model_load_from_file(str(path).encode(), peer.llama_model_default_params())
    context = peer.llama_init_from_model(model, parameters)
    batch = peer.llama_batch_init(arguments.sequences, 0, 1)
    vocabulary = peer.llama_vocab_n_tokens(peer.llama_model_get_vocab(model))
    started = time.perf_counter()
    for position in range(arguments.length - 1):
        batch.n_tokens = arguments.sequences
        for sequence in range(arguments.sequences):
            batch.token[sequence] = (position * 7919 + sequence * 131 + 13) % vocabulary
            batch.pos[sequence] = position
            batch.n_seq_id[sequence] = 1
            batch.seq_id[sequence][0] = sequence
            batch.logits[sequence] = 1
        if peer.llama_decode(context, batch) != 0:
            raise SystemExit(f"llama.cpp cannot compute a batch of {arguments.sequences} sequences")
    rate = arguments.sequences * (arguments.length - 1) / (time.perf_counter() - started)
    peer.llama_batch_free(batch)
    peer.llama_free(context)
    peer.llama_model_free(model)
    return rate


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True, type=pathlib.Path)
    parser.add_argument("--crossweave", default=ROOT / "build/release/host/app/crossweave", type=pathlib.Path)
    parser.add_argument("--formats", nargs="*", default=["Q4_0", "Q8_0"], help="of llama.cpp, beside that of the model")
    parser.add_argument("--runs", nargs="*", default=list(RUNS)[:2], choices=list(RUNS), help="of Crossweave")
    parser.add_argument("--sequences", type=int, default=128)
    parser.add_argument("--length", type=int, default=256)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    import llama_cpp as peer

    log = peer.llama_log_callback(lambda level, text, data: None)
    peer.llama_log_set(log, None)
    with tempfile.TemporaryDirectory() as folder:
        files = {"llama.cpp, as it is": arguments.model} | {f"llama.cpp, {name}": in_format(peer, arguments.model, name, folder) for name in arguments.formats}
        rates = {name: [] for name in [*files, *arguments.runs]}
        for _ in range(arguments.rounds):
            for name, path in files.items():
                rates[name].append(llama_cpp(peer, path, arguments))
            for name in arguments.runs:
                rates[name].append(crossweave(arguments.crossweave, arguments.model, arguments, RUNS[name]))
    best = max(files, key=lambda name: statistics.median(rates[name]))
    print(f"llama.cpp through llama-cpp-python {peer.__version__}; {arguments.sequences} sequences of {arguments.length} tokens, {arguments.threads} threads; "
          f"medians of {arguments.rounds} rounds taken in turn")
    print("\n| run | tokens/s | x best llama.cpp |\n|---|---|---|")
    for name, measured in rates.items():
        ratio = statistics.median(a / b for a, b in zip(measured, rates[best]))
        print(f"| {name} | {statistics.median(measured):.0f} | {ratio:.2f} |", flush=True)


if __name__ == "__main__":
    main()
