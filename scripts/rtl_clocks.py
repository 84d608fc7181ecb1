#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""Proves that the kernel as it is synthesised has one clock: every register and memory port takes the rising edge of ap_clk.

Gates that stop clocks where models simulate fast (xw_clock_gate) must not reach an FPGA: there a register holds its value
by its enable. Yosys flattens the kernel; then the clock of every cell that has one is looked at.
"""

import argparse
import collections
import json
import pathlib
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import rtl_ports  # noqa: E402

CLOCKS = {"CLK": "CLK_POLARITY", "C": None, "RD_CLK": "RD_CLK_POLARITY", "WR_CLK": "WR_CLK_POLARITY"}
ENABLES = {"RD_CLK": "RD_CLK_ENABLE", "WR_CLK": "WR_CLK_ENABLE"}
LATCHES = ("$dlatch", "$adlatch", "$sr", "$dlatchsr", "$ff")


def script(files, top, defines, out):
    chparam = "".join(f" -chparam {name} {value}" for name, value in rtl_ports.PARAMETERS.items())
    macros = "".join(f" -D{name}" for name in defines)
    return "\n".join([f"read_verilog -sv{macros} {files[0]}", f"read_verilog -sv -defer{macros} " + " ".join(map(str, files[1:])),
                      f"hierarchy -check -top {top}{chparam}", "proc", "flatten", "opt_expr", "opt_clean", "memory -nomap", "opt_clean",
                      f"write_json {out}"]) + "\n"


def bits(cell, name, width):
    """A parameter as a list of bits, lowest first."""
    text = cell["parameters"].get(name, "1" * width)
    return [int(digit) for digit in reversed(text.rjust(width, "0"))][:width]


def check(module, clock):
    """Cells by kind whose clock is another one: {kind: names}; and how many clocked cells there are."""
    (wanted,) = module["ports"][clock]["bits"]
    wrong, count = collections.defaultdict(list), 0
    for name, cell in module["cells"].items():
        if cell["type"] in LATCHES:
            wrong[f"{cell['type']} holds without a clock"].append(name)
        for port, polarity in CLOCKS.items():
            nets = cell["connections"].get(port)
            if not cell["type"].startswith("$") or nets is None:
                continue
            rising = bits(cell, polarity, len(nets)) if polarity else [1] * len(nets)
            enabled = bits(cell, ENABLES[port], len(nets)) if port in ENABLES else [1] * len(nets)
            for net, up, used in zip(nets, rising, enabled):
                if not used:
                    continue
                count += 1
                if net != wanted:
                    wrong[f"{cell['type']} on another clock"].append(name)
                elif not up:
                    wrong[f"{cell['type']} on the falling edge"].append(name)
    return wrong, count


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--yosys", default="yosys")
    parser.add_argument("--folder", type=pathlib.Path, default=rtl_ports.ROOT / "build/clocks", help="for Yosys' files (default: %(default)s)")
    parser.add_argument("--rtl", type=pathlib.Path, default=rtl_ports.ROOT / "rtl", help="folder of the RTL (default: %(default)s)")
    parser.add_argument("--define", action="append", default=[], help="macro; XW_FAST_SIMULATION shows what is found where clocks are gated")
    options = parser.parse_args(arguments)
    options.folder.mkdir(parents=True, exist_ok=True)
    out, commands, log = (options.folder / f"kernel.{e}" for e in ("json", "ys", "log"))
    commands.write_text(script(rtl_ports.sources(options.rtl), "xw_kernel", options.define, out), encoding="utf-8")
    if subprocess.run([options.yosys, "-q", "-l", str(log), str(commands)], stdout=subprocess.DEVNULL,
                      stderr=subprocess.DEVNULL, check=False).returncode != 0:
        tail = log.read_text(encoding="utf-8").splitlines()[-5:]
        print(f"rtl_clocks: Yosys failed ({log}):\n  " + "\n  ".join(tail), file=sys.stderr)
        return 2
    wrong, count = check(json.loads(out.read_text(encoding="utf-8"))["modules"]["xw_kernel"], "ap_clk")
    for kind, names in sorted(wrong.items()):
        print(f"rtl_clocks: {len(names)} cells {kind}, e.g. {names[0]}", file=sys.stderr)
    if not wrong and count < 100:
        print(f"rtl_clocks: expected hundreds of cells with a clock, found {count}", file=sys.stderr)
        return 2
    if not wrong:
        print(f"rtl_clocks: {count} clock inputs, all on the rising edge of ap_clk")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
