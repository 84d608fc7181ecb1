// The text that a model is calibrated on.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "compiler/ir/graph.hpp"
#include "host/tokenizer/tokenizer.hpp"
#include "host/toolchain/options.hpp"

namespace xw::toolchain {

/// Text and its length where the options leave them open.
struct TextDefaults {
  std::string_view text;
  std::uint32_t tokens = 0;
};

/// The text in pieces that each begin a context, with the tokenizer's beginning of a sequence if it has one. A folder of token shards
/// (host/finetune/data) gives its sequences instead, each cut to a context, and needs no tokenizer. Throws Error{kInvalidArgument} without
/// a tokenizer, for a context that is too short, for too little text and for shards of a larger vocabulary; what DataSet throws.
[[nodiscard]] std::vector<std::vector<std::int32_t>> calibration_contexts(const CalibrationOptions& options,
                                                                          const TextDefaults& defaults,
                                                                          const tokenizer::Tokenizer* tokenizer,
                                                                          const ir::Graph& graph);

}  // namespace xw::toolchain
