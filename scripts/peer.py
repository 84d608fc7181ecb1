# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""What the comparisons with other tools share: the command with its processor time, and a chip description of another tool's constants."""
import json
import resource
import subprocess
import sys


def processor_seconds():
    """Of all child processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run_json(crossweave, *words):
    """The JSON of a command, and the processor seconds of its process. Ends the script if the command fails."""
    before = processor_seconds()
    done = subprocess.run([str(crossweave), *map(str, words), "--json"], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"crossweave {' '.join(map(str, words))}: exit status {done.returncode}")
    return json.loads(done.stdout), processor_seconds() - before


def description_text(chip, constants, source):
    """The text of a description: lines of [chip], and tables of (value, unit) by key that are all from `source`."""
    lines = ["[chip]", *chip]
    for table, keys in constants.items():
        lines += ["", f"[chip.{table}]"]
        lines += [f'{key} = {{ value = {float(value)!r}, unit = "{unit}", source = "{source}" }}' for key, (value, unit) in keys.items()]
    return "\n".join(lines) + "\n"
