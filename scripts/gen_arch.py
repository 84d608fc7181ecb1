#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""Generates everything that is derived from arch/accelerator.toml; with --check only tells what is stale."""

import argparse
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from archgen import emit_c, emit_cpp, emit_docs, emit_instruction, emit_kernel_hpp, emit_sv, emit_types_hpp, emit_xrt, reader, spec  # noqa: E402

OUTPUTS = {
    "arch/generated/xw_arch.hpp": emit_cpp.emit,
    "arch/generated/xw_instruction.hpp": emit_instruction.emit,
    "arch/generated/xw_kernel.hpp": emit_kernel_hpp.emit,
    "tests/rtl/xw_types.hpp": emit_types_hpp.emit,
    "arch/generated/kernel.xml": emit_xrt.emit,
    "rtl/pkg/xw_pkg.sv": emit_sv.emit,
    "firmware/hal/xw_arch.h": emit_c.emit,
    "docs/generated/isa.md": emit_docs.isa,
    "docs/generated/registers.md": emit_docs.registers,
    "docs/generated/records.md": emit_docs.records,
    "docs/generated/errors.md": emit_docs.errors,
}


def generate(text):
    """Output path -> content for a contract's text. Raises SpecError."""
    contract = reader.parse(text)
    return {path: emit(contract) for path, emit in OUTPUTS.items()}


def main(arguments=None):
    root = pathlib.Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a generated file is stale")
    parser.add_argument("--contract", type=pathlib.Path, help="the contract (default: arch/accelerator.toml)")
    parser.add_argument("--root", type=pathlib.Path, default=root, help="where the generated files stand")
    kernel = parser.add_argument_group("description of one FPGA build, instead of the committed files")
    kernel.add_argument("--kernel-xml", type=pathlib.Path, help="write this kernel.xml and nothing else")
    kernel.add_argument("--engines", type=int, help="engines of the build (default: all that the contract has room for)")
    kernel.add_argument("--data-width", type=int, default=512, help="bits of its AXI masters (default: 512)")
    options = parser.parse_args(arguments)
    contract = options.contract or options.root / "arch/accelerator.toml"
    try:
        text = contract.read_text(encoding="utf-8")
        if options.kernel_xml:
            kernel_xml = emit_xrt.emit(reader.parse(text), options.engines, options.data_width)
            options.kernel_xml.write_text(kernel_xml, encoding="utf-8")
            return 0
        outputs = generate(text)
    except (spec.SpecError, OSError, ValueError) as error:
        for line in str(error).splitlines():
            print(f"{contract}: {line}", file=sys.stderr)
        return 1
    stale = []
    for path, content in outputs.items():
        target = options.root / path
        if target.exists() and target.read_text(encoding="utf-8") == content:
            continue
        stale.append(path)
        if not options.check:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(content, encoding="utf-8")
    if options.check and stale:
        print("stale, run scripts/gen_arch.py: " + ", ".join(stale), file=sys.stderr)
        return 1
    if stale:
        print("written: " + ", ".join(stale))
    return 0


if __name__ == "__main__":
    sys.exit(main())
