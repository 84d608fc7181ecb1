#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""Converts PyTorch weights of an analog foundation model (aihwkit-lightning) to safetensors.

Input: a directory with pytorch_model*.bin, config.json, tokenizer files and, if the model was trained with
aihwkit-lightning, a file `rpu_config` (a pickled configuration object).
Output: a directory with model.safetensors, the other JSON and tokenizer files, and rpu_config.json. Keys keep their names:
`P.weight`, `P.bias`, `P.input_range`, ...; the compiler reads the input ranges from there.

  convert_lightning.py analog-Llama-3.2-1B-Instruct converted

Needs PyTorch (any version with torch.load(weights_only=True)). Pickles can run code when they are loaded: the weights are
therefore read with weights_only=True, and rpu_config by an unpickler that builds inert records and never calls anything.
"""

import argparse
import json
import pathlib
import pickle
import shutil
import struct
import sys

DTYPE_NAMES = {"float32": "F32", "float16": "F16", "bfloat16": "BF16", "float64": "F64", "int8": "I8", "int16": "I16",
               "int32": "I32", "int64": "I64", "uint8": "U8", "bool": "BOOL"}
COPIED = ("*.json", "tokenizer.model", "*.jinja", "*.txt", "LICENSE*", "README*")


class Record:
    """Stands for any object of a pickle: remembers what it was made from, does nothing."""

    def __init__(self, name, arguments=()):
        self.name, self.arguments, self.state, self.items = name, arguments, None, []

    def __call__(self, *arguments):
        return Record(self.name, arguments)

    def __setstate__(self, state):
        self.state = state

    def __setitem__(self, key, value):
        self.items.append((key, value))

    def append(self, value):
        self.items.append(value)

    def extend(self, values):
        self.items.extend(values)

    def __hash__(self):
        return id(self)


class RecordClass:
    """Base of the classes that InertUnpickler makes up; instances are Records."""

    def __new__(cls, *arguments):
        return Record(cls.__qualname__, arguments)


class InertUnpickler(pickle.Unpickler):
    def find_class(self, module, name):
        return type("RecordClass", (RecordClass,), {"__qualname__": f"{module}.{name}"})

    def persistent_load(self, pid):
        return Record("persistent", (str(pid),))


def to_json(value):
    """Plain values as they are; records as {"class": ..., "arguments": [...], "fields": {...}}."""
    if isinstance(value, float) and value != value or value in (float("inf"), float("-inf")):
        return str(value)
    if isinstance(value, (str, int, float, bool)) or value is None:
        return value
    if isinstance(value, dict):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [to_json(item) for item in value]
    if isinstance(value, Record):
        result = {"class": value.name}
        if value.arguments:
            result["arguments"] = to_json(value.arguments)
        if value.state is not None:
            result["fields"] = to_json(value.state)
        if value.items:
            result["items"] = to_json(value.items)
        return result
    if isinstance(value, type):
        return {"class": value.__qualname__}
    return repr(value)


def read_weights(directory, torch):
    files = sorted(directory.glob("pytorch_model*.bin"))
    if not files:
        sys.exit(f"{directory}: expected pytorch_model*.bin, found none")
    state = {}
    for file in files:
        for name, tensor in torch.load(file, map_location="cpu", weights_only=True).items():
            if name in state:
                sys.exit(f"{file}: {name}: expected each tensor in one file, found it in two")
            state[name] = tensor
    return state


def write_safetensors(path, state, torch):
    header, offset = {"__metadata__": {"format": "pt"}}, 0
    for name, tensor in state.items():
        dtype = DTYPE_NAMES.get(str(tensor.dtype).removeprefix("torch."))
        if dtype is None:
            sys.exit(f"{name}: found element type {tensor.dtype}; supported: {', '.join(DTYPE_NAMES)}")
        size = tensor.numel() * tensor.element_size()
        header[name] = {"dtype": dtype, "shape": list(tensor.shape), "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)))
        file.write(text)
        for tensor in state.values():
            if tensor.numel():
                file.write(tensor.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())


def convert(source, out):
    import torch  # only here, so that --help and read_rpu_config work without it

    state = read_weights(source, torch)
    out.mkdir(parents=True, exist_ok=True)
    write_safetensors(out / "model.safetensors", state, torch)
    for pattern in COPIED:
        for file in source.glob(pattern):
            if not file.name.endswith(".index.json"):
                shutil.copyfile(file, out / file.name)
    return len(state)


def read_rpu_config(path):
    with open(path, "rb") as file:
        return to_json(InertUnpickler(file).load())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=pathlib.Path, help="directory with pytorch_model*.bin")
    parser.add_argument("out", type=pathlib.Path, help="directory to write")
    arguments = parser.parse_args()
    count = convert(arguments.source, arguments.out)
    rpu_config = arguments.source / "rpu_config"
    if rpu_config.exists():
        text = json.dumps(read_rpu_config(rpu_config), indent=1)
        (arguments.out / "rpu_config.json").write_text(text + "\n")
    print(f"{arguments.out}: {count} tensors")


if __name__ == "__main__":
    main()
