#!/usr/bin/env bash
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
# The loop while changing things: builds the unit tests (CMake preset quick: no RTL, which scripts/test.sh has) and runs those
# that the change touches, that is, those whose program is new since it last passed; also the checks that take a second.
#
#   scripts/dev.sh                  all unit tests that the change touches
#   scripts/dev.sh ir_test ...      these targets only
#   scripts/dev.sh whole            everything, as scripts/test.sh does
#   XW_JOBS=4 scripts/dev.sh        number of parallel compilers and tests (default: the cores)
set -euo pipefail
cd "$(dirname "$0")/.."
jobs=${XW_JOBS:-$(nproc)}
build=build/quick
if [ "${1:-}" = whole ]; then exec scripts/test.sh; fi

step() { printf '== %s (%d s)\n' "$1" "$SECONDS"; }

if command -v ccache >/dev/null; then
  export CMAKE_C_COMPILER_LAUNCHER=ccache CMAKE_CXX_COMPILER_LAUNCHER=ccache CCACHE_NOHASHDIR=1 CCACHE_BASEDIR=$PWD
fi
step checks
scripts/check_format.sh
python3 -B scripts/gen_arch.py --check
python3 -B scripts/check_includes.py
python3 -B scripts/check_licence.py
if [ ! -f "$build/build.ninja" ]; then
  step configure
  mkdir -p "$build"
  cmake --preset quick >"$build/configure.log" 2>&1 || {
    cat "$build/configure.log" >&2
    exit 1
  }
fi

targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then targets=(quick_tests); fi
step "build ${targets[*]}"
NINJA_STATUS='[%f/%t] ' cmake --build "$build" --parallel "$jobs" --target "${targets[@]}" 2>&1 | python3 scripts/build_progress.py

# quick_tests.txt has a line per program: its name, its path.
changed=()
while read -r name program; do
  if [ $# -gt 0 ]; then
    [[ " $* " == *" $name "* ]] && changed+=("$program")
  elif [ ! -e "$program.passed" ] || [ "$program" -nt "$program.passed" ]; then
    changed+=("$program")
  fi
done <"$build/quick_tests.txt"
step "run ${#changed[@]} test programs"
run() { # run PROGRAM: quiet if it passes
  local folder output
  folder=$(dirname "$1")
  if output=$(cd "$folder" && timeout 300 "$1" --gtest_brief=1 2>&1); then
    touch "$1.passed"
    printf '%s: %s\n' "$(basename "$1")" "$(grep -E 'PASSED|tests? ran' <<<"$output" | tail -n 1)"
  else
    printf '%s\n%s: FAILED\n' "$output" "$1"
    return 1
  fi
}
export -f run
if [ ${#changed[@]} -gt 0 ]; then
  # shellcheck disable=SC2016  # the inner shell's $0 is what xargs gives it
  printf '%s\0' "${changed[@]}" | xargs -0 -n 1 -P "$jobs" bash -c 'run "$0"' || {
    echo "dev: tests failed; $((SECONDS)) s" >&2
    exit 1
  }
fi
step "done"
