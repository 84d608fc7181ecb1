#!/usr/bin/env bash
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
# Checks the kernel's ports with an AXI library that nobody of this project wrote: cocotbext-axi (PyPI) is the master of the
# control port and the memory on every AXI master, and pauses every channel at random. Stimuli and expected memory are runs
# of random programs on the functional device.
#
#   scripts/axi_verification.sh [--emulator tiny-64] [--runs 12] [--seed N] [--build build/dev]
#   scripts/axi_verification.sh --mutants[=NAME,NAME] [...]   # shows that it can fail: every fault of tests/rtl/axi/mutants.toml is found
#
# Every run is done twice, the second time with memory that refuses one access; monitors check what memories do not see.
# Needs Verilator 5.006 or newer, make, python3-venv and, for the first call, PyPI (versions and hashes are fixed in
# tests/rtl/axi/requirements.txt). Not part of the test suite: its tools are not packages of Debian.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
emulator=tiny-64 runs=12 seed=$(date +%s) build=$root/build/dev mutants=()
while [ $# -gt 0 ]; do
  case $1 in
    --mutants) mutants=(--mutants all); shift; continue ;;
    --mutants=*) mutants=(--mutants "${1#*=}"); shift; continue ;;
    --emulator) emulator=$2 ;;
    --runs) runs=$2 ;;
    --seed) seed=$2 ;;
    --build) build=$(realpath "$2") ;;
    -h | --help) sed -n '4,14s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "axi_verification: unknown option '$1' (--help)" >&2; exit 2 ;;
  esac
  shift 2
done
description=$emulator
for place in "$root/arch/chips/$emulator.toml" "$root/tests/conformance/emulators/$emulator.toml"; do
  if [ -f "$place" ]; then description=$place; fi
done
if [ ! -f "$description" ]; then
  echo "axi_verification: no emulator '$emulator'" >&2
  exit 2
fi
if [ ! -f "$build/build.ninja" ]; then
  echo "axi_verification: $build is no build folder: cmake --preset dev" >&2
  exit 2
fi
work=$build/axi_verification
mkdir -p "$work"
requirements=$root/tests/rtl/axi/requirements.txt
if ! cmp -s "$requirements" "$work/venv/requirements.txt"; then
  rm -rf "$work/venv"
  python3 -m venv "$work/venv"
  "$work/venv/bin/pip" install --quiet --disable-pip-version-check --require-hashes --only-binary=:all: -r "$requirements"
  cp "$requirements" "$work/venv/requirements.txt"
fi
cmake --build "$build" --target save_runs >"$work/build.log" 2>&1 || { cat "$work/build.log" >&2; exit 1; }
stimuli=$work/$(basename "$description" .toml)
rm -rf "$stimuli/runs"
"$build/tests/conformance/save_runs" "$description" "$runs" "$seed" "$stimuli/runs"
echo "axi_verification: $emulator, $runs runs, seed $seed"
PYTHONDONTWRITEBYTECODE=1 exec "$work/venv/bin/python" "$root/tests/rtl/axi/run.py" --description "$description" --seed "$seed" "${mutants[@]}" "$stimuli"
