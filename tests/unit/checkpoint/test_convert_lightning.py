# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""convert_lightning: configurations become JSON without running what a pickle asks for; weights keep names and values."""

import collections
import dataclasses
import enum
import importlib.util
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


class FakeTensor:
    """As much of a torch tensor as the converter uses."""

    def __init__(self, dtype, shape, data):
        self.dtype, self.shape, self.data = "torch." + dtype, shape, data

    def numel(self):
        count = 1
        for size in self.shape:
            count *= size
        return count

    def element_size(self):
        return len(self.data) // max(self.numel(), 1)

    def contiguous(self):
        return self

    def reshape(self, _):
        return self

    def view(self, _):
        return self

    def numpy(self):
        return self

    def tobytes(self):
        return self.data


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

    def test_nothing_of_the_pickle_runs(self):
        result = self.read(Evil(), 4)
        self.assertTrue(result["class"].endswith("system"))
        self.assertFalse(os.path.exists(EVIL_FILE))


class Convert(unittest.TestCase):
    def test_shards_are_merged_and_values_kept(self):
        shards = {"pytorch_model-00001-of-00002.bin": {"a.weight": FakeTensor("float16", (2, 2), b"abcdefgh")},
                  "pytorch_model-00002-of-00002.bin": {"a.input_range": FakeTensor("float32", (1,), b"wxyz")}}
        torch = types.SimpleNamespace(load=lambda file, map_location, weights_only: shards[file.name], uint8=None)
        with tempfile.TemporaryDirectory() as folder, unittest.mock.patch.dict(sys.modules, torch=torch):
            source, out = pathlib.Path(folder) / "source", pathlib.Path(folder) / "out"
            source.mkdir()
            for name in shards:
                (source / name).touch()
            (source / "config.json").write_text("{}")
            (source / "pytorch_model.bin.index.json").write_text("{}")
            self.assertEqual(convert_lightning.convert(source, out), 2)
            data = (out / "model.safetensors").read_bytes()
            self.assertEqual(sorted(file.name for file in out.iterdir()), ["config.json", "model.safetensors"])
        length = struct.unpack("<Q", data[:8])[0]
        header = json.loads(data[8:8 + length])
        self.assertEqual(header["a.weight"], {"dtype": "F16", "shape": [2, 2], "data_offsets": [0, 8]})
        self.assertEqual(header["a.input_range"], {"dtype": "F32", "shape": [1], "data_offsets": [8, 12]})
        self.assertEqual(data[8 + length:], b"abcdefghwxyz")


if __name__ == "__main__":
    unittest.main()
