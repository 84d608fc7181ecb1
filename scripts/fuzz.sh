#!/usr/bin/env bash
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
# Runs every fuzz harness for SECONDS (default 600) each, JOBS (default: the number of cores) at a time.
#
#   scripts/fuzz.sh [SECONDS] [NAME...]      e.g. scripts/fuzz.sh 60 gguf_fuzzer program_fuzzer
#
# Corpora grow in build/fuzz/corpus/NAME; a finding stops its harness, its input stays in build/fuzz/findings, and the script fails.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-600}
shift || true
[[ $seconds =~ ^[1-9][0-9]*$ ]] || { echo "fuzz.sh: expected seconds, found '$seconds'" >&2; exit 2; }
jobs=${JOBS:-$(nproc)}

missing=()
for package in clang-14 libclang-rt-14-dev; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
done
scripts/setup.sh
if ((${#missing[@]})); then
  sudo=""
  [ "$(id -u)" -eq 0 ] || sudo=sudo
  $sudo apt-get update -qq
  DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends "${missing[@]}"
fi

launcher=()
command -v ccache >/dev/null && launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
cmake --preset fuzz "${launcher[@]}" >/dev/null
mapfile -t all < <(find tests/fuzz -name "*_fuzzer.cpp" -printf "%f\n" | sed "s/\.cpp$//" | sort)
names=("$@")
((${#names[@]})) || names=("${all[@]}")
cmake --build --preset fuzz -j "$(nproc)" --target "${names[@]}" make_checkpoint_seeds make_tokenizer_seeds make_xrt_seeds

work=build/fuzz
mkdir -p "$work/corpus" "$work/findings" "$work/logs"
for seeds in make_checkpoint_seeds make_tokenizer_seeds make_xrt_seeds; do
  "$(find "$work" -name $seeds -type f -executable | head -1)" "$work/corpus" >/dev/null
done
run() {  # NAME
  local name=$1 binary
  binary=$(find "$work" -name "$name" -type f -executable | head -1)
  local corpus="$work/corpus/${name%_fuzzer}"
  mkdir -p "$corpus"
  if "$binary" "$corpus" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=3000 -artifact_prefix="$work/findings/$name-" \
      -print_final_stats=1 >"$work/logs/$name.log" 2>&1; then
    echo "$name: $(grep -oE 'stat::number_of_executed_units: *[0-9]+' "$work/logs/$name.log" | grep -oE '[0-9]+$') inputs in $seconds s, no finding"
  else
    echo "$name: FOUND something, see $work/logs/$name.log and $work/findings" >&2
    return 1
  fi
}
export -f run
export work seconds
printf '%s\n' "${names[@]}" | xargs -P "$jobs" -I{} bash -c 'run {}'
