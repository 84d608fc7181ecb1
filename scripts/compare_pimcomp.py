#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""Crossweave beside PIMCOMP-NN on the linear layers of SmolLM2-135M: same matrices, same constants, both run; makes a table of docs/performance.md.

    git clone https://github.com/sunxt99/PIMCOMP-NN && cd PIMCOMP-NN
    # its pipeline by elements asks for the end of every model (README, "To compile new model"): in backend/ElementPipelineSchedule.cpp
    # else if (model_name == "chain") { last_node_index = 150; last_node_output_channel_num = 576; }
    mkdir build && cd build && cmake -DCMAKE_BUILD_TYPE=Release .. && make
    scripts/compare_pimcomp.py PIMCOMP-NN [--write]

The chain: 30 times query, key and value (576 to 960), output (576 to 576), gate and up (576 to 1536 each) and down (1536 to 576) for 64 positions, on 144 cores of 8
crossbars of 512 x 512 with 8-bit cells and converters. In PIMCOMP they are 150 convolutions of 1 x 1, one after the other; Crossweave gets the model that has
these layers, so gate and up work at the same time and attention stands between; what is digital takes no time but its start.

Constants are read from PIMCOMP's evaluation: an MVM, the memory of a core (a link per core here), the vector units of all cores (accumulators here), and the
memory or the bus that all cores share (activation buffer here: it carries inputs and outputs of layers). 8-bit sums on both sides.
"""
import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile

from document_table import write_table
from peer import description_text, processor_seconds, run_json

ROOT = pathlib.Path(__file__).resolve().parent.parent
LAYERS, SIDE, BITS = 30, 512, 8
CORES, PER_CORE, GRID = 144, 8, (12, 12)
WIDTH, INNER, HEADS, KV_HEADS = 576, 1536, 9, 3
MATRICES = (("qkv", WIDTH, WIDTH + 2 * KV_HEADS * WIDTH // HEADS), ("o", WIDTH, WIDTH), ("gate", WIDTH, INNER), ("up", WIDTH, INNER), ("down", INNER, WIDTH))
POSITIONS = (8, 8)
TOKENS = POSITIONS[0] * POSITIONS[1]
FOREVER = 1e6  # per ns: takes no time worth speaking of


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pimcomp", type=pathlib.Path, help="a built checkout of PIMCOMP-NN")
    parser.add_argument("--crossweave", type=pathlib.Path, default=ROOT / "build/release/host/app/crossweave")
    parser.add_argument("--document", type=pathlib.Path, default=ROOT / "docs/performance.md", help="file with the markers")
    parser.add_argument("--write", action="store_true", help="write the table into the document")
    arguments = parser.parse_args()
    for name in ("build/PIMCOMP-NN", "config.json", "evaluation/EvaluationConfig.h"):
        if not (arguments.pimcomp / name).exists():
            sys.exit(f"compare_pimcomp.py: {arguments.pimcomp}: expected {name} in it")
    return arguments


def chain():
    """The chain in PIMCOMP's own form of a model."""
    nodes = [{"bitwidth": BITS, "consumer": [], "consumer_index": [], "consumer_num": 0, "index": 0, "name": "data", "new_node_index": 0, "operation": "OP_INPUT",
              "output_dim": [1, WIDTH, *POSITIONS], "output_dim_num": 4, "provider_index": [], "provider_num": 0}]
    for layer in range(LAYERS):
        for name, inputs, outputs in MATRICES:
            before = nodes[-1]
            number = len(nodes)
            before["consumer"], before["consumer_num"], before["consumer_index"] = [f"l{layer}_{name}"], 1, [number]
            nodes.append({
                "act_type": -1, "bitwidth": BITS, "clip_max": 10000000, "clip_min": -10000000, "consumer": [], "consumer_index": [], "consumer_num": 0, "index": number,
                "input_dim": [1, inputs, *POSITIONS], "input_dim_num": 4, "name": f"l{layer}_{name}", "new_node_index": number, "operation": "OP_CONV",
                "output_dim": [1, outputs, *POSITIONS], "output_dim_num": 4,
                "param": {"dilation_h": 1, "dilation_w": 1, "group": 1, "input_channel": inputs, "kernel_h": 1, "kernel_w": 1, "output_channel": outputs, "pad_h0": 0, "pad_h1": 0,
                          "pad_w0": 0, "pad_w1": 0, "stride_h": 1, "stride_w": 1, "with_bias": 0},
                "provider": [before["name"]], "provider_index": [number - 1], "provider_num": 1, "with_act": 0, "with_bn": 0, "with_clip": 0})
    return {"node_list": nodes, "reshape_info": {}}


class Theirs:
    """Runs of PIMCOMP in a folder of its own."""

    def __init__(self, checkout, folder):
        self.program = (checkout / "build/PIMCOMP-NN").resolve()
        self.constants = self.read_constants(checkout / "evaluation/EvaluationConfig.h")
        config = json.loads((checkout / "config.json").read_text())
        core = config["chip_config"]["core_config"]["matrix_config"]
        core.update({"xbar_array_count": PER_CORE, "xbar_size": [SIDE, SIDE], "cell_precision": BITS, "adc_count": BITS})  # its "adc_count" is the precision
        config["chip_config"]["network_config"]["layout"] = list(GRID)
        for name in ("build", "models/JSON", "output"):
            (folder / name).mkdir(parents=True)
        (folder / "config.json").write_text(json.dumps(config))
        (folder / "models/JSON/chain.json").write_text(json.dumps(chain()))
        self.folder = folder / "build"

    @staticmethod
    def read_constants(path):
        text = path.read_text()
        return {name: float(re.search(rf"const double {name} = ([0-9.]+);", text)[1])
                for name in ("MVMUL_read_latency", "MVMUL_process_latency_per_bit", "MVMUL_ADC_latency", "MVMUL_sa_latency", "MVMUL_write_latency",
                             "VECTOR_process_bytes", "VECTOR_unit_latency", "LOCAL_MEMORY_bandwidth", "GLOBAL_MEMORY_bandwidth", "BUS_bandwidth")}

    def mvm_ns(self):
        of = self.constants
        return (of["MVMUL_read_latency"] + BITS * of["MVMUL_process_latency_per_bit"] + of["MVMUL_ADC_latency"] + of["MVMUL_sa_latency"] +
                of["MVMUL_write_latency"])

    def run(self, strategy, pipeline):
        """(time in us, crossbars, processor seconds), or why there is none."""
        before = processor_seconds()
        done = subprocess.run([str(self.program), "-m=chain", f"-r={strategy}", f"-p={pipeline}", "-o=NO", "-v=NO", "-i=NO", "-s=NO"], cwd=self.folder,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
        seconds = processor_seconds() - before
        found = re.search(r"practical \(ns\)\s+([0-9.]+)", done.stdout)
        usage = re.findall(r"usage:([0-9.]+)%|RRAMs Usage: ([0-9.]+)%", done.stdout)
        if done.returncode != 0 or not found:
            wanted = re.search(r"Expected Crossbar Num:([0-9]+)", done.stdout)
            why = f"aborts, wants {wanted[1]} crossbars" if wanted else "aborts"
            if "Please Indicate The Last Node" in done.stdout:
                sys.exit("compare_pimcomp.py: this PIMCOMP does not know where the chain ends: see the help of this script")
            return why
        share = float(next(part for part in usage[-1] if part)) if usage else None
        return float(found[1]) * 1e-3, round(share * CORES * PER_CORE / 100) if share else None, seconds


def description(theirs, shared):
    """Their chip: `shared` bytes/ns carry the inputs and outputs of all layers."""
    of = theirs.constants
    vector_words = CORES * of["VECTOR_process_bytes"] / of["VECTOR_unit_latency"] * 8 / BITS
    timing = {"mvm": (theirs.mvm_ns(), "ns"), "dac": (0, "ns"), "adc_round": (0, "ns"), "rescale_output": (0, "ns"), "digital_mac_rate": (FOREVER, "MAC/ns"),
              "digital_exp_rate": (FOREVER, "exp/ns"), "digital_latency": (of["VECTOR_unit_latency"], "ns"), "link_latency": (0, "ns"),
              "link_rate": (of["LOCAL_MEMORY_bandwidth"] * 1e-9, "bytes/ns"), "memory_rate": (FOREVER, "bytes/ns"), "accumulate_rate": (vector_words, "words/ns"),
              "buffer_rate": (shared, "bytes/ns")}
    energy = {key: (0, "pJ") for key in ("dac_conversion", "cell_mac", "adc_conversion", "rescale_output", "digital_mac", "link_byte", "memory_byte")}
    energy["static_power"] = (0, "W")
    chip = ['name = "pimcomp"', f"num_tiles = {CORES * PER_CORE}", f"rows = {SIDE}", f"cols = {SIDE}", f"adcs_per_tile = {SIDE}", f"input_links = {CORES}",
            f"output_links = {CORES}", f"sum_bytes = {BITS // 8}", 'emulator = "alveo-u55c"']
    return description_text(chip, {"timing": timing, "energy": energy}, "PIMCOMP-NN, EvaluationConfig.h")


class Ours:
    def __init__(self, crossweave, folder):
        self.crossweave, self.folder = crossweave, folder
        self.model = folder / "model"
        subprocess.run([sys.executable, str(ROOT / "scripts/make_random_model.py"), "--family", "llama", "--hidden-size", str(WIDTH), "--intermediate-size", str(INNER),
                        "--layers", str(LAYERS), "--heads", str(HEADS), "--kv-heads", str(KV_HEADS), "--vocab-size", "512", "--out", str(self.model)],
                       check=True, stdout=subprocess.DEVNULL)

    def run(self, *words):
        return run_json(self.crossweave, *words)

    def chip(self, text):
        path = self.folder / "pimcomp.toml"
        path.write_text(text)
        return path

    def plan_seconds(self, chip):
        """Of laying out, and of the estimates of all plans; twice, with the same result."""
        options = ("plan", self.model / "config.json", "--chip", chip, "--lm-head", "digital", "--prompt-tokens", TOKENS)
        first, seconds = self.run(*options)
        if self.run(*options)[0]["plans"] != first["plans"]:
            sys.exit("compare_pimcomp.py: two runs of plan differ")
        return seconds

    def prompt(self, chip, *options):
        """(time in us, crossbars, processor seconds of compiling)"""
        program = self.folder / "chain.xwp"
        report, seconds = self.run("compile", self.model, "--chip", chip, "--ranges", "fixed:4", "--lambda", 12, "--lm-head", "digital", "--threads", 1, "-o", program,
                                   *options)
        run = self.run("simulate", program, "--prompt-tokens", TOKENS, "--tokens", 0)[0]["runs"][0]
        return run["total_ns"] * 1e-3, report["tiles"], seconds


def their_rows(theirs):
    for pipeline, what in (("element", "layers one after the other"), ("batch", "all layers at once, each on inputs of its own")):
        for strategy, times in (("balance", 1), ("W0H0", 1), ("uniform", 1), ("GA", 10)):
            runs = [theirs.run(strategy, pipeline) for _ in range(times)]
            failed = [run for run in runs if isinstance(run, str)]
            name = f"PIMCOMP {pipeline}, {strategy}"
            if failed:
                yield f"| {name} | {what} | {failed[0]} | | |"
                continue
            us = sorted(f"{run[0]:.1f}" for run in runs)
            crossbars = [str(number) for number in sorted({run[1] for run in runs if run[1]})]
            seconds = max(run[2] for run in runs)
            yield f"| {name} | {what} | {' to '.join(dict.fromkeys((us[0], us[-1])))} | {' to '.join(dict.fromkeys((*crossbars[:1], *crossbars[-1:]))) or '-'} | {seconds:.1f} |"


def main():
    arguments = parse_arguments()
    lines = ["| tool and strategy | time is that of | us for 64 positions | crossbars | CPU s |", "|---|---|---|---|---|"]
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        theirs = Theirs(arguments.pimcomp, folder / "pimcomp")
        ours = Ours(arguments.crossweave, folder)
        lines += their_rows(theirs)
        for name, shared in (("the shared memory", theirs.constants["GLOBAL_MEMORY_bandwidth"]), ("the bus", theirs.constants["BUS_bandwidth"])):
            chip = ours.chip(description(theirs, shared * 1e-9))
            planned = ours.plan_seconds(chip)
            for option in ((), ("--spread",)):
                us, tiles, _ = ours.prompt(chip, *option)
                words = " ".join(("`compile " + " ".join(option)).split()) + "`"
                lines.append(f"| Crossweave, {words}, activations over {name} ({shared * 1e-9:g} GB/s) | the model, attention between | {us:.1f} | {tiles} | {planned:.2f} |")
    print("\n".join(lines))
    if arguments.write:
        write_table(arguments.document, "pimcomp", lines)


if __name__ == "__main__":
    main()
