// A build without Verilator.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/backends/verilated/model.hpp"

namespace xw::verilated {

std::span<const ModelEntry> built_models() {
  return {};
}

}  // namespace xw::verilated
