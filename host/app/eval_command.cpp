// `crossweave eval`: perplexity and tasks, over one or several chip instances.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "arch/support/file.hpp"
#include "arch/support/json_text.hpp"
#include "arch/support/printable.hpp"
#include "arch/support/units.hpp"
#include "host/app/options.hpp"
#include "host/app/simulation_progress.hpp"
#include "host/evaluation/task_file.hpp"
#include "host/toolchain/evaluate.hpp"

namespace xw::app {

namespace {

namespace po = boost::program_options;

struct EvalFlags {
  std::filesystem::path text, csv;
  ResultFiles files;
  std::string times;
  std::vector<std::string> tasks;
  toolchain::EvaluationPlan plan;
  std::uint64_t limit = 0;
  std::uint32_t chip_seeds = 1;
  unsigned threads = 0;
};

po::options_description eval_options(EvalFlags& flags) {
  po::options_description options("Evaluation");
  auto add = options.add_options();
  add("text", path_value(flags.text, "--text"), "text file: perplexity");
  add("tokens", po::value(&flags.plan.perplexity.max_tokens)->default_value(0), "first tokens of the text (0: all)");
  add("context", po::value(&flags.plan.perplexity.context)->default_value(512), "tokens of a window");
  add("task", po::value(&flags.tasks)->composing(),
      "JSON lines with questions and choices, continuations or answers, or samples that lm-evaluation-harness "
      "exported; "
      "may be given several times");
  add("limit", po::value(&flags.limit)->default_value(0), "first items of every task (0: all)");
  add("samples", po::value(&flags.plan.sampling.samples)->default_value(1),
      "answers to every question of tasks whose answers are generated: the chance that one of k is right, their "
      "majority, the likeliest");
  add("temperature", po::value(&flags.plan.sampling.sampler.temperature)->default_value(0),
      "of generated answers; 0: greedy (several samples: 1 unless given)");
  add_sampler_options(add, flags.plan.sampling.sampler.top_k, flags.plan.sampling.sampler.top_p,
                      flags.plan.sampling.sampler.seed);
  add("bos", po::value<std::string>()->default_value("tokenizer"),
      "beginning-of-sequence token in front of texts: tokenizer (where the tokenizer puts one), always, never");
  add("chip-seeds", po::value(&flags.chip_seeds)->default_value(1),
      "chip instances: seeds --chip-seed, +1, ...; mean and standard deviation");
  add("times", po::value(&flags.times),
      "times since programming at which every chip is measured, e.g. 0,1h,1d,30d,1y: programmed once, then aged");
  add("csv", path_value(flags.csv, "--csv"), "figures of every chip and time as CSV to this file");
  return options;
}

/// Throws Error{kInvalidArgument} for a word that is none.
evaluation::BosChoice bos_choice(const std::string& word) {
  if (word == "tokenizer") return evaluation::BosChoice::kTokenizer;
  if (word == "always") return evaluation::BosChoice::kAlways;
  if (word == "never") return evaluation::BosChoice::kNever;
  throw Error(ErrorCode::kInvalidArgument, "--bos: expected tokenizer, always or never, found '" + word + "'");
}

/// Throws Error{kInvalidArgument} for options of answers that no task wants.
void refuse_unused_sampling(const evaluation::Sampling& sampling, const std::vector<evaluation::Task>& tasks) {
  if (sampling == evaluation::Sampling{}) return;
  if (std::ranges::any_of(tasks, [](const auto& task) { return task.kind == evaluation::TaskKind::kGeneration; }))
    return;
  throw Error(ErrorCode::kInvalidArgument,
              "--samples, --temperature, --top-k, --top-p, --seed: expected a task with generated answers, found none");
}

}  // namespace

int eval_main(const std::vector<std::string>& arguments) {
  std::filesystem::path model;
  toolchain::RunOptions run;
  toolchain::CompileOptions compile;
  EvalFlags flags;
  po::options_description options = eval_options(flags);
  options.add_options()("model", path_value(model, "MODEL"), "program or checkpoint");
  options.add(thread_options(flags.threads)).add(result_options(flags.files));
  options.add(run_options(run)).add(compile_options(compile));
  const auto values = parse_command_line(
      "eval", arguments, options, "model", "MODEL (--text FILE | --task FILE) [options]",
      "  crossweave eval smollm2.xwp --text wiki.test.raw --tokens 20000 --noise pcm-afm --chip-seeds 5\n"
      "  crossweave eval smollm2.xwp --task arc_easy.jsonl --task lambada_openai.jsonl --chip-seeds 10 "
      "--json=pcm.json\n"
      "  crossweave eval smollm2.xwp --text wiki.test.raw --noise pcm-hermes --times 0,1h,1d,30d,1y --html ages.html\n"
      "  crossweave eval model.gguf --mode fp32 --task arc_easy.jsonl --limit 500 --json=fp32.json\n"
      "  crossweave eval model.xwp --task arithmetic.jsonl --samples 16 --temperature 0.8 --noise pcm-afm\n"
      "  crossweave compare fp32.json pcm.json\n");
  if (!values) return 0;
  if (flags.text.empty() && flags.tasks.empty())
    throw Error(ErrorCode::kInvalidArgument, "eval: give --text, --task or both");
  flags.plan.perplexity.bos = bos_choice((*values)["bos"].as<std::string>());
  const toolchain::ChipSeeds seeds{run.chip.chip_seed, flags.chip_seeds};
  toolchain::check(seeds);
  flags.plan.times = times_of(*values, flags.times);
  evaluation::Sampling& sampling = flags.plan.sampling;
  if (sampling.samples > 1 && (*values)["temperature"].defaulted()) sampling.sampler.temperature = 1;
  evaluation::check(sampling);
  FileRoles roles;
  add_model_files(roles, model, compile, &run);
  roles.add_input("--text", flags.text);
  for (const std::string& task : flags.tasks) roles.add_input("--task", task);
  flags.files.add_to(roles);
  roles.add_output("--csv", flags.csv, OutputKind::kText);
  roles.check();
  // Read the inputs before the model is opened: a wrong path should not cost minutes.
  if (!flags.text.empty()) flags.plan.text = read_text_file(flags.text);
  for (const std::string& task : flags.tasks) flags.plan.tasks.push_back(evaluation::read_task(task, flags.limit));
  toolchain::check(flags.plan.tasks);
  refuse_unused_sampling(sampling, flags.plan.tasks);
  if (flags.plan.perplexity.context < 2)
    throw Error(ErrorCode::kInvalidArgument,
                "--context: expected at least 2 tokens, found " + std::to_string(flags.plan.perplexity.context));
  const SimulationProgress progress(run);
  toolchain::OpenedModel opened(model, run, compile, flags.threads);
  refuse_unused(*values, opened, run_options(run), compile_options(compile));
  const bool quiet = flags.files.json == "-";
  nlohmann::ordered_json about;
  if (flags.files.any()) about = Asked{"eval", arguments, roles}.about();
  std::size_t kept = 0;
  toolchain::EvaluationObserver observer;
  if (!quiet) {
    observer.on_kept = [&](std::size_t chips) {
      kept = chips;
      std::cout << chips << " of " << seeds.count << " seeds are in " << printable(flags.files.json.string())
                << " already\n";
    };
    observer.on_chip = [](const auto& chip) { std::cout << printable(chip.description) << '\n'; };
    observer.on_perplexity = [](const auto& result) { std::cout << "  " << evaluation::to_text(result) << std::endl; };
    observer.on_task = [](const auto& task, const auto& result) {
      std::cout << "  " << printable(evaluation::to_text(task, result)) << std::endl;
    };
  }
  const toolchain::Evaluation result =
      toolchain::evaluate(opened, flags.plan, seeds, {model, flags.files.json, about}, observer);
  if (quiet) std::cout << json_text(result.json, 2) << '\n';
  flags.files.write_page(result.json);
  if (!flags.csv.empty()) write_text_file(flags.csv, toolchain::to_csv(result));
  if (!quiet && (seeds.count > 1 || kept != 0 || !flags.plan.times.empty())) {
    for (const toolchain::TimeStatistics& time : result.times) {
      const std::string at = flags.plan.times.empty() ? "" : duration_text(time.seconds) + ": ";
      if (time.perplexity) std::cout << at << "perplexity " << evaluation::to_text(*time.perplexity) << '\n';
      for (const toolchain::TaskStatistics& one : time.tasks) {
        std::cout << at << printable(one.task) << ' ' << one.metric << ' ' << evaluation::to_text(one.chips) << '\n';
      }
    }
  }
  return 0;
}

}  // namespace xw::app
