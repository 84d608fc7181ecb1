#!/usr/bin/env bash
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
# Compiles the device for Alveo cards (syntax only) with the headers of other XRT releases than the installed one.
#
#   scripts/check_xrt_headers.sh REPOSITORY [TAG...]
#   scripts/check_xrt_headers.sh https://github.com/Xilinx/XRT.git          # fetches the tags below, headers only
#   scripts/check_xrt_headers.sh ~/XRT/.git 202320.2.16.204                 # of a clone, one release (or any branch)
#
# The status is above 0 if a release does not compile, or compiles with a header of the installed XRT in place of its own.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
[ $# -ge 1 ] || { sed -n '4,10s/^# \?//p' "$0" >&2; exit 2; }
repository=$1
shift
tags=("$@")
# One of every release from 2.14 (2022.2) on.
[ ${#tags[@]} -gt 0 ] || tags=(202220.2.14.384 202310.2.15.225 202320.2.16.204 202410.2.17.319 202420.2.18.179 202510.2.19.194 202520.2.20.197
                               202610.2.23.244)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
include=src/runtime_src/core/include

failed=0
for tag in "${tags[@]}"; do
  if [ -d "$repository" ]; then
    source=$repository
  else
    source=$work/clone
    [ -d "$source" ] || git init -q --bare "$source"
    git -C "$source" fetch -q --depth 1 --filter=blob:none "$repository" "refs/tags/$tag:refs/tags/$tag"
    git -C "$source" config remote.origin.url "$repository"
    git -C "$source" config remote.origin.promisor true
  fi
  headers=$work/$tag
  mkdir -p "$headers"
  git -C "$source" archive "$tag:$include" | tar -x -C "$headers"
  # XRT's own build makes these.
  printf '#define XRT_MAJOR(code) ((code >> 16))\n#define XRT_MINOR(code) (code - ((code >> 16) << 16))\n#define XRT_VERSION_CODE 0x20010\n' |
    tee "$headers/version.h" "$headers/xrt/detail/version.h" >"$headers/xrt/detail/version-slim.h"
  sources=0
  good=1
  for file in "$root"/host/backends/xrt/*.cpp "$root"/host/backends/xrt/emulation/xclbin.cpp; do
    [ "$(basename "$file")" = absent.cpp ] && continue
    sources=$((sources + 1))
    if ! "${CXX:-g++}" -std=c++20 -fsyntax-only -Wno-deprecated-declarations -MD -MF "$work/read" -I"$root" -isystem "$headers" "$file" 2>"$work/log"; then
      good=0
      echo "$tag: $(basename "$file"):" >&2
      head -n 5 "$work/log" >&2
    elif tr -s ' \\\n' '\n' <"$work/read" | grep -v -F -e "$root/" -e "$headers/" | grep -E '/(xrt|xcl|ert|experimental/x)[^/]*(/|\.h)' >"$work/log"; then
      good=0
      echo "$tag: $(basename "$file") reads headers of the installed XRT: $(paste -sd ' ' "$work/log")" >&2
    fi
  done
  if [ $good -eq 1 ]; then echo "$tag: $sources sources compile"; else failed=1; fi
done
exit $failed
