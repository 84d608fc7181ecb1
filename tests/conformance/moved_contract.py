#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""Moves facts of the contract in a copy of the sources and shows that every device follows.

Instruction fields, operation numbers, unit ids, error codes, record fields and argument registers get other places; the
copy is generated again, built, and runs the conformance test of the hand-made program with all its faults on every
device. A place that somebody typed by hand makes devices disagree with the encoder, or with each other.

`--quick` builds no device: the copied encoder, decoder and assembler against the Verilated dispatch.
"""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
COPIED = ("CMakeLists.txt", "CMakePresets.json", "arch", "cmake", "compiler", "docs", "firmware", "host", "models", "rtl", "scripts",
          "systemc", "tests")

FIELDS = {  # (section, field) -> (word, bits)
    ("instruction_common", "opcode"): (0, "31:28"),
    ("instruction_common", "wait0_id"): (0, "5:0"),
    ("instruction_common", "wait0_count"): (0, "8:6"),
    ("instruction_common", "wait1_count"): (0, "11:9"),
    ("instruction_common", "wait1_id"): (0, "17:12"),
    ("instruction_common", "signal"): (0, "18"),
    ("instruction_common", "signal_id"): (0, "24:19"),
    ("instruction.sync", "fields.unit"): (2, "15:8"),
    ("instruction.load_x", "fields.xbuf_offset"): (3, "31:16"),
    ("instruction.load_x", "fields.length"): (1, "15:0"),
    ("instruction.load_x", "fields.stride"): (1, "31:16"),
    ("instruction.load_block", "fields.engine"): (1, "31:24"),
    ("instruction.load_block", "fields.context"): (1, "7:0"),
    ("instruction.load_block", "fields.image_offset"): (3, "31:0"),
    ("instruction.load_block", "fields.image_length"): (2, "31:0"),
    ("instruction.mvm", "fields.engine"): (1, "15:8"),
    ("instruction.mvm", "fields.context"): (1, "23:16"),
    ("instruction.mvm", "fields.accumulate"): (1, "31"),
    ("instruction.mvm", "fields.xbuf_offset"): (2, "31:16"),
    ("instruction.mvm", "fields.ybuf_offset"): (2, "15:0"),
    ("instruction.mvm", "fields.rows"): (3, "31:16"),
    ("instruction.mvm", "fields.cols"): (3, "15:0"),
    ("instruction.store_y", "fields.engine_mask"): (3, "31:16"),
    ("instruction.store_y", "fields.ybuf_offset"): (3, "15:0"),
    ("instruction.store_y", "fields.length"): (1, "31:16"),
    ("instruction.store_y", "fields.stride"): (1, "15:0"),
}
OPCODES = {"nop": 6, "sync": 9, "load_x": 1, "load_block": 0, "mvm": 12, "store_y": 2, "fence": 14, "halt": 3}
UNITS = {"x_load": 2, "y_store": 1, "block_load": 16, "mvm": 8}
SWAPPED_ERRORS = (("bad_engine", "bad_context"), ("watchdog", "memory_decerr"), ("misaligned", "image_shape"))
SWAPPED_RECORD_FIELDS = (("program_header", "isa_version", "num_instructions"), ("block_image_header", "rows", "cols"),
                         ("block_image_header", "row0", "col0"), ("block_image_header", "adc_shift", "adc_bits"),
                         ("block_image_header", "tile_uid", "read_sigma_q"), ("completion", "error_unit", "error_instruction"),
                         ("completion", "mvms", "adc_saturations"), ("completion", "busy_cycles", "memory_stall_cycles"))
SWAPPED_REGISTERS = (("entry", "num_vectors"), ("x_base", "completion_base"), ("vector_base", "chip_seed"),
                     ("error_code", "error_instruction"))
INTO_THE_HOLE = ("watchdog_cycles", 0x040, 0x044)  # an argument, to the only word among them that was none


def substitute(text, pattern, replacement):
    """The text with the only match replaced; a contract that reads otherwise needs other moves."""
    text, count = re.subn(pattern, replacement, text, flags=re.M | re.S)
    if count != 1:
        raise SystemExit(f"the contract has {count} places like {pattern!r}, expected 1")
    return text


def in_section(text, header, pattern, replacement):
    """As substitute, inside one section."""
    begin = text.index(f"\n{header}\n")
    end = text.find("\n[", begin + 1)
    end = len(text) if end < 0 else end
    return text[:begin] + substitute(text[begin:end], pattern, replacement) + text[end:]


def swap(text, header, pattern_of, first, second):
    """Swaps what the group of pattern_of(name) matches."""
    begin = text.index(f"\n{header}\n")
    value = [re.search(pattern_of(name), text[begin:], re.M | re.S)[2] for name in (first, second)]
    for name, other in ((first, value[1]), (second, value[0])):
        section = text[begin:]
        text = text[:begin] + re.sub(pattern_of(name), lambda m, v=other: m[1] + v, section, count=1, flags=re.M | re.S)
    return text


def moved(text):
    """The contract with its facts at other places."""
    for (section, field), (word, bits) in FIELDS.items():
        text = in_section(text, f"[{section}]", rf'^({re.escape(field)}\s*= \{{ )word = \d, bits = "[\d:]+"',
                          rf'\g<1>word = {word}, bits = "{bits}"')
    for name, opcode in OPCODES.items():
        text = in_section(text, f"[instruction.{name}]", r"^opcode = \d+", f"opcode = {opcode}")
    for name, number in UNITS.items():
        text = in_section(text, "[unit]", rf"^({name}\s*= \{{ id = )\d+", rf"\g<1>{number}")
    for first, second in SWAPPED_ERRORS:
        text = swap(text, "[error]", lambda name: rf"(^{name}\s*= \{{ code = )(\d+)", first, second)
    for record, first, second in SWAPPED_RECORD_FIELDS:
        text = swap(text, f"[record.{record}]", lambda name: rf'(\{{ name = "{name}",\s*offset = )(\w+)', first, second)
    for first, second in SWAPPED_REGISTERS:
        text = swap(text, "[[argument]]", lambda name: rf'(^name = "{name}"\noffset = )(\w+)', first, second)
    name, before, after = INTO_THE_HOLE
    return substitute(text, rf'(^name = "{name}"\noffset = )0x{before:03X}', rf"\g<1>0x{after:03X}")


def run(command, **options):
    print("+", " ".join(str(part) for part in command), flush=True)
    sys.stdout.flush()
    result = subprocess.run([str(part) for part in command], check=False, **options)
    if result.returncode != 0:
        raise SystemExit(f"{result.stdout or ''}\nwith the moved contract this fails: {command[0]}")
    return result


def make_copy(target):
    """The sources at `target` with the moved contract, generated again."""
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            target.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target / name)
    contract = target / "arch/accelerator.toml"
    before = contract.read_text(encoding="utf-8")
    after = moved(before)
    contract.write_text(after, encoding="utf-8")
    run([sys.executable, "-B", target / "scripts/gen_arch.py"])


def all_devices(source, build, jobs, verilator):
    """Builds and runs the hand-made program and its faults on every device of the copy."""
    run(["cmake", "-S", source, "-B", build, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release", "-DXW_BUILD_BENCHMARKS=OFF",
         f"-DVERILATOR_BIN={verilator}", "-DXW_RTL_BUILDS=tests/conformance/emulators/hand-made.toml", "-DXW_RTL_TRACE=", "-DXW_CONFORMANCE_EMULATORS="], stdout=subprocess.DEVNULL)
    run(["cmake", "--build", build, "--parallel", str(jobs), "--target", "conformance_errors_test", "--", "--quiet"])
    result = run([build / "tests/conformance/conformance_errors_test", "--gtest_brief=0"], capture_output=True, text=True)
    print(result.stdout[-2000:])
    for device in ("functional_1_thread", "systemc", "verilated", "verilated_random_stalls"):
        if f"[       OK ] Backends/Errors.FireNameTheirPlaceAndLeaveTheDeviceUsable/{device} " not in result.stdout:
            raise SystemExit(f"the device {device} did not run: is Verilator or SystemC missing?")


def quick(source, build, verilator):
    """Encoder, decoder and assembler of the copy against its Verilated dispatch."""
    build.mkdir(parents=True)
    bench = source / "tests/conformance/moved_contract_bench.cpp"
    sources = [bench, *(source / "compiler/program" / f"{name}.cpp" for name in ("instruction", "instruction_text")),
               source / "arch/support/error.cpp"]
    run([verilator, "--cc", "--exe", "--build", "-j", "1", "-Wno-fatal", "--Mdir", build / "dispatch", "-GNumEngines=2", "--top-module",
         "xw_dispatch", "-CFLAGS", f"-std=c++20 -O0 -I{source}", source / "rtl/lint/waivers.vlt", source / "rtl/pkg/xw_pkg.sv",
         source / "rtl/sequencer/xw_dispatch.sv", *sources, "-o", build / "bench"], stdout=subprocess.DEVNULL)
    run([build / "bench"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="only encoder and dispatch; half a minute")
    parser.add_argument("--work", type=pathlib.Path, help="folder for copy and build, kept (default: a temporary one)")
    parser.add_argument("--verilator", default=shutil.which("verilator"), help="its command (default: that on the path)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args()
    if not options.verilator:
        parser.error("Verilator is not on the path; --verilator names it")
    with tempfile.TemporaryDirectory(prefix="moved-contract-") as temporary:
        work = options.work.resolve() if options.work else pathlib.Path(temporary)
        source = work / "source"
        shutil.rmtree(source, ignore_errors=True)
        make_copy(source)
        if options.quick:
            shutil.rmtree(work / "quick", ignore_errors=True)
            quick(source, work / "quick", options.verilator)
        else:
            all_devices(source, work / "build", options.jobs, options.verilator)
    print("every device follows the contract")
    return 0


if __name__ == "__main__":
    sys.exit(main())
