#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""Converts a model trained with aihwkit-lightning from PyTorch's pickles to files that Crossweave reads.

SOURCE is one of
  - a directory with pytorch_model*.bin (or one other *.bin, *.pt, *.pth), as published models have and as
    `torch.save(model.state_dict(), "pytorch_model.bin")` writes it, with config.json and tokenizer files beside it;
  - such a file itself;
  - a directory that `model.save_pretrained()` wrote (*.safetensors). It needs no conversion, unless it has a pickled
    `rpu_config`: its files are then copied.
OUT becomes a directory with model.safetensors, the JSON and tokenizer files, and rpu_config.json, made from the pickled
object in a file `rpu_config` or, without one, from the state dictionary itself. Keys keep their names: `P.weight`,
`P.bias`, `P.input_range`, `P.learnable_weight_clip`, ...

  convert_lightning.py analog-Llama-3.2-1B-Instruct converted

Needs Python alone. Pickles can run code when they are loaded: this script reads them with unpicklers that make inert
records and never import or call what a pickle names.
"""

import argparse
import collections
import json
import pathlib
import pickle
import shutil
import struct
import sys
import zipfile

STORAGE_DTYPES = {"DoubleStorage": ("F64", 8), "FloatStorage": ("F32", 4), "HalfStorage": ("F16", 2),
                  "BFloat16Storage": ("BF16", 2), "LongStorage": ("I64", 8), "IntStorage": ("I32", 4),
                  "ShortStorage": ("I16", 2), "CharStorage": ("I8", 1), "ByteStorage": ("U8", 1),
                  "BoolStorage": ("BOOL", 1)}
COPIED = ("*.json", "tokenizer.model", "*.jinja", "*.txt", "LICENSE*", "README*")
WRAPPERS = ("state_dict", "model_state_dict")  # keys under which training scripts keep a state dictionary


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


def named_enumerator(kind, name):
    """An enumerator as Python 3.11.0 to 3.11.3 pickle it, by its name: as others do, by its value. Those of aihwkit-lightning are the name in capitals run
    together (LAYER_GAUSSIAN: "LayerGaussian"); another value than a known one is refused where the configuration is read."""
    return Record(getattr(kind, "__qualname__", str(kind)), ("".join(part.capitalize() for part in str(name).split("_")),))


class InertUnpickler(pickle.Unpickler):
    def find_class(self, module, name):
        if name == "getattr" and module in ("builtins", "__builtin__"):
            return named_enumerator
        return type("RecordClass", (RecordClass,), {"__qualname__": f"{module}.{name}"})

    def persistent_load(self, pid):
        return Record("persistent", (str(pid),))


class Tensor:
    """Elements of a storage: `key` names it, the rest is how torch looks at it."""

    def __init__(self, storage, offset, size, stride):
        (self.dtype, self.element_size), self.key, self.length = storage
        self.offset, self.shape, self.stride = offset, list(size), list(stride)
        self.count = 1
        for length in self.shape:
            self.count *= length

    def read(self, storage, name):
        """The elements in row-major order, from the bytes of the whole storage."""
        last = self.offset + sum((n - 1) * s for n, s in zip(self.shape, self.stride))
        if len(self.shape) != len(self.stride) or min(self.stride, default=0) < 0 or self.offset < 0 or (
                self.count and (last + 1) * self.element_size > len(storage)):
            sys.exit(f"{name}: expected elements up to {last} in storage {self.key}, "
                     f"found {len(storage) // self.element_size}")
        row_major, length = [], 1
        for n in reversed(self.shape):
            row_major.insert(0, length)
            length *= n
        if all(s == r or n == 1 for n, s, r in zip(self.shape, self.stride, row_major)):
            begin = self.offset * self.element_size
            return storage[begin:begin + self.count * self.element_size]
        return b"".join(self._gather(storage, 0, self.offset)) if self.count else b""

    def _gather(self, storage, axis, offset):
        if axis == len(self.shape):
            yield storage[offset * self.element_size:(offset + 1) * self.element_size]
            return
        for i in range(self.shape[axis]):
            yield from self._gather(storage, axis + 1, offset + i * self.stride[axis])


class StateUnpickler(InertUnpickler):
    """Makes dictionaries and Tensors of a state dictionary, and records of everything else in it."""

    def find_class(self, module, name):
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda storage, offset, size, stride, *_: Tensor(storage, offset, size, stride)
        if (module, name) == ("torch._utils", "_rebuild_parameter"):
            return lambda data, *_: data
        return super().find_class(module, name)

    def persistent_load(self, pid):
        kind, storage_type, key, _, length = pid
        storage_name = getattr(storage_type, "__qualname__", str(storage_type)).rpartition(".")[2]
        if kind != "storage" or storage_name not in STORAGE_DTYPES:
            sys.exit(f"storage {key}: found element type {storage_name}; supported: {', '.join(STORAGE_DTYPES)}")
        return STORAGE_DTYPES[storage_name], str(key), length


class StateFile:
    """A file of torch.save: an archive of a pickle and the storages that it names."""

    def __init__(self, path):
        self.path = path
        if not zipfile.is_zipfile(path):
            sys.exit(f"{path}: expected the archive that torch.save writes since PyTorch 1.6; load and save it again")
        self.archive = zipfile.ZipFile(path)
        pickles = [name for name in self.archive.namelist() if name.endswith("/data.pkl") or name == "data.pkl"]
        if len(pickles) != 1:
            sys.exit(f"{path}: expected one data.pkl in the archive, found {len(pickles)}")
        self.root = pickles[0][:-len("data.pkl")]
        byte_order = self.root + "byteorder"
        if byte_order in self.archive.namelist() and self.archive.read(byte_order) != b"little":
            sys.exit(f"{path}: expected little-endian storages, found {self.archive.read(byte_order).decode()}")
        with self.archive.open(pickles[0]) as file:
            state = StateUnpickler(file).load()
        for wrapper in WRAPPERS:
            if isinstance(state, dict) and isinstance(state.get(wrapper), dict):
                state = state[wrapper]
        if not isinstance(state, dict):
            sys.exit(f"{path}: expected a dictionary of tensors, found {type(state).__name__}")
        self.metadata = getattr(state, "_metadata", {})
        self.tensors = {}
        for name, value in state.items():
            if not isinstance(name, str) or not isinstance(value, Tensor):
                sys.exit(f"{path}: expected tensors by name, found {name!r}: {type(value).__name__}")
            self.tensors[name] = value
        self._storage = (None, b"")

    def read(self, name):
        tensor = self.tensors[name]
        if self._storage[0] != tensor.key:
            self._storage = (tensor.key, self.archive.read(f"{self.root}data/{tensor.key}"))
        return tensor.read(self._storage[1], f"{self.path}: {name}")


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


def find_state_files(source):
    if source.is_file():
        return [source]
    files = sorted(source.glob("pytorch_model*.bin"))
    if not files:
        files = sorted(file for pattern in ("*.bin", "*.pt", "*.pth") for file in source.glob(pattern))
        if len(files) > 1:
            sys.exit(f"{source}: expected pytorch_model*.bin or one file, found {', '.join(f.name for f in files)}; "
                     "give the file")
    return files


def write_safetensors(path, files):
    """Writes the tensors of all state files; returns how many."""
    header, offset, owners = {"__metadata__": {"format": "pt"}}, 0, {}
    for file in files:
        for name, tensor in file.tensors.items():
            if name in owners:
                sys.exit(f"{file.path}: {name}: expected each tensor in one file, found it in two")
            owners[name] = file
            size = tensor.count * tensor.element_size
            header[name] = {"dtype": tensor.dtype, "shape": tensor.shape, "data_offsets": [offset, offset + size]}
            offset += size
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as out:
        out.write(struct.pack("<Q", len(text)))
        out.write(text)
        for name, file in owners.items():
            out.write(file.read(name))
    return len(owners)


def read_rpu_config(path):
    """The configuration object in a file: a plain pickle, or what torch.save makes of one."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            name = next((name for name in archive.namelist() if name.endswith("data.pkl")), None)
            if name is None:
                sys.exit(f"{path}: expected data.pkl in the archive, found none")
            with archive.open(name) as file:
                return to_json(InertUnpickler(file).load())
    with open(path, "rb") as file:
        return to_json(InertUnpickler(file).load())


def rpu_config_of_state(files):
    """The configuration that a state dictionary carries for its modules; nothing if it has none."""
    found = {}
    for file in files:
        for module, entry in file.metadata.items():
            if isinstance(entry, dict) and "rpu_config" in entry:
                found[module] = to_json(entry["rpu_config"])
    configs = list(found.values())
    if any(config != configs[0] for config in configs):
        sys.exit(f"expected one rpu_config for all layers, found different ones for {', '.join(found)}")
    return configs[0] if configs else None


def convert(source, out):
    """Writes `out`; returns the number of tensors and whether there is an rpu_config."""
    directory = source.parent if source.is_file() else source
    files = [StateFile(path) for path in find_state_files(source)]
    weights = [] if files else sorted(directory.glob("*.safetensors"))
    if not files and not weights:
        sys.exit(f"{source}: expected pytorch_model*.bin, a file of torch.save, or *.safetensors, found none")
    out.mkdir(parents=True, exist_ok=True)
    if out.resolve() == directory.resolve():
        sys.exit(f"{out}: expected another directory than the source")
    count = write_safetensors(out / "model.safetensors", files) if files else 0
    for path in weights:
        shutil.copyfile(path, out / path.name)
    for pattern in COPIED:
        for file in directory.glob(pattern):
            if weights or not file.name.endswith(".index.json"):
                shutil.copyfile(file, out / file.name)
    pickled = directory / "rpu_config"
    rpu_config = read_rpu_config(pickled) if pickled.exists() else rpu_config_of_state(files)
    if rpu_config is not None:
        (out / "rpu_config.json").write_text(json.dumps(rpu_config, indent=1) + "\n")
    return count, (out / "rpu_config.json").exists()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=pathlib.Path, help="directory or file, see above")
    parser.add_argument("out", type=pathlib.Path, help="directory to write")
    arguments = parser.parse_args()
    count, has_config = convert(arguments.source, arguments.out)
    print(f"{arguments.out}: " + (f"{count} tensors" if count else "safetensors copied") +
          (", rpu_config.json" if has_config else ", no rpu_config: compile takes the chip's ADC range"))


if __name__ == "__main__":
    main()
