// Two evaluations side by side.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/evaluation/comparison.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

#include "arch/support/error.hpp"
#include "host/evaluation/text.hpp"

namespace xw::evaluation {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kReport = "crossweave evaluation";
constexpr const char* kPerplexity = "perplexity";

/// An evaluation whose members have the types that they should have.
class Document {
 public:
  Document(std::string_view text, std::string name) : name_(std::move(name)), json_(Json::parse(text, nullptr, false)) {
    if (!json_.is_object() || json_.value("report", Json()) != kReport)
      fail("an evaluation of `crossweave eval --json`, found something else");
    if (json_.value("version", Json()) != 1) fail("an evaluation of version 1, found another one");
    if (!member(json_, "runs").is_array() || json_["runs"].empty()) fail("at least one finished run, found none");
    if (!member(json_, "settings").is_object()) fail("an object \"settings\"");
    for (const Json& run : json_["runs"]) {
      const Json& seed = member(run, "chip_seed");
      if (!seed.is_number_unsigned() || seed.get<std::uint64_t>() > std::numeric_limits<std::uint32_t>::max())
        fail("a chip_seed of every run");
      seeds_.push_back(seed.get<std::uint32_t>());
    }
  }

  [[nodiscard]] std::string run() const {
    const Json run = json_.value("run", Json());
    return run.is_string() ? run.get<std::string>() : "";
  }
  /// A setting as text, "" if it is not there.
  [[nodiscard]] std::string setting(const char* key) const {
    const Json& settings = json_["settings"];
    return settings.contains(key) ? settings[key].dump() : "";
  }
  /// Tasks with their identities.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> tasks() const {
    std::vector<std::pair<std::string, std::string>> result;
    const Json& settings = json_["settings"];
    if (!settings.contains("tasks")) return result;
    if (!settings["tasks"].is_object()) fail("an object settings.tasks");
    for (const auto& task : settings["tasks"].items()) result.emplace_back(task.key(), task.value().dump());
    return result;
  }
  /// Names of the metrics of a task that have a value per item.
  [[nodiscard]] std::vector<std::string> metrics(const std::string& task) const {
    std::vector<std::string> result;
    for (const auto& list : items_of(json_["runs"][0], task).items()) {
      if (list.key() != "log_likelihoods" && list.key() != "answer" && list.key() != "log_likelihood_per_token")
        result.push_back(list.key());
    }
    return result;
  }
  [[nodiscard]] MeasuredRuns values(const std::string& task, const std::string& metric) const {
    MeasuredRuns measured{seeds_, {}};
    for (const Json& run : json_["runs"]) measured.runs.push_back(numbers(items_of(run, task), metric));
    return measured;
  }
  /// Lists of the windows of a text.
  [[nodiscard]] MeasuredRuns windows(const char* list) const {
    MeasuredRuns measured{seeds_, {}};
    for (const Json& run : json_["runs"]) {
      measured.runs.push_back(numbers(member(member(run, kPerplexity), "per_window"), list));
    }
    return measured;
  }

  [[noreturn]] void fail(const std::string& expected) const {
    throw Error(ErrorCode::kFormat, name_ + ": expected " + expected);
  }

 private:
  [[nodiscard]] const Json& member(const Json& object, const std::string& key) const {
    if (!object.is_object() || !object.contains(key)) fail("an object with a member \"" + key + "\"");
    return object[key];
  }
  [[nodiscard]] const Json& items_of(const Json& run, const std::string& task) const {
    const Json& items = member(member(member(run, "tasks"), task), "per_item");
    if (!items.is_object()) fail("an object per_item of task " + task);
    return items;
  }
  [[nodiscard]] std::vector<double> numbers(const Json& object, const std::string& key) const {
    const Json& list = member(object, key);
    std::vector<double> result;
    if (!list.is_array() || list.empty()) fail("a list \"" + key + "\" of numbers");
    for (const Json& number : list) {
      if (!number.is_number() || !std::isfinite(number.get<double>())) fail("a list \"" + key + "\" of numbers");
      result.push_back(number.get<double>());
    }
    return result;
  }

  std::string name_;
  Json json_;
  std::vector<std::uint32_t> seeds_;
};

void add(EvaluationComparison& comparison, ComparedMetric metric, const MeasuredRuns& first, const MeasuredRuns& second,
         const std::vector<double>& weights) {
  metric.items = weights.size();
  metric.first_runs = first.runs.size();
  metric.second_runs = second.runs.size();
  metric.result = compare_paired(first, second, weights);
  comparison.metrics.push_back(std::move(metric));
}

void compare_texts(const Document& first, const Document& second, EvaluationComparison& comparison) {
  const bool has_first = !first.setting("text").empty(), has_second = !second.setting("text").empty();
  if (has_first != has_second) comparison.only_one.push_back(kPerplexity);
  if (!has_first || !has_second) return;
  for (const char* key : {"text", "tokens", "context"}) {
    if (first.setting(key) == second.setting(key)) continue;
    throw Error(ErrorCode::kInvalidArgument, std::string("perplexity: expected the same text, found ") + key + " " +
                                                 first.setting(key) + " in " + comparison.first_name + " and " +
                                                 second.setting(key) + " in " + comparison.second_name);
  }
  const MeasuredRuns tokens = first.windows("tokens");
  for (const MeasuredRuns& one : {tokens, second.windows("tokens")}) {
    if (std::ranges::any_of(one.runs, [&](const auto& run) { return run != tokens.runs[0]; })) {
      throw Error(ErrorCode::kInvalidArgument,
                  "perplexity: expected the same tokens per window, found others: the tokenizers differ");
    }
  }
  if (std::ranges::any_of(tokens.runs[0], [](double count) { return count < 1; })) first.fail("windows with tokens");
  add(comparison, {kPerplexity, "mean_nll_nats", "windows", 0, 0, 0, {}}, first.windows("nll_nats"),
      second.windows("nll_nats"), tokens.runs[0]);
}

std::string signed_number(double value, int decimals) {
  return (value < 0 ? "" : "+") + to_fixed(value, decimals);
}

std::string probability(double p) {
  if (p < 1e-4) return "< 0.0001";
  return to_fixed(p, 4);
}

std::string metric_of(const std::string& task, const std::string& metric) {
  return task + " " + metric;
}

[[noreturn]] void fail_other_items(const EvaluationComparison& comparison, const std::string& task,
                                   const std::string& first, const std::string& second) {
  throw Error(ErrorCode::kInvalidArgument, "task " + task + ": expected the same items, found " + first + " in " +
                                               comparison.first_name + " and " + second + " in " +
                                               comparison.second_name);
}

}  // namespace

bool is_evaluation(std::string_view text) {
  const Json json = Json::parse(text, nullptr, false);
  return json.is_object() && json.value("report", Json()) == kReport;
}

EvaluationComparison compare_evaluations(std::string_view first_text, const std::string& first_name,
                                         std::string_view second_text, const std::string& second_name) {
  const Document first(first_text, first_name), second(second_text, second_name);
  EvaluationComparison comparison{first_name, second_name, first.run(), second.run(), {}, {}};
  compare_texts(first, second, comparison);
  const auto second_tasks = second.tasks();
  const auto find = [](const auto& tasks, const std::string& name) {
    return std::ranges::find_if(tasks, [&](const auto& task) { return task.first == name; });
  };
  const auto first_tasks = first.tasks();
  for (const auto& [task, identity] : first_tasks) {
    const auto other = find(second_tasks, task);
    if (other == second_tasks.end()) {
      comparison.only_one.push_back(task);
      continue;
    }
    if (other->second != identity) {
      fail_other_items(comparison, task, identity, other->second);
    }
    const std::vector<std::string> first_metrics = first.metrics(task), second_metrics = second.metrics(task);
    for (const std::string& metric : second_metrics) {
      if (std::ranges::find(first_metrics, metric) == first_metrics.end())
        comparison.only_one.push_back(metric_of(task, metric));
    }
    for (const std::string& metric : first_metrics) {
      if (std::ranges::find(second_metrics, metric) == second_metrics.end()) {
        comparison.only_one.push_back(metric_of(task, metric));
        continue;
      }
      const MeasuredRuns values = first.values(task, metric);
      add(comparison, {task, metric, "items", 0, 0, 0, {}}, values, second.values(task, metric),
          std::vector<double>(values.runs[0].size(), 1.0));
    }
  }
  for (const auto& [task, identity] : second_tasks) {
    if (find(first_tasks, task) == first_tasks.end()) comparison.only_one.push_back(task);
  }
  if (comparison.metrics.empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                first_name + " and " + second_name + ": expected a text or task that both have, found none");
  }
  return comparison;
}

Json to_json(const EvaluationComparison& comparison) {
  Json json = {{"report", "crossweave comparison of evaluations"},
               {"version", 1},
               {"first", comparison.first_name},
               {"second", comparison.second_name},
               {"first_run", comparison.first_run},
               {"second_run", comparison.second_run},
               {"confidence_level", 0.95},
               {"metrics", Json::array()},
               {"only_in_one", comparison.only_one}};
  for (const ComparedMetric& metric : comparison.metrics) {
    const PairedResult& r = metric.result;
    Json row = {{"task", metric.task},
                {"metric", metric.metric},
                {metric.unit, metric.items},
                {"first", {{"mean", r.first_mean}, {"std", r.first_deviation}, {"chips", metric.first_runs}}},
                {"second", {{"mean", r.second_mean}, {"std", r.second_deviation}, {"chips", metric.second_runs}}},
                {"difference", r.difference},
                {"confidence_interval", {r.low, r.high}},
                {"resamples", r.resamples},
                {"gained", r.gained},
                {"lost", r.lost},
                {"items_test", r.items_test},
                {"items_p", r.items_p}};
    if (!r.chips_test.empty()) row.update({{"chips_test", r.chips_test}, {"chips_p", r.chips_p}});
    if (metric.metric == "mean_nll_nats") {
      row["perplexity_ratio"] = std::exp(r.difference);
      row["perplexity_ratio_interval"] = {std::exp(r.low), std::exp(r.high)};
    }
    json["metrics"].push_back(std::move(row));
  }
  return json;
}

std::string to_text(const EvaluationComparison& comparison) {
  std::string text = "A  " + comparison.first_name + " (" + comparison.first_run + ")\nB  " + comparison.second_name +
                     " (" + comparison.second_run + ")\n\n";
  char line[512];
  std::snprintf(line, sizeof line, "%-20s %-15s %9s %9s %9s  %-21s %10s %10s  %s\n", "task", "metric", "A", "B",
                "B - A", "95 % interval", "p (items)", "p (chips)", "gained/lost");
  text += line;
  for (const ComparedMetric& metric : comparison.metrics) {
    const PairedResult& r = metric.result;
    const std::string interval = "[" + signed_number(r.low, 4) + ", " + signed_number(r.high, 4) + "]";
    std::snprintf(line, sizeof line, "%-20.60s %-15.60s %9s %9s %9s  %-21s %10s %10s  %zu/%zu of %zu %s\n",
                  metric.task.c_str(), metric.metric.c_str(), to_fixed(r.first_mean, 4).c_str(),
                  to_fixed(r.second_mean, 4).c_str(), signed_number(r.difference, 4).c_str(), interval.c_str(),
                  probability(r.items_p).c_str(), r.chips_test.empty() ? "-" : probability(r.chips_p).c_str(), r.gained,
                  r.lost, metric.items, metric.unit.c_str());
    text += line;
  }
  const auto runs = [](std::size_t a, std::size_t b) { return std::to_string(a) + " and " + std::to_string(b); };
  const ComparedMetric& one = comparison.metrics.front();
  text += "\nMeans over " + runs(one.first_runs, one.second_runs) + " chips. Interval: paired bootstrap, " +
          std::to_string(one.result.resamples) + " resamples of items and chips.\n";
  for (const std::string& task : comparison.only_one) text += "Only one of them has " + task + ".\n";
  return text;
}

}  // namespace xw::evaluation
