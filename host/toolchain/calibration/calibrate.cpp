// Calibration of a checkpoint.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/calibration/calibrate.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "arch/support/error.hpp"
#include "arch/support/file.hpp"
#include "compiler/pipeline/trained_ranges.hpp"
#include "host/toolchain/calibration/default_text.hpp"
#include "host/toolchain/calibration/known_ranges.hpp"
#include "host/toolchain/calibration/layers.hpp"
#include "host/toolchain/calibration/observe.hpp"
#include "host/toolchain/calibration/solve.hpp"

namespace xw::toolchain {
namespace {

constexpr std::size_t kLeastTokens = 16;

/// The text in pieces that each begin a context, with the tokenizer's beginning of a sequence if it has one.
std::vector<std::vector<std::int32_t>> calibration_contexts(const CalibrationOptions& options,
                                                            const tokenizer::Tokenizer* tokenizer,
                                                            const ir::Graph& graph) {
  if (tokenizer == nullptr) {
    throw Error(ErrorCode::kInvalidArgument,
                "calibration needs a tokenizer: none found beside the checkpoint; give --tokenizer, or --ranges "
                "fixed:BETA for ranges without data");
  }
  const std::string text = options.text.empty() ? std::string(default_text()) : read_text_file(options.text);
  std::vector<std::int32_t> tokens = tokenizer->encode(text, true, false);
  const auto longest = static_cast<std::size_t>(std::get<std::int64_t>(graph.meta.at("context_length")));
  const std::size_t context = std::min<std::size_t>(options.context, longest);
  if (context < kLeastTokens) {
    throw Error(ErrorCode::kInvalidArgument, "calibration: expected a context of at least " +
                                                 std::to_string(kLeastTokens) + " tokens, found " +
                                                 std::to_string(context));
  }
  if (tokens.size() > options.tokens) tokens.resize(options.tokens);
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

}  // namespace

compiler::Calibration calibrate(const std::shared_ptr<const checkpoint::Checkpoint>& checkpoint, const ir::Graph& graph,
                                const arch::ChipDescription& chip, const compiler::CompileOptions& compile,
                                const CalibrationOptions& options, const tokenizer::Tokenizer* tokenizer,
                                ThreadPool& pool) {
  using Input = InputRanges::Source;
  using Adc = AdcRange::Source;
  const std::vector<std::string> names = compiler::analog_linears(graph, compile);
  if (options.ranges.source == Input::kFixed) {
    if (options.adc.source == Adc::kPerLayer)
      throw Error(ErrorCode::kInvalidArgument, "--lambda auto needs data; --ranges fixed has none");
    return fixed_ranges(options.ranges.beta, graph, names);
  }
  compiler::Calibration stored;
  if (options.ranges.source == Input::kDefault && compiler::is_trained(*checkpoint)) {
    stored = compiler::trained_ranges(*checkpoint, graph, names, chip, compile.weight_mode, pool);
    if (options.adc.source == Adc::kFixed) {
      for (auto& [name, ranges] : stored.layers) ranges.lambda = 0;  // compile.lambda counts
    }
    if (options.adc.source != Adc::kPerLayer) return stored;
  }
  const bool use_stored = !stored.layers.empty();

  CalibrationLayers layers =
      use_stored ? layers_with_ranges(graph, names, stored) : cut_layers(graph, names, chip, compile.row_cuts);
  const std::vector<std::vector<std::int32_t>> contexts = calibration_contexts(options, tokenizer, graph);
  observe(layers, checkpoint, graph, contexts, compile.lm_head_analog, pool);
  std::size_t tokens = 0;
  for (const std::vector<std::int32_t>& context : contexts) tokens += context.size();
  if (!use_stored) choose_input_ranges(layers, options.ranges.choice, chip, pool);
  const bool adc = options.adc.source != Adc::kFixed;
  compiler::Calibration calibration = solve(layers, adc, *checkpoint, chip, pool);
  calibration.description =
      (use_stored ? stored.description : passes::to_string(options.ranges.choice) + " per row block") + " on " +
      std::to_string(tokens) + " tokens of " +
      (options.text.empty() ? "the built-in text" : options.text.filename().string()) +
      (adc ? ", ADC range per layer (mse)" : "");
  return calibration;
}

}  // namespace xw::toolchain
