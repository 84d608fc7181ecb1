#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""Crossweave beside IBM's 3D-CiM-LLM-Inference-Simulator on the example of its README: same graph, same constants, both run; makes a table of docs/performance.md.

    git clone https://github.com/IBM/3D-CiM-LLM-Inference-Simulator
    python3 -m venv peer && peer/bin/pip install torch numpy matplotlib pydot tqdm
    peer/bin/python scripts/compare_3dcim.py 3D-CiM-LLM-Inference-Simulator [--write]

The example: a decoder of 3 layers (d 512, MLP 2048 without a gate, 8 heads, vocabulary 1024) on 100 tiles of 1,024 tiers of 512 x 512 generates tokens 2 to 12 from
one token, once computing all positions anew for each token (as in the README; eleven runs of `simulate`) and once with a key-value cache.

Constants are read from the simulator's configuration. What it charges per operation and Crossweave per unit of work is turned into one another through a token's
sum: the start of a digital operation is the mean time of theirs, a multiply-add the mean energy, the accumulators take in all what theirs take to add up the
parts of the MLP's second matrix.
"""
import argparse
import contextlib
import io
import json
import pathlib
import struct
import sys
import tempfile
import time

from document_table import write_table
from peer import description_text, run_json

ROOT = pathlib.Path(__file__).resolve().parent.parent
LAYERS, WIDTH, INNER, HEADS, VOCABULARY, TOKENS = 3, 512, 2048, 8, 1024, 12
TILES, TIERS, SIDE = 100, 1024, 512
FOREVER = 1e6  # MAC/ns or bytes/ns: takes no time worth speaking of


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("simulator", type=pathlib.Path, help="a checkout of 3D-CiM-LLM-Inference-Simulator")
    parser.add_argument("--crossweave", type=pathlib.Path, default=ROOT / "build/release/host/app/crossweave")
    parser.add_argument("--document", type=pathlib.Path, default=ROOT / "docs/performance.md", help="file with the markers")
    parser.add_argument("--write", action="store_true", help="write the table into the document")
    arguments = parser.parse_args()
    if not (arguments.simulator / "src/threedsim/accelerator.py").exists():
        sys.exit(f"compare_3dcim.py: {arguments.simulator}: expected src/threedsim/accelerator.py in it")
    return arguments


class Theirs:
    """One run of the example: seconds of the tool, and what it says of the chip."""

    def __init__(self, cached):
        from threedsim.accelerator import Accelerator, AcceleratorConfig
        from threedsim.inference import fast_trace_decoder, schedule_execution
        from threedsim.mapping import Mapper, MapStrategy, Strategy
        from threedsim.models import DecoderOnlyTransformer
        from threedsim.modules import TransformerDecoderLayer
        from threedsim.modules.base import assign_acc, fill_name_fields, make_traceable, make_use_linear

        self.config = AcceleratorConfig(tiles=TILES, tiers=TIERS, tier_shape=(SIDE, SIDE), kv_caching=cached)
        started = time.process_time()
        accelerator = Accelerator(self.config, device="meta")
        model = DecoderOnlyTransformer(
            TransformerDecoderLayer, num_layers=LAYERS, device="meta",
            decoder_layer_kwargs={"d_model": WIDTH, "nhead": HEADS, "dim_feedforward": INNER},
            embedding_layer_kwargs={"vocab_size": VOCABULARY, "embedding_dim": WIDTH, "max_seq_length": TOKENS})
        assign_acc(model, accelerator)
        strategy = MapStrategy(strategy=Strategy.GREEDY_IN_ORDER, split_ffn=True, stack_embedding=True)
        Mapper(accelerator=accelerator, model=model, map_strategy=strategy).map_network()
        fill_name_fields(model)
        make_traceable(model, is_traceable=True)
        self.map_s = time.process_time() - started
        started = time.process_time()
        make_use_linear(model, use_linear=True)
        traced = fast_trace_decoder(model, start_len=1, target_len=TOKENS, bsz=1)
        self.trace_s = time.process_time() - started
        started = time.process_time()
        self.ns, _, _, self.nj, _, energies, times = schedule_execution(
            traced.graph, accelerator=accelerator, copy_and_cleanup_graph=False, communication=True)
        self.schedule_s = time.process_time() - started
        self.passive_nj = energies["passive"]
        single = {"tier_linear": self.config.mvm_latency, "communication": self.config.com_latency(SIDE), "layer_norm": self.config.layer_norm_latency(WIDTH),
                  "digital_relu": self.config.relu_latency(INNER), "digital_add": self.config.add_latency(WIDTH),
                  "multinomial": self.config.multinomial_latency(VOCABULARY)}
        self.counts = {kind: round(times[kind] / ns) for kind, ns in single.items()}
        self.counts["mha"] = LAYERS * (TOKENS - 1)  # one per layer and decoded token, whatever the cache
        self.times = {kind: times[kind] for kind in single} | {"mha": sum(times["mha"].values())}
        self.energies = {kind: energies[kind] for kind in single} | {"mha": sum(energies["mha"].values())}


def graph_text():
    """The graph of the example in the text form of docs/ir.md. The embedding is a look-up and a matrix, as theirs is an MVM; what stands between the
    MLP's matrices is `geglu` of one value twice, one digital operation on all its features."""
    lines = ['graph "example" {', f'  meta context_length = {TOKENS}', '  meta family = "llama"', f"  meta hidden_size = {WIDTH}",
             f"  meta num_layers = {LAYERS}", f"  meta vocab_size = {VOCABULARY}", "  %tokens = input() : 1",
             f"  %rows = embedding(%tokens) {{weight = @embedding}} : {WIDTH}"]
    tensors = {"embedding": (VOCABULARY, WIDTH), "position": (WIDTH,)}

    def linear(result, source, name, outputs, inputs):
        tensors[name] = (outputs, inputs)
        lines.append(f'  %{result} = linear(%{source}) {{name = "{name}", weight = @{name}}} : {outputs}')

    def norm(result, source, name):
        tensors[name] = (WIDTH,)
        lines.append(f"  %{result} = rms_norm(%{source}) {{eps = 1e-05, weight = @{name}}} : {WIDTH}")

    linear("embedded", "rows", "token_embedding", WIDTH, WIDTH)
    lines.append(f"  %x0 = shift(%embedded) {{vector = @position}} : {WIDTH}")
    source = "x0"
    for n in range(LAYERS):
        layer = f"layers.{n}."
        for part in "qkv":
            linear(f"{part}{n}", source, f"{layer}{part}_proj", WIDTH, WIDTH)
        lines.append(f'  %a{n} = attention(%q{n}, %k{n}, %v{n}) {{head_dim = {WIDTH // HEADS}, layer = {n}, num_heads = {HEADS}, num_kv_heads = {HEADS}, '
                     f'rope_style = "none", scale = 0.125, window = 0}} : {WIDTH}')
        linear(f"o{n}", f"a{n}", f"{layer}o_proj", WIDTH, WIDTH)
        lines.append(f"  %y{n} = add(%o{n}, %x{n}) : {WIDTH}")
        norm(f"z{n}", f"y{n}", f"{layer}norm2")
        linear(f"f{n}", f"z{n}", f"{layer}ffn1", INNER, WIDTH)
        lines.append(f"  %g{n} = geglu(%f{n}, %f{n}) : {INNER}")
        linear(f"d{n}", f"g{n}", f"{layer}ffn2", WIDTH, INNER)
        lines.append(f"  %x{n + 1} = add(%d{n}, %y{n}) : {WIDTH}")
        norm(f"n{n + 1}", f"x{n + 1}", f"{layer}norm3")
        source = f"n{n + 1}"
    linear("logits", source, "lm_head", VOCABULARY, WIDTH)
    return "\n".join([*lines, "  output(%logits)", "}", ""]), tensors


def write_checkpoint(path):
    """A checkpoint that carries its graph (docs/adaptation.md); the weights say nothing, time and energy do not depend on them."""
    import numpy

    text, shapes = graph_text()
    random = numpy.random.default_rng(1)
    parts = {"crossweave.graph": ("U8", (len(text),), text.encode())}
    for name, shape in shapes.items():
        values = numpy.ones(shape) if len(shape) == 1 else random.normal(0, 0.02, shape)
        parts[name] = ("F32", shape, values.astype("<f4").tobytes())
    header, offset = {}, 0
    for name, (kind, shape, data) in parts.items():
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": [offset, offset + len(data)]}
        offset += len(data)
    head = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(head)) + head + b"".join(data for _, _, data in parts.values()))


def description(theirs, units, watt):
    """Their chip. `units`: digital units as one that is so many times as fast. Energy of a digital operation is `mac_pj` times its multiply-adds."""
    tokens = TOKENS - 1
    digital = ("layer_norm", "digital_relu", "digital_add", "multinomial", "mha")
    partial = LAYERS * (INNER // SIDE - 1)  # additions of parts of the second matrix
    add_ns, add_nj = theirs.config.add_latency(SIDE), theirs.config.add_energy(SIDE)
    operations = 1 + 1 + LAYERS * 6 + 1  # of our graph per token: look-up, position, (attention, 2 norms, 2 sums, activation), sampling
    digital_ns = (sum(theirs.times[kind] for kind in digital) / tokens - partial * add_ns) / operations
    digital_nj = sum(theirs.energies[kind] for kind in digital) / tokens - partial * add_nj
    words = WIDTH + LAYERS * (4 * WIDTH + INNER + INNER // SIDE * WIDTH) + VOCABULARY  # sums of tiles per token
    mvm_nj = theirs.config.mvm_energy
    values = {
        "timing": {"mvm": (theirs.config.mvm_latency, "ns"), "dac": (0, "ns"), "adc_round": (0, "ns"), "rescale_output": (0, "ns"),
                   "digital_mac_rate": (FOREVER, "MAC/ns"), "digital_exp_rate": (FOREVER, "exp/ns"), "digital_latency": (digital_ns / units, "ns"),
                   "link_latency": (theirs.config.com_latency(SIDE), "ns"), "link_rate": (FOREVER, "bytes/ns"), "memory_rate": (FOREVER, "bytes/ns"),
                   "accumulate_rate": (words / (partial * add_ns), "words/ns")},
        "energy": {"dac_conversion": (0, "pJ"), "cell_mac": (0, "pJ"), "adc_conversion": (mvm_nj * 1e3 / SIDE, "pJ"), "rescale_output": (0, "pJ"),
                   "digital_mac": (digital_nj * 1e3 / macs_per_token(), "pJ"), "digital_exp": (0, "pJ"),
                   "link_byte": (theirs.config.com_energy(SIDE) * 1e3 / SIDE, "pJ"), "memory_byte": (0, "pJ"),
                   "accumulate_word": (partial * add_nj * 1e3 / words, "pJ"), "static_power": (watt, "W")}}
    chip = ['name = "threedsim"', f"num_tiles = {TILES * TIERS}", f"tiers = {TIERS}", f"rows = {SIDE}", f"cols = {SIDE}", f"adcs_per_tile = {SIDE}",
            'emulator = "alveo-u55c"']
    return description_text(chip, values, "3D-CiM-LLM-Inference-Simulator, AcceleratorConfig")


def macs_per_token():
    """Multiply-adds of the digital side (docs/report.md) of the mean token of the example."""
    attention = sum(position * (2 * WIDTH + 2 * HEADS) for position in range(1, TOKENS)) / (TOKENS - 1)
    return WIDTH + LAYERS * (attention + 2 * 2 * WIDTH + 2 * WIDTH + 6 * INNER) + VOCABULARY


class Ours:
    """Runs of the command, with the processor seconds of the whole process."""

    def __init__(self, crossweave, folder):
        self.crossweave, self.folder = crossweave, folder
        self.checkpoint = folder / "example.safetensors"
        write_checkpoint(self.checkpoint)

    def run(self, *words):
        return run_json(self.crossweave, *words)

    def compile(self, text):
        chip, program = self.folder / "threedsim.toml", self.folder / "example.xwp"
        chip.write_text(text)
        _, plan_s = self.run("plan", self.checkpoint, "--chip", chip)
        report, compile_s = self.run("compile", self.checkpoint, "--chip", chip, "--ranges", "fixed:3", "--lambda", 12, "--threads", 1, "-o", program)
        return program, report, plan_s, compile_s

    def cached(self, program):
        report, seconds = self.run("simulate", program, "--tokens", TOKENS - 1)
        return (*self.of_chip(report), seconds)

    @staticmethod
    def of_chip(report):
        run = report["runs"][0]
        return run["total_ns"], sum(run["energy_pj"].values()) * 1e-3

    def anew(self, program):
        """All positions again for every token: prompts of 1, 2, 3, ... tokens."""
        ns = nj = seconds = 0
        for length in range(1, TOKENS):
            report, spent = self.run("simulate", program, "--prompt-tokens", length, "--tokens", 0)
            of_chip = self.of_chip(report)
            ns, nj, seconds = ns + of_chip[0], nj + of_chip[1], seconds + spent
        return ns, nj, seconds


def check_graphs(theirs, compiled):
    """The tiles of a token and its digital operations, as the other tool counted them, are those of graph_text()."""
    tokens = TOKENS - 1
    counted = {kind: count / tokens for kind, count in theirs.counts.items()}
    partial = LAYERS * (INNER // SIDE - 1)
    expected = {"tier_linear": compiled["tiles"], "layer_norm": 2 * LAYERS, "digital_relu": LAYERS, "digital_add": 1 + 2 * LAYERS + partial,
                "multinomial": 1, "mha": LAYERS}
    wrong = {kind: (counted[kind], number) for kind, number in expected.items() if counted[kind] != number}
    if wrong:
        sys.exit(f"compare_3dcim.py: the graphs differ (theirs, ours): {wrong}")


def table(theirs, ours, versions):
    def line(name, run, unit, own, seconds):
        return (f"| {name} | {unit} | {run.ns * 1e-3:.2f} | {own[0] * 1e-3:.2f} | {100 * (own[0] / run.ns - 1):+.1f} % | {run.nj * 1e-3:.1f} | {own[1] * 1e-3:.1f} | "
                f"{(run.nj - run.passive_nj) * 1e-3:.1f} | {(own[1] - own[0] * run.config.passive_power) * 1e-3:.1f} | {seconds:.2f} | {own[2]:.2f} |")

    lines = [versions, "",
             "| generation | digital units here | us: 3D-CiM | Crossweave | difference | uJ: 3D-CiM | Crossweave | of it active: 3D-CiM | Crossweave | CPU s: 3D-CiM | `simulate` |",
             "|---|---|---|---|---|---|---|---|---|---|---|"]
    for (cached, units), own in ours.items():
        run = theirs[cached]
        lines.append(line("key-value cache" if cached else "all positions anew", run, units, own, run.trace_s + run.schedule_s))
    return lines


def main():
    arguments = parse_arguments()
    sys.path.insert(0, str(arguments.simulator / "src"))
    started = time.process_time()
    import torch
    import threedsim.inference  # noqa: F401
    torch.set_num_threads(1)
    import_s = time.process_time() - started
    theirs, ours = {}, {}
    for cached in (True, False):
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            theirs[cached] = Theirs(cached)
    with tempfile.TemporaryDirectory() as folder:
        command = Ours(arguments.crossweave, pathlib.Path(folder))
        for units in (1, theirs[True].config.num_digital_units):
            program, compiled, plan_s, compile_s = command.compile(description(theirs[True], units, theirs[True].config.passive_power))
            check_graphs(theirs[True], compiled)
            if units == 1:
                ours[True, "one"] = command.cached(program)
            program = command.compile(description(theirs[True], units, theirs[False].config.passive_power))[0]
            ours[False, "one" if units == 1 else f"one, {units} times as fast"] = command.anew(program)
    lines = table(theirs, ours, f"torch {torch.__version__.split('+')[0]}, one thread, processor seconds on a shared machine. Before that, once: 3D-CiM {import_s:.1f} s "
                  f"of imports and {theirs[True].map_s:.1f} s to make the chip and map; Crossweave `plan` {plan_s:.2f} s, `compile` {compile_s:.2f} s:")
    print("\n".join(lines))
    if arguments.write:
        write_table(arguments.document, "threedsim", lines)


if __name__ == "__main__":
    main()
