#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""Reads what ninja prints and says how far the build is: steps done of all, time gone, time left.

  cmake --build BUILD 2>&1 | scripts/build_progress.py

On a terminal one line is kept up to date; elsewhere a line appears every INTERVAL seconds. Everything that is not a step of
ninja (messages of the compiler) is passed on. The time left assumes that what remains takes as long per step as what is done.
"""

import argparse
import re
import shutil
import sys
import time

STEP = re.compile(r"^\[(\d+)/(\d+)\] (.*)$")
MIN_STEPS = 3  # before that many steps are done, the time left would be a guess


def duration(seconds):
    """Whole seconds as "48 s" or "3 min 05 s"."""
    seconds = round(seconds)
    return f"{seconds} s" if seconds < 60 else f"{seconds // 60} min {seconds % 60:02d} s"


def progress_line(done, total, seconds):
    """ "[ 34/141]  24 %, 48 s gone, about 2 min 31 s left" """
    line = f"[{done:{len(str(total))}}/{total}] {100 * done // total:3} %, {duration(seconds)} gone"
    if MIN_STEPS <= done < total:
        line += f", about {duration(seconds / done * (total - done))} left"
    return line


class Progress:
    """Follows a build. `clock` gives seconds."""

    def __init__(self, out, terminal, interval, clock=time.monotonic):
        self.out = out
        self.terminal = terminal
        self.interval = interval
        self.clock = clock
        self.start = self.shown = clock()
        self.total = 0
        self.line = ""  # what stands on the terminal's last line

    def _show(self, line):
        if self.terminal:
            width = shutil.get_terminal_size().columns
            self.out.write("\r\x1b[K" + line[: width - 1])
            self.line = line
        else:
            self.out.write(line + "\n")
        self.out.flush()

    def feed(self, text):
        """One line of ninja's output, without its newline."""
        step = STEP.match(text)
        if step is None:
            if self.line:
                self.out.write("\r\x1b[K")
                self.line = ""
            self.out.write(text + "\n")
            self.out.flush()
            return
        done, total = int(step[1]), int(step[2])
        if done == 0:  # what ninja does before it knows its steps
            return
        now = self.clock()
        first = self.total == 0
        self.total = total
        if self.terminal or first or done == total or now - self.shown >= self.interval:
            self.shown = now
            self._show(progress_line(done, total, now - self.start))

    def end(self):
        if self.line:
            self.out.write("\n")
            self.out.flush()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--interval", type=float, default=10, help="seconds between lines that do not go to a terminal")
    options = parser.parse_args()
    progress = Progress(sys.stdout, sys.stdout.isatty(), options.interval)
    for line in sys.stdin:
        progress.feed(line.rstrip("\n"))
    progress.end()


if __name__ == "__main__":
    main()
