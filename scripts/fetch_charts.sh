#!/usr/bin/env bash
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
# Fetches the charting library of --html pages (Observable Plot and D3, ISC licence) with npm and prints the folder that it is in.
#
#   scripts/fetch_charts.sh
#
# Packages, versions, files and their SHA-256 stand in host/report/html/charts.txt; nothing else of the packages is kept. The folder appears
# whole or not at all; a second call costs nothing. Needs npm, tar and sha256sum. Configure again afterwards. Environment:
#   XW_CACHE   the cache (default: .cache in the repository); CMake looks there, too
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
list=$root/host/report/html/charts.txt

fail() {
  echo "fetch_charts: $1" >&2
  exit "${2:-1}"
}
if [ $# -ne 0 ]; then fail "usage: scripts/fetch_charts.sh" 2; fi

cache=$(realpath -m "${XW_CACHE:-$root/.cache}")
target=$cache/charts

# Whether folder $1 holds all files of the list as they should be; $2 names those that are not.
is_right() {
  local package version file sha256
  while read -r package version file sha256; do
    if [ -f "$1/$package/$file" ] && [ "$(sha256sum "$1/$package/$file" | cut -d ' ' -f 1)" = "$sha256" ]; then continue; fi
    if [ "${2:-}" = said ]; then echo "fetch_charts: $package $version, $file: expected SHA-256 $sha256, found another file" >&2; fi
    return 1
  done <"$list"
}

if is_right "$target"; then
  echo "$target"
  exit 0
fi
for tool in npm tar sha256sum; do
  command -v "$tool" >/dev/null || fail "this needs $tool, which is not installed (Debian: apt-get install npm tar coreutils)"
done
mkdir -p "$cache" || fail "cannot write to $cache"
work=$(mktemp -d "$cache/.charts.XXXXXX") || fail "cannot write to $cache"
trap 'rm -rf "$work"' EXIT

while read -r package version; do
  echo "fetch_charts: downloading $package $version" >&2
  mkdir -p "$work/pack" "$work/charts/$package"
  npm pack --silent --fetch-retries=1 --fetch-timeout=60000 --pack-destination "$work/pack" "$package@$version" >"$work/npm.log" 2>&1 || {
    tail -n 5 "$work/npm.log" >&2
    fail "could not download $package $version; is there a network?"
  }
  tar -xzf "$work/pack"/*.tgz -C "$work/pack" || fail "$package $version: cannot unpack it"
  while read -r of _ file _; do
    if [ "$of" != "$package" ]; then continue; fi
    mkdir -p "$(dirname "$work/charts/$package/$file")"
    cp "$work/pack/package/$file" "$work/charts/$package/$file" || fail "$package $version: expected a file $file, found none"
  done <"$list"
  rm -rf "$work/pack"
done < <(cut -d ' ' -f 1,2 "$list" | sort -u)
is_right "$work/charts" said || exit 1
rm -rf "$target"
mv "$work/charts" "$target"
echo "$target"
