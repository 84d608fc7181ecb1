#!/usr/bin/env bash
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
# Builds the xclbin of an Alveo card with Vitis: packages the kernel, links it with the card's platform.
#
#   scripts/alveo/build.sh --card u55c                      for the card, some hours: build/alveo/u55c/hw/crossweave.xclbin
#   scripts/alveo/build.sh --card u55c --target hw_emu      for Vitis' own simulator, with the same host
#   scripts/alveo/build.sh --card u55c --dry-run            writes what Vitis would read and prints the commands; needs no Vitis
#
#   --card NAME          u55c, u50, u280 or u250 (scripts/alveo/cards.toml)
#   --emulator FILE      emulator description to build the kernel for (default: that of the card)
#   --platform NAME      instead of the card's
#   --mhz N              clock of the kernel (default: 300)
#   --jobs N             parallel jobs of Vivado (default: 8)
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
card="" target=hw emulator="" platform="" mhz=300 jobs=8 dry=0
fail() { echo "build.sh: $1" >&2; exit "${2:-2}"; }
while [ $# -gt 0 ]; do
  option=$1
  shift
  case $option in
    --dry-run) dry=1; continue ;;
    -h | --help) sed -n '4,14s/^# \?//p' "$0"; exit 0 ;;
    --card | --target | --emulator | --platform | --mhz | --jobs) [ $# -gt 0 ] || fail "$option: expected a value" ;;
    *) fail "unknown option '$option' (see --help)" ;;
  esac
  declare "${option#--}=$1"
  shift
done
[ -n "$card" ] || fail "which card? --card u55c, u50, u280 or u250"
case $target in hw | hw_emu) ;; *) fail "--target: expected hw or hw_emu, found '$target'" ;; esac
config() { python3 -B "$root/scripts/alveo/link_config.py" --card "$card" "$@"; }
[ -n "$platform" ] || platform=$(config --get platform)
[ -n "$emulator" ] || emulator=$root/arch/chips/$(config --get emulator).toml

out=$root/build/alveo/$card/$target
kernel=$out/kernel
mkdir -p "$kernel"
python3 -B "$root/scripts/rtl_kernel.py" "$emulator" "$kernel"
config --kernel-xml "$kernel/kernel.xml" --mhz "$mhz" >"$out/link.cfg"
echo "build.sh: $card, platform $platform, kernel of $(basename "$emulator" .toml), $mhz MHz: $out"

run() {
  printf '+ %s\n' "$*"
  [ $dry -eq 1 ] || "$@"
}
if [ $dry -eq 0 ]; then
  for tool in vivado v++ platforminfo; do
    command -v $tool >/dev/null || fail "$tool is not in PATH: source settings64.sh of Vitis (2022.2 or newer); --dry-run needs none" 3
  done
  platforminfo -p "$platform" >/dev/null 2>&1 || fail "platform $platform is not installed (platforminfo -l lists those that are; --platform)" 3
  part=$(platforminfo -p "$platform" --json="hardwarePlatform.board.part" 2>/dev/null | tr -d '"')
else
  part=PART_OF_$platform
fi
cd "$out"
run vivado -mode batch -nojournal -nolog -notrace -source "$root/scripts/alveo/package_kernel.tcl" \
  -tclargs "$kernel" "$root/rtl" "$part" "$out/crossweave.xo"
run v++ --link --target "$target" --platform "$platform" --config "$out/link.cfg" --vivado.impl.jobs "$jobs" --vivado.synth.jobs "$jobs" \
  --save-temps --report_level estimate -o "$out/crossweave.xclbin" "$out/crossweave.xo"
if [ "$target" = hw_emu ]; then run emconfigutil --platform "$platform" --od "$out"; fi
[ $dry -eq 1 ] || echo "build.sh: $out/crossweave.xclbin"
