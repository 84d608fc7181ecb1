// Quality of an opened model: perplexity and tasks, over one or several chip instances.
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

#include "host/evaluation/perplexity.hpp"
#include "host/evaluation/samples.hpp"
#include "host/evaluation/seeds.hpp"
#include "host/evaluation/task_result.hpp"
#include "host/toolchain/opened_model.hpp"

namespace xw::toolchain {

/// What is measured on every chip.
struct EvaluationPlan {
  std::optional<std::string> text;           ///< its perplexity
  evaluation::PerplexityOptions perplexity;  ///< its `bos` and `show_progress` are for the tasks, too
  std::vector<evaluation::Task> tasks;       ///< names differ
  evaluation::Sampling sampling;             ///< of answers that are generated
  /// Times since programming, in seconds, at which every chip is measured, each larger than the one before. Empty: the one that the
  /// model was opened with.
  std::vector<double> times;
};

/// A chip instance (or a reference mode) before its first measurement.
struct EvaluatedChip {
  std::uint32_t chip_seed = 0;
  double seconds = 0;       ///< since programming
  std::string description;  ///< OpenedModel::describe()
};

/// Called as results come; any may be empty.
struct EvaluationObserver {
  std::function<void(std::size_t chips)> on_kept;     ///< before anything else, with how many there are already, if any
  std::function<void(const EvaluatedChip&)> on_chip;  ///< before every chip, and again at every later time
  std::function<void(const evaluation::PerplexityResult&)> on_perplexity;
  std::function<void(const evaluation::Task&, const evaluation::TaskResult&)> on_task;
};

/// The chips of an evaluation: seeds first, first + 1, ...
struct ChipSeeds {
  std::uint32_t first = 0, count = 1;
};
constexpr std::uint32_t kMaxChipSeeds = 1'000'000;  ///< chips of one evaluation: their results are kept in memory
/// Throws Error{kInvalidArgument} for no chips, more than kMaxChipSeeds and seeds beyond 32 bits; for use before a model is opened.
void check(ChipSeeds seeds);
/// Throws Error{kInvalidArgument} for times of an EvaluationPlan that do not grow, or that this chip cannot have. `chip`: null unless the
/// run is analog.
void check_times(const std::vector<double>& times, const runtime::ChipInstance* chip);
/// Throws Error{kInvalidArgument} for two tasks of one name.
void check(const std::vector<evaluation::Task>& tasks);

/// Where results are kept.
struct EvaluationFiles {
  std::filesystem::path model;  ///< as the user gave it, for readers
  std::filesystem::path json;   ///< the whole result; empty or "-": no file
  /// What made the result (about_json()), its first key; nothing if it is null.
  nlohmann::ordered_json about = {};
};

/// A metric of a task over the chips.
struct TaskStatistics {
  std::string task, metric;
  evaluation::SeedStatistics chips;
};

/// What the chips gave at one time since programming.
struct TimeStatistics {
  double seconds = 0;
  std::optional<evaluation::SeedStatistics> perplexity;  ///< over the chips; nothing if it was not asked for
  std::vector<TaskStatistics> tasks;                     ///< every metric of every task
};

struct Evaluation {
  nlohmann::ordered_json json;                           ///< all of it, in order of the seeds
  std::optional<evaluation::SeedStatistics> perplexity;  ///< at the first time
  std::vector<TaskStatistics> tasks;                     ///< at the first time
  std::vector<TimeStatistics> times;                     ///< all times, the first included
};

/// "chip_seed,seconds,measure,metric,value", a line for every chip, time and figure; measure is "text" or the name of a task, quoted
/// where it must be.
[[nodiscard]] std::string to_csv(const Evaluation& evaluation);

/// Measures every chip: it is programmed once for all that is measured, and texts are made tokens once for all chips. The
/// results are kept in files.json as they come, down to single items (evaluation::Journal): a call with the same settings
/// measures only what is missing, and an error or an interrupt keeps what is finished. Throws Error{kInvalidArgument} for
/// no chips, for several chips or times in another mode than analog, for times that do not grow or are above 0 with a model that does
/// not drift, for a device without values, for a file with results of other settings, Error{kFormat} for one that is damaged, and what the measurements throw.
[[nodiscard]] Evaluation evaluate(OpenedModel& opened, const EvaluationPlan& plan, ChipSeeds seeds,
                                  const EvaluationFiles& files, const EvaluationObserver& observer = {});

}  // namespace xw::toolchain
