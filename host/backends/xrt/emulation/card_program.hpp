// The process that plays the card: what simulate.sh starts for the driver.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "host/backends/verilated/model.hpp"

namespace xw::xrt_emulation {

/// Finds the description of the card and the driver's sockets through the environment that the driver sets, serves until
/// the driver closes or is gone. Returns the exit status of the process; errors are told on standard error.
[[nodiscard]] int run_card(std::span<const verilated::ModelEntry> models);

}  // namespace xw::xrt_emulation
