# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""scripts/build_progress.py: what it makes of the lines of ninja."""

import io
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "scripts"))
import build_progress  # noqa: E402


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


class BuildProgress(unittest.TestCase):
    def follow(self, lines, terminal=False, interval=10):
        """Output for lines of (seconds, text)."""
        clock, out = Clock(), io.StringIO()
        progress = build_progress.Progress(out, terminal, interval, clock)
        for now, text in lines:
            clock.now = now
            progress.feed(text)
        progress.end()
        return out.getvalue()

    def test_time_left_is_that_of_the_steps_that_remain(self):
        self.assertEqual(build_progress.progress_line(30, 120, 60), "[ 30/120]  25 %, 1 min 00 s gone, about 3 min 00 s left")

    def test_the_first_steps_give_no_time_and_the_last_none_is_left(self):
        self.assertEqual(build_progress.progress_line(2, 120, 8), "[  2/120]   1 %, 8 s gone")
        self.assertEqual(build_progress.progress_line(120, 120, 240), "[120/120] 100 %, 4 min 00 s gone")

    def test_without_a_terminal_lines_come_at_intervals_and_at_both_ends(self):
        lines = [(second, f"[{second}/100] Building {second}.o") for second in range(1, 101)]
        shown = self.follow(lines, interval=25).splitlines()
        self.assertEqual([line.split("]")[0] for line in shown], ["[  1/100", "[ 26/100", "[ 51/100", "[ 76/100", "[100/100"])

    def test_what_comes_before_the_first_step_is_not_shown(self):
        self.assertEqual(self.follow([(0, "[0/2] Re-checking globbed directories..."), (5, "[1/90] Building")]),
                         "[ 1/90]   1 %, 5 s gone\n")

    def test_messages_of_the_compiler_pass(self):
        self.assertIn("a.cpp:3: error: no\n", self.follow([(1, "[1/9] Building"), (2, "a.cpp:3: error: no"), (3, "FAILED: a.o")]))

    def test_a_terminal_has_one_line_that_is_replaced(self):
        out = self.follow([(1, "[1/9] Building"), (2, "[2/9] Building"), (3, "warning: x"), (4, "[3/9] Building")], terminal=True)
        self.assertEqual(out.count("\r\x1b[K["), 3)
        self.assertIn("\r\x1b[Kwarning: x\n", out)
        self.assertTrue(out.endswith("left\n"))

    def test_nothing_to_do_is_told_as_ninja_says_it(self):
        self.assertEqual(self.follow([(0, "ninja: no work to do.")]), "ninja: no work to do.\n")


if __name__ == "__main__":
    unittest.main()
