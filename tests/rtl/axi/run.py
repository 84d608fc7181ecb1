# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""Builds the kernel of an emulator description with Verilator and runs bench.py on it: scripts/axi_verification.sh."""

import argparse
import os
import pathlib
import subprocess
import sys
import warnings
import xml.etree.ElementTree

warnings.simplefilter("ignore", UserWarning)  # that the runner may change

from cocotb import runner  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

import rtl_kernel  # noqa: E402
import rtl_parameters  # noqa: E402

TOP = "axi_bench"


def emit_bench(kernel, emulator):
    """A module around the kernel as it is packaged, whose engine ports have the ids that the library wants; its ports."""
    data = emulator["data_width_bits"]
    engines = range(emulator["num_engines"])
    ports = [(d, rtl_kernel.width_of(w, data), f"s_axi_control_{n}") for d, w, n in rtl_kernel.LITE]
    ports += [(d, rtl_kernel.width_of(w, data), f"m_axi_gmem_{n}") for d, w, n in rtl_kernel.WRITE + rtl_kernel.READ + rtl_kernel.IDS]
    for e in engines:
        ports += [(d, rtl_kernel.width_of(w, data), f"m_axi_engine{e}_{n}") for d, w, n in rtl_kernel.READ]
    ports = [("input", 1, "ap_clk"), ("input", 1, "ap_rst_n"), ("output", 1, "interrupt"), *ports]
    connections = ", ".join(f".{n}({n})" for _, _, n in ports)
    for e in engines:
        ports += [("output", 1, f"m_axi_engine{e}_arid"), ("input", 1, f"m_axi_engine{e}_rid")]
    text = (f"`timescale 1ns/1ps\nmodule {TOP} (\n" + ",\n".join(rtl_kernel.declaration(*port) for port in ports) + "\n);\n" +
            "".join(f"  assign m_axi_engine{e}_arid = 1'b0;\n" for e in engines) + f"  {kernel} u_kernel ({connections});\nendmodule\n")
    return text, [n for _, _, n in ports]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--description", type=pathlib.Path, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("work", type=pathlib.Path)
    options = parser.parse_args()
    kernel_folder = options.work / "kernel"
    subprocess.run([sys.executable, str(ROOT / "scripts/rtl_kernel.py"), str(options.description), str(kernel_folder)], check=True)
    kernel = next(kernel_folder.glob("*.v")).stem
    emulator = rtl_parameters.read(options.description)
    bench = options.work / f"{TOP}.v"
    text, ports = emit_bench(kernel, emulator)
    if not bench.exists() or bench.read_text(encoding="utf-8") != text:
        bench.write_text(text, encoding="utf-8")
    packages = sorted((ROOT / "rtl/pkg").glob("*.sv"))
    modules = sorted(p for p in (ROOT / "rtl").rglob("*.sv") if p not in packages)
    simulator = runner.get_runner("verilator")
    simulator.build(verilog_sources=[*packages, *modules, kernel_folder / f"{kernel}.v", bench], hdl_toplevel=TOP, build_dir=options.work / "model",
                    build_args=["-Wno-fatal", "-Wno-lint", "-Wno-style", "-Wno-TIMESCALEMOD", "-Wno-SYMRSVDWORD", "-O3", "--assert", "--x-assign", "unique", "--x-initial", "unique",
                                "-CFLAGS", "-O2"], always=True)
    os.environ["COCOTB_LOG_LEVEL"] = "WARNING"
    os.environ["XW_AXI_PORTS"] = " ".join(ports)
    os.environ["XW_AXI_RUNS"] = str(options.work / "runs")
    os.environ["XW_AXI_ENGINES"] = str(emulator["num_engines"])
    os.environ["RANDOM_SEED"] = str(options.seed & 0x7FFFFFFF)
    results = simulator.test(hdl_toplevel=TOP, test_module="bench", build_dir=options.work / "model", test_dir=HERE,
                             results_xml=str(options.work / "results.xml"))
    cases = list(xml.etree.ElementTree.parse(results).iter("testcase"))
    bad = [case for case in cases if case.find("failure") is not None or case.find("error") is not None]
    print(f"axi_verification: {len(cases) - len(bad)} of {len(cases)} tests passed")
    return 1 if bad or not cases else 0


if __name__ == "__main__":
    sys.exit(main())
