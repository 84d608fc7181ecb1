#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""Refuses combinational paths from an input of a port of the kernel to an output of the same port.

Two modules with such paths, connected to each other, make a loop; AXI forbids them between channels' handshakes for
that reason. Yosys makes gates of the kernel, then every path is followed through registers' logic and the hierarchy.
"""

import argparse
import json
import pathlib
import re
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import netlist_graph  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent
# Small, but with all that the kernel has: two engines, memories of more than one word.
PARAMETERS = {"NumEngines": 2, "Lanes": 16, "BlockRows": 64, "BlockCols": 64, "Contexts": 2, "XbufBytes": 192, "YbufWords": 96,
              "MaxBatch": 4, "AdcCols": 2}


def sources(rtl):
    package = rtl / "pkg/xw_pkg.sv"
    return [package] + sorted(p for p in rtl.glob("*/*.sv") if p != package)


def script(files, top, parameters, out):
    chparam = "".join(f" -chparam {name} {value}" for name, value in parameters.items())
    return "\n".join([f"read_verilog -sv {files[0]}", "read_verilog -sv -defer " + " ".join(map(str, files[1:])),
                      f"hierarchy -check -top {top}{chparam}", "proc", "opt_expr", "opt_clean", "memory -nomap", "opt_clean",
                      "techmap t:* t:$mem_v2 %d t:$mul %d", "simplemap", "opt_clean", f"write_json {out}"]) + "\n"


def interface_of(port):
    """`m_axi_gmem` of `m_axi_gmem_rvalid`; nothing for clock, reset and interrupt."""
    match = re.match(r"^([ms]_axi_\w+?)_(?:aw|ar|w|r|b)\w+$", port)
    return match.group(1) if match else None


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--yosys", default="yosys")
    parser.add_argument("--folder", type=pathlib.Path, default=ROOT / "build/ports", help="for Yosys' files (default: %(default)s)")
    parser.add_argument("--rtl", type=pathlib.Path, default=ROOT / "rtl", help="folder of the RTL (default: %(default)s)")
    parser.add_argument("--top", default="xw_kernel")
    options = parser.parse_args(arguments)
    options.folder.mkdir(parents=True, exist_ok=True)
    out, commands, log = (options.folder / f"{options.top}.{e}" for e in ("json", "ys", "log"))
    parameters = PARAMETERS if options.top == "xw_kernel" else {}
    commands.write_text(script(sources(options.rtl), options.top, parameters, out), encoding="utf-8")
    if subprocess.run([options.yosys, "-q", "-l", str(log), str(commands)], stdout=subprocess.DEVNULL,
                      stderr=subprocess.DEVNULL, check=False).returncode != 0:
        tail = log.read_text(encoding="utf-8").splitlines()[-5:]
        print(f"rtl_ports: Yosys failed ({log}):\n  " + "\n  ".join(tail), file=sys.stderr)
        return 1
    netlist = netlist_graph.Netlist(json.loads(out.read_text(encoding="utf-8")))
    paths = netlist_graph.port_paths(netlist.summary(options.top), interface_of)
    for source, output, interface in paths:
        print(f"rtl_ports: {interface}: combinational path from {source} to {output}", file=sys.stderr)
    return 1 if paths else 0


if __name__ == "__main__":
    sys.exit(main())
