#!/usr/bin/env bash
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
# Static checks: format, includes, generated files, clang-tidy (needs a configured dev build), shellcheck if present.
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
check "generated files" python3 scripts/gen_arch.py --check
if command -v shellcheck >/dev/null; then
  check shellcheck shellcheck scripts/*.sh .ci/run
else
  echo "== shellcheck is not installed; not checked"
fi
if ! command -v clang-tidy-14 >/dev/null; then
  echo "== clang-tidy-14 is not installed; not checked"
elif [ ! -f build/dev/compile_commands.json ]; then
  echo "== clang-tidy: no build/dev/compile_commands.json (cmake --preset dev); not checked"
else
  files=("$@")
  if [ ${#files[@]} -eq 0 ]; then
    mapfile -t files < <(find arch models compiler host -name '*.cpp' | sort)
  fi
  # shellcheck disable=SC2317  # called by check
  tidy() {
    printf '%s\0' "${files[@]}" |
      xargs -0 -n 1 -P "$(nproc)" clang-tidy-14 -p build/dev --quiet 2> >(grep -v 'warnings\? \(generated\|treated\)' >&2)
  }
  check clang-tidy tidy
fi
exit "$failed"
