// Quality of an opened model over chip instances.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/evaluate.hpp"

#include <nlohmann/json.hpp>
#include <utility>

#include "arch/support/error.hpp"
#include "host/toolchain/version.hpp"

namespace xw::toolchain {
namespace {

/// A figure of every chip that has it.
template <typename Figure>
std::optional<evaluation::SeedStatistics> over_chips(const std::vector<ChipEvaluation>& chips, Figure figure) {
  std::vector<std::uint32_t> seeds;
  std::vector<double> values;
  for (const ChipEvaluation& chip : chips) {
    if (const std::optional<double> value = figure(chip)) {
      seeds.push_back(chip.chip_seed);
      values.push_back(*value);
    }
  }
  if (values.empty()) return std::nullopt;
  return evaluation::seed_statistics(seeds, values);
}

nlohmann::ordered_json statistics_json(const evaluation::SeedStatistics& statistics) {
  return {{"mean", statistics.mean}, {"std", statistics.standard_deviation}, {"values", statistics.values}};
}

}  // namespace

std::vector<ChipEvaluation> evaluate(OpenedModel& opened, const EvaluationTask& task, ChipSeeds seeds,
                                     const EvaluationObserver& observer) {
  if (seeds.count == 0) throw Error(ErrorCode::kInvalidArgument, "eval: --chip-seeds must be at least 1");
  const bool analog = opened.mode() == Mode::kAnalog;
  if (!analog && seeds.count > 1) {
    throw Error(ErrorCode::kInvalidArgument,
                std::string("eval: --chip-seeds needs an analog run; mode is ") + name(opened.mode()));
  }
  std::vector<ChipEvaluation> chips;
  for (std::uint32_t i = 0; i < seeds.count; ++i) {
    const std::uint32_t seed = seeds.first + i;
    if (analog) opened.reprogram(seed);
    ChipEvaluation chip;
    chip.chip_seed = seed;
    chip.description = opened.describe();
    if (observer.on_chip) observer.on_chip(chip);
    if (task.text) {
      chip.perplexity = evaluation::perplexity(opened.model(), opened.tokenizer(), *task.text, task.perplexity);
      if (observer.on_perplexity) observer.on_perplexity(*chip.perplexity);
    }
    if (task.passages) {
      chip.lambada = evaluation::lambada(opened.model(), opened.tokenizer(), *task.passages, task.lambada);
      if (observer.on_lambada) observer.on_lambada(*chip.lambada);
    }
    chips.push_back(std::move(chip));
  }
  return chips;
}

std::optional<evaluation::SeedStatistics> perplexities(const std::vector<ChipEvaluation>& chips) {
  return over_chips(chips, [](const ChipEvaluation& chip) {
    return chip.perplexity ? std::optional(chip.perplexity->perplexity) : std::nullopt;
  });
}

std::optional<evaluation::SeedStatistics> lambada_accuracies(const std::vector<ChipEvaluation>& chips) {
  return over_chips(chips, [](const ChipEvaluation& chip) {
    return chip.lambada ? std::optional(chip.lambada->accuracy) : std::nullopt;
  });
}

nlohmann::ordered_json evaluation_json(const std::vector<ChipEvaluation>& chips, const std::filesystem::path& model) {
  nlohmann::ordered_json json = {
      {"model", model.string()}, {"run", chips.back().description}, {"tool_version", kVersion}};
  for (const ChipEvaluation& chip : chips) {
    nlohmann::ordered_json entry = {{"chip_seed", chip.chip_seed}};
    if (chip.perplexity) entry["perplexity"] = nlohmann::ordered_json::parse(evaluation::to_json(*chip.perplexity));
    if (chip.lambada) entry["lambada"] = nlohmann::ordered_json::parse(evaluation::to_json(*chip.lambada));
    json["runs"].push_back(std::move(entry));
  }
  if (const auto statistics = perplexities(chips)) json["perplexity"] = statistics_json(*statistics);
  if (const auto statistics = lambada_accuracies(chips)) json["lambada_accuracy"] = statistics_json(*statistics);
  return json;
}

}  // namespace xw::toolchain
