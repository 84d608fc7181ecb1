// Planning from files.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

#include "host/toolchain/plan/plan.hpp"

namespace xw::toolchain {

/// plan_model() of a checkpoint, whose weights are not read, or of a configuration without weights (checkpoint::is_shape), on a chip and an
/// emulator by name or path; empty emulator: the chip's. Throws what opening them throws.
[[nodiscard]] PlanReport plan_file(const std::filesystem::path& model, const std::string& chip,
                                   const std::string& emulator, const PlanOptions& options);

}  // namespace xw::toolchain
