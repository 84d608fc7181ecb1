# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""Weights out and in: arrays by name, checkpoints of them, modules as PyTorch and aihwkit-lightning have them."""

import dataclasses
import enum
import json
import pickle
import struct
import subprocess
import sys
import unittest

import numpy

import crossweave
from support import FOLDER, ROOT

MODEL = FOLDER / "random"
LINEAR = "model.layers.0.self_attn.q_proj"


class Clip(enum.Enum):
    GAUSSIAN = "LayerGaussianPerChannel"

    def __reduce_ex__(self, protocol):  # by its value, as most versions of Python pickle enumerations
        return type(self), (self.value,)


@dataclasses.dataclass
class Forward:
    inp_res: float = 254
    out_res: float = 254
    out_bound: float = 9.5
    out_noise: float = 0.0


@dataclasses.dataclass
class ClipParameter:
    type: Clip = Clip.GAUSSIAN
    sigma: float = 2.5


@dataclasses.dataclass
class Configuration:
    forward: Forward = dataclasses.field(default_factory=Forward)
    clip: ClipParameter = dataclasses.field(default_factory=ClipParameter)
    limits: tuple = (1, float("inf"))


class Tensor:
    """What this package asks of a tensor of PyTorch."""

    def __init__(self, values):
        self.values, self.dtype = values, f"torch.{values.dtype}"

    def detach(self):
        return self

    def cpu(self):
        return self

    def numpy(self):
        return self.values


class HalfTensor(Tensor):
    """One of bfloat16, which NumPy does not have."""

    def __init__(self, values):
        super().__init__(values)
        self.dtype = "torch.bfloat16"

    def numpy(self):
        raise TypeError("Got unsupported ScalarType BFloat16")

    def float(self):
        return Tensor(self.values)


class Layer:
    def __init__(self, rpu_config=None):
        self.rpu_config = rpu_config


class Config:
    def __init__(self, values):
        self.values = values

    def to_dict(self):
        return self.values


class Module:
    def __init__(self, state, *layers):
        self.state, self.layers, self.config = state, layers, Config(json.loads((MODEL / "config.json").read_text(encoding="utf-8")))

    def state_dict(self):
        return self.state

    def modules(self):
        return [self, *self.layers]


def setUpModule():
    subprocess.run([sys.executable, ROOT / "scripts/make_random_model.py", "--family", "llama", "--hidden-size", "64", "--intermediate-size", "96", "--layers", "2",
                    "--heads", "4", "--kv-heads", "2", "--vocab-size", "256", "--out", MODEL], check=True, stdout=subprocess.DEVNULL)


def logits(model):
    """Bits of a model in floating point and on a chip."""
    tokens = [1, 7, 200, 31]
    chip = crossweave.Chip(crossweave.compile(model, ranges="fixed:3"), seed=3, noise="pcm-afm")
    return crossweave.Reference(model).logits(tokens), chip.logits(tokens)


class Weights(unittest.TestCase):
    def test_arrays_have_the_values_of_the_file(self):
        header = json.dumps({"half": {"dtype": "BF16", "shape": [2], "data_offsets": [0, 4]}, "whole": {"dtype": "I8", "shape": [2, 1], "data_offsets": [4, 6]},
                             "one": {"dtype": "F32", "shape": [], "data_offsets": [6, 10]}}).encode()
        (FOLDER / "by-hand.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + bytes([0xC0, 0x3F, 0x00, 0xC0, 5, 0xFF]) + struct.pack("<f", 0.1))
        state = crossweave.load_state(FOLDER / "by-hand.safetensors")
        self.assertEqual(state["half"].tolist(), [1.5, -2.0])
        self.assertEqual(state["whole"].tolist(), [[5], [-1]])
        self.assertEqual((state["one"].shape, state["one"].item()), ((), numpy.float32(0.1)))
        for wrong in (b"", b"GGUF0000000000", struct.pack("<Q", 2) + b"[]"):
            (FOLDER / "wrong.safetensors").write_bytes(wrong)
            with self.assertRaisesRegex(crossweave.InputError, "wrong.safetensors: expected a safetensors file"):
                crossweave.load_state(FOLDER / "wrong.safetensors")
        with self.assertRaisesRegex(crossweave.InputError, "found none"):
            crossweave.load_state(ROOT / "docs")

    def test_a_checkpoint_of_arrays_and_one_of_tensors_are_the_model(self):
        state = crossweave.load_state(MODEL)
        config = json.loads((MODEL / "config.json").read_text(encoding="utf-8"))
        expected = logits(MODEL)
        for number, values in enumerate((state, {name: Tensor(value) for name, value in state.items()}, {name: HalfTensor(value) for name, value in state.items()})):
            again = crossweave.save_state(values, FOLDER / f"again-{number}", config)
            for found, wanted in zip(logits(again), expected, strict=True):
                numpy.testing.assert_array_equal(found, wanted)
        state[f"{LINEAR}.weight"] = -state[f"{LINEAR}.weight"]
        other = logits(crossweave.save_state(state, FOLDER / "other", config))
        self.assertFalse(numpy.array_equal(other[0], expected[0]))
        with self.assertRaisesRegex(crossweave.InputError, "odd: expected numbers of one of"):
            crossweave.save_state({"odd": numpy.array([1j])}, FOLDER / "odd", config)

    def test_a_module_is_compiled_as_its_checkpoint_is(self):
        state = crossweave.load_state(MODEL)
        tokens = [1, 7, 200, 31]
        program = crossweave.compile(Module({name: Tensor(value) for name, value in state.items()}), ranges="fixed:3")
        numpy.testing.assert_array_equal(crossweave.Chip(program, seed=3, noise="pcm-afm").logits(tokens), logits(MODEL)[1])

    def test_an_analog_module_brings_its_hardware(self):
        state = {name: Tensor(value) for name, value in crossweave.load_state(MODEL).items()}
        names = [name.removesuffix(".weight") for name, tensor in state.items() if tensor.values.ndim == 2 and "embed" not in name]
        state |= {f"{name}.input_range": Tensor(numpy.array([3.25], numpy.float32)) for name in names}
        program = crossweave.compile(Module(state, Layer(), Layer(Configuration()), Layer(Configuration())))
        for matrix in program.info.matrices:
            self.assertEqual((matrix["lambda"], {part["beta"] for part in matrix["input_ranges"]}), (9.5, {3.25}), matrix["name"])
        with self.assertRaisesRegex(crossweave.InputError, "one rpu_config for all layers"):
            crossweave.compile(Module(state, Layer(Configuration()), Layer(Configuration(forward=Forward(out_bound=8)))))

    def test_a_configuration_is_written_as_the_script_writes_it(self):
        source = crossweave.save_state(crossweave.load_state(MODEL), FOLDER / "pickled", json.loads((MODEL / "config.json").read_text(encoding="utf-8")))
        (source / "rpu_config").write_bytes(pickle.dumps(Configuration()))
        subprocess.run([sys.executable, ROOT / "scripts/convert_lightning.py", source, FOLDER / "converted"], check=True, stdout=subprocess.DEVNULL)
        here = crossweave.save_model(Module(crossweave.load_state(MODEL), Layer(Configuration())), FOLDER / "here")
        self.assertEqual(json.loads((here / "rpu_config.json").read_text(encoding="utf-8")),
                         json.loads((FOLDER / "converted/rpu_config.json").read_text(encoding="utf-8")))


if __name__ == "__main__":
    unittest.main()
