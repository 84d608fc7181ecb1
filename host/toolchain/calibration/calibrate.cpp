// Calibration of a checkpoint.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/calibration/calibrate.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "arch/support/error.hpp"
#include "arch/support/file.hpp"
#include "arch/support/setting_error.hpp"
#include "compiler/checkpoint/adapted.hpp"
#include "compiler/pipeline/trained_ranges.hpp"
#include "host/toolchain/calibration/contexts.hpp"
#include "host/toolchain/calibration/default_text.hpp"
#include "host/toolchain/calibration/known_ranges.hpp"
#include "host/toolchain/calibration/layers.hpp"
#include "host/toolchain/calibration/observe.hpp"
#include "host/toolchain/calibration/solve.hpp"

namespace xw::toolchain {
namespace {

/// What was adapted on a general text is calibrated on it.
TextDefaults text_defaults(const checkpoint::Checkpoint& checkpoint) {
  if (checkpoint.format() == checkpoint::kAdaptedFormat) return {general_text(), 4096};
  return {default_text(), 512};
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
      throw SettingError(ErrorCode::kInvalidArgument, "ADC range",
                         "ADC range: auto needs data; fixed input ranges have none");
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
  const std::vector<std::vector<std::int32_t>> contexts =
      calibration_contexts(options, text_defaults(*checkpoint), tokenizer, graph);
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
