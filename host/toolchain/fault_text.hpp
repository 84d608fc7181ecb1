// What is broken in a chip and what was moved, for readers.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "host/runtime/chip_instance.hpp"

namespace xw::toolchain {

/// One line: what was moved to spares and what could not be.
[[nodiscard]] std::string to_text(const runtime::FaultReport& report);
/// Lists of what was moved ([from, to], [tile, column, to]) and lost, and counts of stuck cells that hold weights.
[[nodiscard]] nlohmann::ordered_json to_json(const runtime::FaultReport& report);

}  // namespace xw::toolchain
