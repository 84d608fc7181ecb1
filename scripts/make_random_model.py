#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""Writes a model of a given shape with random weights, as a Hugging Face directory.

The directory holds config.json and bf16 safetensors (sharded above --shard-bytes). Matrices are N(0, 0.02), norms are 1.
The model says nothing sensible; it has the cost, the layout and the statistics of a real one, so that compilers and
simulators can be measured without a download. Needs Python 3.9 and nothing else.

  make_random_model.py --shape Llama-3.2-1B --out /tmp/llama-1b
  make_random_model.py --family qwen2 --hidden-size 64 --intermediate-size 128 --layers 2 --heads 4 --kv-heads 2 \\
      --vocab-size 256 --out /tmp/tiny
"""

import argparse
import array
import json
import pathlib
import random
import statistics
import struct
import sys

MAX_BLOCK_VALUES = 8 << 20  # random values made once; tensors are stretches of it
STANDARD_DEVIATION = 0.02

LLAMA3_SCALING = {"factor": 32.0, "high_freq_factor": 4.0, "low_freq_factor": 1.0,
                  "original_max_position_embeddings": 8192, "rope_type": "llama3"}


def shape(family, hidden, wide, layers, heads, kv_heads, vocab, context, **more):
    """A config.json: what all families share, and what differs."""
    config = {"model_type": family, "hidden_size": hidden, "intermediate_size": wide, "num_hidden_layers": layers,
              "num_attention_heads": heads, "num_key_value_heads": kv_heads, "vocab_size": vocab,
              "max_position_embeddings": context, "hidden_act": "silu", "rms_norm_eps": 1e-5, "rope_theta": 10000.0,
              "rope_scaling": None, "tie_word_embeddings": False, "bos_token_id": 1, "eos_token_id": 2,
              "torch_dtype": "bfloat16"}
    config.update(more)
    return fit_family(config)


def fit_family(config):
    """The keys that only some families have, or have by another name."""
    if config["model_type"] == "gemma3":
        config["model_type"] = "gemma3_text"
    if config["model_type"] == "gemma3_text":
        config.pop("hidden_act", None)
        for key, value in (("hidden_activation", "gelu_pytorch_tanh"), ("query_pre_attn_scalar", 256), ("sliding_window", 512),
                           ("sliding_window_pattern", 6), ("rope_local_base_freq", 10000.0)):
            config.setdefault(key, value)
    if config["model_type"] in ("gemma3_text", "qwen3"):
        config.setdefault("head_dim", config["hidden_size"] // config["num_attention_heads"])
    return config


SHAPES = {
    "Llama-3.2-1B": shape("llama", 2048, 8192, 16, 32, 8, 128256, 131072, head_dim=64, rope_theta=500000.0,
                          rope_scaling=LLAMA3_SCALING, tie_word_embeddings=True, bos_token_id=128000,
                          eos_token_id=128001),
    "Llama-3.2-3B": shape("llama", 3072, 8192, 28, 24, 8, 128256, 131072, head_dim=128, rope_theta=500000.0,
                          rope_scaling=LLAMA3_SCALING, tie_word_embeddings=True, bos_token_id=128000,
                          eos_token_id=128001),
    "Phi-3-mini-4k": shape("phi3", 3072, 8192, 32, 32, 32, 32064, 4096, sliding_window=2047,
                           original_max_position_embeddings=4096, eos_token_id=32000),
    "SmolLM2-135M": shape("llama", 576, 1536, 30, 9, 3, 49152, 8192, rope_theta=100000.0, tie_word_embeddings=True,
                          bos_token_id=0, eos_token_id=0),
    "SmolLM2-360M": shape("llama", 960, 2560, 32, 15, 5, 49152, 8192, rope_theta=100000.0, tie_word_embeddings=True,
                          bos_token_id=0, eos_token_id=0),
    "TinyLlama-1.1B": shape("llama", 2048, 5632, 22, 32, 4, 32000, 2048),
    "Mistral-7B-v0.1": shape("mistral", 4096, 14336, 32, 32, 8, 32000, 32768, sliding_window=4096),
    "Qwen2.5-0.5B": shape("qwen2", 896, 4864, 24, 14, 2, 151936, 32768, rope_theta=1000000.0, rms_norm_eps=1e-6,
                          tie_word_embeddings=True, use_sliding_window=False, bos_token_id=151643,
                          eos_token_id=151643),
    "Qwen3-0.6B": shape("qwen3", 1024, 3072, 28, 16, 8, 151936, 40960, head_dim=128, rope_theta=1000000.0, rms_norm_eps=1e-6,
                        tie_word_embeddings=True, use_sliding_window=False, bos_token_id=151643, eos_token_id=151645),
    "Gemma-3-270M": shape("gemma3", 640, 2048, 18, 4, 1, 262144, 32768, head_dim=256, rope_theta=1000000.0, rms_norm_eps=1e-6,
                          tie_word_embeddings=True, bos_token_id=2, eos_token_id=1),
    "Gemma-3-1B": shape("gemma3", 1152, 6912, 26, 4, 1, 262144, 32768, head_dim=256, rope_theta=1000000.0, rms_norm_eps=1e-6,
                        tie_word_embeddings=True, bos_token_id=2, eos_token_id=1),
}


def tensor_shapes(config, lightning_tile, untie):
    """(name, shape, kind) of every tensor, in the order of the model; kind is "random", "one", "zero" or "range"."""
    hidden, wide, vocab = config["hidden_size"], config["intermediate_size"], config["vocab_size"]
    head_dim = config.get("head_dim") or hidden // config["num_attention_heads"]
    q, kv = config["num_attention_heads"] * head_dim, config["num_key_value_heads"] * head_dim
    family = config["model_type"]
    has_bias = family == "qwen2"
    norm = "zero" if family == "gemma3_text" else "one"  # stored less 1

    def linear(name, rows, cols, bias=False):
        yield name + ".weight", [rows, cols], "random"
        if bias:
            yield name + ".bias", [rows], "random"
        if lightning_tile:
            yield name + ".input_range", [-(-cols // lightning_tile)], "range"

    yield "model.embed_tokens.weight", [vocab, hidden], "random"
    for layer in range(config["num_hidden_layers"]):
        module = f"model.layers.{layer}."
        yield module + "input_layernorm.weight", [hidden], norm
        if config["model_type"] == "phi3":
            yield from linear(module + "self_attn.qkv_proj", q + 2 * kv, hidden)
        else:
            for part, rows in (("q", q), ("k", kv), ("v", kv)):
                yield from linear(module + f"self_attn.{part}_proj", rows, hidden, has_bias)
        yield from linear(module + "self_attn.o_proj", hidden, q)
        if family in ("gemma3_text", "qwen3"):
            yield module + "self_attn.q_norm.weight", [head_dim], norm
            yield module + "self_attn.k_norm.weight", [head_dim], norm
        yield module + "post_attention_layernorm.weight", [hidden], norm
        if family == "gemma3_text":
            yield module + "pre_feedforward_layernorm.weight", [hidden], norm
            yield module + "post_feedforward_layernorm.weight", [hidden], norm
        if config["model_type"] == "phi3":
            yield from linear(module + "mlp.gate_up_proj", 2 * wide, hidden)
        else:
            yield from linear(module + "mlp.gate_proj", wide, hidden)
            yield from linear(module + "mlp.up_proj", wide, hidden)
        yield from linear(module + "mlp.down_proj", hidden, wide)
    yield "model.norm.weight", [hidden], norm
    if untie or not config["tie_word_embeddings"]:
        yield from linear("lm_head", vocab, hidden)


def bfloat16(value):
    """Bits of the nearest bf16, ties to even."""
    bits = struct.unpack("<I", struct.pack("<f", value))[0]
    return (bits + 0x7FFF + (bits >> 16 & 1)) >> 16


def random_block(generator, count):
    """bf16 values of N(0, 0.02) by the inverse distribution of uniform 16-bit numbers."""
    normal = statistics.NormalDist(0, STANDARD_DEVIATION)
    quantiles = [bfloat16(normal.inv_cdf((i + 0.5) / 65536)) for i in range(65536)]
    codes = array.array("H", generator.randbytes(2 * count))
    values = array.array("H", map(quantiles.__getitem__, codes))
    if sys.byteorder == "big":
        values.byteswap()
    return memoryview(values.tobytes())


def write_values(file, count, kind, block, generator):
    if kind != "random":
        file.write(struct.pack("<H", bfloat16({"one": 1.0, "zero": 0.0, "range": 3.0}[kind])) * count)
        return
    remaining = 2 * count
    while remaining:
        begin = 2 * generator.randrange(len(block) // 2)
        piece = block[begin:begin + remaining]
        file.write(piece)
        remaining -= len(piece)


def count_of(dimensions):
    count = 1
    for size in dimensions:
        count *= size
    return count


def write_file(path, tensors, block, generator):
    header, offset = {"__metadata__": {"format": "pt"}}, 0
    for name, dimensions, _ in tensors:
        end = offset + 2 * count_of(dimensions)
        header[name] = {"dtype": "BF16", "shape": dimensions, "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)))
        file.write(text)
        for _, dimensions, kind in tensors:
            write_values(file, count_of(dimensions), kind, block, generator)


def split_shards(tensors, shard_bytes):
    shards, used = [[]], 0
    for tensor in tensors:
        size = 2 * count_of(tensor[1])
        if shards[-1] and used + size > shard_bytes:
            shards.append([])
            used = 0
        shards[-1].append(tensor)
        used += size
    return shards


def write_model(out, config, tensors, shard_bytes, seed):
    out.mkdir(parents=True, exist_ok=True)
    generator = random.Random(seed)
    block = random_block(generator, min(MAX_BLOCK_VALUES, sum(count_of(tensor[1]) for tensor in tensors)))
    shards = split_shards(tensors, shard_bytes)
    if len(shards) == 1:
        write_file(out / "model.safetensors", shards[0], block, generator)
    else:
        weight_map = {}
        for index, shard in enumerate(shards, 1):
            name = f"model-{index:05}-of-{len(shards):05}.safetensors"
            write_file(out / name, shard, block, generator)
            weight_map.update({tensor[0]: name for tensor in shard})
        total = sum(2 * count_of(tensor[1]) for tensor in tensors)
        index = {"metadata": {"total_size": total}, "weight_map": weight_map}
        (out / "model.safetensors.index.json").write_text(json.dumps(index, indent=1))
    (out / "config.json").write_text(json.dumps(config, indent=1) + "\n")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", choices=sorted(SHAPES), help="a known model; the options below change it")
    parser.add_argument("--out", required=True, type=pathlib.Path, help="directory to write")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--shard-bytes", type=int, default=4 << 30, help="largest file (default 4 GiB)")
    parser.add_argument("--family", choices=["gemma3", "llama", "mistral", "phi3", "qwen2", "qwen3"])
    for option in ("hidden-size", "intermediate-size", "layers", "heads", "kv-heads", "head-dim", "vocab-size", "context"):
        parser.add_argument("--" + option, type=int)
    parser.add_argument("--name", help="of the model (default: the shape's, or random)")
    parser.add_argument("--tie", action="store_true", help="the output layer shares the embedding's weights")
    parser.add_argument("--bos-eos", type=int, help="token that begins and ends texts")
    parser.add_argument("--untie", action="store_true", help="write lm_head.weight even if config.json says tied")
    parser.add_argument("--lightning", type=int, metavar="TILE", default=0,
                        help="add input_range tensors as aihwkit-lightning stores them, one value per TILE inputs")
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    config = dict(SHAPES[arguments.shape]) if arguments.shape else shape(
        "llama", 64, 128, 2, 4, 2, 256, 128, bos_token_id=1, eos_token_id=2)
    options = {"family": "model_type", "hidden_size": "hidden_size", "intermediate_size": "intermediate_size",
               "layers": "num_hidden_layers", "heads": "num_attention_heads", "kv_heads": "num_key_value_heads",
               "head_dim": "head_dim", "vocab_size": "vocab_size", "context": "max_position_embeddings"}
    for option, key in options.items():
        if getattr(arguments, option) is not None:
            config[key] = getattr(arguments, option)
    if arguments.tie:
        config["tie_word_embeddings"] = True
    if arguments.bos_eos is not None:
        config["bos_token_id"] = config["eos_token_id"] = arguments.bos_eos
    fit_family(config)
    config["_name_or_path"] = arguments.name or arguments.shape or "random"
    tensors = list(tensor_shapes(config, arguments.lightning, arguments.untie))
    write_model(arguments.out, config, tensors, arguments.shard_bytes, arguments.seed)
    print(f"{arguments.out}: {len(tensors)} tensors, {sum(2 * count_of(t[1]) for t in tensors) / 1e9:.3f} GB")


if __name__ == "__main__":
    main()
