#!/usr/bin/env bash
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
# From a real checkpoint to tokens on a noisy analog chip: fetches SmolLM2-135M-Instruct, compiles it for a chip of
# 512 x 512 tiles, lets one chip instance with PCM programming noise complete a prompt, and reports what that costs.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh
model=$(scripts/fetch_model.sh smollm2-135m)
if command -v ccache >/dev/null; then
  export CMAKE_C_COMPILER_LAUNCHER=ccache CMAKE_CXX_COMPILER_LAUNCHER=ccache CCACHE_NOHASHDIR=1 CCACHE_BASEDIR=$PWD
fi
mkdir -p build/demo
cmake --preset release >build/demo/configure.log 2>&1 || {
  cat build/demo/configure.log >&2
  exit 1
}
cmake --build --preset release --parallel "${XW_JOBS:-$(nproc)}" --target crossweave -- --quiet
crossweave=$(find build/release -type f -name crossweave -perm -u+x | head -n 1)
if [ -z "$crossweave" ]; then
  echo "demo: the build left no crossweave executable in build/release" >&2
  exit 1
fi

run() {
  printf '\n$ crossweave'
  printf ' %q' "$@"
  printf '\n'
  "$crossweave" "$@"
}
run compile "$model" --chip afm-512 -o build/demo/smollm2-135m.xwp
run run build/demo/smollm2-135m.xwp --noise pcm-afm --chip-seed 7 --prompt "The capital of France is" --tokens 48
run report build/demo/smollm2-135m.xwp
