// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/finetune/recipe/recipe.hpp"

#include <toml++/toml.h>
#include <nlohmann/json.hpp>
#include <sstream>
#include <utility>

#include "arch/description/table_reader.hpp"
#include "arch/support/error.hpp"
#include "arch/support/file.hpp"
#include "arch/support/units.hpp"

namespace xw::finetune {
namespace {

using arch::TableReader;

constexpr double kHuge = 1e12;
constexpr std::uint64_t kMaxCount = 1U << 24;

template <typename T>
T choice(TableReader& table, const char* key, std::initializer_list<std::pair<const char*, T>> known, T absent) {
  const std::string missing;
  const std::string text = table.text(key, missing);
  if (text.empty()) return absent;
  std::string list;
  for (const auto& [name, value] : known) {
    if (text == name) return value;
    list += std::string(list.empty() ? "" : ", ") + name;
  }
  table.reject(key, "one of " + list, "\"" + text + "\"");
}

std::string word(TableReader& table, const char* key, std::initializer_list<const char*> known,
                 const std::string& absent) {
  const std::string text = table.text(key, absent);
  std::string list;
  for (const char* name : known) {
    if (text == name) return text;
    list += std::string(list.empty() ? "" : ", ") + name;
  }
  table.reject(key, "one of " + list, "\"" + text + "\"");
}

bool on_off(TableReader& table, const char* key, bool absent) {
  return choice<bool>(table, key, {{"on", true}, {"off", false}}, absent);
}

std::uint32_t count(TableReader& table, const char* key, std::uint64_t low, std::uint64_t absent,
                    std::uint64_t high = kMaxCount) {
  return static_cast<std::uint32_t>(table.integer(key, low, high, absent));
}

/// Seconds of a text such as "1d".
double duration(TableReader& table, const char* key, double absent) {
  if (!table.has(key)) return absent;
  const std::string text = table.text(key, "");
  const std::optional<double> seconds = parse_duration(text);
  if (!seconds || *seconds > 1e10) table.reject(key, "a time such as \"1d\" or \"12h\"", "\"" + text + "\"");
  return *seconds;
}

std::vector<std::string> words(const std::string& text) {
  std::vector<std::string> result;
  std::istringstream stream(text);
  for (std::string item; std::getline(stream, item, ',');) {
    item.erase(0, item.find_first_not_of(' '));
    item.erase(item.find_last_not_of(' ') + 1);
    if (!item.empty()) result.push_back(item);
  }
  return result;
}

/// Reads a table that may be absent.
template <typename Read>
void section(TableReader& document, const char* key, Read read) {
  if (!document.has(key)) return;
  TableReader table = document.table(key);
  read(table);
  table.finish();
}

void read_hardware(TableReader& table, Recipe::Hardware& hardware) {
  hardware.chip = table.text("chip", hardware.chip);
  hardware.lm_head = word(table, "lm_head", {"analog", "digital"}, hardware.lm_head);
  hardware.digital = words(table.text("digital", ""));
  hardware.tiles = word(table, "tiles", {"chip", "whole"}, hardware.tiles);
  hardware.first_token_digital =
      choice<bool>(table, "first_token", {{"digital", true}, {"analog", false}}, hardware.first_token_digital);
  hardware.gamma = table.real("gamma", {0, 1}, hardware.gamma);
  hardware.noise = table.text("noise", hardware.noise);
  hardware.noise_scale = table.real("noise_scale", {0, 100}, hardware.noise_scale);
  hardware.lambda = table.real("lambda", {0, 1e6}, hardware.lambda);
  hardware.seconds = duration(table, "time", 0);
  hardware.compensation = table.text("compensation", hardware.compensation);
  const bool is_of_cells = hardware.noise != "gaussian" && hardware.noise != "none";
  if (hardware.seconds > 0 && !is_of_cells)
    table.reject("time", "noise of a cell model that drifts, or no time",
                 duration_text(hardware.seconds) + " with noise \"" + hardware.noise + "\"");
}

void read_ranges(TableReader& table, Recipe::Ranges& ranges) {
  ranges.start =
      choice<RangeStart>(table, "start", {{"mse", RangeStart::kMse}, {"kappa", RangeStart::kKappa}}, ranges.start);
  ranges.kappa = table.real("kappa", {0, 1e4, true}, ranges.kappa);
  ranges.batches = count(table, "batches", 1, ranges.batches);
  ranges.learn = on_off(table, "learn", ranges.learn);
  ranges.lr = table.real("lr", {0, 1}, ranges.lr);
  ranges.decay = table.real("decay", {0, 1}, ranges.decay);
  ranges.min_percentage = table.real("min_percentage", {0, 1}, ranges.min_percentage);
}

void read_optimiser(TableReader& table, Recipe::Optimiser& optimiser) {
  optimiser.lr = table.real("lr", {0, 1}, optimiser.lr);
  optimiser.end_lr = table.real("end_lr", {0, 1}, optimiser.end_lr);
  optimiser.decay = choice<LrDecay>(
      table, "decay", {{"linear", LrDecay::kLinear}, {"cosine", LrDecay::kCosine}, {"none", LrDecay::kNone}},
      optimiser.decay);
  optimiser.warmup_steps = count(table, "warmup_steps", 0, optimiser.warmup_steps);
  optimiser.beta1 = table.real("beta1", {0, 0.99999}, optimiser.beta1);
  optimiser.beta2 = table.real("beta2", {0, 0.99999999}, optimiser.beta2);
  optimiser.eps = table.real("eps", {0, 1, true}, optimiser.eps);
  optimiser.weight_decay = table.real("weight_decay", {0, 1}, optimiser.weight_decay);
  optimiser.grad_clip = table.real("grad_clip", {0, kHuge}, optimiser.grad_clip);
  optimiser.micro_batch = count(table, "micro_batch", 1, optimiser.micro_batch, 1U << 16);
  optimiser.accumulation = count(table, "accumulation", 1, optimiser.accumulation, 1U << 16);
  optimiser.train = word(table, "train", {"linears", "layers", "all"}, optimiser.train);
}

void read_run(TableReader& table, Recipe::Run& run) {
  run.device = table.text("device", run.device);
  if (run.device != "cpu" && run.device != "cuda" && !run.device.starts_with("cuda:"))
    table.reject("device", "cpu, cuda or cuda:N", "\"" + run.device + "\"");
  run.compute = word(table, "compute", {"auto", "fp32", "bf16"}, run.compute);
  run.threads = count(table, "threads", 0, run.threads, 1024);
  run.seed = table.integer("seed", 0, INT64_MAX, run.seed);
  run.checkpoint_minutes = table.real("checkpoint_minutes", {0, 1e6}, run.checkpoint_minutes);
  run.kl_chunk = count(table, "kl_chunk", 0, run.kl_chunk);
  run.log_seconds = table.real("log_seconds", {0, 1e6}, run.log_seconds);
}

Recipe read_recipe(TableReader document) {
  Recipe recipe;
  section(document, "model", [&](TableReader& table) {
    recipe.model.checkpoint = table.text("checkpoint");
    recipe.model.tokenizer = table.text("tokenizer", "");
  });
  section(document, "data", [&](TableReader& table) {
    recipe.data.path = table.text("path");
    recipe.data.sequence_length = count(table, "sequence_length", 2, 0, 1U << 20);
    recipe.data.held_out = count(table, "held_out", 0, recipe.data.held_out);
  });
  section(document, "method", [&](TableReader& table) {
    recipe.method = choice<Method>(
        table, "name",
        {{"afm", Method::kAfm}, {"qat", Method::kQat}, {"lora", Method::kAdapters}, {"pretrain", Method::kPretrain}},
        recipe.method);
    recipe.temperature = table.real("temperature", {0, 1e3, true}, recipe.temperature);
    recipe.weight_bits = count(table, "weight_bits", 0, recipe.weight_bits, 64);
    if (recipe.weight_bits != 4 && recipe.weight_bits != 8)
      table.reject("weight_bits", "4 or 8", std::to_string(recipe.weight_bits));
    recipe.starts_random = choice<bool>(table, "start", {{"random", true}, {"checkpoint", false}}, false);
    if (recipe.starts_random && recipe.method != Method::kPretrain)
      table.reject("start", "checkpoint: only pretrain begins with random weights", "\"random\"");
  });
  section(document, "hardware", [&](TableReader& table) { read_hardware(table, recipe.hardware); });
  section(document, "adapter", [&](TableReader& table) {
    recipe.adapters.rank = count(table, "rank", 1, recipe.adapters.rank, 4096);
    recipe.adapters.alpha = table.real("alpha", {0, 1e6, true}, recipe.adapters.alpha);
    recipe.adapters.linears = words(table.text("linears", ""));
  });
  section(document, "ranges", [&](TableReader& table) { read_ranges(table, recipe.ranges); });
  section(document, "clipping", [&](TableReader& table) {
    recipe.clipping.alpha = table.real("alpha", {0, 1e3}, recipe.clipping.alpha);
    recipe.clipping.exempt = table.real("exempt", {0, 1e6}, recipe.clipping.exempt);
    recipe.clipping.anneal = count(table, "anneal", 0, recipe.clipping.anneal);
  });
  if (recipe.method == Method::kAdapters) {
    if (recipe.clipping.alpha > 0)
      document.reject("clipping", "no clipping: with adapters the weights of the chip stay", "an alpha above 0");
    recipe.ranges.learn = false;
  }
  section(document, "optimiser", [&](TableReader& table) { read_optimiser(table, recipe.optimiser); });
  section(document, "budget", [&](TableReader& table) {
    recipe.budget.tokens = table.integer("tokens", 0, std::uint64_t{1} << 50, recipe.budget.tokens);
    recipe.budget.minutes = table.real("minutes", {0, 1e6}, recipe.budget.minutes);
  });
  section(document, "run", [&](TableReader& table) { read_run(table, recipe.run); });
  section(document, "evaluation", [&](TableReader& table) {
    recipe.evaluation.every = count(table, "every", 0, recipe.evaluation.every);
    recipe.evaluation.tokens = count(table, "tokens", 2, recipe.evaluation.tokens);
    recipe.evaluation.text = table.text("text", "");
    recipe.evaluation.chips = count(table, "chips", 1, recipe.evaluation.chips, 1000);
    recipe.evaluation.noise = table.text("noise", "");
    recipe.evaluation.seconds = duration(table, "time", recipe.evaluation.noise.empty() ? recipe.hardware.seconds : 0);
  });
  section(document, "export", [&](TableReader& table) {
    recipe.export_type = choice<ExportType>(table, "type", {{"fp32", ExportType::kF32}, {"bf16", ExportType::kBf16}},
                                            recipe.export_type);
  });
  if (recipe.model.checkpoint.empty()) document.reject("model", "a table with the checkpoint", "none");
  if (recipe.data.path.empty()) document.reject("data", "a table with the path of the data", "none");
  if (recipe.budget.tokens == 0 && recipe.budget.minutes == 0)
    document.reject("budget", "a limit in tokens or minutes", "none");
  document.finish();
  return recipe;
}

/// Sets a dotted key; the value is TOML, or a text if it is none.
void override_key(toml::table& document, const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0 || text.find('.') > equals)
    throw Error(ErrorCode::kInvalidArgument, "--set: expected SECTION.KEY=VALUE, found '" + text + "'");
  const std::string section_name = text.substr(0, text.find('.'));
  const std::string key = text.substr(section_name.size() + 1, equals - section_name.size() - 1);
  const std::string value = text.substr(equals + 1);
  toml::table parsed;
  try {
    parsed = toml::parse("value = " + value);
  } catch (const toml::parse_error&) {
    parsed.insert_or_assign("value", value);
  }
  if (parsed.size() != 1 || key.empty())
    throw Error(ErrorCode::kInvalidArgument, "--set: expected SECTION.KEY=VALUE, found '" + text + "'");
  if (document.get_as<toml::table>(section_name) == nullptr) document.insert_or_assign(section_name, toml::table());
  document.get_as<toml::table>(section_name)->insert_or_assign(key, *parsed.get("value"));
}

}  // namespace

const char* name(Method method) {
  switch (method) {
    case Method::kAfm:
      return "afm";
    case Method::kQat:
      return "qat";
    case Method::kAdapters:
      return "lora";
    case Method::kPretrain:
      return "pretrain";
  }
  return "?";
}

Recipe parse_recipe(std::string_view toml_text, const std::string& origin, const Overrides& overrides) {
  if (overrides.empty()) return read_recipe(TableReader(toml_text, origin));
  static_cast<void>(TableReader(toml_text, origin));  // its message names the line
  toml::table document = toml::parse(toml_text, origin);
  for (const std::string& text : overrides) override_key(document, text);
  std::ostringstream changed;
  changed << document;
  return read_recipe(TableReader(changed.str(), origin + " with --set"));
}

Recipe load_recipe(const std::filesystem::path& path, const Overrides& overrides) {
  return parse_recipe(read_text_file(path, 1U << 20), path.string(), overrides);
}

nlohmann::ordered_json recipe_json(const Recipe& r) {
  const auto decay_name = [&] {
    return r.optimiser.decay == LrDecay::kLinear ? "linear" : r.optimiser.decay == LrDecay::kCosine ? "cosine" : "none";
  };
  return {
      {"model", {{"checkpoint", r.model.checkpoint.string()}, {"tokenizer", r.model.tokenizer.string()}}},
      {"data",
       {{"path", r.data.path.string()}, {"sequence_length", r.data.sequence_length}, {"held_out", r.data.held_out}}},
      {"method",
       {{"name", name(r.method)},
        {"temperature", r.temperature},
        {"weight_bits", r.weight_bits},
        {"start", r.starts_random ? "random" : "checkpoint"}}},
      {"hardware",
       {{"chip", r.hardware.chip},
        {"lm_head", r.hardware.lm_head},
        {"digital", r.hardware.digital},
        {"tiles", r.hardware.tiles},
        {"first_token", r.hardware.first_token_digital ? "digital" : "analog"},
        {"gamma", r.hardware.gamma},
        {"noise", r.hardware.noise},
        {"noise_scale", r.hardware.noise_scale},
        {"lambda", r.hardware.lambda},
        {"time", r.hardware.seconds},
        {"compensation", r.hardware.compensation}}},
      {"adapter", {{"rank", r.adapters.rank}, {"alpha", r.adapters.alpha}, {"linears", r.adapters.linears}}},
      {"ranges",
       {{"start", r.ranges.start == RangeStart::kMse ? "mse" : "kappa"},
        {"kappa", r.ranges.kappa},
        {"batches", r.ranges.batches},
        {"learn", r.ranges.learn ? "on" : "off"},
        {"lr", r.ranges.lr},
        {"decay", r.ranges.decay},
        {"min_percentage", r.ranges.min_percentage}}},
      {"clipping", {{"alpha", r.clipping.alpha}, {"exempt", r.clipping.exempt}, {"anneal", r.clipping.anneal}}},
      {"optimiser",
       {{"lr", r.optimiser.lr},
        {"end_lr", r.optimiser.end_lr},
        {"decay", decay_name()},
        {"warmup_steps", r.optimiser.warmup_steps},
        {"beta1", r.optimiser.beta1},
        {"beta2", r.optimiser.beta2},
        {"eps", r.optimiser.eps},
        {"weight_decay", r.optimiser.weight_decay},
        {"grad_clip", r.optimiser.grad_clip},
        {"micro_batch", r.optimiser.micro_batch},
        {"accumulation", r.optimiser.accumulation},
        {"train", r.optimiser.train}}},
      {"budget", {{"tokens", r.budget.tokens}, {"minutes", r.budget.minutes}}},
      {"run",
       {{"device", r.run.device},
        {"compute", r.run.compute},
        {"threads", r.run.threads},
        {"seed", r.run.seed},
        {"checkpoint_minutes", r.run.checkpoint_minutes},
        {"kl_chunk", r.run.kl_chunk},
        {"log_seconds", r.run.log_seconds}}},
      {"evaluation",
       {{"every", r.evaluation.every},
        {"tokens", r.evaluation.tokens},
        {"text", r.evaluation.text.string()},
        {"chips", r.evaluation.chips},
        {"noise", r.evaluation.noise},
        {"time", r.evaluation.seconds}}},
      {"export", {{"type", r.export_type == ExportType::kF32 ? "fp32" : "bf16"}}}};
}

}  // namespace xw::finetune
