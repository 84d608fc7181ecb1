// Input ranges that need no data.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "compiler/pipeline/compile.hpp"

namespace xw::toolchain {

/// `beta` for every input of the layers `names`.
[[nodiscard]] compiler::Calibration fixed_ranges(float beta, const ir::Graph& graph,
                                                 const std::vector<std::string>& names);

}  // namespace xw::toolchain
