// `crossweave eval`: perplexity and LAMBADA accuracy, over one or several chip instances.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>

#include "arch/support/file.hpp"
#include "host/app/options.hpp"
#include "host/app/simulation_progress.hpp"
#include "host/evaluation/lambada.hpp"
#include "host/evaluation/perplexity.hpp"
#include "host/evaluation/seeds.hpp"
#include "host/toolchain/version.hpp"

namespace xw::app {

namespace {

namespace po = boost::program_options;

struct EvalFlags {
  std::filesystem::path text, lambada, json;
  evaluation::PerplexityOptions perplexity;
  evaluation::LambadaOptions passages;
  std::uint32_t chip_seeds = 1;
  unsigned threads = 0;
};

po::options_description eval_options(EvalFlags& flags) {
  po::options_description options("Evaluation");
  auto add = options.add_options();
  add("text", po::value(&flags.text), "text file: perplexity");
  add("tokens", po::value(&flags.perplexity.max_tokens)->default_value(0), "first tokens of the text (0: all)");
  add("context", po::value(&flags.perplexity.context)->default_value(512), "tokens of a window");
  add("lambada", po::value(&flags.lambada),
      "JSON lines with \"context\" and \"continuation\": accuracy of the last word");
  add("limit", po::value(&flags.passages.max_examples)->default_value(0), "first passages (0: all)");
  add("chip-seeds", po::value(&flags.chip_seeds)->default_value(1),
      "chip instances: seeds --chip-seed, +1, ...; mean and standard deviation");
  return options;
}

/// What one chip instance (or reference mode) gave.
struct Run {
  std::uint32_t chip_seed = 0;
  std::optional<evaluation::PerplexityResult> perplexity;
  std::optional<evaluation::LambadaResult> lambada;
};

nlohmann::ordered_json statistics_json(const evaluation::SeedStatistics& statistics) {
  return {{"mean", statistics.mean}, {"std", statistics.standard_deviation}, {"values", statistics.values}};
}

/// A figure of every run that has it.
template <typename Figure>
std::optional<evaluation::SeedStatistics> over_runs(const std::vector<Run>& runs, Figure figure) {
  std::vector<std::uint32_t> seeds;
  std::vector<double> values;
  for (const Run& run : runs) {
    if (const std::optional<double> value = figure(run)) {
      seeds.push_back(run.chip_seed);
      values.push_back(*value);
    }
  }
  if (values.empty()) return std::nullopt;
  return evaluation::seed_statistics(seeds, values);
}

std::optional<evaluation::SeedStatistics> perplexities(const std::vector<Run>& runs) {
  return over_runs(
      runs, [](const Run& run) { return run.perplexity ? std::optional(run.perplexity->perplexity) : std::nullopt; });
}

std::optional<evaluation::SeedStatistics> accuracies(const std::vector<Run>& runs) {
  return over_runs(runs,
                   [](const Run& run) { return run.lambada ? std::optional(run.lambada->accuracy) : std::nullopt; });
}

nlohmann::ordered_json to_json(const std::vector<Run>& runs, const std::filesystem::path& model,
                               const std::string& description) {
  nlohmann::ordered_json json = {
      {"model", model.string()}, {"run", description}, {"tool_version", toolchain::kVersion}};
  for (const Run& run : runs) {
    nlohmann::ordered_json entry = {{"chip_seed", run.chip_seed}};
    if (run.perplexity) entry["perplexity"] = nlohmann::ordered_json::parse(evaluation::to_json(*run.perplexity));
    if (run.lambada) entry["lambada"] = nlohmann::ordered_json::parse(evaluation::to_json(*run.lambada));
    json["runs"].push_back(std::move(entry));
  }
  if (const auto statistics = perplexities(runs)) json["perplexity"] = statistics_json(*statistics);
  if (const auto statistics = accuracies(runs)) json["lambada_accuracy"] = statistics_json(*statistics);
  return json;
}

}  // namespace

int eval_main(const std::vector<std::string>& arguments) {
  std::filesystem::path model;
  toolchain::RunOptions run;
  toolchain::CompileOptions compile;
  EvalFlags flags;
  po::options_description options = eval_options(flags);
  options.add_options()("model", po::value(&model), "program or checkpoint");
  options.add(thread_options(flags.threads)).add(json_options(flags.json));
  options.add(run_options(run)).add(compile_options(compile));
  const auto values = parse_command_line(
      "eval", arguments, options, "model", "MODEL (--text FILE | --lambada FILE) [options]",
      "  crossweave eval smollm2.xwp --text wiki.test.raw --tokens 20000 --noise pcm-afm --chip-seeds 5\n"
      "  crossweave eval model.gguf --mode fp32 --lambada lambada_openai.jsonl --limit 500 --json=fp32.json\n");
  if (!values) return 0;
  if (flags.text.empty() && flags.lambada.empty())
    throw Error(ErrorCode::kInvalidArgument, "eval: give --text, --lambada or both");
  if (flags.chip_seeds == 0) throw Error(ErrorCode::kInvalidArgument, "eval: --chip-seeds must be at least 1");
  // Read the inputs before the model is opened: a wrong path should not cost minutes.
  const std::string text = flags.text.empty() ? std::string() : read_text_file(flags.text);
  const std::vector<evaluation::LambadaExample> examples =
      flags.lambada.empty() ? std::vector<evaluation::LambadaExample>() : evaluation::read_lambada(flags.lambada);
  if (flags.perplexity.context < 2)
    throw Error(ErrorCode::kInvalidArgument,
                "--context: expected at least 2 tokens, found " + std::to_string(flags.perplexity.context));
  const SimulationProgress progress(run);
  toolchain::OpenedModel opened(model, run, compile, flags.threads);
  refuse_unused(*values, opened, run_options(run), compile_options(compile));
  if (opened.mode() != toolchain::Mode::kAnalog && flags.chip_seeds > 1) {
    throw Error(ErrorCode::kInvalidArgument,
                std::string("eval: --chip-seeds needs an analog run; mode is ") + toolchain::name(opened.mode()));
  }
  const bool quiet = flags.json == "-";
  std::vector<Run> runs;
  for (std::uint32_t i = 0; i < flags.chip_seeds; ++i) {
    Run result;
    result.chip_seed = run.chip.chip_seed + i;
    if (opened.mode() == toolchain::Mode::kAnalog) opened.reprogram(result.chip_seed);
    if (!quiet) std::cout << opened.describe() << '\n';
    if (!flags.text.empty()) {
      result.perplexity = evaluation::perplexity(opened.model(), opened.tokenizer(), text, flags.perplexity);
      if (!quiet) std::cout << "  " << evaluation::to_text(*result.perplexity) << std::endl;
    }
    if (!flags.lambada.empty()) {
      result.lambada = evaluation::lambada(opened.model(), opened.tokenizer(), examples, flags.passages);
      if (!quiet) std::cout << "  " << evaluation::to_text(*result.lambada) << std::endl;
    }
    runs.push_back(std::move(result));
  }
  if (!quiet && runs.size() > 1) {
    if (const auto statistics = perplexities(runs))
      std::cout << "perplexity " << evaluation::to_text(*statistics) << '\n';
    if (const auto statistics = accuracies(runs))
      std::cout << "LAMBADA accuracy " << evaluation::to_text(*statistics) << '\n';
  }
  const std::string json = to_json(runs, model, opened.describe()).dump(2) + "\n";
  if (!flags.json.empty()) write_json(flags.json, json);
  return 0;
}

}  // namespace xw::app
