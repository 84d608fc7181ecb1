// Where a model loses quality on a chip.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/sensitivity/sensitivity.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <utility>

#include "arch/description/description.hpp"
#include "arch/support/error.hpp"
#include "arch/support/progress.hpp"
#include "host/evaluation/journal.hpp"
#include "host/toolchain/evaluation_settings.hpp"
#include "host/toolchain/invocation.hpp"
#include "host/toolchain/sensitivity/report.hpp"
#include "host/toolchain/version.hpp"

namespace xw::toolchain {
namespace {

using Json = nlohmann::ordered_json;
using Windows = std::vector<evaluation::TextWindow>;

constexpr const char* kLayers = "layers.";

/// "layers.3" and "qkv" of "layers.3.qkv"; any other name is both.
std::pair<std::string, std::string> layer_and_kind(const std::string& call) {
  if (!call.starts_with(kLayers)) return {call, call};
  const std::size_t dot = call.find('.', std::string(kLayers).size());
  if (dot == std::string::npos || dot + 1 == call.size()) return {call, call};
  return {call.substr(0, dot), call.substr(dot + 1)};
}

/// Differences of windows, pair by pair.
class Differences {
 public:
  void add(const Windows& of, const Windows& less) {
    if (of.size() != less.size()) throw Error(ErrorCode::kInternal, "sensitivity: windows differ");
    for (std::size_t w = 0; w < of.size(); ++w) {
      const auto tokens = static_cast<double>(of[w].tokens);
      differences_.push_back({of[w].nll - less[w].nll, tokens});
    }
  }
  [[nodiscard]] LossDifference result() const {
    double sum = 0, tokens = 0, squares = 0;
    for (const auto& [nats, count] : differences_) {
      sum += nats;
      tokens += count;
    }
    LossDifference loss;
    if (tokens == 0) return loss;
    loss.mean = sum / tokens;
    const auto n = static_cast<double>(differences_.size());
    if (differences_.size() < 2) return loss;
    for (const auto& [nats, count] : differences_) {
      const double rest = nats - loss.mean * count;
      squares += rest * rest;
    }
    loss.standard_error = std::sqrt(squares * n / (n - 1)) / tokens;
    return loss;
  }

 private:
  std::vector<std::pair<double, double>> differences_;  ///< nats, tokens
};

class Measurements {
 public:
  Measurements(OpenedModel& opened, const SensitivityPlan& plan, const EvaluationInputs& inputs,
               evaluation::Journal& journal, std::uint32_t seed, std::size_t count)
      : opened_(opened),
        plan_(plan),
        inputs_(inputs),
        journal_(journal),
        seed_(seed),
        progress_("sensitivity", count, "runs") {
    const Json* kept = journal.find(seed);
    if (kept == nullptr) kept = journal.find_unfinished(seed);
    if (kept != nullptr && kept->contains("measured")) kept_ = (*kept)["measured"];
    if (!kept_.is_object()) kept_ = Json::object();
  }

  /// Which chip measure() means from now on: of `seed`, `seconds` since programming; without `seconds` as the model was opened with.
  void use(std::uint32_t seed, std::optional<double> seconds) { wanted_ = {seed, false, seconds}; }
  /// The same with cells that have no noise, and so no age.
  void use_ideal(std::uint32_t seed) { wanted_ = {seed, true, std::nullopt}; }

  /// What the calls in `on_chip` lose on that chip.
  [[nodiscard]] Windows measure(const std::string& name, const std::vector<bool>& on_chip) {
    if (kept_.contains(name)) {
      progress_.advance();
      return evaluation::parse_windows(kept_[name], name);
    }
    load();
    opened_.place_calls(on_chip);
    evaluation::PerplexityOptions options = plan_.perplexity;
    options.show_progress = false;
    Windows windows = evaluation::perplexity(opened_.model(), inputs_.text, inputs_.bos, options).per_window;
    kept_[name] = evaluation::to_json(windows);
    if (journal_.due()) journal_.keep(seed_, {{"measured", kept_}});
    progress_.advance();
    return windows;
  }
  /// Keeps what there is when something ends the measurement early.
  void save() { journal_.keep(seed_, {{"measured", kept_}}); }
  [[nodiscard]] const Json& kept() const { return kept_; }

 private:
  struct Chip {
    std::uint32_t seed = 0;
    bool ideal = false;
    std::optional<double> seconds;
  };

  /// A chip is programmed when it is needed first, and only aged after that.
  void load() {
    if (!loaded_ || loaded_->seed != wanted_.seed || loaded_->ideal != wanted_.ideal) {
      loaded_.reset();
      opened_.reprogram(wanted_.seed, wanted_.ideal ? "ideal" : "");
      loaded_ = Chip{wanted_.seed, wanted_.ideal, std::nullopt};
    }
    if (wanted_.seconds && loaded_->seconds != wanted_.seconds) opened_.age(*wanted_.seconds);
    loaded_->seconds = wanted_.seconds;
  }

  OpenedModel& opened_;
  Chip wanted_;
  std::optional<Chip> loaded_;  ///< of opened_; nothing before the first measurement
  const SensitivityPlan& plan_;
  const EvaluationInputs& inputs_;
  evaluation::Journal& journal_;
  std::uint32_t seed_;
  Progress progress_;
  Json kept_;
};

/// Of all chips at one time.
struct Losses {
  explicit Losses(std::size_t groups) : alone(groups), noise(groups), regained(groups) {}
  Differences all;
  std::vector<Differences> alone, noise, regained;  ///< per group
};

/// The calls that are on the chip: those of the group, or all others.
std::vector<bool> placed(const SensitivityGroup& group, bool on_chip, std::size_t num_calls) {
  std::vector<bool> mask(num_calls, !on_chip);
  for (const std::uint32_t call : group.calls) mask[call] = on_chip;
  return mask;
}

std::string named(const std::string& what, const SensitivityGroup& group) {
  return what + " " + name(group.by) + " " + group.name;
}

/// `opened_with`: seconds since programming that chips have if the plan has no times.
Sensitivity measure_all(Measurements& measurements, const SensitivityPlan& plan, ChipSeeds seeds,
                        std::vector<SensitivityGroup> groups, std::size_t num_calls, double opened_with) {
  const std::vector<bool> nothing(num_calls, false), everything(num_calls, true);
  const auto only = [&](const SensitivityGroup& group, bool on_chip) { return placed(group, on_chip, num_calls); };
  Sensitivity result;
  result.chips = seeds.count;
  measurements.use_ideal(seeds.first);
  const Windows reference = measurements.measure("nothing", nothing);
  double nats = 0;
  for (const evaluation::TextWindow& window : reference) {
    nats += window.nll;
    result.tokens += window.tokens;
  }
  result.reference = nats / static_cast<double>(result.tokens);
  Differences all_ranges;
  all_ranges.add(measurements.measure("ideal everything", everything), reference);
  result.ranges = all_ranges.result();
  std::vector<Windows> ranges;
  for (SensitivityGroup& group : groups) {
    ranges.push_back(measurements.measure(named("ideal only", group), only(group, true)));
    Differences loss;
    loss.add(ranges.back(), reference);
    group.ranges = loss.result();
  }
  std::vector<Losses> times(std::max<std::size_t>(plan.times.size(), 1), Losses(groups.size()));
  for (std::uint32_t i = 0; i < seeds.count; ++i) {
    const std::uint32_t seed = seeds.first + i;
    for (std::size_t t = 0; t < times.size(); ++t) {
      std::string chip = "chip " + std::to_string(seed) + " ";
      std::optional<double> seconds;
      if (!plan.times.empty()) {
        seconds = plan.times[t];
        chip += "at " + Json(*seconds).dump() + " s ";
      }
      measurements.use(seed, seconds);
      const Windows whole = measurements.measure(chip + "everything", everything);
      times[t].all.add(whole, reference);
      for (std::size_t g = 0; g < groups.size(); ++g) {
        const Windows only_it = measurements.measure(chip + named("only", groups[g]), only(groups[g], true));
        times[t].alone[g].add(only_it, reference);
        times[t].noise[g].add(only_it, ranges[g]);
        if (!plan.spared) continue;
        times[t].regained[g].add(whole,
                                 measurements.measure(chip + named("all but", groups[g]), only(groups[g], false)));
      }
    }
  }
  for (std::size_t t = 0; t < times.size(); ++t) {
    for (std::size_t g = 0; g < groups.size(); ++g) {
      groups[g].alone = times[t].alone[g].result();
      groups[g].noise = times[t].noise[g].result();
      if (plan.spared) groups[g].regained = times[t].regained[g].result();
    }
    result.times.push_back({plan.times.empty() ? opened_with : plan.times[t], times[t].all.result(), groups});
  }
  return result;
}

void check_has_values(OpenedModel& opened) {
  if (opened.mode() != Mode::kAnalog) {
    throw Error(ErrorCode::kInvalidArgument,
                std::string("sensitivity: needs a model on a chip; mode is ") + name(opened.mode()));
  }
  if (!opened.chip()->device().info().values) {
    throw Error(ErrorCode::kInvalidArgument,
                "sensitivity: the device simulates time only; quality needs one that computes values");
  }
}

EvaluationPlan evaluation_of(const SensitivityPlan& plan) {
  EvaluationPlan evaluated;
  evaluated.times = plan.times;
  evaluated.text = plan.text;
  evaluated.perplexity = plan.perplexity;
  return evaluated;
}

}  // namespace

const char* name(SensitivityBy by) {
  switch (by) {
    case SensitivityBy::kCall:
      return "call";
    case SensitivityBy::kLayer:
      return "layer";
    case SensitivityBy::kKind:
      return "kind";
  }
  return "?";
}

std::string group_of(const std::string& call, SensitivityBy by) {
  if (by == SensitivityBy::kCall) return call;
  auto [layer, kind] = layer_and_kind(call);
  return by == SensitivityBy::kLayer ? layer : kind;
}

SensitivityBy parse_sensitivity_by(const std::string& word) {
  for (const SensitivityBy by : {SensitivityBy::kCall, SensitivityBy::kLayer, SensitivityBy::kKind}) {
    if (word == name(by)) return by;
  }
  throw Error(ErrorCode::kInvalidArgument, "expected call, layer or kind, found '" + word + "'");
}

std::vector<SensitivityGroup> sensitivity_groups(const program::Program& program,
                                                 const std::vector<SensitivityBy>& by) {
  const program::Manifest& manifest = program.manifest();
  const arch::ChipDescription chip = arch::parse_chip(manifest.chip_toml, program.path() + ": chip description");
  std::vector<double> cells(manifest.calls.size(), 0);
  for (const program::BlockRecord& block : program.blocks())
    cells[manifest.matrices[block.matrix].call] += static_cast<double>(block.rows) * block.cols;
  std::vector<SensitivityGroup> groups;
  for (const SensitivityBy one : by) {
    const std::size_t first = groups.size();
    for (std::uint32_t call = 0; call < manifest.calls.size(); ++call) {
      if (manifest.calls[call].copy_of) continue;  // other vectors of a call that is there
      const std::string group = group_of(manifest.calls[call].name, one);
      auto found = std::find_if(groups.begin() + static_cast<std::ptrdiff_t>(first), groups.end(),
                                [&](const SensitivityGroup& g) { return g.name == group; });
      if (found == groups.end()) found = groups.insert(found, SensitivityGroup{group, one, {}, 0, 0, {}, {}, {}, {}});
      found->calls.push_back(call);
      found->tiles += cells[call] / (static_cast<double>(chip.rows) * chip.cols);
      for (const std::uint32_t matrix : manifest.calls[call].matrices) {
        found->macs += std::uint64_t{manifest.matrices[matrix].in_features} * manifest.matrices[matrix].out_features;
      }
    }
  }
  return groups;
}

SensitivityRun measure_sensitivity(OpenedModel& opened, const SensitivityPlan& plan, ChipSeeds seeds,
                                   const EvaluationFiles& files) {
  check(seeds);
  check_has_values(opened);
  check_times(plan.times, opened.chip());
  const EvaluationPlan evaluated = evaluation_of(plan);
  const EvaluationInputs inputs = encode(opened, evaluated);
  std::vector<SensitivityGroup> groups = sensitivity_groups(*opened.program(), plan.by);
  Json by = Json::array();
  for (const SensitivityBy one : plan.by) by.push_back(name(one));
  Json settings = evaluation_settings(opened, evaluated, inputs, files.model);
  settings.update({{"by", by}, {"regained", plan.spared}, {"first_chip_seed", seeds.first}, {"chips", seeds.count}});
  Json head = {{"report", "crossweave sensitivity"},
               {"version", 1},
               {"model", files.model.string()},
               {"tool_version", kVersion}};
  if (!files.about.is_null()) head = with_about(files.about, head);
  const std::uint32_t only_run = seeds.first;
  evaluation::Journal journal(files.json, head, settings, std::span(&only_run, 1));
  const std::size_t per_chip = 1 + groups.size() * (plan.spared ? 2 : 1);
  const std::size_t count =
      2 + groups.size() + std::size_t{seeds.count} * std::max<std::size_t>(plan.times.size(), 1) * per_chip;
  Measurements measurements(opened, plan, inputs, journal, only_run, count);
  const double opened_with = opened.chip()->options().seconds;
  SensitivityRun run;
  try {
    run.result = measure_all(measurements, plan, seeds, std::move(groups), opened.program()->manifest().calls.size(),
                             opened_with);
  } catch (...) {
    opened.place_calls({});
    measurements.save();
    throw;
  }
  opened.place_calls({});
  journal.add(only_run, {{"chip_seed", only_run}, {"measured", measurements.kept()}});
  run.json = journal.finish({{"sensitivity", to_json(run.result)}});
  return run;
}

std::map<std::string, double> losses_alone(OpenedModel& opened, const SensitivityPlan& plan, std::uint32_t chip_seed) {
  check_has_values(opened);
  const EvaluationInputs inputs = encode(opened, evaluation_of(plan));
  const std::vector<SensitivityGroup> groups = sensitivity_groups(*opened.program(), plan.by);
  const std::size_t num_calls = opened.program()->manifest().calls.size();
  evaluation::Journal nowhere("", Json::object(), Json::object(), std::span(&chip_seed, 1));
  Measurements measurements(opened, plan, inputs, nowhere, chip_seed, 1 + groups.size());
  measurements.use(chip_seed, std::nullopt);
  std::map<std::string, double> losses;
  try {
    const Windows reference = measurements.measure("nothing", std::vector<bool>(num_calls, false));
    for (const SensitivityGroup& group : groups) {
      Differences loss;
      loss.add(measurements.measure(named("only", group), placed(group, true, num_calls)), reference);
      losses[group.name] = loss.result().mean;
    }
  } catch (...) {
    opened.place_calls({});
    throw;
  }
  opened.place_calls({});
  return losses;
}

}  // namespace xw::toolchain
