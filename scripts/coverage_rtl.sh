#!/usr/bin/env bash
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
# Coverage of the RTL by its tests (modules, engine, whole kernel), in a build of its own. Takes minutes.
#
#   scripts/coverage_rtl.sh             builds, runs, prints a table, fails if coverage fell (tests/rtl/coverage.json)
#   scripts/coverage_rtl.sh --update    writes what was measured to tests/rtl/coverage.json
#   scripts/coverage_rtl.sh --missed    also lists the lines that no test reached
#   XW_JOBS=4 scripts/coverage_rtl.sh   number of parallel compilers (default: the cores)
set -euo pipefail
cd "$(dirname "$0")/.."
build=${XW_RTL_COVERAGE_BUILD:-build/coverage-rtl}

if command -v ccache >/dev/null; then
  export CMAKE_C_COMPILER_LAUNCHER=ccache CMAKE_CXX_COMPILER_LAUNCHER=ccache CCACHE_NOHASHDIR=1 CCACHE_BASEDIR=$PWD
fi
cmake --preset dev -B "$build" -DXW_RTL_COVERAGE=ON -DXW_BUILD_BENCHMARKS=OFF -DXW_WITH_SYSTEMC=OFF -DXW_RTL_BUILDS=tiny-64 \
  -DXW_RTL_TRACE= >/dev/null
mapfile -t tests < <(ninja -C "$build" -t targets all | grep -oE '^tests/(rtl|conformance)/(rtl|conformance)_[a-z0-9_]+_test:' | tr -d :)
if [ ${#tests[@]} -eq 0 ]; then
  echo "coverage_rtl: the build has no RTL tests (is Verilator installed?)" >&2
  exit 1
fi
cmake --build "$build" --parallel "${XW_JOBS:-$(nproc)}" --target "${tests[@]##*/}" -- --quiet

rm -rf "$build/rtl_coverage"
mkdir "$build/rtl_coverage"
for test in "${tests[@]}"; do
  # Only the Verilated backends of the conformance tests say something about the RTL.
  filter='*'
  case $test in *conformance*) filter='*erilated*' ;; esac
  "$build/$test" --gtest_brief=1 --gtest_filter="$filter"
done
exec python3 -B scripts/rtl_coverage.py "$build/rtl_coverage" "$@"
