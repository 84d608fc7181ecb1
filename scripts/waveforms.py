#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""Waveforms of the RTL for any emulator description: verilates it with tracing, builds a crossweave that has it, compiles the model for it and runs it.

  scripts/waveforms.py mine.toml models/default/stories-2m.gguf -o out.fst --from 20000 --to 30000
  scripts/waveforms.py arch/chips/alveo-u55c.toml model.xwp --build build/dev -- -p Hello -n 1 --noise pcm-afm

DESCRIPTION is a TOML file with [emulator], or a chip's that names one. What stands behind -- are options of `crossweave run` (default: -p "Once upon a time" -n 1). The
build folder (default: build/waveforms) keeps what it has: a second call builds nothing; one of yours (--build build/dev) gets the emulator in addition to its
others. A description that the RTL cannot be built for is refused with the key.
"""
import argparse
import os
import pathlib
import subprocess
import sys
import tempfile
import tomllib

import rtl_parameters

ROOT = pathlib.Path(__file__).resolve().parents[1]
CHIPS = ROOT / "arch/chips"
PRESET = ("--preset", "demo", "-DXW_WITH_VERILATOR=ON", "-DXW_WITH_TORCH=OFF")
PROGRAM_MAGIC = b"\x89XWP"


def arguments(words):
    own, behind = (words[:words.index("--")], words[words.index("--") + 1:]) if "--" in words else (words, [])
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("description", type=pathlib.Path)
    parser.add_argument("model", type=pathlib.Path, help="a checkpoint, or a program for that emulator")
    parser.add_argument("-o", "--output", type=pathlib.Path, default=pathlib.Path("out.fst"))
    parser.add_argument("--from", dest="first", type=int, help="first cycle that is written (default: 0)")
    parser.add_argument("--to", dest="last", type=int, help="first cycle that is not (default: all are)")
    parser.add_argument("--chip", default="afm-512", help="what a checkpoint is compiled for, if the description has no [chip]")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/waveforms")
    options = parser.parse_args(own)
    return options, behind or ["-p", "Once upon a time", "-n", "1"]


def emulator_of(description):
    """The file with the [emulator] that a description has or names. Raises ParameterError."""
    try:
        chip = tomllib.loads(description.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise rtl_parameters.ParameterError(f"{description}: {error}") from error
    named = chip.get("chip", {}).get("emulator")
    if "emulator" in chip or not isinstance(named, str):
        return description.resolve()
    known = CHIPS / f"{named}.toml"
    return known if known.exists() else (description.parent / named).resolve()


def lists_of(cache):
    """XW_RTL_BUILDS and XW_RTL_TRACE of a CMakeCache.txt; nothing where there is none."""
    found = {"XW_RTL_BUILDS": [], "XW_RTL_TRACE": []}
    for line in cache.read_text(encoding="utf-8").splitlines() if cache.exists() else ():
        name, _, value = line.partition(":STRING=")
        if name in found:
            found[name] = [entry for entry in value.split(";") if entry]
    return found["XW_RTL_BUILDS"], found["XW_RTL_TRACE"]


def with_emulator(builds, traced, file):
    """The lists with an emulator of that shape and its waveforms. A model of the same shape serves: programs run on the first that has theirs."""
    wanted = rtl_parameters.read(file)
    for entry in builds:
        known = CHIPS / f"{entry}.toml"
        other = rtl_parameters.read(known if known.exists() else ROOT / entry)
        if all(other[key] == wanted[key] for key in rtl_parameters.PARAMETERS.values()):
            return builds, traced if other["name"] in traced else [*traced, other["name"]]
        if other["name"] == wanted["name"]:
            raise rtl_parameters.ParameterError(f"{file}: emulator.name: expected one that the build has not, found {wanted['name']}, which is {entry} there, of another shape")
    shipped = CHIPS / f"{wanted['name']}.toml"
    return [*builds, wanted["name"] if file == shipped else str(file)], [*traced, wanted["name"]]


def build(folder, file):
    """Builds a crossweave that has the emulator with waveforms, and returns it."""
    cache = folder / "CMakeCache.txt"
    old = lists_of(cache)
    new = with_emulator(*old, file)
    if new != old:
        lists = [f"-DXW_RTL_BUILDS={';'.join(new[0])}", f"-DXW_RTL_TRACE={';'.join(new[1])}"]
        subprocess.run(["cmake", *(() if cache.exists() else PRESET), *lists, "-S", ROOT, "-B", folder], check=True, stdout=subprocess.DEVNULL, cwd=ROOT)
    subprocess.run(["cmake", "--build", folder, "--target", "crossweave", "--parallel", os.environ.get("CMAKE_BUILD_PARALLEL_LEVEL", str(os.cpu_count()))], check=True, stdout=sys.stderr)
    return folder / "host/app/crossweave"


def run(options, words):
    file = emulator_of(options.description)
    rtl_parameters.read(file)  # before anything is built
    crossweave = build(options.build.resolve(), file)
    window = "".join(f",{name}={value}" for name, value in (("from", options.first), ("to", options.last)) if value is not None)
    with tempfile.TemporaryDirectory(prefix="crossweave-waveforms-") as folder:
        program = options.model
        if options.model.is_dir() or not options.model.read_bytes()[:len(PROGRAM_MAGIC)] == PROGRAM_MAGIC:
            program = pathlib.Path(folder) / "model.xwp"
            has_chip = "chip" in tomllib.loads(options.description.read_text(encoding="utf-8"))
            target = ["--chip", options.description] if has_chip else ["--chip", options.chip, "--emulator", file]
            subprocess.run([crossweave, "compile", options.model, *target, "-o", program], check=True, stdout=sys.stderr)
        subprocess.run([crossweave, "run", program, "--device", f"verilated:trace={options.output}{window}", *words], check=True)
    print(f"{options.output}: {options.output.stat().st_size} bytes; open it with gtkwave or surfer", file=sys.stderr)


def main():
    try:
        run(*arguments(sys.argv[1:]))
    except (rtl_parameters.ParameterError, OSError) as error:
        sys.exit(f"waveforms: {error}")
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)


if __name__ == "__main__":
    main()
