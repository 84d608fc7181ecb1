# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""convert_lightning: configurations become JSON without running what a pickle asks for; weights keep names and values."""

import collections
import dataclasses
import enum
import importlib.util
import io
import json
import os
import pathlib
import pickle
import struct
import sys
import tempfile
import types
import unittest
import unittest.mock
import zipfile

SCRIPT = pathlib.Path(__file__).resolve().parents[3] / "scripts" / "convert_lightning.py"
spec = importlib.util.spec_from_file_location("convert_lightning", SCRIPT)
convert_lightning = importlib.util.module_from_spec(spec)
spec.loader.exec_module(convert_lightning)


class Kind(enum.Enum):
    ADD_NORMAL = "AddNormal"


@dataclasses.dataclass
class Modifier:
    std_dev: float = 0.0
    kind: Kind = Kind.ADD_NORMAL


@dataclasses.dataclass
class Config:
    modifier: Modifier
    sizes: list
    limit: float = float("inf")
    extra: object = None


class Evil:
    def __reduce__(self):
        return os.system, ("touch " + EVIL_FILE,)


EVIL_FILE = os.path.join(tempfile.gettempdir(), f"xw_convert_lightning_{os.getpid()}")


class FloatStorage:
    """Stands for torch's class of this name when a pickle is written."""


class HalfStorage:
    pass


class ComplexFloatStorage:
    pass


for storage_class in (FloatStorage, HalfStorage, ComplexFloatStorage):
    storage_class.__module__ = "torch"
ELEMENT_SIZES = {FloatStorage: 4, HalfStorage: 2, ComplexFloatStorage: 8}


def _rebuild_tensor_v2(*_):
    raise AssertionError("the converter must not call what a pickle names")


def _rebuild_parameter(*_):
    raise AssertionError("the converter must not call what a pickle names")


_rebuild_tensor_v2.__module__ = _rebuild_parameter.__module__ = "torch._utils"


class Storage:
    def __init__(self, kind, key, data):
        self.kind, self.key, self.data = kind, key, data


class FakeTensor:
    """A tensor as torch.save pickles it."""

    def __init__(self, storage, size, stride, offset=0):
        self.arguments = (storage, offset, size, stride, False, collections.OrderedDict())

    def __reduce__(self):
        return _rebuild_tensor_v2, self.arguments


class FakeParameter:
    def __init__(self, tensor):
        self.tensor = tensor

    def __reduce__(self):
        return _rebuild_parameter, (self.tensor, True, collections.OrderedDict())


class StatePickler(pickle.Pickler):
    def persistent_id(self, value):
        if not isinstance(value, Storage):
            return None
        return ("storage", value.kind, value.key, "cpu", len(value.data) // ELEMENT_SIZES[value.kind])


def save_state(path, state, storages, byte_order=b"little"):
    """What torch.save(state, path) writes, without torch."""
    modules = {"torch": types.SimpleNamespace(FloatStorage=FloatStorage, HalfStorage=HalfStorage,
                                              ComplexFloatStorage=ComplexFloatStorage),
               "torch._utils": types.SimpleNamespace(_rebuild_tensor_v2=_rebuild_tensor_v2,
                                                     _rebuild_parameter=_rebuild_parameter)}
    data = io.BytesIO()
    with unittest.mock.patch.dict(sys.modules, modules):
        StatePickler(data, protocol=2).dump(state)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", data.getvalue())
        archive.writestr("archive/byteorder", byte_order)
        for storage in storages:
            archive.writestr(f"archive/data/{storage.key}", storage.data)


def floats(*values):
    return struct.pack(f"<{len(values)}f", *values)


def read_safetensors(path):
    data = path.read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + length])
    header.pop("__metadata__")
    return {name: (entry["dtype"], entry["shape"], data[8 + length:][slice(*entry["data_offsets"])])
            for name, entry in header.items()}


class ClipKind(enum.Enum):
    LAYER_GAUSSIAN = "LayerGaussian"


class NamedKind:
    def __reduce__(self):
        return getattr, (ClipKind, "LAYER_GAUSSIAN")


class ReadRpuConfig(unittest.TestCase):
    def read(self, value, protocol):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "rpu_config"
            path.write_bytes(pickle.dumps(value, protocol=protocol))
            return convert_lightning.read_rpu_config(path)

    def test_fields_enums_and_lists_of_every_protocol(self):
        config = Config(Modifier(0.02), [512, 512], extra=collections.OrderedDict(a=1))
        for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
            result = self.read(config, protocol)
            self.assertEqual(json.loads(json.dumps(result)), result)
            self.assertTrue(result["class"].endswith("Config"))
            fields = result["fields"]
            self.assertEqual(fields["sizes"], [512, 512])
            self.assertEqual(fields["limit"], "inf")
            self.assertEqual(fields["modifier"]["fields"]["std_dev"], 0.02)
            self.assertEqual(fields["modifier"]["fields"]["kind"]["arguments"], ["AddNormal"])
            self.assertEqual(fields["extra"]["items"], [["a", 1]])

    def test_enumerators_by_name_are_those_by_value(self):
        # Python 3.11.0 to 3.11.3 pickle an enumerator as getattr(class, name).
        for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
            by_name, by_value = self.read([NamedKind(), ClipKind.LAYER_GAUSSIAN], protocol)
            self.assertEqual(by_name["arguments"], ["LayerGaussian"])
            self.assertTrue(by_name["class"].endswith("ClipKind"))
            self.assertEqual(by_value["arguments"], ["LayerGaussian"])

    def test_nothing_of_the_pickle_runs(self):
        result = self.read(Evil(), 4)
        self.assertTrue(result["class"].endswith("system"))
        self.assertFalse(os.path.exists(EVIL_FILE))


class Convert(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.source, self.out = pathlib.Path(folder.name) / "source", pathlib.Path(folder.name) / "out"
        self.source.mkdir()
        (self.source / "config.json").write_text("{}")

    def convert(self, source=None):
        return convert_lightning.convert(source or self.source, self.out)

    def expect_exit(self, text, source=None):
        with self.assertRaises(SystemExit) as caught:
            self.convert(source)
        self.assertIn(text, str(caught.exception))

    def state(self, name="a.weight"):
        storage = Storage(FloatStorage, "0", floats(1, 2, 3, 4, 5, 6))
        return {name: FakeTensor(storage, (2, 3), (3, 1))}, [storage]

    def test_shards_are_merged_and_values_kept(self):
        half = Storage(HalfStorage, "0", b"abcdefgh")
        scalar = Storage(FloatStorage, "7", floats(2.5))
        save_state(self.source / "pytorch_model-00001-of-00002.bin", {"a.weight": FakeTensor(half, (2, 2), (2, 1))}, [half])
        save_state(self.source / "pytorch_model-00002-of-00002.bin",
                   {"a.input_range": FakeParameter(FakeTensor(scalar, (1,), (1,)))}, [scalar])
        (self.source / "pytorch_model.bin.index.json").write_text("{}")
        self.assertEqual(self.convert(), (2, False))
        self.assertEqual(sorted(file.name for file in self.out.iterdir()), ["config.json", "model.safetensors"])
        self.assertEqual(read_safetensors(self.out / "model.safetensors"),
                         {"a.weight": ("F16", [2, 2], b"abcdefgh"), "a.input_range": ("F32", [1], floats(2.5))})

    def test_views_of_storages_are_read_as_torch_sees_them(self):
        storage = Storage(FloatStorage, "0", floats(0, 1, 2, 3, 4, 5, 6))
        save_state(self.source / "model.pt",
                   {"rows": FakeTensor(storage, (2, 3), (3, 1), 1), "transposed": FakeTensor(storage, (3, 2), (1, 3), 1),
                    "step": FakeTensor(storage, (3,), (2,)), "repeated": FakeTensor(storage, (2, 2), (0, 1)),
                    "number": FakeTensor(storage, (), (), 4), "empty": FakeTensor(storage, (0, 3), (3, 1)),
                    "row": FakeTensor(storage, (1, 3), (99, 1), 2)}, [storage])
        self.convert(self.source / "model.pt")
        values = {name: (shape, list(struct.unpack(f"<{len(data) // 4}f", data)))
                  for name, (_, shape, data) in read_safetensors(self.out / "model.safetensors").items()}
        self.assertEqual(values, {"rows": ([2, 3], [1, 2, 3, 4, 5, 6]), "transposed": ([3, 2], [1, 4, 2, 5, 3, 6]),
                                  "step": ([3], [0, 2, 4]), "repeated": ([2, 2], [0, 1, 0, 1]), "number": ([], [4]),
                                  "empty": ([0, 3], []), "row": ([1, 3], [2, 3, 4])})

    def test_a_state_dictionary_with_its_modules_metadata_converts(self):
        tensors, storages = self.state()
        state = collections.OrderedDict(tensors)
        state._metadata = collections.OrderedDict({"": {"version": 1}, "model": {"rpu_config": Config(Modifier(0.02), [])},
                                                   "lm_head": {"rpu_config": Config(Modifier(0.02), [])}})
        save_state(self.source / "pytorch_model.bin", state, storages)
        self.assertEqual(self.convert(), (1, True))
        config = json.loads((self.out / "rpu_config.json").read_text())
        self.assertEqual(config["fields"]["modifier"]["fields"]["std_dev"], 0.02)
        state._metadata["lm_head"] = {"rpu_config": Config(Modifier(0.03), [])}
        save_state(self.source / "pytorch_model.bin", state, storages)
        self.expect_exit("expected one rpu_config for all layers, found different ones for model, lm_head")

    def test_the_configuration_file_wins_in_either_pickled_form(self):
        tensors, storages = self.state()
        state = collections.OrderedDict(tensors)
        state._metadata = {"model": {"rpu_config": Config(Modifier(0.02), [])}}
        save_state(self.source / "pytorch_model.bin", state, storages)
        (self.source / "rpu_config").write_bytes(pickle.dumps(Config(Modifier(0.5), [])))
        self.convert()
        plain = (self.out / "rpu_config.json").read_text()
        self.assertEqual(json.loads(plain)["fields"]["modifier"]["fields"]["std_dev"], 0.5)
        with zipfile.ZipFile(self.source / "rpu_config", "w") as archive:  # torch.save(rpu_config)
            archive.writestr("archive/data.pkl", pickle.dumps(Config(Modifier(0.5), [])))
        self.convert()
        self.assertEqual((self.out / "rpu_config.json").read_text(), plain)

    def test_a_wrapped_state_dictionary_and_nothing_of_it_runs(self):
        tensors, storages = self.state()
        save_state(self.source / "last.pth", {"epoch": 3, "extra": Evil(), "state_dict": tensors}, storages)
        self.assertEqual(self.convert(), (1, False))
        self.assertFalse(os.path.exists(EVIL_FILE))

    def test_safetensors_are_copied_and_get_their_configuration(self):
        (self.source / "model.safetensors").write_bytes(b"weights")
        (self.source / "model.safetensors.index.json").write_text("{}")
        (self.source / "rpu_config").write_bytes(pickle.dumps(Config(Modifier(0.5), [])))
        self.assertEqual(self.convert(), (0, True))
        self.assertEqual(sorted(file.name for file in self.out.iterdir()),
                         ["config.json", "model.safetensors", "model.safetensors.index.json", "rpu_config.json"])

    def test_what_cannot_be_converted_is_named(self):
        self.expect_exit("expected pytorch_model*.bin, a file of torch.save, or *.safetensors, found none")
        tensors, storages = self.state()
        path = self.source / "pytorch_model.bin"
        path.write_bytes(b"\x80\x02}q\x00.")
        self.expect_exit("expected the archive that torch.save writes since PyTorch 1.6")
        save_state(path, tensors, storages, byte_order=b"big")
        self.expect_exit("expected little-endian storages, found big")
        save_state(path, {"a": 3}, [])
        self.expect_exit("expected tensors by name, found 'a': int")
        save_state(path, [1], [])
        self.expect_exit("expected a dictionary of tensors, found list")
        complex_storage = Storage(ComplexFloatStorage, "0", bytes(8))
        save_state(path, {"a": FakeTensor(complex_storage, (1,), (1,))}, [complex_storage])
        self.expect_exit("found element type ComplexFloatStorage; supported: DoubleStorage, FloatStorage")
        short = Storage(FloatStorage, "0", floats(1, 2))
        save_state(path, {"a": FakeTensor(short, (3,), (1,))}, [short])
        self.expect_exit("a: expected elements up to 2 in storage 0, found 2")
        save_state(path, tensors, storages)
        save_state(self.source / "pytorch_model_2.bin", tensors, storages)
        self.expect_exit("a.weight: expected each tensor in one file, found it in two")


if __name__ == "__main__":
    unittest.main()
