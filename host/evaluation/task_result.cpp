// What a task gave.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/evaluation/task_result.hpp"

#include <algorithm>
#include <cmath>
#include <functional>

#include "arch/support/error.hpp"
#include "host/evaluation/samples.hpp"
#include "host/evaluation/score.hpp"
#include "host/evaluation/text.hpp"

namespace xw::evaluation {
namespace {

using Json = nlohmann::ordered_json;

bool has_samples(const std::vector<ItemResult>& results) {
  return !results.empty() && !results[0].samples.empty();
}

/// The choice with the largest value, of equal ones the first.
std::uint32_t largest(std::span<const double> values, std::span<const std::uint32_t> divisors) {
  const auto value = [&](std::size_t i) { return divisors.empty() ? values[i] : values[i] / divisors[i]; };
  std::size_t best = 0;
  for (std::size_t i = 1; i < values.size(); ++i) {
    if (value(i) > value(best)) best = i;
  }
  return static_cast<std::uint32_t>(best);
}

Metric make_metric(const std::string& name, std::size_t items, const std::function<double(std::size_t)>& value) {
  Metric metric{name, {}, 0, 0};
  const auto n = static_cast<double>(items);
  for (std::size_t i = 0; i < items; ++i) metric.values.push_back(value(i));
  double sum = 0, squares = 0;
  for (const double v : metric.values) sum += v;
  if (items > 0) metric.mean = sum / n;
  for (const double v : metric.values) squares += (v - metric.mean) * (v - metric.mean);
  if (items > 1) metric.standard_error = std::sqrt(squares / (n - 1) / n);
  return metric;
}

struct Difference {
  std::size_t values = 0;
  double largest = 0, sum = 0;
};
Difference from_recorded(const Task& task, const std::vector<ItemResult>& results) {
  Difference difference;
  for (std::size_t i = 0; i < results.size(); ++i) {
    const std::vector<double>& recorded = task.items[i].recorded;
    for (std::size_t r = 0; r < recorded.size() && r < results[i].log_likelihoods.size(); ++r) {
      const double distance = std::abs(results[i].log_likelihoods[r] - recorded[r]);
      difference.largest = std::max(difference.largest, distance);
      difference.sum += distance;
      ++difference.values;
    }
  }
  return difference;
}

double perplexity_of(const Metric& log_likelihood) {
  const double perplexity = std::exp(-log_likelihood.mean);
  if (std::isfinite(perplexity)) return perplexity;
  throw Error(ErrorCode::kNotFinite, "exp of the mean of " + to_fixed(-log_likelihood.mean, 1) +
                                         " nats per item is beyond the largest number");
}

void add_answers(const ItemResult& item, Json& json) {
  if (item.samples.empty()) {
    json["answer"].push_back(item.answer);
    return;
  }
  Json answers = Json::array(), likelihoods = Json::array();
  for (const SampledAnswer& sample : item.samples) {
    answers.push_back(sample.text);
    likelihoods.push_back(sample.log_likelihood);
  }
  json["answer"].push_back(std::move(answers));
  json["log_likelihood_per_token"].push_back(std::move(likelihoods));
}

Json per_item(const Task& task, const TaskResult& result, const std::vector<Metric>& all) {
  Json json = Json::object();
  if (task.kind == TaskKind::kChoice) {
    for (const ItemResult& item : result.items) json["log_likelihoods"].push_back(item.log_likelihoods);
  } else if (task.kind == TaskKind::kGeneration) {
    for (const ItemResult& item : result.items) add_answers(item, json);
  }
  for (const Metric& metric : all) {
    if (metric.name == "log_likelihood" || has_samples(result.items)) {
      json[metric.name] = metric.values;
    } else {
      for (const double value : metric.values) json[metric.name].push_back(static_cast<int>(value));
    }
  }
  return json;
}

std::vector<Metric> sample_metrics(const Task& task, const std::vector<ItemResult>& results) {
  const auto is_right = [&](std::size_t item, std::size_t sample) {
    return is_answer(results[item].samples[sample].text, task.items[item].answers, task.items[item].generation);
  };
  std::vector<std::size_t> right(results.size());
  std::size_t most = results[0].samples.size();
  for (std::size_t i = 0; i < results.size(); ++i) {
    for (std::size_t s = 0; s < results[i].samples.size(); ++s) right[i] += is_right(i, s) ? 1U : 0U;
    most = std::min(most, results[i].samples.size());
  }
  std::vector<Metric> all;
  for (const std::uint32_t k : sample_counts(static_cast<std::uint32_t>(most))) {
    const std::string at = "@" + std::to_string(k);
    all.push_back(make_metric(k == 1 ? "exact_match" : "pass" + at, results.size(),
                              [&](std::size_t i) { return pass_at(results[i].samples.size(), right[i], k); }));
    if (k == 1) continue;
    all.push_back(make_metric("majority" + at, results.size(), [&](std::size_t i) {
      return is_right(i, majority(results[i].samples, k, task.items[i].generation)) ? 1 : 0;
    }));
    all.push_back(make_metric("likeliest" + at, results.size(),
                              [&](std::size_t i) { return is_right(i, likeliest(results[i].samples, k)) ? 1 : 0; }));
  }
  return all;
}

}  // namespace

std::vector<Metric> metrics(const Task& task, const std::vector<ItemResult>& results) {
  const auto is_gold = [&](std::size_t item, std::uint32_t choice) {
    return std::ranges::find(task.items[item].gold, choice) != task.items[item].gold.end() ? 1.0 : 0.0;
  };
  const auto choice_metric = [&](const char* name, const std::vector<std::uint32_t> TaskItem::*lengths) {
    return make_metric(name, results.size(), [&](std::size_t i) {
      const std::span<const std::uint32_t> divisors =
          lengths == nullptr ? std::span<const std::uint32_t>() : task.items[i].*lengths;
      return is_gold(i, largest(results[i].log_likelihoods, divisors));
    });
  };
  switch (task.kind) {
    case TaskKind::kChoice:
      if (!task.normalized) return {choice_metric("acc", nullptr)};
      return {choice_metric("acc", nullptr), choice_metric("acc_norm", &TaskItem::characters),
              choice_metric("acc_bytes", &TaskItem::bytes)};
    case TaskKind::kContinuation:
      return {make_metric("acc", results.size(), [&](std::size_t i) { return results[i].is_greedy ? 1 : 0; }),
              make_metric("log_likelihood", results.size(),
                          [&](std::size_t i) { return results[i].log_likelihoods.at(0); })};
    case TaskKind::kGeneration:
      if (has_samples(results)) return sample_metrics(task, results);
      return {make_metric("exact_match", results.size(), [&](std::size_t i) {
        return is_answer(results[i].answer, task.items[i].answers, task.items[i].generation) ? 1 : 0;
      })};
  }
  return {};
}

const char* main_metric(const Task& task) {
  if (task.kind == TaskKind::kGeneration) return "exact_match";
  return task.normalized ? "acc_norm" : "acc";
}

Json to_json(const Task& task, const TaskResult& result) {
  const std::vector<Metric> all = metrics(task, result.items);
  Json json = {{"kind", name(task.kind)}, {"items", result.items.size()}};
  for (const Metric& metric : all) {
    json[metric.name] = metric.mean;
    json[metric.name + "_stderr"] = metric.standard_error;
    if (metric.name != "log_likelihood" || result.items.empty()) continue;
    const double perplexity = perplexity_of(metric);
    json["perplexity"] = perplexity;
    json["perplexity_stderr"] = perplexity * metric.standard_error;
  }
  const Difference difference = from_recorded(task, result.items);
  if (difference.values != 0) {
    json["recorded"] = {{"log_likelihoods", difference.values},
                        {"max_difference_nats", difference.largest},
                        {"mean_difference_nats", difference.sum / static_cast<double>(difference.values)}};
  }
  json.update(kept_json(task, result));
  return json;
}

Json kept_json(const Task& task, const TaskResult& result) {
  return {{"computed_tokens", result.tokens},
          {"seconds_measured", result.seconds},
          {"per_item", per_item(task, result, metrics(task, result.items))}};
}

TaskResult parse_task_result(const Task& task, const Json& json, const std::string& place) {
  const auto fail = [&](const std::string& what) {
    throw Error(ErrorCode::kFormat, place + ": tasks." + task.name + " is damaged: expected " + what +
                                        "; name another file, or remove this one");
  };
  const auto list = [&](const char* key) -> const Json& {
    static const Json kNone = Json::array();
    const auto found = json["per_item"].find(key);
    if (found == json["per_item"].end()) return kNone;
    if (!found->is_array() || found->size() > task.items.size()) {
      fail("a list per_item." + std::string(key) + " of at most " + std::to_string(task.items.size()));
    }
    return *found;
  };
  const auto number = [&](const Json& value) {
    if (!value.is_number() || !std::isfinite(value.get<double>())) fail("numbers");
    return value.get<double>();
  };
  if (!json.is_object() || !json.contains("per_item") || !json["per_item"].is_object()) fail("an object per_item");
  TaskResult result;
  if (task.kind == TaskKind::kChoice) {
    for (const Json& values : list("log_likelihoods")) {
      ItemResult& item = result.items.emplace_back();
      if (!values.is_array() || values.size() != task.items[result.items.size() - 1].requests.size()) {
        fail("one log-likelihood per choice");
      }
      for (const Json& value : values) item.log_likelihoods.push_back(number(value));
    }
  } else if (task.kind == TaskKind::kContinuation) {
    const Json &values = list("log_likelihood"), &greedy = list("acc");
    if (values.size() != greedy.size()) fail("as many values of acc as of log_likelihood");
    for (std::size_t i = 0; i < values.size(); ++i) {
      result.items.push_back({{number(values[i])}, number(greedy[i]) != 0, "", {}});
    }
  } else {
    const Json &answers = list("answer"), &likelihoods = list("log_likelihood_per_token");
    for (std::size_t i = 0; i < answers.size(); ++i) {
      if (answers[i].is_string() && likelihoods.empty()) {
        result.items.push_back({{}, false, answers[i].get<std::string>(), {}});
        continue;
      }
      if (!answers[i].is_array() || answers[i].empty() || answers[i].size() != answers[0].size() ||
          i >= likelihoods.size() || !likelihoods[i].is_array() || likelihoods[i].size() != answers[i].size())
        fail(
            "texts per_item.answer, or as many for every item, each with a number of "
            "per_item.log_likelihood_per_token");
      ItemResult& item = result.items.emplace_back();
      for (std::size_t s = 0; s < answers[i].size(); ++s) {
        if (!answers[i][s].is_string()) fail("texts per_item.answer");
        item.samples.push_back({answers[i][s].get<std::string>(), number(likelihoods[i][s])});
      }
      item.answer = item.samples[0].text;
    }
  }
  const auto quantity = [&](const char* key) { return json.contains(key) ? number(json[key]) : 0; };
  result.tokens = static_cast<std::uint64_t>(std::clamp(quantity("computed_tokens"), 0.0, 1e15));
  result.seconds = quantity("seconds_measured");
  return result;
}

std::string to_text(const Task& task, const TaskResult& result) {
  std::string text = task.name + ":";
  for (const Metric& metric : metrics(task, result.items)) {
    text += text.ends_with(':') ? " " : ", ";
    if (metric.name == "log_likelihood") {
      const double perplexity = perplexity_of(metric);
      text += "perplexity " + to_fixed(perplexity, 3) + " +- " + to_fixed(perplexity * metric.standard_error, 3);
    } else {
      text += metric.name + " " + to_fixed(metric.mean, 4) + " +- " + to_fixed(metric.standard_error, 4);
    }
  }
  text += " (" + std::to_string(result.items.size()) + " items, " + to_fixed(result.seconds, 1) + " s)";
  const Difference difference = from_recorded(task, result.items);
  if (difference.values != 0) {
    text += "; log-likelihoods differ from those of the file by at most " + to_fixed(difference.largest, 6) +
            " nats, on average by " + to_fixed(difference.sum / static_cast<double>(difference.values), 6);
  }
  return text;
}

}  // namespace xw::evaluation
