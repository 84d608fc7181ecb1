#!/usr/bin/env bash
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
# Runs a program on an Alveo card, or on the emulation of one that build.sh --target hw_emu has made: finds XRT, the xclbin, the card.
#
#   scripts/alveo/run.sh --card u55c crossweave run smollm2.xwp -p "The sea" -n 16 --device xrt --stats
#   scripts/alveo/run.sh --card u55c --target hw_emu crossweave run smollm2.xwp -p "The sea" -n 2 --device xrt
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
card="" target=hw
fail() { echo "run.sh: $1" >&2; exit "${2:-2}"; }
while [ $# -gt 0 ]; do
  case $1 in
    --card) card=${2:-}; shift 2 ;;
    --target) target=${2:-}; shift 2 ;;
    -h | --help) sed -n '4,7s/^# \?//p' "$0"; exit 0 ;;
    --*) fail "unknown option '$1' (see --help)" ;;
    *) break ;;
  esac
done
[ -n "$card" ] || fail "which card? --card u55c, u50, u280 or u250"
[ $# -gt 0 ] || fail "expected a program to run"
folder=$root/build/alveo/$card/$target
[ -f "$folder/crossweave.xclbin" ] || fail "$folder/crossweave.xclbin is not there: scripts/alveo/build.sh --card $card --target $target" 3
if [ -z "${XILINX_XRT:-}" ]; then
  [ -f /opt/xilinx/xrt/setup.sh ] || fail "XRT is not installed: neither XILINX_XRT nor /opt/xilinx/xrt" 3
  # shellcheck disable=SC1091
  set +u && source /opt/xilinx/xrt/setup.sh >/dev/null && set -u
fi
export XW_XCLBIN=$folder/crossweave.xclbin
if [ "$target" = hw_emu ]; then export XCL_EMULATION_MODE=hw_emu EMCONFIG_PATH=$folder; else unset XCL_EMULATION_MODE; fi
for build in "$root/build/release" "$root/build/dev"; do
  if [ -x "$build/host/app/crossweave" ]; then PATH=$build/host/app:$PATH; break; fi
done
exec "$@"
