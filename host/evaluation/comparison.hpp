// Two evaluations side by side: differences with their confidence.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "host/evaluation/paired.hpp"

namespace xw::evaluation {

/// One metric of one task that both evaluations have.
struct ComparedMetric {
  std::string task;    ///< or "perplexity"
  std::string metric;  ///< "acc", ..., "log_likelihood" (nats per item), "mean_nll_nats" (per token)
  std::string unit;    ///< of what is paired: "items" or "windows"
  std::size_t items = 0, first_runs = 0, second_runs = 0;
  PairedResult result;
};

struct EvaluationComparison {
  std::string first_name, second_name;
  std::string first_run, second_run;  ///< what ran: "analog, pcm-afm, ..."
  std::vector<ComparedMetric> metrics;
  std::vector<std::string> only_one;  ///< tasks, and metrics ("task metric"), that only one of them has
};

/// True if the text is an evaluation of `crossweave eval --json`, whole or not.
[[nodiscard]] bool is_evaluation(std::string_view text);

/// Compares two evaluations by the items of their finished runs. Throws Error{kFormat} naming the file for a damaged one
/// and one without finished runs, Error{kInvalidArgument} for a task (or text) of one name that is not the same, and if
/// they have nothing in common.
[[nodiscard]] EvaluationComparison compare_evaluations(std::string_view first, const std::string& first_name,
                                                       std::string_view second, const std::string& second_name);
/// {"report": "crossweave comparison of evaluations", "version": 1, ..., "metrics": [...]}
[[nodiscard]] nlohmann::ordered_json to_json(const EvaluationComparison& comparison);
[[nodiscard]] std::string to_text(const EvaluationComparison& comparison);  ///< a table

}  // namespace xw::evaluation
