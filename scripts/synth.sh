#!/usr/bin/env bash
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
# Synthesis check of the RTL with Yosys: resources against FPGA cards, memories, multipliers, latches.
#
#   scripts/synth.sh                the kernel of alveo-u55c; writes docs/generated/synthesis.json and the tables of docs/hardware.md
#   scripts/synth.sh --check        the same, but writes nothing and fails if the tables are out of date
#   scripts/synth.sh --top xw_engine --emulator arch/chips/tiny-64.toml    any module, any build; only prints
#   YOSYS=path scripts/synth.sh     another Yosys than the one on the path
set -euo pipefail
cd "$(dirname "$0")/.."

yosys=${YOSYS:-yosys}
if ! command -v "$yosys" >/dev/null; then
  echo "synth: $yosys not found; Debian's package is yosys (scripts/setup.sh installs it)" >&2
  exit 1
fi
exec python3 -B scripts/synthesis.py --yosys "$yosys" "$@"
