// The text that a model is calibrated on.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/calibration/contexts.hpp"

#include <algorithm>
#include <string>

#include "arch/support/error.hpp"
#include "arch/support/file.hpp"
#include "arch/support/setting_error.hpp"

namespace xw::toolchain {
namespace {

constexpr std::size_t kLeastTokens = 16;

}  // namespace

std::vector<std::vector<std::int32_t>> calibration_contexts(const CalibrationOptions& options,
                                                            const TextDefaults& defaults,
                                                            const tokenizer::Tokenizer* tokenizer,
                                                            const ir::Graph& graph) {
  if (tokenizer == nullptr) {
    throw SettingError(ErrorCode::kInvalidArgument, "tokenizer",
                       "calibration needs a tokenizer: none found beside the checkpoint; fixed input ranges need none");
  }
  const std::string text = options.text.empty() ? std::string(defaults.text) : read_text_file(options.text);
  std::vector<std::int32_t> tokens = tokenizer->encode(text, true, false);
  const auto longest = static_cast<std::size_t>(std::get<std::int64_t>(graph.meta.at("context_length")));
  const std::size_t context = std::min<std::size_t>(options.context, longest);
  if (context < kLeastTokens) {
    throw Error(ErrorCode::kInvalidArgument, "calibration: expected a context of at least " +
                                                 std::to_string(kLeastTokens) + " tokens, found " +
                                                 std::to_string(context));
  }
  const std::size_t limit = options.tokens == 0 ? defaults.tokens : options.tokens;
  if (tokens.size() > limit) tokens.resize(limit);
  if (tokens.size() < kLeastTokens) {
    throw Error(ErrorCode::kInvalidArgument, "calibration text gives only " + std::to_string(tokens.size()) +
                                                 " tokens; at least " + std::to_string(kLeastTokens) + " are needed");
  }
  const std::vector<std::int32_t> prefix = tokenizer->encode("", true, false);
  const bool has_prefix =
      !prefix.empty() && prefix.size() < context && std::equal(prefix.begin(), prefix.end(), tokens.begin());
  std::vector<std::vector<std::int32_t>> contexts;
  for (auto next = tokens.begin(); next != tokens.end();) {
    std::vector<std::int32_t>& piece = contexts.emplace_back();
    if (has_prefix && contexts.size() > 1) piece = prefix;
    const auto count = std::min(static_cast<std::ptrdiff_t>(context - piece.size()), tokens.end() - next);
    piece.insert(piece.end(), next, next + count);
    next += count;
  }
  if (contexts.size() > 1 && contexts.back().size() < kLeastTokens) contexts.pop_back();
  return contexts;
}

}  // namespace xw::toolchain
