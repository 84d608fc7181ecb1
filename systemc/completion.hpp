// The completion record (arch record completion).
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

#include "systemc/run_control.hpp"

namespace xw::systemc {

/// The record of a run that takes `total_cycles`.
[[nodiscard]] std::vector<std::byte> encode_completion(const RunControl& control, Cycles total_cycles);

}  // namespace xw::systemc
