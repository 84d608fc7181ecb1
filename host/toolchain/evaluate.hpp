// Quality of an opened model: perplexity and LAMBADA accuracy, over one or several chip instances.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "host/evaluation/lambada.hpp"
#include "host/evaluation/perplexity.hpp"
#include "host/evaluation/seeds.hpp"
#include "host/toolchain/opened_model.hpp"

namespace xw::toolchain {

/// What is measured.
struct EvaluationTask {
  std::optional<std::string> text;  ///< its perplexity
  evaluation::PerplexityOptions perplexity;
  std::optional<std::vector<evaluation::LambadaExample>> passages;  ///< accuracy of their last words
  evaluation::LambadaOptions lambada;
};

/// What one chip instance (or reference mode) gave.
struct ChipEvaluation {
  std::uint32_t chip_seed = 0;
  std::string description;  ///< OpenedModel::describe()
  std::optional<evaluation::PerplexityResult> perplexity;
  std::optional<evaluation::LambadaResult> lambada;
};

/// Called as results come; any may be empty.
struct EvaluationObserver {
  std::function<void(const ChipEvaluation&)> on_chip;  ///< before its first measurement
  std::function<void(const evaluation::PerplexityResult&)> on_perplexity;
  std::function<void(const evaluation::LambadaResult&)> on_lambada;
};

/// The chips of an evaluation: seeds first, first + 1, ... (modulo 2^32).
struct ChipSeeds {
  std::uint32_t first = 0, count = 1;
};

/// One result per chip, in order. Throws Error{kInvalidArgument} for no chips, for several in another mode than analog,
/// and what the measurements throw.
[[nodiscard]] std::vector<ChipEvaluation> evaluate(OpenedModel& opened, const EvaluationTask& task, ChipSeeds seeds,
                                                   const EvaluationObserver& observer = {});

/// Over the chips that have the figure; nothing if none has.
[[nodiscard]] std::optional<evaluation::SeedStatistics> perplexities(const std::vector<ChipEvaluation>& chips);
[[nodiscard]] std::optional<evaluation::SeedStatistics> lambada_accuracies(const std::vector<ChipEvaluation>& chips);

/// All of it. `model`: the name that the user gave.
[[nodiscard]] nlohmann::ordered_json evaluation_json(const std::vector<ChipEvaluation>& chips,
                                                     const std::filesystem::path& model);

}  // namespace xw::toolchain
