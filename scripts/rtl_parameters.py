#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""Parameters of the RTL from emulator descriptions, as CMake code on standard output.

For every description: its name in the list XW_RTL_NAMES; XW_RTL_<name>_FILE, XW_RTL_<name>_PARAMETERS (Lanes=16 ...),
XW_RTL_<name>_SHAPE (the same numbers as a C++ initializer of xw::verilated::Shape).
"""

import argparse
import pathlib
import sys
import tomllib

# RTL parameter -> key of [emulator], in the order of the members of xw::verilated::Shape.
PARAMETERS = {
    "NumEngines": "num_engines", "Lanes": "lanes", "BlockRows": "block_rows", "BlockCols": "block_cols", "Contexts": "contexts",
    "XbufBytes": "xbuf_bytes", "YbufWords": "ybuf_words", "MaxBatch": "max_batch", "AdcCols": "adc_columns_per_cycle",
    "DataWidth": "data_width_bits", "MaxOutstanding": "max_outstanding"}
DERIVED = ("DataWidth",)  # the RTL computes it itself
LANES = (16, 32, 64)


class ParameterError(Exception):
    pass


def check(origin, e):
    """Limits of the RTL beyond those of every emulator description (arch/description/emulator.cpp)."""
    def require(key, good, expected):
        if not good:
            raise ParameterError(f"{origin}: emulator.{key}: the RTL expects {expected}, found {e[key]}")
    lanes = e["lanes"]
    require("lanes", lanes in LANES, "16, 32 or 64")
    require("data_width_bits", e["data_width_bits"] == 8 * lanes, f"8 * lanes = {8 * lanes}")
    require("num_engines", 1 <= e["num_engines"] <= 8, "1..8")
    require("block_rows", 1 <= e["block_rows"] <= 1024, "1..1024")
    require("block_cols", 1 <= e["block_cols"] <= 1024 and e["block_cols"] % lanes == 0, f"a multiple of lanes = {lanes}, at most 1024")
    require("contexts", 2 <= e["contexts"] <= 256, "2..256")
    require("xbuf_bytes", 1 <= e["xbuf_bytes"] <= 65536 and e["xbuf_bytes"] % lanes == 0, f"a multiple of lanes = {lanes}, at most 65536")
    require("ybuf_words", 1 <= e["ybuf_words"] <= 65536 and e["ybuf_words"] % (lanes // 4) == 0,
            f"a multiple of lanes / 4 = {lanes // 4}, at most 65536")
    require("max_batch", 1 <= e["max_batch"] <= 256, "1..256")
    adc = e["adc_columns_per_cycle"]
    require("adc_columns_per_cycle", adc >= 1 and lanes // 4 % adc == 0, f"a divisor of lanes / 4 = {lanes // 4}")
    require("max_outstanding", 1 <= e["max_outstanding"] <= 256, "1..256")


def read(path):
    """The [emulator] table of a description; its parameters are integers that the RTL can have."""
    try:
        with open(path, "rb") as file:
            document = tomllib.load(file)
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ParameterError(f"{path}: {error}") from error
    emulator = document.get("emulator")
    if not isinstance(emulator, dict):
        raise ParameterError(f"{path}: has no [emulator]")
    if not isinstance(emulator.get("name"), str):
        raise ParameterError(f"{path}: emulator.name: expected a text")
    for key in PARAMETERS.values():
        if not isinstance(emulator.get(key), int) or isinstance(emulator[key], bool):
            raise ParameterError(f"{path}: emulator.{key}: expected an integer, found {emulator.get(key)!r}")
    check(path, emulator)
    return emulator


def cmake(paths):
    """CMake code for these descriptions."""
    lines, names = [], {}
    for path in paths:
        emulator = read(path)
        name = "".join(c if c.isalnum() else "_" for c in emulator["name"])
        if name in names:
            raise ParameterError(f"{path}: emulator.name: {emulator['name']} is also that of {names[name]}")
        names[name] = path
        parameters = " ".join(f"{p}={emulator[k]}" for p, k in PARAMETERS.items() if p not in DERIVED)
        shape = ", ".join(str(emulator[k]) for k in PARAMETERS.values())
        lines += [f'set(XW_RTL_{name}_FILE "{path}")', f'set(XW_RTL_{name}_TITLE "{emulator["name"]}")',
                  f"set(XW_RTL_{name}_PARAMETERS {parameters})", f'set(XW_RTL_{name}_SHAPE "{shape}")']
    return "\n".join([f"set(XW_RTL_NAMES {' '.join(names)})", *lines]) + "\n"


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("descriptions", nargs="+", type=pathlib.Path, help="TOML files with [emulator]")
    options = parser.parse_args(arguments)
    try:
        sys.stdout.write(cmake(options.descriptions))
    except ParameterError as error:
        print(f"rtl_parameters: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
