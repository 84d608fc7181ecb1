#!/usr/bin/env bash
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
# The whole check in one command: sets up, checks, builds and tests. What fails ends it with a status above 0.
#
#   scripts/test.sh              the dev build and all its tests
#   XW_ASAN=1 scripts/test.sh    also the tests under address and undefined-behaviour sanitizers
#   XW_JOBS=4 scripts/test.sh    number of parallel compilers and tests (default: the cores)
set -euo pipefail
cd "$(dirname "$0")/.."
jobs=${XW_JOBS:-$(nproc)}

step() { printf '== %s (%d s)\n' "$1" "$SECONDS"; }

if command -v ccache >/dev/null; then
  export CMAKE_C_COMPILER_LAUNCHER=ccache CMAKE_CXX_COMPILER_LAUNCHER=ccache CCACHE_NOHASHDIR=1 CCACHE_BASEDIR=$PWD
fi

# Configures, builds and tests a preset; ends with ctest's summary.
run_preset() {
  local preset=$1
  shift
  step "configure $preset"
  cmake --preset "$preset" >build/"$preset".configure.log 2>&1 || {
    cat build/"$preset".configure.log >&2
    return 1
  }
  step "build $preset"
  cmake --build --preset "$preset" --parallel "$jobs" -- --quiet
  step "test $preset"
  ctest --preset "$preset" --parallel "$jobs" "$@"
}

# A disk that fills up in the middle of a build ends it with a linker's riddle: said before, with what there is. What is built counts.
demand_space() {
  local wanted=$1 free built
  mkdir -p build
  free=$(df --output=avail --block-size=1M build | tail -1)
  built=$(du --summarize --block-size=1M build | cut -f1)
  if [ $((free + built)) -lt "$wanted" ]; then
    printf 'test.sh: %s: %d MB free, %d MB built; the builds need about %d MB\n' "$PWD/build" "$free" "$built" "$wanted" >&2
    return 1
  fi
}

if [ "${XW_ASAN:-0}" = 1 ]; then demand_space 6500; else demand_space 3500; fi
step setup
scripts/setup.sh
step "format, generated files, dependencies between folders, licences"
scripts/check_format.sh
python3 scripts/gen_arch.py --check
python3 scripts/check_includes.py
python3 scripts/check_licence.py

run_preset dev
if [ "${XW_ASAN:-0}" = 1 ]; then
  # Tests of scripts run no code of ours under a sanitizer.
  run_preset asan -LE 'slow|hardware|script|package'
fi
