# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""Long calls of the Python package: Ctrl-C ends them, other threads run beside them."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import unittest

import crossweave
from support import FOLDER, MODEL, TEXT, command

LONG = 4000  # tokens of text: some seconds


def setUpModule():
    command("compile", MODEL, "-o", FOLDER / "model.xwp")


def interrupted_after(seconds):
    """Sends this process SIGINT, as a terminal does, while the main thread is in a long call."""
    timer = threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    return timer


class Interrupts(unittest.TestCase):
    def setUp(self):
        self.chip = crossweave.Chip(FOLDER / "model.xwp", noise="pcm-afm", threads=1)

    def test_ctrl_c_raises_keyboard_interrupt_and_the_chip_goes_on(self):
        before = self.chip.generate("Tom", 6).text
        started = time.monotonic()
        timer = interrupted_after(0.3)
        with self.assertRaises(KeyboardInterrupt):
            while True:
                self.chip.evaluate(text_file=TEXT)
        timer.join()
        self.assertLess(time.monotonic() - started, 60)
        self.assertEqual(self.chip.generate("Tom", 6).text, before)
        self.assertIs(signal.getsignal(signal.SIGINT), signal.default_int_handler)

    def test_a_handler_of_ones_own_is_asked(self):
        class Stopped(Exception):
            pass

        def stop(*_):
            raise Stopped
        before = signal.signal(signal.SIGINT, stop)
        try:
            timer = interrupted_after(0.3)
            with self.assertRaises(Stopped):
                while True:
                    self.chip.evaluate(text_file=TEXT)
            timer.join()
        finally:
            signal.signal(signal.SIGINT, before)

    def test_what_was_measured_is_kept_and_the_same_call_goes_on(self):
        kept = FOLDER / "interrupted.json"
        script = ("import crossweave, sys\n"
                  f"chip = crossweave.Chip({str(FOLDER / 'model.xwp')!r}, noise='pcm-afm', threads=1)\n"
                  "try:\n"
                  f"    print(chip.evaluate(text_file={str(TEXT)!r}, context=64, chip_seeds=3, json=sys.argv[1]).perplexity.values)\n"
                  "except KeyboardInterrupt:\n"
                  "    print('interrupted')\n")
        process = subprocess.Popen([sys.executable, "-B", "-c", script, kept], stdout=subprocess.PIPE, text=True)
        limit = time.monotonic() + 100
        while not kept.exists() and time.monotonic() < limit:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.communicate(timeout=100)[0], "interrupted\n")
        self.assertEqual(process.returncode, 0)
        document = json.loads(kept.read_text(encoding="utf-8"))
        self.assertFalse(document["complete"])
        measured = document.get("unfinished") or document["runs"][0]
        self.assertGreater(len(measured["perplexity"].get("per_window", measured["perplexity"])["tokens"]), 0)
        resumed = subprocess.run([sys.executable, "-B", "-c", script, kept], capture_output=True, text=True, check=True).stdout
        whole = subprocess.run([sys.executable, "-B", "-c", script, FOLDER / "whole.json"], capture_output=True, text=True, check=True).stdout
        self.assertEqual(resumed, whole)


class Threads(unittest.TestCase):
    def setUp(self):
        self.chip = crossweave.Chip(FOLDER / "model.xwp", noise="pcm-afm", threads=1)

    def test_other_threads_run_beside_a_long_call(self):
        ticks = []
        done = threading.Event()

        def count():
            while not done.wait(0.01):
                ticks.append(time.monotonic())
        thread = threading.Thread(target=count)
        thread.start()
        begin = time.monotonic()
        self.chip.evaluate(text_file=TEXT, tokens=LONG)
        end = time.monotonic()
        done.set()
        thread.join()
        inside = [tick for tick in ticks if begin < tick < end]
        self.assertGreater(len(inside), 3, f"a call of {end - begin:.2f} s held the interpreter")

    def test_calls_of_several_threads_come_one_after_the_other(self):
        expected = [self.chip.generate(prompt, 8).text for prompt in ("Tom", "The sun", "A dog")]
        found = [None] * 3

        def ask(index, prompt):
            found[index] = self.chip.generate(prompt, 8).text
        threads = [threading.Thread(target=ask, args=pair) for pair in enumerate(("Tom", "The sun", "A dog"))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(found, expected)

    def test_a_call_out_of_a_call_is_refused(self):
        with self.assertRaisesRegex(crossweave.InputError, "in use by the call"):
            self.chip.generate("Tom", 4, on_text=lambda _: self.chip.generate("Tom", 1))


if __name__ == "__main__":
    unittest.main()
