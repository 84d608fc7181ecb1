# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""Builds the kernel of an emulator description with Verilator and runs bench.py on it, or on mutants of it: scripts/axi_verification.sh."""

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

import emit_bench  # noqa: E402
import mutants  # noqa: E402
import rtl_parameters  # noqa: E402

# A run of one of the saved programs takes a few thousand cycles; a mutant may hang in every one.
LONGEST, LONGEST_OF_MUTANT = 400_000, 20_000


def build(options, rtl, work, with_mutants):
    """The simulator with a model of the kernel in `rtl`."""
    kernel_folder = work / "kernel"
    subprocess.run([sys.executable, str(ROOT / "scripts/rtl_kernel.py"), str(options.description), str(kernel_folder)], check=True)
    kernel = next(kernel_folder.glob("*.v")).stem
    emulator = rtl_parameters.read(options.description)
    bench = work / f"{emit_bench.TOP}.v"
    text, ports = emit_bench.emit(kernel, emulator, with_mutants)
    if not bench.exists() or bench.read_text(encoding="utf-8") != text:
        bench.write_text(text, encoding="utf-8")
    simulator = runner.get_runner("verilator")
    # Mutants have no assertions: the bench finds them by what comes out of the ports.
    simulator.build(verilog_sources=[*mutants.sources(rtl), kernel_folder / f"{kernel}.v", HERE / "monitor.sv", bench], hdl_toplevel=emit_bench.TOP,
                    build_dir=work / "model", always=True,
                    build_args=["-Wno-fatal", "-Wno-lint", "-Wno-style", "-Wno-TIMESCALEMOD", "-Wno-SYMRSVDWORD", "-O3", "--x-assign", "unique",
                                "--x-initial", "unique", "-CFLAGS", "-O2", *([] if with_mutants else ["--assert"])])
    os.environ["COCOTB_LOG_LEVEL"] = "WARNING"
    os.environ["XW_AXI_PORTS"] = " ".join(ports)
    os.environ["XW_AXI_RUNS"] = str(options.work / "runs")
    os.environ["XW_AXI_ENGINES"] = str(emulator["num_engines"])
    os.environ["XW_AXI_LONGEST"] = str(LONGEST_OF_MUTANT if with_mutants else LONGEST)
    os.environ["RANDOM_SEED"] = str(options.seed & 0x7FFFFFFF)
    return simulator


def test(simulator, work, plusargs=(), log=None):
    """(tests, those that failed); none if the simulator ended without results."""
    results = work / "results.xml"
    results.unlink(missing_ok=True)
    try:
        simulator.test(hdl_toplevel=emit_bench.TOP, test_module="bench", build_dir=work / "model", test_dir=HERE, plusargs=list(plusargs),
                       results_xml=str(results), log_file=log)
    except (SystemExit, RuntimeError) as error:
        if log is None:
            print(error, file=sys.stderr)
    if not results.exists():
        return 0, 1
    cases = list(xml.etree.ElementTree.parse(results).iter("testcase"))
    return len(cases), sum(case.find("failure") is not None or case.find("error") is not None for case in cases)


def reason(log):
    """What a monitor printed first, else the test; a failure within the library's memories prints nothing."""
    lines = [line.removeprefix("axi_bench: ") for line in log.read_text(encoding="utf-8", errors="replace").splitlines()
             if line.startswith("axi_bench: ")]
    lines.sort(key=lambda line: not line.startswith("axi_bench."))
    return lines[0].replace("axi_bench.", "") if lines else "cocotbext-axi refuses a burst"


def test_mutants(options):
    """0 if the kernel passes and every mutant is found."""
    work = options.work / "mutants"
    work.mkdir(parents=True, exist_ok=True)
    known = mutants.load()
    chosen = list(known) if options.mutants == "all" else options.mutants.split(",")
    unknown = [name for name in chosen if name not in known]
    if unknown:
        print(f"axi_verification: no mutant {', '.join(unknown)} in tests/rtl/axi/mutants.toml", file=sys.stderr)
        return 2
    try:
        rtl = mutants.mutate(work / "rtl", known)
    except mutants.MutantError as error:
        print(f"axi_verification: {error}", file=sys.stderr)
        return 2
    simulator = build(options, rtl, work, with_mutants=True)
    log = work / "bench.log"
    survived, tried = [], 0
    for number, name in enumerate(["(none)", *known]):
        if name not in ["(none)", *chosen]:
            continue
        tried += 1
        cases, failed = test(simulator, work, [f"+mutant={number}"], log)
        result = f"found: {reason(log)}" if failed else "passes"
        print(f"{number:3} {name:28} {result if cases else 'no result'}", flush=True)
        if cases != 1 or bool(failed) != (number > 0):
            survived.append(name)
    print(f"axi_verification: {tried - len(survived)} of {tried} as they should be" + (f"; not: {', '.join(survived)}" if survived else ""))
    return 1 if survived else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--description", type=pathlib.Path, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--mutants", help="kernels with a fault each instead of the kernel: names of mutants, or all; every one must fail")
    parser.add_argument("work", type=pathlib.Path)
    options = parser.parse_args()
    if options.mutants:
        return test_mutants(options)
    cases, failed = test(build(options, ROOT / "rtl", options.work, with_mutants=False), options.work)
    print(f"axi_verification: {cases - failed} of {cases} tests passed")
    return 1 if failed or not cases else 0


if __name__ == "__main__":
    sys.exit(main())
