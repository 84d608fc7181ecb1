// Quality of an opened model over chip instances.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/evaluate.hpp"

#include <cstdio>
#include <limits>
#include <numeric>
#include <span>
#include <utility>

#include "arch/support/checksum.hpp"
#include "arch/support/error.hpp"
#include "arch/support/file.hpp"
#include "arch/support/json_text.hpp"
#include "host/evaluation/journal.hpp"
#include "host/toolchain/version.hpp"

namespace xw::toolchain {
namespace {

using Json = nlohmann::ordered_json;

/// Member `figure` of member `kind` of every chip that has it.
std::optional<evaluation::SeedStatistics> over_chips(const evaluation::Journal& journal,
                                                     const std::vector<std::uint32_t>& seeds, const char* kind,
                                                     const char* figure) {
  std::vector<std::uint32_t> with;
  std::vector<double> values;
  for (const std::uint32_t seed : seeds) {
    const Json* chip = journal.find(seed);
    if (chip == nullptr || !chip->contains(kind)) continue;
    with.push_back(seed);
    values.push_back(chip->at(kind).at(figure).get<double>());
  }
  if (values.empty()) return std::nullopt;
  return evaluation::seed_statistics(with, values);
}

Json statistics_json(const evaluation::SeedStatistics& statistics) {
  return {{"mean", statistics.mean}, {"std", statistics.standard_deviation}, {"values", statistics.values}};
}

std::string identity(std::uint32_t crc, std::uint64_t bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "crc32 %08x, ", crc);
  return text + std::to_string(bytes) + " bytes";
}

std::string identity(const std::string& bytes) {
  return identity(crc32(std::as_bytes(std::span(bytes))), bytes.size());
}

/// Of all passages, each with its lengths.
std::string identity(const std::vector<evaluation::LambadaExample>& passages) {
  std::string bytes;
  for (const evaluation::LambadaExample& passage : passages) {
    bytes += std::to_string(passage.context.size()) + " " + passage.context;
    bytes += std::to_string(passage.continuation.size()) + " " + passage.continuation;
  }
  return identity(bytes);
}

/// What decides the results, whatever the seeds are.
Json settings_of(const OpenedModel& opened, const EvaluationTask& task) {
  Json settings = {{"tool_version", kVersion}, {"mode", name(opened.mode())}};
  if (const auto program = opened.program()) settings["program"] = identity(program->identity(), program->file_bytes());
  if (const runtime::ChipInstance* chip = opened.chip(); chip != nullptr) {
    const runtime::ChipOptions& options = chip->options();
    settings.update({{"noise", options.noise}, {"read_sigma", options.read_sigma}, {"seconds", options.seconds}});
  }
  if (task.text) {
    settings.update(
        {{"text", identity(*task.text)}, {"tokens", task.perplexity.max_tokens}, {"context", task.perplexity.context}});
  }
  if (task.passages) settings.update({{"lambada", identity(*task.passages)}, {"limit", task.lambada.max_examples}});
  return settings;
}

/// What every finished chip has.
std::vector<evaluation::JournalFigure> figures_of(const EvaluationTask& task) {
  std::vector<evaluation::JournalFigure> figures;
  if (task.text) figures.push_back({"perplexity", "perplexity"});
  if (task.passages) figures.push_back({"lambada", "accuracy"});
  return figures;
}

Json measure(OpenedModel& opened, const EvaluationTask& task, std::uint32_t seed, const EvaluationObserver& observer) {
  ChipEvaluation chip;
  chip.chip_seed = seed;
  chip.description = opened.describe();
  if (observer.on_chip) observer.on_chip(chip);
  Json json = {{"chip_seed", seed}};
  if (task.text) {
    chip.perplexity = evaluation::perplexity(opened.model(), opened.tokenizer(), *task.text, task.perplexity);
    json["perplexity"] = Json::parse(evaluation::to_json(*chip.perplexity));
    if (observer.on_perplexity) observer.on_perplexity(*chip.perplexity);
  }
  if (task.passages) {
    chip.lambada = evaluation::lambada(opened.model(), opened.tokenizer(), *task.passages, task.lambada);
    json["lambada"] = Json::parse(evaluation::to_json(*chip.lambada));
    if (observer.on_lambada) observer.on_lambada(*chip.lambada);
  }
  return json;
}

}  // namespace

void check(ChipSeeds seeds) {
  if (seeds.count == 0) throw Error(ErrorCode::kInvalidArgument, "eval: --chip-seeds must be at least 1");
  if (seeds.count > kMaxChipSeeds) {
    throw Error(ErrorCode::kInvalidArgument, "eval: --chip-seeds must be at most " + std::to_string(kMaxChipSeeds) +
                                                 ", found " + std::to_string(seeds.count));
  }
  constexpr std::uint32_t kLargest = std::numeric_limits<std::uint32_t>::max();
  const std::uint64_t last = std::uint64_t{seeds.first} + seeds.count - 1;
  if (last > kLargest) {
    throw Error(ErrorCode::kInvalidArgument, "--chip-seeds: the last seed would be " + std::to_string(last) +
                                                 ", the largest is " + std::to_string(kLargest));
  }
}

Evaluation evaluate(OpenedModel& opened, const EvaluationTask& task, ChipSeeds seeds, const EvaluationFiles& files,
                    const EvaluationObserver& observer) {
  check(seeds);
  const bool analog = opened.mode() == Mode::kAnalog;
  if (!analog && seeds.count > 1) {
    throw Error(ErrorCode::kInvalidArgument,
                std::string("eval: --chip-seeds needs an analog run; mode is ") + name(opened.mode()));
  }
  if (opened.chip() != nullptr && !opened.chip()->device().info().values) {
    throw Error(ErrorCode::kInvalidArgument,
                "eval: the device simulates time only; quality needs one that computes values");
  }
  std::vector<std::uint32_t> all(seeds.count);
  std::iota(all.begin(), all.end(), seeds.first);
  // A reference is one result, and a checkpoint has no identity of its own by which an old one could be trusted.
  evaluation::Journal journal(analog ? files.json : std::filesystem::path(),
                              {{"model", files.model.string()}, {"run", opened.describe()}, {"tool_version", kVersion}},
                              settings_of(opened, task), all, figures_of(task));
  if (observer.on_kept && journal.size() != 0) observer.on_kept(journal.size());
  for (const std::uint32_t seed : all) {
    if (journal.find(seed) != nullptr) continue;
    if (analog) opened.reprogram(seed);
    journal.add(seed, measure(opened, task, seed, observer));
  }
  Evaluation result;
  result.perplexity = over_chips(journal, all, "perplexity", "perplexity");
  result.lambada_accuracy = over_chips(journal, all, "lambada", "accuracy");
  Json summary = Json::object();
  if (result.perplexity) summary["perplexity"] = statistics_json(*result.perplexity);
  if (result.lambada_accuracy) summary["lambada_accuracy"] = statistics_json(*result.lambada_accuracy);
  result.json = journal.finish(summary);
  if (!analog && !files.json.empty() && files.json != "-")
    write_text_file(files.json, json_text(result.json, 2) + "\n");
  return result;
}

}  // namespace xw::toolchain
