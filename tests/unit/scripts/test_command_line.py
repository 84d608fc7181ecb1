# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""Completions in real shells, and manual pages as man reads them: test_command_line.py CROSSWEAVE"""
import functools
import os
import pathlib
import pty
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

CROSSWEAVE = sys.argv.pop(1)


@functools.cache
def help_of(command):
    return crossweave(command, "--help").stdout


def crossweave(*arguments, **more):
    return subprocess.run([CROSSWEAVE, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False, **more)


def commands():
    return re.findall(r"^  ([a-z-]+)  +\S", crossweave("help").stdout.split("Commands:")[1].split("Example")[0], re.MULTILINE)


class Terminal:
    """A shell that believes to be used by somebody."""

    def __init__(self, shell, folder):
        self.process, self.terminal = pty.fork()
        if self.process == 0:
            os.chdir(folder)
            os.execvpe(shell[0], shell, {"PATH": os.environ["PATH"], "HOME": str(folder), "TERM": "dumb", "PS1": "ready>", "COLUMNS": "200"})

    def read(self, until, seconds=30):
        text, deadline = "", time.time() + seconds
        while not re.search(until, text):
            if time.time() > deadline:
                raise AssertionError(f"waited for {until!r}, saw {text!r}")
            if select.select([self.terminal], [], [], 0.2)[0]:
                text += os.read(self.terminal, 4096).decode(errors="replace")
        return text

    def type(self, keys):
        os.write(self.terminal, keys.encode())

    def close(self):
        os.close(self.terminal)
        os.waitpid(self.process, 0)


class Completion(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)
        (self.folder / "stories.xwp").touch()

    def shell(self, name, *options):
        if shutil.which(name) is None:
            self.skipTest(f"{name} is not installed")
        script = self.folder / f"completion.{name}"
        script.write_text(crossweave("completion", name).stdout)
        terminal = Terminal([name, *options], self.folder)
        self.addCleanup(terminal.close)
        return terminal, script

    def completes(self, terminal, typed, expected):
        terminal.type(typed + "\t")
        terminal.read(re.escape(expected))
        terminal.type("\x15")  # the line is forgotten

    def test_bash(self):
        terminal, script = self.shell("bash", "--norc", "--noprofile", "-i")
        terminal.read("ready>")
        terminal.type(f"source {script}; echo sourced=$?\n")
        terminal.read("sourced=0")
        self.completes(terminal, "crossweave comp", "\x07")  # compile, compare: a bell
        self.completes(terminal, "crossweave compi", "compile ")
        self.completes(terminal, "crossweave eval --read-si", "--read-sigma ")
        self.completes(terminal, "crossweave compile --chip neur", "neurram48")
        self.completes(terminal, "crossweave compile --chip=neur", "neurram48")
        self.completes(terminal, "crossweave run --device ver", "verilated")
        self.completes(terminal, "crossweave run stor", "stories.xwp")

    def test_zsh(self):
        terminal, script = self.shell("zsh", "-f", "-i")
        terminal.type(f"autoload -U compinit; compinit -u; source {script}; echo sourced=$?\n")
        terminal.read("sourced=0")
        self.completes(terminal, "crossweave compi", "compile ")
        self.completes(terminal, "crossweave compile --chip=neur", "neurram48")
        self.completes(terminal, "crossweave run stor", "stories.xwp")

    def test_fish(self):
        terminal, script = self.shell("fish", "--no-config")
        terminal.close()
        self._cleanups.pop()
        ask = f"source {script}; complete -C 'crossweave compi'; complete -C 'crossweave compile --chip neur'; complete -C 'crossweave eval --read-si'"
        said = subprocess.run(["fish", "--no-config", "-c", ask], stdout=subprocess.PIPE, text=True, check=True, cwd=self.folder).stdout
        for word in ("compile", "neurram48", "--read-sigma"):
            self.assertIn(word, said)

    def test_every_script_knows_every_option(self):
        for shell in ("bash", "zsh", "fish"):
            script = crossweave("completion", shell).stdout
            for command in commands():
                self.assertIn(command, script)
                for option in re.findall(r"^  (?:-\w, )?--([a-z-]+)", help_of(command), re.MULTILINE):
                    self.assertIn(option, script, f"{shell}: {command} --{option}")
        self.assertEqual(crossweave("completion", "tcsh").returncode, 2)


class Help(unittest.TestCase):
    def test_help_fits_the_terminal(self):
        for columns, names in ((60, commands()), (120, ["compile", "run"])):
            for command in names:
                text = crossweave(command, "--help", env={**os.environ, "COLUMNS": str(columns)}).stdout
                self.assertIn("--help", text)
                for line in text.split("Examples:")[0].splitlines()[1:]:
                    words = line.split()
                    self.assertTrue(len(line) <= columns or len(words) == 1, (columns, line))
        self.assertEqual(crossweave("help", "compile").stdout, crossweave("compile", "--help").stdout)

    def test_defaults_are_told_once(self):
        text = crossweave("compile", "--help", env={**os.environ, "COLUMNS": "120"}).stdout
        self.assertIn("(default: afm-512)", text)
        self.assertNotIn("(=", text)
        for option in re.split(r"\n  -", text):
            self.assertLessEqual(option.count("(default"), 1, option)


class ManualPages(unittest.TestCase):
    def test_pages_have_every_option_and_no_mistakes(self):
        is_checked = shutil.which("groff") is not None
        for command in [None, *commands()]:
            page = crossweave("man", *([command] if command else [])).stdout
            self.assertTrue(page.startswith(".TH "), page[:40])
            if command:
                for option in re.findall(r"^  (?:-\w, )?--([a-z-]+)", help_of(command), re.MULTILINE):
                    self.assertIn("\\-\\-" + option.replace("-", "\\-"), page)
            if is_checked:
                done = subprocess.run(["groff", "-man", "-ww", "-z", "-Tascii"], input=page, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
                self.assertEqual((done.returncode, done.stderr), (0, ""), command)
        if not is_checked:
            self.skipTest("groff is not installed: pages were looked at, not set")


class About(unittest.TestCase):
    def test_version(self):
        said = {crossweave(word).stdout for word in ("version", "-V", "--version")}
        self.assertEqual(len(said), 1)
        self.assertRegex(said.pop(), r"^crossweave \d+\.\d+\.\d+ \(contract [0-9a-f]+\)\n$")

    def test_lists(self):
        for option, words in (("--list-chips", ["afm-512", "hermes64-1p", "512x512"]), ("--list-devices", ["functional", "verilated"]),
                              ("--list-models", ["llama\n", "gemma3\n"]), ("--list-noise", ["pcm-afm", "drifts"])):
            text = crossweave(option).stdout
            for word in words:
                self.assertIn(word, text)
        self.assertEqual(crossweave("--list-tiles").returncode, 2)
        self.assertEqual(crossweave("--list-chips", "x").returncode, 2)

    def test_unknown_commands(self):
        for arguments in (["help", "fly"], ["man", "fly"], ["fly"]):
            done = crossweave(*arguments)
            self.assertEqual(done.returncode, 2)
            self.assertIn("unknown command 'fly'; known: compile,", done.stderr)


unittest.main()
