// Which layers of a model suffer from noise.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/adapt/search.hpp"

#include <nlohmann/json.hpp>

#include "arch/support/error.hpp"
#include "arch/support/file.hpp"
#include "arch/support/parallel.hpp"
#include "compiler/passes/select_analog.hpp"
#include "compiler/pipeline/chip_cells.hpp"
#include "host/toolchain/adapt/adapt.hpp"
#include "host/toolchain/calibration/default_text.hpp"
#include "host/toolchain/compile.hpp"
#include "host/toolchain/sensitivity/report.hpp"
#include "host/toolchain/temporary_file.hpp"

namespace xw::toolchain {
namespace {

constexpr const char* kNeededOptions = "--by call --json";
constexpr std::uint64_t kMaxDocumentBytes = std::uint64_t{1} << 28U;

[[noreturn]] void damaged(const std::filesystem::path& file, const std::string& what) {
  throw Error(
      ErrorCode::kFormat,
      file.string() + ": " + what + "; expected a complete result of `crossweave sensitivity " + kNeededOptions + "`");
}

}  // namespace

std::map<std::string, double> measure_losses(const OpenedCheckpoint& opened, const CompileOptions& compile,
                                             const AdaptOptions& options, ThreadPool& pool) {
  AdaptOptions exact = options;
  exact.search.reset();
  exact.passes.rank = 0;
  exact.passes.clip = false;
  CompileOptions without = compile;
  without.adapt.reset();
  without.replicas.clear();
  const arch::ChipDescription chip = compiler::with_known_cells(arch::load_chip(compile.chip));
  const std::vector<std::string> analog = passes::select_analog(opened.graph, compile.lm_head_analog, compile.digital);
  const TemporaryFile checkpoint("crossweave", "adapted.safetensors");
  adapt(opened, chip, analog, exact, checkpoint.path(), pool);
  const TemporaryFile program("crossweave", "program.xwp");
  compile_checkpoint(checkpoint.path(), without, program.path(), pool);
  RunOptions run;
  run.chip.noise = options.noise;
  OpenedModel model(program.path(), run, {}, pool.num_threads());
  SensitivityPlan plan;
  plan.text = options.text.empty() ? std::string(general_text()) : read_text_file(options.text);
  plan.perplexity.max_tokens = options.search->tokens;
  plan.perplexity.context = options.context;
  plan.by = {SensitivityBy::kCall};
  return losses_alone(model, plan, options.search->chip_seed);
}

std::map<std::string, double> read_losses(const std::filesystem::path& file) {
  const nlohmann::json result =
      parse_sensitivity(read_text_file(file, kMaxDocumentBytes), file.string(), kNeededOptions);
  std::map<std::string, double> losses;
  for (const nlohmann::json& group : result["groups"]) {
    if (!group.is_object() || group.value("by", nlohmann::json()) != "call") continue;
    const nlohmann::json name = group.value("name", nlohmann::json());
    const nlohmann::json alone = group.value("alone", nlohmann::json());
    if (!name.is_string() || !alone.is_object() || !alone.contains("mean") || !alone["mean"].is_number())
      damaged(file, "has a group without name or loss");
    losses[name.get<std::string>()] = alone["mean"].get<double>();
  }
  if (losses.empty()) damaged(file, "has no calls");
  return losses;
}

}  // namespace xw::toolchain
