# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""Weights in and out: checkpoints as dictionaries of arrays, models of PyTorch (and of aihwkit-lightning) as checkpoints."""

from __future__ import annotations

import dataclasses
import enum
import json
import os
import pathlib
import struct
from collections.abc import Mapping
from typing import Any

import numpy

from crossweave.program import PathLike
from crossweave.settings import refuse

_TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "<i1", "U8": "<u1", "BOOL": "?"}
_NAMES = {numpy.dtype(text): name for name, text in _TYPES.items() if name != "BF16"}


def load_state(checkpoint: PathLike) -> dict[str, numpy.ndarray]:
    """Tensors of a safetensors file, or of a folder with such files, by name. Those of bfloat16 become float32, which has all their values.
    Raises InputError for what is no such checkpoint."""
    path = pathlib.Path(checkpoint)
    files = sorted(path.glob("*.safetensors")) if path.is_dir() else [path]
    if not files:
        raise refuse(f"{path}: expected files *.safetensors, found none")
    state: dict[str, numpy.ndarray] = {}
    for file in files:
        with open(file, "rb") as opened:
            data = opened.read()
        try:
            length, = struct.unpack_from("<Q", data)
            header = json.loads(data[8:8 + length])
            for name, entry in header.items():
                if name != "__metadata__":
                    begin, end = entry["data_offsets"]
                    values = numpy.frombuffer(data[8 + length + begin:8 + length + end], _TYPES[entry["dtype"]]).reshape(entry["shape"])
                    state[name] = (values.astype("<u4") << 16).view("<f4") if entry["dtype"] == "BF16" else values
        except (struct.error, ValueError, KeyError, TypeError, AttributeError) as error:
            raise refuse(f"{file}: expected a safetensors file, found something else ({error})") from error
    return state


def save_state(state: Mapping[str, Any], folder: PathLike, config: Any, *, tokenizer: Any = None, rpu_config: Any = None) -> pathlib.Path:
    """Writes a checkpoint folder that every command takes, and returns it.

    state: arrays or tensors by the names that Hugging Face has; bfloat16 of PyTorch is written as float32. config: config.json as a dictionary, or an
    object with to_dict(). tokenizer: an object with save_pretrained(folder). rpu_config: configuration of aihwkit-lightning, the object itself or
    its JSON as a dictionary. Embeddings that are the output layer, too (tie_word_embeddings), are written once.
    """
    target = pathlib.Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    values = config if isinstance(config, Mapping) else config.to_dict()
    arrays = {name: _array(name, tensor) for name, tensor in state.items()}
    if values.get("tie_word_embeddings") and "model.embed_tokens.weight" in arrays:
        arrays.pop("lm_head.weight", None)
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    offset = 0
    for name, array in arrays.items():
        header[name] = {"dtype": _NAMES[array.dtype], "shape": list(array.shape), "data_offsets": [offset, offset + array.nbytes]}
        offset += array.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    partial = target / ".model.safetensors.tmp"
    with open(partial, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for array in arrays.values():
            file.write(array.tobytes())
    os.replace(partial, target / "model.safetensors")
    (target / "config.json").write_text(json.dumps(dict(values), indent=1, default=str) + "\n", encoding="utf-8")
    if tokenizer is not None:
        tokenizer.save_pretrained(str(target))
    if rpu_config is not None:
        (target / "rpu_config.json").write_text(json.dumps(_plain(rpu_config), indent=1) + "\n", encoding="utf-8")
    return target


def save_model(model: Any, folder: PathLike, *, tokenizer: Any = None) -> pathlib.Path:
    """save_state() of a model of PyTorch: its state_dict(), its config, and the rpu_config of its analog layers if aihwkit-lightning made any. Raises
    InputError for layers with different ones."""
    found = [module.rpu_config for module in model.modules() if getattr(module, "rpu_config", None) is not None]
    plain = [_plain(one) for one in found]
    if any(one != plain[0] for one in plain):
        raise refuse("expected one rpu_config for all layers, found different ones")
    return save_state(model.state_dict(), folder, model.config, tokenizer=tokenizer, rpu_config=plain[0] if plain else None)


def _array(name: str, tensor: Any) -> numpy.ndarray:
    if hasattr(tensor, "detach"):
        tensor = tensor.detach().cpu()
        tensor = (tensor.float() if "bfloat16" in str(tensor.dtype) else tensor).numpy()
    array = numpy.ascontiguousarray(tensor).reshape(numpy.shape(tensor))
    array = array.astype(array.dtype.newbyteorder("<"), copy=False)
    if array.dtype not in _NAMES:
        raise refuse(f"{name}: expected numbers of one of {', '.join(str(dtype) for dtype in _NAMES)}, found {array.dtype}")
    return array


def _plain(value: Any) -> Any:
    """A configuration as scripts/convert_lightning.py writes it: objects as {"class", "fields"}, values of enumerations as {"class", "arguments"}."""
    if isinstance(value, enum.Enum):
        return {"class": f"{type(value).__module__}.{type(value).__qualname__}", "arguments": [_plain(value.value)]}
    if dataclasses.is_dataclass(value) and not isinstance(value, type) or hasattr(value, "__dict__") and not isinstance(value, type):
        return {"class": f"{type(value).__module__}.{type(value).__qualname__}", "fields": {name: _plain(field) for name, field in vars(value).items()}}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not numpy.isfinite(value):
        return str(value)
    return value if isinstance(value, (str, int, float, bool)) or value is None else {"class": getattr(value, "__qualname__", repr(value))}
