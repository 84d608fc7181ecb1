// `crossweave finetune`.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>

#include "host/app/options.hpp"
#include "host/finetune/recipe/recipe.hpp"
#include "host/finetune/training/train.hpp"
#include "host/report/text_format.hpp"

namespace xw::app {
namespace {

namespace po = boost::program_options;

std::string duration(double seconds) {
  char text[32];
  const auto whole = static_cast<long long>(seconds + 0.5);
  std::snprintf(text, sizeof text, "%lld:%02lld:%02lld", whole / 3600, whole / 60 % 60, whole % 60);
  return text;
}

void print_status(const finetune::TrainStatus& status) {
  report::line(std::cout, "step %llu  %.3f M tokens  loss %.4f  gradient %.3f  lr %.2e  %.0f tokens/s  %s left%s",
               static_cast<unsigned long long>(status.step), static_cast<double>(status.tokens) * 1e-6, status.loss,
               status.gradient_norm, status.lr, status.tokens_per_second, duration(status.seconds_left).c_str(),
               status.skipped > 0 ? ("  " + std::to_string(status.skipped) + " steps skipped").c_str() : "");
  std::cout.flush();
}

}  // namespace

int finetune_main(const std::vector<std::string>& arguments) {
  finetune::TrainFiles files;
  std::filesystem::path recipe_path, json_path;
  finetune::Overrides overrides;
  po::options_description options("Fine-tuning");
  auto add = options.add_options();
  add("recipe", path_value(recipe_path, "RECIPE"), "recipe: a TOML file (docs/finetuning.md)");
  add("output,o", path_value(files.output, "-o"),
      "trained checkpoint to write (.safetensors); beside it OUTPUT.state, OUTPUT.metrics.jsonl, OUTPUT.loss.svg");
  add("resume", po::bool_switch(&files.resume), "go on with OUTPUT.state if it is there");
  add("device", po::value<std::string>(), "cpu, cuda or cuda:N (default: the recipe's)");
  add("minutes", po::value<std::string>(), "training time (default: the recipe's)");
  add("tokens", po::value<std::string>(), "training text (default: the recipe's)");
  add("set", po::value(&overrides)->composing(), "SECTION.KEY=VALUE in place of what the recipe says; repeatable");
  options.add(json_options(json_path));
  const auto values = parse_command_line(
      "finetune", arguments, options, "recipe", "RECIPE.toml -o TRAINED.safetensors [options]",
      "  crossweave finetune models/recipes/smollm2-afm.toml -o smollm2-afm.safetensors\n"
      "  crossweave finetune models/recipes/smollm2-afm-gpu.toml --device cuda --minutes 8 -o smollm2-afm.safetensors\n"
      "  crossweave finetune models/recipes/smollm2-afm.toml --set optimiser.lr=5e-5 --resume -o "
      "smollm2-afm.safetensors\n"
      "  crossweave compile smollm2-afm.safetensors -o smollm2.xwp\n");
  if (!values) return 0;
  if (recipe_path.empty())
    throw Error(ErrorCode::kInvalidArgument, "finetune: no recipe given (see `crossweave finetune --help`)");
  if (files.output.empty())
    throw Error(ErrorCode::kInvalidArgument, "finetune: no output given; use -o TRAINED.safetensors");
  if (values->contains("device")) overrides.push_back("run.device=" + (*values)["device"].as<std::string>());
  if (values->contains("minutes")) overrides.push_back("budget.minutes=" + (*values)["minutes"].as<std::string>());
  if (values->contains("tokens")) overrides.push_back("budget.tokens=" + (*values)["tokens"].as<std::string>());
  const finetune::Recipe recipe = finetune::load_recipe(recipe_path, overrides);
  FileRoles roles;
  roles.add_input("RECIPE", recipe_path);
  roles.add_input("the model", recipe.model.checkpoint);
  roles.add_output("-o", files.output, OutputKind::kCheckpoint);
  roles.add_output("--json", json_path, OutputKind::kText);
  roles.check();
  finetune::TrainObserver observer;
  if (json_path != "-") {
    observer.on_status = print_status;
    observer.on_message = [](const std::string& line) { std::cout << line << std::endl; };
  }
  const finetune::TrainSummary summary = finetune::train(recipe, files, observer);
  const finetune::TrainStatus& last = summary.last;
  if (json_path != "-")
    report::line(std::cout, "%s: %llu steps, %llu tokens in %s; loss %.4f at first, %.4f at last",
                 files.output.string().c_str(), static_cast<unsigned long long>(last.step),
                 static_cast<unsigned long long>(last.tokens), duration(last.seconds).c_str(), summary.first_loss,
                 last.loss);
  write_json(json_path, {"finetune", arguments, roles},
             {{"output", files.output.string()},
              {"steps", last.step},
              {"tokens", last.tokens},
              {"seconds", last.seconds},
              {"tokens_per_second", last.seconds > 0 ? static_cast<double>(last.tokens) / last.seconds : 0},
              {"first_loss", summary.first_loss},
              {"loss", last.loss},
              {"skipped_steps", last.skipped},
              {"interrupted", summary.interrupted},
              {"recipe", finetune::recipe_json(recipe)}});
  if (summary.interrupted)
    throw Error(ErrorCode::kInterrupted, "what was trained is in " + files.output.string() + "; --resume goes on");
  return 0;
}

}  // namespace xw::app
