#!/usr/bin/env bash
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
# Runs a program as if an Alveo card were in this machine: XRT's own driver for hardware emulation, and a process that plays the
# card. The program is the same that drives a real card.
#
#   scripts/xrt_emulation.sh [--kind functional|verilated] [--emulator NAME|FILE] [...] PROGRAM [ARGUMENT...]
#   scripts/xrt_emulation.sh --kind verilated crossweave run smollm2.xwp -p "The sea" -n 2 --device xrt --stats
#   scripts/xrt_emulation.sh --help
#
# XW_BUILD is the build folder (default: build/release, build/dev, whichever is there). Its programs are found by their names.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
build=${XW_BUILD:-}
if [ -z "$build" ]; then
  for build in "$root/build/release" "$root/build/dev"; do
    if [ -x "$build/host/backends/xrt/emulation/xrt_emulation" ]; then break; fi
  done
fi
launcher=$build/host/backends/xrt/emulation/xrt_emulation
if [ ! -x "$launcher" ]; then
  echo "xrt_emulation: $launcher is not built: scripts/setup.sh, then cmake --build $build --target xrt_emulation crossweave" >&2
  exit 2
fi
PATH="$build/host/app:$PATH" exec "$launcher" "$@"
