// The process that plays the card, with the Verilated kernels of this build.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/backends/xrt/emulation/card_program.hpp"

int main() {
  return xw::xrt_emulation::run_card(xw::verilated::built_models());
}
