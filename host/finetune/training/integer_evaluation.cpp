// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/finetune/training/integer_evaluation.hpp"

#include <algorithm>
#include <vector>

#include "arch/support/error.hpp"
#include "arch/support/file.hpp"
#include "host/evaluation/perplexity.hpp"
#include "host/finetune/training/export.hpp"
#include "host/toolchain/opened_model.hpp"
#include "host/toolchain/temporary_file.hpp"

namespace xw::finetune {
namespace {

/// Held-out tokens without the first of every sequence, which stands in front of every window.
struct HeldOut {
  std::vector<std::int32_t> tokens;
  std::int32_t first = 0;
};

HeldOut held_out_tokens(const Recipe& recipe, const DataSet& data) {
  HeldOut result;
  const std::uint32_t length = data.plan().length;
  std::vector<std::int32_t> sequence(length);
  const std::uint64_t begin = data.sequences() - std::min<std::uint64_t>(recipe.data.held_out, data.sequences());
  for (std::uint64_t s = begin; s < data.sequences() && result.tokens.size() < recipe.evaluation.tokens; ++s) {
    data.read(s, 0, sequence);
    result.first = sequence[0];
    result.tokens.insert(result.tokens.end(), sequence.begin() + 1, sequence.end());
  }
  if (result.tokens.empty())
    throw Error(ErrorCode::kInvalidArgument,
                "evaluation: data.held_out is 0; hold sequences out or name evaluation.text");
  return result;
}

}  // namespace

double integer_perplexity(const std::filesystem::path& checkpoint, const Recipe& recipe, const DataSet& data) {
  toolchain::RunOptions run;
  run.mode = toolchain::Mode::kAnalog;
  if (recipe.method == Method::kPretrain) run.mode = toolchain::Mode::kFp32;
  if (!recipe.evaluation.noise.empty()) run.chip.noise = recipe.evaluation.noise;
  run.chip.chip_seed = 1;
  run.chip.seconds = recipe.evaluation.seconds;
  if (run.chip.seconds > 0) run.chip.compensation = recipe.hardware.compensation;
  toolchain::CompileOptions compile;
  compile.chip = recipe.hardware.chip;
  if (recipe.method == Method::kQat) {
    const bool is_four = recipe.weight_bits == 4;
    run.mode = is_four ? toolchain::Mode::kDigitalW4A8 : toolchain::Mode::kDigitalW8A8;
    compile.weights = is_four ? program::WeightMode::kW4 : program::WeightMode::kW8;
  }
  toolchain::OpenedModel model(checkpoint, run, compile, recipe.run.threads);
  evaluation::PerplexityOptions options;
  options.max_tokens = recipe.evaluation.tokens;
  options.context = data.plan().length;
  options.title = "held out";
  HeldOut text;
  if (recipe.evaluation.text.empty()) {
    text = held_out_tokens(recipe, data);
  } else {
    text.tokens = model.tokenizer().encode(read_text_file(recipe.evaluation.text), false, false);
    text.first = evaluation::bos_token(model.tokenizer(), options.bos);
  }
  double sum = 0;
  const std::uint32_t chips = run.mode == toolchain::Mode::kAnalog ? recipe.evaluation.chips : 1;
  for (std::uint32_t chip = 0; chip < chips; ++chip) {
    if (run.mode == toolchain::Mode::kAnalog) model.reprogram(chip + 1);
    sum += evaluation::perplexity(model.model(), text.tokens, text.first, options).perplexity;
  }
  return sum / chips;
}

double integer_perplexity(const Network& network, const toolchain::OpenedCheckpoint& opened, const Recipe& recipe,
                          const DataSet& data) {
  const toolchain::TemporaryFile file("crossweave-finetune", "student.safetensors");
  export_network(network, opened, file.path(), ExportType::kF32);
  return integer_perplexity(file.path(), recipe, data);
}

}  // namespace xw::finetune
