// The text that a model is calibrated on.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/calibration/contexts.hpp"

#include <algorithm>
#include <filesystem>
#include <string>

#include "arch/support/error.hpp"
#include "arch/support/file.hpp"
#include "arch/support/setting_error.hpp"
#include "host/finetune/data/data_set.hpp"

namespace xw::toolchain {
namespace {

constexpr std::size_t kLeastTokens = 16;

using Contexts = std::vector<std::vector<std::int32_t>>;

void check_length(std::size_t tokens) {
  if (tokens >= kLeastTokens) return;
  throw Error(ErrorCode::kInvalidArgument, "calibration text gives only " + std::to_string(tokens) +
                                               " tokens; at least " + std::to_string(kLeastTokens) + " are needed");
}

/// Sequences of a folder of token shards; each begins a context.
Contexts sampled_contexts(const std::filesystem::path& folder, std::size_t context, std::size_t limit,
                          std::int64_t vocab_size) {
  const finetune::DataSet data(folder);
  if (data.plan().vocab_size > static_cast<std::uint64_t>(vocab_size)) {
    throw Error(ErrorCode::kInvalidArgument,
                folder.string() + ": calibration text of another model: its vocabulary has " +
                    std::to_string(data.plan().vocab_size) + " tokens, the model's " + std::to_string(vocab_size));
  }
  const std::size_t length = std::min<std::size_t>(context, data.plan().length);
  Contexts contexts;
  std::size_t tokens = 0;
  for (std::uint64_t sequence = 0; sequence < data.sequences() && tokens < limit; ++sequence) {
    std::vector<std::int32_t>& piece = contexts.emplace_back(std::min(length, limit - tokens));
    data.read(sequence, 0, piece);
    tokens += piece.size();
  }
  check_length(tokens);
  if (contexts.size() > 1 && contexts.back().size() < kLeastTokens) contexts.pop_back();
  return contexts;
}

}  // namespace

std::vector<std::vector<std::int32_t>> calibration_contexts(const CalibrationOptions& options,
                                                            const TextDefaults& defaults,
                                                            const tokenizer::Tokenizer* tokenizer,
                                                            const ir::Graph& graph) {
  const auto longest = static_cast<std::size_t>(std::get<std::int64_t>(graph.meta.at("context_length")));
  const std::size_t context = std::min<std::size_t>(options.context, longest);
  if (context < kLeastTokens) {
    throw Error(ErrorCode::kInvalidArgument, "calibration: expected a context of at least " +
                                                 std::to_string(kLeastTokens) + " tokens, found " +
                                                 std::to_string(context));
  }
  const std::size_t limit = options.tokens == 0 ? defaults.tokens : options.tokens;
  if (std::filesystem::is_directory(options.text))
    return sampled_contexts(options.text, context, limit, std::get<std::int64_t>(graph.meta.at("vocab_size")));
  if (tokenizer == nullptr) {
    throw SettingError(ErrorCode::kInvalidArgument, "tokenizer",
                       "calibration needs a tokenizer: none found beside the checkpoint; fixed input ranges need none");
  }
  const std::string text = options.text.empty() ? std::string(defaults.text) : read_text_file(options.text);
  std::vector<std::int32_t> tokens = tokenizer->encode(text, true, false);
  if (tokens.size() > limit) tokens.resize(limit);
  check_length(tokens.size());
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
