#!/usr/bin/env bash
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
# Installs what the build and the tests need, from Debian's packages, and the charting library of --html pages from npm. Does nothing,
# quickly, when all is there. Without the library all the rest is built.
#
#   scripts/setup.sh          everything: the command, its simulators, tests, benchmarks, checks
#   scripts/setup.sh demo     only what the command itself is built from (CMake preset demo)
#   scripts/setup.sh browser  everything, and what looks at pages: Chromium (ctest -L browser)
#   scripts/setup.sh studies  everything, and what studies are tested with beside packages of PyPI: Open MPI, Slurm (ctest -C slow -L python)
set -euo pipefail
cd "$(dirname "$0")/.."

packages=(
  g++ cmake ninja-build pkg-config python3
  libeigen3-dev libboost-program-options-dev nlohmann-json3-dev libtomlplusplus-dev libpcre2-dev libsqlite3-dev zlib1g-dev
)
case "${1:-all}" in
  demo) ;;
  all | browser | studies)
    packages+=(
      ccache git clang-format-14 libsentencepiece-dev libcpp-httplib-dev
      verilator libsystemc-dev yosys python3-pip
      libxrt1 libxrt-dev uuid-dev
      libgtest-dev libgmock-dev libbenchmark-dev librandom123-dev
      python3-dev python3-numpy pybind11-dev
      python3-jsonschema zsh fish groff-base
    )
    if ! command -v npm >/dev/null; then packages+=(npm); fi # an npm of another origin will do
    if [ "${1:-all}" = browser ]; then packages+=(chromium chromium-driver python3-selenium fonts-dejavu-core); fi
    if [ "${1:-all}" = studies ]; then packages+=(openmpi-bin slurm-wlm python3-venv); fi
    ;;
  *)
    echo "setup: unknown group '$1'; known: demo, browser, studies, all (default)" >&2
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

charts() {
  if [ "${1:-all}" = demo ] && ! command -v npm >/dev/null; then
    echo "setup: no npm, so no charting library: --html will be refused (scripts/fetch_charts.sh)" >&2
    return
  fi
  scripts/fetch_charts.sh >/dev/null || echo "setup: no charting library: --html will be refused (scripts/fetch_charts.sh)" >&2
}
if [ ${#missing[@]} -eq 0 ]; then
  charts "$@"
  exit 0
fi

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
charts "$@"
