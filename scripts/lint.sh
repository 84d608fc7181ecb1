#!/usr/bin/env bash
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
# Static checks: format, includes, licences, generated files; clang-tidy and shellcheck if they are installed. clang-tidy reads
# the options of a configuration of its own in build/lint, which needs no RTL.
#
#   scripts/lint.sh                 everything
#   scripts/lint.sh FILE.cpp ...    clang-tidy on these files only
set -euo pipefail
cd "$(dirname "$0")/.."

failed=0
check() {
  printf '== %s\n' "$1"
  shift
  "$@" || failed=1
}

check format scripts/check_format.sh
check includes python3 scripts/check_includes.py
check licences python3 scripts/check_licence.py
check "generated files" python3 scripts/gen_arch.py --check
if command -v shellcheck >/dev/null; then
  check shellcheck shellcheck scripts/*.sh .ci/run
else
  echo "== shellcheck is not installed; not checked"
fi
if ! command -v clang-tidy-14 >/dev/null; then
  echo "== clang-tidy-14 is not installed; not checked"
else
  mkdir -p build/lint
  cmake --preset dev -B build/lint -DXW_WITH_VERILATOR=OFF -DXW_BUILD_BENCHMARKS=OFF -DXW_PRECOMPILED_HEADERS=OFF \
    >build/lint/configure.log 2>&1 || {
    cat build/lint/configure.log >&2
    exit 1
  }
  files=("$@")
  if [ ${#files[@]} -eq 0 ]; then
    mapfile -t files < <(find arch models compiler host systemc -name '*.cpp' | sort)
  fi
  # shellcheck disable=SC2317  # called by check
  tidy() {
    printf '%s\0' "${files[@]}" |
      xargs -0 -n 1 -P "$(nproc)" clang-tidy-14 -p build/lint --quiet 2> >(grep -v 'warnings\? \(generated\|treated\)' >&2)
  }
  check clang-tidy tidy
fi
exit "$failed"
