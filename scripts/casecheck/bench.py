# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""Runs the binary on case files; the table of cases and what they are compared with."""

import dataclasses
import json
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
GIB = 1 << 30


@dataclasses.dataclass
class Outcome:
    status: int  # negative: the signal; None: it ran out of time
    out: bytes
    err: bytes
    seconds: float
    peak_bytes: int

    @property
    def text(self):
        return (self.out + self.err).decode("utf-8", "replace")

    def brief(self):
        lines = [line for line in self.text.splitlines() if line.strip()]
        last = lines[-1] if lines else ""
        return f"exit {self.status}: {ascii(last)[1:-1][:110]}"


class Bench:
    """A scratch folder, the case files and the binary."""

    def __init__(self, cases, binary, scratch):
        self.cases, self.binary, self.scratch = cases, binary, scratch
        self.count = 0

    def folder(self):
        self.count += 1
        made = self.scratch / f"{self.count}"
        made.mkdir()
        return made

    def overlay(self, name, base="base"):
        """A copy of a base checkpoint with a case's files over it."""
        made = self.folder() / name
        shutil.copytree(self.cases / base, made)
        for file in (self.cases / name).iterdir():
            shutil.copy(file, made / file.name)
        self.writable(made)
        return made

    def copy(self, name, to=None):
        made = self.folder() / (to or name)
        source = self.cases / name
        shutil.copytree(source, made) if source.is_dir() else shutil.copy(source, made)
        self.writable(made)
        return made

    @staticmethod
    def writable(path):
        for entry in [path, *path.rglob("*")]:
            entry.chmod(0o755 if entry.is_dir() else 0o644)

    def run(self, *arguments, seconds=60, memory=None, interrupt=None, cwd=None, env=None, program=None, stdin=None):
        """Runs the binary. memory: its address space; interrupt: seconds until Ctrl-C."""

        def limit():
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            if memory:
                resource.setrlimit(resource.RLIMIT_AS, (memory, memory))

        command = [program or self.binary, *arguments]
        began = time.monotonic()
        child = subprocess.Popen(command, stdin=stdin if stdin is not None else subprocess.DEVNULL, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, cwd=cwd, env={**os.environ, **(env or {})}, preexec_fn=limit)
        status = None
        try:
            if interrupt:
                try:
                    out, err = child.communicate(timeout=interrupt)
                except subprocess.TimeoutExpired:
                    child.send_signal(signal.SIGINT)
                    out, err = child.communicate(timeout=seconds)
            else:
                out, err = child.communicate(timeout=seconds)
            status = child.returncode
        except subprocess.TimeoutExpired:
            child.kill()
            out, err = child.communicate()
        return Outcome(status, out, err, time.monotonic() - began, 0)

    def json(self, *arguments, **limits):
        outcome = self.run(*arguments, **limits)
        try:
            return json.loads(outcome.out), outcome
        except ValueError:
            return {}, outcome


CASES = []


def case(number, what, expected):
    def add(function):
        CASES.append((number, what, expected, function))
        return function

    return add


def same(found, wanted):
    return str(found), found == wanted


def every(*checks):
    """Of (found, ok) pairs: all must hold; shows the first that does not, else the last."""
    for found, ok in checks:
        if not ok:
            return found, False
    return checks[-1]


def named(outcome, status, *words):
    """A named error: this exit status and these words in the message."""
    statuses = status if isinstance(status, tuple) else (status,)
    return outcome.brief(), outcome.status in statuses and all(word in outcome.text for word in words)


def tokens(bench, model, *arguments):
    found, outcome = bench.json("run", model, *arguments, "--json")
    return found.get("tokens", outcome.brief())


def prompt_tokens(bench, model):
    found, outcome = bench.json("run", model, "-c", "hi", "-n", "1", "--json")
    return found.get("prefill_tokens", outcome.brief())


def good(outcome):
    return outcome.brief(), outcome.status == 0
