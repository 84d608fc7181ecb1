# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""scripts/waveforms.py: test_waveforms.py [BUILD]

With a build folder, which is made if it is missing, also the waveforms of an emulator that no build has by itself."""

import contextlib
import io
import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "scripts"))
import rtl_parameters  # noqa: E402
import waveforms  # noqa: E402

BUILD = pathlib.Path(sys.argv.pop(1)) if len(sys.argv) > 1 and not sys.argv[1].startswith("-") else None
MODEL = ROOT / "models/default/stories-2m.gguf"
MINE = {"name": '"mine-3"', "num_engines": 3, "lanes": 16, "block_rows": 256, "block_cols": 256, "contexts": 2, "xbuf_bytes": 8192, "ybuf_words": 4096,
        "max_batch": 4, "adc_columns_per_cycle": 4, "data_width_bits": 128, "max_outstanding": 8, "clock_mhz": 200.0, "memory_latency_cycles": 20,
        "memory_bytes_per_cycle": 16.0, "memory_bytes": 268435456, "doc": '"Three engines"'}


def lz4(data, size):
    """What a raw block of LZ4 holds."""
    out, at = bytearray(), 0

    def more(count):
        nonlocal at
        byte = 255 if count == 15 else 0
        while byte == 255:
            byte, at = data[at], at + 1
            count += byte
        return count
    while len(out) < size:
        token, at = data[at], at + 1
        literals = more(token >> 4)
        out += data[at:at + literals]
        at += literals
        if len(out) < size:
            back, at = struct.unpack_from("<H", data, at)[0], at + 2
            for _ in range(more(token & 15) + 4):
                out.append(out[-back])
    return bytes(out)


def read_fst(path):
    """First and last time, and the names of scopes and signals."""
    data, at, found = path.read_bytes(), 0, {}
    while at < len(data):
        kind, length = data[at], struct.unpack_from(">Q", data, at + 1)[0]
        if kind == 0:
            found["times"] = struct.unpack_from(">QQ", data, at + 9)
        if kind == 6:
            found["names"] = lz4(data[at + 17:at + 1 + length], struct.unpack_from(">Q", data, at + 9)[0])
        at += 1 + length
    return found


class Waveforms(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def description(self, file="mine.toml", **changes):
        path = pathlib.Path(self.folder.name) / file
        path.write_text("[emulator]\n" + "".join(f"{key} = {value}\n" for key, value in {**MINE, **changes}.items()), encoding="utf-8")
        return path

    def test_the_emulator_is_the_descriptions_own_or_the_one_it_names(self):
        mine = self.description()
        self.assertEqual(waveforms.emulator_of(mine), mine.resolve())
        self.assertEqual(waveforms.emulator_of(ROOT / "arch/chips/afm-512.toml"), ROOT / "arch/chips/alveo-u55c.toml")
        chip = mine.with_name("chip.toml")
        chip.write_text('[chip]\nemulator = "mine.toml"\n', encoding="utf-8")
        self.assertEqual(waveforms.emulator_of(chip), mine.resolve())

    def test_a_build_gets_it_beside_its_others(self):
        mine = self.description().resolve()
        others = ["tiny-64", "alveo-u55c"]
        self.assertEqual(waveforms.with_emulator([], [], mine), ([str(mine)], ["mine-3"]))
        self.assertEqual(waveforms.with_emulator(others, ["tiny-64"], mine), ([*others, str(mine)], ["tiny-64", "mine-3"]))
        self.assertEqual(waveforms.with_emulator([*others, str(mine)], ["mine-3"], mine), ([*others, str(mine)], ["mine-3"]))
        self.assertEqual(waveforms.with_emulator([], [], ROOT / "arch/chips/tiny-64.toml"), (["tiny-64"], ["tiny-64"]))
        same = self.description("clock.toml", name='"other-clock"', clock_mhz=300.0)  # of one shape: programs run on the first
        self.assertEqual(waveforms.with_emulator([str(mine)], [], same), ([str(mine)], ["mine-3"]))
        with self.assertRaisesRegex(rtl_parameters.ParameterError, "emulator.name: expected one that the build has not, found mine-3"):
            waveforms.with_emulator([str(mine)], [], self.description("wide.toml", num_engines=4))

    def test_lists_are_those_of_the_cache(self):
        cache = pathlib.Path(self.folder.name) / "CMakeCache.txt"
        self.assertEqual(waveforms.lists_of(cache), ([], []))
        cache.write_text("//doc\nXW_RTL_BUILDS:STRING=tiny-64;/a/b.toml\nXW_RTL_TRACE:STRING=\n", encoding="utf-8")
        self.assertEqual(waveforms.lists_of(cache), (["tiny-64", "/a/b.toml"], []))

    def test_what_the_rtl_cannot_be_is_told_before_anything_is_built(self):
        build = pathlib.Path(self.folder.name) / "build"
        for changes, message in (({"lanes": 17}, "emulator.lanes: the RTL expects 16, 32 or 64, found 17"), ({"num_engines": 9}, "emulator.num_engines: the RTL expects 1..8")):
            done = subprocess.run([sys.executable, "-B", ROOT / "scripts/waveforms.py", self.description(**changes), MODEL, "--build", build],
                                  capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn(message, done.stderr)
            self.assertFalse(build.exists())

    def test_what_stands_behind_the_dashes_is_for_run(self):
        options, words = waveforms.arguments(["a.toml", "m.gguf", "--to", "9", "--", "-p", "Hi", "--to", "3"])
        self.assertEqual((options.last, options.first, words), (9, None, ["-p", "Hi", "--to", "3"]))
        with contextlib.redirect_stderr(io.StringIO()), self.assertRaises(SystemExit):
            waveforms.arguments(["a.toml"])

    @unittest.skipIf(BUILD is None, "no build folder was named")
    def test_an_own_emulator_runs_with_the_words_of_the_functional_device(self):
        mine, output = self.description(BUILD.resolve().with_suffix(".toml")), pathlib.Path(self.folder.name) / "out.fst"  # the build remembers where it is
        words = ["-p", "Once upon a time", "-n", "2", "--noise", "pcm-afm", "--ids"]
        done = subprocess.run([sys.executable, "-B", ROOT / "scripts/waveforms.py", mine, MODEL, "-o", output, "--from", "20000", "--to", "24000", "--build", BUILD, "--", *words],
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr[-3000:])
        crossweave, program = BUILD / "host/app/crossweave", output.with_name("model.xwp")
        subprocess.run([crossweave, "compile", MODEL, "--chip", "afm-512", "--emulator", mine, "-o", program], check=True, capture_output=True)
        functional = subprocess.run([crossweave, "run", program, *words], check=True, capture_output=True, text=True)
        self.assertEqual(done.stdout, functional.stdout)
        found = read_fst(output)
        self.assertEqual(found["times"], (40000, 47999))  # two units of time per cycle
        for name in (b"g_engine[0]", b"g_engine[1]", b"g_engine[2]", b"u_mvm_control", b"m_axi_gmem_araddr"):
            self.assertIn(name, found["names"])
        self.assertNotIn(b"g_engine[3]", found["names"])


if __name__ == "__main__":
    unittest.main()
