#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""What can happen to a host with an emulated Alveo card: the same results as without, and faults that end in time.

  xrt_emulation.py --build build/dev [--tries 50] [--seed N]
"""

import argparse
import json
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SHARED = pathlib.Path(os.environ.get("XW_SHARED", ROOT.parent / "shared"))
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "scripts"))

import check_docs  # noqa: E402

COUNTERS = ("y_crc32", "mvms", "macs", "adc_conversions", "adc_saturations")
LONGEST = 10  # seconds that anything may take to end
OPTIONS = None


def sessions():
    return set(pathlib.Path("/tmp").glob("xw-xrt-*"))


def descendants(pid):
    """Processes below one, by /proc."""
    parents = {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except (OSError, IndexError):
                continue
    found, frontier = [], [pid]
    while frontier:
        frontier = [p for p, parent in parents.items() if parent in frontier]
        found += frontier
    return found


def card_of(launcher):
    for pid in descendants(launcher):
        try:
            if pathlib.Path(f"/proc/{pid}/comm").read_text().startswith("crossweave_xrt_"):
                return pid
        except OSError:
            continue
    return None


class Xrt(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="xrt-faults-")
        cls.crossweave = str(OPTIONS.build / "host/app/crossweave")
        cls.launcher = str(OPTIONS.build / "host/backends/xrt/emulation/xrt_emulation")
        cls.model = pathlib.Path(cls.folder.name) / "model"
        cls.model.mkdir()
        check_docs.write_model(cls.model)
        cls.program = str(pathlib.Path(cls.folder.name) / "model.xwp")
        subprocess.run([cls.crossweave, "compile", str(cls.model), "--chip", "tiny-64", "--emulator", "tiny-64", "--ranges", "fixed:4", "--lambda", "12", "-o", cls.program],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        cls.random = random.Random(OPTIONS.seed)
        print(f"seed {OPTIONS.seed}", file=sys.stderr)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def setUp(self):
        self.before = sessions()

    def tearDown(self):
        # Sessions of other tests on this machine go away by themselves; what was left stays.
        left, deadline = sessions() - self.before, time.monotonic() + 60
        while left and time.monotonic() < deadline:
            time.sleep(0.1)
            left &= sessions()
        self.assertEqual(left, set(), "left in /tmp")

    def host(self, device, tokens=6):
        return [self.crossweave, "run", self.program, "-p", "abcd", "-n", str(tokens), "--noise", "pcm-afm", "--y-checksum", "--json",
                "--ignore-eos", "--threads", "1", "--device", device]

    def start(self, *options, device="xrt", tokens=6):
        return subprocess.Popen([self.launcher, "--emulator", "tiny-64", *options, *self.host(device, tokens)],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL)

    def ends(self, process, seconds=LONGEST):
        try:
            return process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            for pid in [*descendants(process.pid), process.pid]:
                os.kill(pid, signal.SIGKILL)
            process.communicate()
            self.fail(f"did not end within {seconds} s")

    @staticmethod
    def counters(text):
        run = json.loads(text)
        return run["text"], run["tokens"], {key: run["device"][key] for key in COUNTERS}

    def good_run(self):
        process = self.start()
        out, err = self.ends(process, 60)
        self.assertEqual(process.returncode, 0, err)
        return self.counters(out)

    def test_counters_are_those_of_the_functional_device(self):
        expected = subprocess.run(self.host("functional"), check=True, capture_output=True, text=True).stdout
        self.assertEqual(self.good_run(), self.counters(expected))
        out, err = self.ends(process := self.start(device="xrt:start=queue"), 60)
        self.assertEqual(process.returncode, 0, err)
        self.assertEqual(self.counters(out), self.counters(expected))

    def test_a_run_waits_for_two_answers(self):
        environment = {**os.environ, "XW_XRT_CARD_COUNTS": "1"}
        command = [self.launcher, "--emulator", "tiny-64", *self.host("xrt", 50)]
        run = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment, check=True)
        calls = {int(call): int(count) for call, count in re.findall(r"call (\d+): (\d+)", run.stderr)}
        memory_writes, memory_reads, register_reads = calls[6], calls[7], calls[11]
        runs = memory_writes / 2  # x and the record, beside the images
        self.assertGreater(runs, 300)
        self.assertLess(memory_reads, 1.1 * runs, calls)
        self.assertLess(register_reads, 1.1 * runs, calls)
        self.assertNotIn(19, calls)

    def compile(self, checkpoint, emulator, *options):
        program = str(pathlib.Path(self.folder.name) / "real.xwp")
        subprocess.run([self.crossweave, "compile", str(checkpoint), "--emulator", emulator, *options, "-o", program], check=True,
                       capture_output=True)
        return program

    def compare(self, program, emulator, kinds, prompt, tokens, devices=()):
        """The same text, tokens, words and counters on emulated cards and other devices as on the functional device; returns cycles."""
        command = [self.crossweave, "run", program, "-p", prompt, "-n", str(tokens), "--ignore-eos", "--noise", "pcm-afm", "--chip-seed", "7",
                   "--read-sigma", "0.02", "--y-checksum", "--json", "--threads", "1", "--device"]
        expected = self.counters(subprocess.run([*command, "functional"], check=True, capture_output=True, text=True).stdout)
        cycles = {}
        runs = {device: [*command, device] for device in devices}
        runs.update({f"xrt {kind}": [self.launcher, "--emulator", emulator, "--kind", kind, *command, "xrt"] for kind in kinds})
        for name, run in runs.items():
            with self.subTest(device=name):
                process = subprocess.Popen(run, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
                out, err = self.ends(process, 400)
                if process.returncode != 0 and "without SystemC" in err:
                    continue
                self.assertEqual(process.returncode, 0, err)
                self.assertEqual(self.counters(out), expected)
                cycles[name] = json.loads(out)["device"]["cycles"]
        return cycles

    def kinds(self):
        """Of cards that this build has kernels for."""
        process = self.start("--kind", "verilated", tokens=1)
        _, err = self.ends(process, 60)
        if process.returncode == 0:
            return ["functional", "verilated"]
        self.assertIn("no Verilated kernel", err)
        return ["functional"]

    def test_stories260k_is_the_same_on_emulated_cards_and_every_other_device(self):
        checkpoint = SHARED / "data/weights/stories260K/stories260K.bin"
        program = self.compile(checkpoint if checkpoint.exists() else self.model, "tiny-64", "--chip", "tiny-64", *([] if checkpoint.exists() else ["--ranges", "fixed:4"]))
        devices = ["systemc", "verilated"] if len(self.kinds()) > 1 else ["systemc"]
        cycles = self.compare(program, "tiny-64", self.kinds(), "Once upon a time", 50, devices)
        if "verilated" in devices:
            self.assertGreater(cycles["verilated"], 0)
            self.assertEqual(cycles["xrt verilated"], cycles["verilated"])

    def test_smollm2_is_the_same_on_emulated_cards(self):
        checkpoint = ROOT / ".cache/models/SmolLM2-135M-Instruct.Q4_1.gguf"
        if not checkpoint.exists():
            self.skipTest("scripts/fetch_model.sh smollm2-135m gets the model")
        program = self.compile(checkpoint, "alveo-u55c")
        sixteen = "The capital of France is Paris. The capital of Germany is Berlin. The capital"
        self.compare(program, "alveo-u55c", ["functional"], sixteen, 4)
        self.compare(program, "alveo-u55c", [kind for kind in self.kinds() if kind != "functional"], "The capital of France", 2)

    def test_a_card_that_dies_at_any_time_ends_the_host_with_an_error(self):
        killed = 0
        for attempt in range(OPTIONS.tries):
            with self.subTest(attempt=attempt):
                process = self.start(tokens=2000)
                card = None
                until = time.monotonic() + LONGEST
                while card is None and process.poll() is None and time.monotonic() < until:
                    card = card_of(process.pid)
                time.sleep(self.random.uniform(0, 0.3))
                self.assertIsNotNone(card, "no card was started")
                os.kill(card, signal.SIGKILL)
                start = time.monotonic()
                _, err = self.ends(process)
                self.assertLess(time.monotonic() - start, LONGEST)
                self.assertNotEqual(process.returncode, 0)
                self.assertIn("device xrt", err)
                killed += 1
        self.assertEqual(killed, OPTIONS.tries)
        self.good_run()

    def test_interrupts_end_the_host_at_any_time(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            for delay in (0.0, 0.002, 0.005, 0.01, 0.02, 0.2, 0.6):
                with self.subTest(signal=number, delay=delay):
                    process = self.start("--hang-after", "300", tokens=100000)  # never ends by itself
                    time.sleep(delay)
                    process.send_signal(number)
                    self.ends(process)
                    self.assertNotEqual(process.returncode, 0)
        self.good_run()

    def test_a_run_that_never_ends_is_given_up(self):
        process = self.start("--hang-after", "7", device="xrt:timeout=0.5")
        _, err = self.ends(process)
        self.assertEqual(process.returncode, 5, err)
        self.assertIn("did not end the run within 0.5", err)
        self.good_run()

    def test_two_hosts_at_once_do_not_disturb_each_other(self):
        expected = self.good_run()
        both = [self.start(), self.start()]
        for process in both:
            out, err = self.ends(process, 60)
            self.assertEqual(process.returncode, 0, err)
            self.assertEqual(self.counters(out), expected)

    def test_another_emulator_is_named(self):
        process = self.start("--emulator", "alveo-u55c")
        _, err = self.ends(process)
        self.assertEqual(process.returncode, 3, err)
        self.assertIn("is not emulator tiny-64: num_engines: expected 1, found 4", err)

    def test_a_card_of_another_contract_is_named(self):
        contract = "00112233445566778899aabbccddeeff"
        process = self.start("--contract", contract)
        _, err = self.ends(process)
        self.assertEqual(process.returncode, 3, err)
        self.assertRegex(err, f"was built from contract {contract}, this crossweave from [0-9a-f]{{32}}: build the xclbin again")
        self.good_run()

    def test_a_corrupt_xclbin_is_refused_and_the_next_run_works(self):
        folder = pathlib.Path(self.folder.name)
        good = folder / "good.xclbin"
        process = subprocess.Popen([self.launcher, "--emulator", "tiny-64", "sh", "-c", f'cp "$XW_XCLBIN" {good}'], text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
        self.ends(process)
        data = good.read_bytes()
        broken = {"cut": data[:self.random.randrange(len(data))], "long": data + b"x", "empty": b""}
        for number in range(4):
            flipped = bytearray(data)
            flipped[self.random.randrange(len(data))] ^= 1 << self.random.randrange(8)
            broken[f"flipped{number}"] = bytes(flipped)
        for name, content in broken.items():
            with self.subTest(name):
                (folder / f"{name}.xclbin").write_bytes(content)
                process = self.start(device=f"xrt:xclbin={folder / name}.xclbin", tokens=1)
                _, err = self.ends(process)
                self.assertEqual(process.returncode, 3, err)
                self.assertIn(f"{name}.xclbin: ", err)
        process = self.start(device=f"xrt:xclbin={good}", tokens=1)
        _, err = self.ends(process)
        self.assertEqual(process.returncode, 0, err)

    def test_an_emulated_card_says_that_nothing_is_measured(self):
        process = self.start(tokens=1)
        out, err = self.ends(process, 60)
        self.assertEqual(process.returncode, 0, err)
        self.assertEqual(json.loads(out)["device"]["card"], {"name": "card 0 (crossweave_emulated_functional_1_0)", "kind": "emulated"})

    def test_nothing_is_left_beside_the_program(self):
        self.good_run()
        self.assertFalse((OPTIONS.build / "host/app/emulation_debug.log").exists())

    def test_without_an_xclbin_or_a_card_the_error_says_so(self):
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("X", "LD_"))}
        run = subprocess.run(self.host("xrt"), capture_output=True, text=True, timeout=LONGEST, env=environment)
        self.assertEqual(run.returncode, 2)
        self.assertIn("which xclbin?", run.stderr)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, required=True, help="build folder with crossweave and xrt_emulation")
    parser.add_argument("--tries", type=int, default=10, help="how often the card is killed")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="of the times at which it is killed")
    OPTIONS, rest = parser.parse_known_args()
    # Started in the background of a shell it is ignored, and programs inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    unittest.main(argv=[sys.argv[0], *rest])
