// The process that plays an Alveo card, with the Verilated kernels of the conformance tests.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/backends/xrt/emulation/card_program.hpp"
#include "tests/conformance/verilated_models.hpp"

int main() {
  return xw::xrt_emulation::run_card(xw::test::conformance_models());
}
