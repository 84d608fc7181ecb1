// What a task gave: per item, and over all items.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "host/evaluation/task.hpp"

namespace xw::evaluation {

/// One of several answers to a question.
struct SampledAnswer {
  std::string text;           ///< filtered
  double log_likelihood = 0;  ///< nats per token, the token that ended it included
  friend bool operator==(const SampledAnswer&, const SampledAnswer&) = default;
};

/// What one item gave.
struct ItemResult {
  std::vector<double> log_likelihoods;  ///< one per request, nats; empty for kGeneration
  bool is_greedy = false;               ///< kContinuation
  std::string answer;                   ///< kGeneration: filtered; of several the first
  std::vector<SampledAnswer> samples;   ///< kGeneration: all of them, if several were asked for
  friend bool operator==(const ItemResult&, const ItemResult&) = default;
};

/// A figure of a task: its values per item, their mean and its standard error (sample deviation / sqrt(items)).
struct Metric {
  std::string name;  ///< "acc", "acc_norm", "acc_bytes", "log_likelihood", "exact_match"
  std::vector<double> values;
  double mean = 0, standard_error = 0;
};

/// As lm-evaluation-harness computes them. kChoice: "acc", the choice with the largest log-likelihood (of equal ones the
/// first) is right; with lengths also "acc_norm", the same for log-likelihood / code points, and "acc_bytes", / bytes.
/// kContinuation: "acc", "log_likelihood". kGeneration: "exact_match"; of n > 1 samples it is their part that is right, and for
/// k = 2, 4, ..., n there are "pass@k", the chance that one of k is right, "majority@k" and "likeliest@k", whether the answer that most of
/// the first k agree on, or the one with the largest log-likelihood per token, is right (host/evaluation/samples.hpp). `results` may be those of the first items only.
[[nodiscard]] std::vector<Metric> metrics(const Task& task, const std::vector<ItemResult>& results);
/// Name of the metric that a task is known by: "acc_norm" if choices have lengths, else "acc" or "exact_match".
[[nodiscard]] const char* main_metric(const Task& task);

/// A task on one chip.
struct TaskResult {
  std::vector<ItemResult> items;  ///< of the first items, or of all
  std::uint64_t tokens = 0;       ///< computed by the model
  double seconds = 0;             ///< measured
};

/// {"kind", "items", <metric>: mean, <metric>_stderr, ..., "computed_tokens", "seconds_measured", "per_item": {...}}; kContinuation
/// also "perplexity" = exp(-mean log-likelihood) and "perplexity_stderr" (its derivative times the error of the mean). If
/// the file has log-likelihoods: "recorded" with the largest and the mean difference from them. Throws Error{kNotFinite}
/// for a perplexity beyond the largest number.
[[nodiscard]] nlohmann::ordered_json to_json(const Task& task, const TaskResult& result);
/// The part of it that a later call needs to go on: "per_item", "computed_tokens", "seconds_measured".
[[nodiscard]] nlohmann::ordered_json kept_json(const Task& task, const TaskResult& result);
/// Reads what to_json() or kept_json() wrote. Throws Error{kFormat} naming `place` if items are damaged, more than the task has or of
/// another form.
[[nodiscard]] TaskResult parse_task_result(const Task& task, const nlohmann::ordered_json& json,
                                           const std::string& place);
/// "arc_easy: acc 0.4567 +- 0.0102, acc_norm ... (2376 items, 123.4 s)", one line.
[[nodiscard]] std::string to_text(const Task& task, const TaskResult& result);

}  // namespace xw::evaluation
