#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""Writes the netlist that Yosys makes of a module as Verilog, to be simulated against the RTL.

The netlist has gone through Yosys' frontend and the passes of coarse synthesis, where what is written becomes what is
built; it still has words and memories, so that a simulator runs it fast.
"""

import argparse
import pathlib
import re
import subprocess
import sys


class NetlistError(Exception):
    pass


def with_defaults(text, parameters):
    """A module's text with other defaults of its parameters. `hierarchy -chparam` of Yosys 0.23 cannot derive a top
    module that it has to read a second time because of a module in it."""
    for name, value in parameters:
        text, count = re.subn(rf"(\bparameter int unsigned {re.escape(name)}\s*=\s*)[^,\s]+", rf"\g<1>{value}", text)
        if count != 1:
            raise NetlistError(f"expected one parameter {name}, found {count}")
    return text


def script(top, sources, out):
    """Yosys commands; the package is the first source."""
    return "\n".join([
        f"read_verilog -sv {sources[0]}",
        "read_verilog -sv -defer " + " ".join(map(str, sources[1:])),
        f"hierarchy -check -top {top}",
        f"synth -run begin:fine -noalumacc -top {top}",
        "check -assert",
        # What only Yosys' own library of cells knows would have no Verilog.
        "techmap t:$lcu t:$alu t:$macc t:$fa",
        "opt_clean",
        f"write_verilog -noattr {out}"]) + "\n"


def parameter(text):
    name, separator, value = text.partition("=")
    if not separator:
        raise argparse.ArgumentTypeError(f"expected NAME=VALUE, found {text}")
    return name, value


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--yosys", default="yosys")
    parser.add_argument("--top", required=True)
    parser.add_argument("--parameters", nargs="*", type=parameter, default=[], metavar="NAME=VALUE")
    parser.add_argument("--sources", nargs="+", type=pathlib.Path, required=True, help="the package first")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="Verilog file to write")
    options = parser.parse_args(arguments)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    commands = options.out.with_suffix(".ys")
    log = options.out.with_suffix(".log")
    source = next((s for s in options.sources if s.stem == options.top), None)
    try:
        if source is None:
            raise NetlistError("no source of that name")
        made = options.out.parent / source.name
        made.write_text(with_defaults(source.read_text(encoding="utf-8"), options.parameters), encoding="utf-8")
    except NetlistError as error:
        print(f"rtl_netlist: {options.top}: {error}", file=sys.stderr)
        return 1
    sources = [made if s == source else s for s in options.sources]
    commands.write_text(script(options.top, sources, options.out), encoding="utf-8")
    done = subprocess.run([options.yosys, "-q", "-l", str(log), str(commands)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        print(f"rtl_netlist: Yosys failed on {options.top} ({log}):\n{done.stdout[-2000:]}{done.stderr[-2000:]}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
