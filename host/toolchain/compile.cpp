// From a checkpoint file to a program file.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/compile.hpp"

#include <chrono>
#include <cstddef>
#include <optional>
#include <vector>

#include "compiler/passes/first_token.hpp"
#include "host/toolchain/adapt/adapt.hpp"
#include "host/toolchain/adapter.hpp"
#include "host/toolchain/calibration/calibrate.hpp"
#include "host/toolchain/checkpoint.hpp"
#include "host/toolchain/plan/copies.hpp"
#include "host/toolchain/temporary_file.hpp"
#include "host/toolchain/version.hpp"

namespace xw::toolchain {

compiler::CompileSummary compile_checkpoint(const std::filesystem::path& model, const CompileOptions& options,
                                            const std::filesystem::path& output, ThreadPool& pool) {
  const auto start = std::chrono::steady_clock::now();
  compiler::CompileOptions compile;
  compile.weight_mode = options.weights;
  compile.lm_head_analog = options.lm_head_analog;
  compile.digital = options.digital;
  compile.row_cuts = options.row_cuts;
  compile.chips = options.chips;
  compile.reload = options.reload;
  compile.tool_version = kVersion;
  compile.source_name = model.filename().string();
  if (options.calibration.adc.source == AdcRange::Source::kFixed) compile.lambda = options.calibration.adc.lambda;
  const arch::ChipDescription chip = arch::load_chip(options.chip);
  const arch::EmulatorDescription emulator =
      arch::load_emulator(options.emulator.empty() ? chip.emulator : options.emulator);
  std::optional<TemporaryFile> adapted;
  if (options.adapt) {
    AdaptOptions adapt = *options.adapt;
    adapt.text = options.calibration.text;
    adapted.emplace("crossweave", "adapted.safetensors");
    adapt_checkpoint(model, options, adapt, adapted->path(), pool);
  }
  OpenedCheckpoint opened = open_checkpoint(adapted ? adapted->path() : model, options.tokenizer);
  if (!options.adapter.empty()) add_adapter(opened, options.adapter);
  const std::vector<std::string> analog = compiler::analog_linears(opened.graph, compile);
  if (options.first_token_digital) passes::set_digital_positions(opened.graph, analog, 1);
  passes::set_replicas(opened.graph, analog, options.replicas);
  std::optional<tokenizer::Tokenizer> tokenizer;
  std::vector<std::byte> blob;
  if (opened.tokenizer) {
    tokenizer.emplace(*opened.tokenizer);
    blob = tokenizer::serialize(*opened.tokenizer);
  }
  const compiler::Calibration calibration =
      calibrate(opened.file, opened.graph, chip, compile, options.calibration, tokenizer ? &*tokenizer : nullptr, pool);
  compile.spread_tiles = options.spread_tiles;
  compile.duplicates = options.duplicates;
  if (options.duplicate_tiles) {
    PlanOptions plan;
    plan.lm_head_analog = options.lm_head_analog;
    plan.digital = options.digital;
    plan.replicas = options.replicas;
    plan.row_cuts = options.row_cuts;
    plan.spread_tiles = options.spread_tiles;
    compile.duplicates = copy_rules(opened.graph, chip, emulator, calibration, plan, *options.duplicate_tiles);
  }
  compiler::CompileSummary summary =
      compiler::compile(*opened.file, opened.graph, chip, emulator, calibration, compile, blob, output, pool);
  summary.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return summary;
}

}  // namespace xw::toolchain
