// Which linear layers go to the chip.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/ir/graph.hpp"

namespace xw::passes {

/// True if `text` matches `pattern`, where '*' stands for any characters and '?' for one.
[[nodiscard]] bool matches_glob(std::string_view pattern, std::string_view text);

/// Names of all linears but those that the graph keeps digital, those that match one of `digital` (names or patterns)
/// and, unless `lm_head_analog`, the linear "lm_head"; in graph order. Throws Error{kInvalidArgument} for a pattern that matches no linear.
[[nodiscard]] std::vector<std::string> select_analog(const ir::Graph& graph, bool lm_head_analog,
                                                     std::span<const std::string> digital);

}  // namespace xw::passes
