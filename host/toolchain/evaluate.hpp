// Quality of an opened model: perplexity and LAMBADA accuracy, over one or several chip instances.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
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
  std::function<void(std::size_t chips)> on_kept;  ///< before anything else, with how many there are already, if any
  std::function<void(const ChipEvaluation&)> on_chip;  ///< before its first measurement
  std::function<void(const evaluation::PerplexityResult&)> on_perplexity;
  std::function<void(const evaluation::LambadaResult&)> on_lambada;
};

/// The chips of an evaluation: seeds first, first + 1, ...
struct ChipSeeds {
  std::uint32_t first = 0, count = 1;
};
constexpr std::uint32_t kMaxChipSeeds = 1'000'000;  ///< chips of one evaluation: their results are kept in memory
/// Throws Error{kInvalidArgument} for no chips, more than kMaxChipSeeds and seeds beyond 32 bits; for use before a model is opened.
void check(ChipSeeds seeds);

/// Where results are kept.
struct EvaluationFiles {
  std::filesystem::path model;  ///< as the user gave it, for readers
  std::filesystem::path json;   ///< the whole result; empty or "-": no file
};

struct Evaluation {
  nlohmann::ordered_json json;                           ///< all of it, in order of the seeds
  std::optional<evaluation::SeedStatistics> perplexity;  ///< over the chips; nothing if it was not asked for
  std::optional<evaluation::SeedStatistics> lambada_accuracy;
};

/// Measures every chip. On a device the results are kept in files.json as they come (evaluation::Journal): chips that are
/// there already are not measured again, and an error or an interrupt keeps what is finished. Throws
/// Error{kInvalidArgument} for no chips, for several in another mode than analog, for a device without values, for a file
/// with results of other settings, and what the measurements throw.
[[nodiscard]] Evaluation evaluate(OpenedModel& opened, const EvaluationTask& task, ChipSeeds seeds,
                                  const EvaluationFiles& files, const EvaluationObserver& observer = {});

}  // namespace xw::toolchain
