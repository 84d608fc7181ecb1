# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""What tests of the Python package share: the command, which is the oracle, and the default model.

XW_CROSSWEAVE names the command; PYTHONPATH the package."""

import atexit
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
COMMAND = os.environ["XW_CROSSWEAVE"]
MODEL = ROOT / "models/default/stories-2m.gguf"
TEXT = ROOT / "models/default/held-out.txt"
FOLDER = pathlib.Path(tempfile.mkdtemp(prefix="crossweave-python-"))
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)

CHOICES = [
    {"context": "Once upon a time, there was a little", "choices": ["girl", "boy named Tim", "xylophone"], "gold": 0},
    {"context": "The sun was", "choices": ["shining", "eating"], "gold": 0},
    {"context": "Lily likes to play with her", "choices": ["toys", "friends in the park", "tax"], "gold": [0, 1]},
]
QUESTIONS = [
    {"context": "Tom had a red", "answers": ["ball"], "until": ["."], "max_tokens": 8},
    {"context": "She was very", "answers": ["happy", "sad"], "until": ["\n", "."], "max_tokens": 6},
]


def command(*arguments, check=True):
    """The finished process of a command."""
    result = subprocess.run([COMMAND, *map(str, arguments)], capture_output=True, text=True, check=False)
    if check and result.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, arguments))}: status {result.returncode}\n{result.stderr}")
    return result


def said(*arguments):
    """What a command prints with --json."""
    return json.loads(command(*arguments, "--json").stdout)


def without(document, *names):
    """The document without these keys, wherever they are."""
    if isinstance(document, dict):
        return {key: without(value, *names) for key, value in document.items() if key not in names}
    if isinstance(document, list):
        return [without(value, *names) for value in document]
    return document


def task_file(name, items):
    """A file of JSON lines."""
    path = FOLDER / f"{name}.jsonl"
    path.write_text("".join(json.dumps(item) + "\n" for item in items), encoding="utf-8")
    return path
