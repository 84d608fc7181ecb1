#!/usr/bin/env bash
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
# Installs what the build and the tests need, from Debian's packages. Does nothing, quickly, when all is there.
#
#   scripts/setup.sh         everything: the command, its simulators, tests, benchmarks, checks
#   scripts/setup.sh demo    only what the command itself is built from (CMake preset demo)
set -euo pipefail

packages=(
  g++ cmake ninja-build pkg-config python3
  libeigen3-dev libboost-program-options-dev nlohmann-json3-dev libtomlplusplus-dev libpcre2-dev zlib1g-dev
)
case "${1:-all}" in
  demo) ;;
  all)
    packages+=(
      ccache git clang-format-14 libsentencepiece-dev
      verilator libsystemc-dev yosys python3-pip
      libxrt1 libxrt-dev uuid-dev
      libgtest-dev libgmock-dev libbenchmark-dev librandom123-dev
      python3-jsonschema zsh fish groff-base
    )
    ;;
  *)
    echo "setup: unknown group '$1'; known: demo, all (default)" >&2
    exit 2
    ;;
esac

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  echo "setup: this is not a Debian system; these packages (or their like) must be installed: ${packages[*]}" >&2
  exit 0
fi

installed=$(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' "${packages[@]}" 2>/dev/null | awk '$1 == "ii" { print $2 }' || true)
missing=()
for package in "${packages[@]}"; do
  grep -qx -- "$package" <<<"$installed" || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then exit 0; fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "setup: not root and no sudo; as root: apt-get install --no-install-recommends ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
echo "setup: installing ${missing[*]}"
apt_get() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 "$@" >>"$log" 2>&1
}
if ! apt_get install -y --no-install-recommends "${missing[@]}"; then # the package lists may be old or absent
  if ! { apt_get update && apt_get install -y --no-install-recommends "${missing[@]}"; }; then
    tail -n 30 "$log" >&2
    echo "setup: apt-get could not install: ${missing[*]}" >&2
    exit 1
  fi
fi
