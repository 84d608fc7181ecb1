#!/usr/bin/env bash
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
# Makes the Debian packages: build/package/crossweave_*.deb (the command) and build/package/libcrossweave-dev_*.deb (libraries, headers).
#
#   scripts/package.sh          builds them, and has lintian look for errors
#   scripts/package.sh --check  also installs both in a bare Debian 12 (debootstrap, needs root) and uses them there: the command on the
#                               default model, and a program that is built with the libraries
set -euo pipefail
cd "$(dirname "$0")/.."

check=0
case "${1:-}" in
  "") ;;
  --check) check=1 ;;
  *)
    echo "package.sh: unknown argument '$1'; known: --check" >&2
    exit 2
    ;;
esac
jobs=${XW_JOBS:-$(nproc)}
as_root=()
if [ "$(id -u)" -ne 0 ]; then as_root=(sudo); fi
tools=(dpkg-dev lintian)
if [ $check = 1 ]; then tools+=(debootstrap); fi

step() { printf '== %s (%d s)\n' "$1" "$SECONDS"; }

step setup
scripts/setup.sh
if ! dpkg-query -W "${tools[@]}" >/dev/null 2>&1; then
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "${tools[@]}" >/dev/null
fi

step build
if command -v ccache >/dev/null; then
  export CMAKE_C_COMPILER_LAUNCHER=ccache CMAKE_CXX_COMPILER_LAUNCHER=ccache CCACHE_NOHASHDIR=1 CCACHE_BASEDIR=$PWD
fi
mkdir -p build
cmake --preset package >build/package.configure.log 2>&1 || {
  cat build/package.configure.log >&2
  exit 1
}
cmake --build --preset package --parallel "$jobs" -- --quiet

step packages
rm -f build/package/*.deb
(cd build/package && cpack >cpack.log 2>&1) || {
  cat build/package/cpack.log >&2
  exit 1
}
packages=(build/package/crossweave_*.deb build/package/libcrossweave-dev_*.deb)
ls -l "${packages[@]}"

step lintian
lintian --allow-root --fail-on error "${packages[@]}"
if [ $check = 0 ]; then exit 0; fi

step "a bare Debian 12"
system=$PWD/build/package/bookworm
mirror=$(sed -n 's/^URIs: *//p; s/^deb \(\[.*\] \)\?\([^ ]*debian\) .*/\2/p' /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null | grep -m 1 '/debian/\?$' || true)
"${as_root[@]}" rm -rf "$system"
"${as_root[@]}" debootstrap --variant=minbase bookworm "$system" "${mirror:-http://deb.debian.org/debian}" >build/package/debootstrap.log 2>&1 || {
  tail -n 20 build/package/debootstrap.log >&2
  exit 1
}
# What apt is told about proxies and certificates here holds there, too.
for file in /etc/apt/apt.conf /etc/apt/apt.conf.d/*; do
  if [ -f "$file" ] && grep -qi 'proxy\|acquire::https\?::' "$file"; then "${as_root[@]}" cp "$file" "$system/etc/apt/apt.conf.d/"; fi
done
# Of the environment here only proxies: a compiler launcher, for one, is not there.
there=(HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive)
for name in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY; do
  if [ -n "${!name:-}" ]; then there+=("$name=${!name}"); fi
done
inside() { "${as_root[@]}" chroot "$system" env -i "${there[@]}" "$@"; }
"${as_root[@]}" cp "${packages[@]}" "$system/root/"
"${as_root[@]}" cp -r models/default tests/package/installed "$system/root/"
quiet_inside() {
  local log
  log=$(inside "$@" 2>&1) || {
    tail -n 40 <<<"$log" >&2
    exit 1
  }
}
quiet_inside sh -c 'apt-get -qq update && apt-get -qq install -y --no-install-recommends /root/crossweave_*.deb'

step "the command there"
inside crossweave version
inside sh -ec 'cd /root && crossweave compile default/stories-2m.gguf --chip afm-512 -o model.xwp >/dev/null &&
  crossweave run model.xwp --noise pcm-afm --chip-seed 7 -p "Once upon a time" -n 16 &&
  test -s /usr/share/man/man1/crossweave-run.1.gz && test -s /usr/share/bash-completion/completions/crossweave'

step "the libraries there"
quiet_inside sh -c 'apt-get -qq install -y --no-install-recommends /root/libcrossweave-dev_*.deb g++ cmake ninja-build'
quiet_inside sh -ec 'cd /root && cmake -S installed -B built -G Ninja && cmake --build built --target consumer'
inside sh -ec 'cd /root && mkdir -p made && built/consumer made >/dev/null && crossweave run made/model.xwp -p ab -n 4 --ignore-eos'

step "removed again"
quiet_inside apt-get -qq purge -y crossweave libcrossweave-dev
left=$(inside find /usr -path '*crossweave*' -print)
if [ -n "$left" ]; then
  printf 'package.sh: left behind by the packages:\n%s\n' "$left" >&2
  exit 1
fi
"${as_root[@]}" rm -rf "$system"
step "all is well"
