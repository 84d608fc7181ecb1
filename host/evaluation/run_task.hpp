// A task on a model.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

#include "host/evaluation/encoded_task.hpp"
#include "host/evaluation/samples.hpp"
#include "host/evaluation/task_result.hpp"
#include "host/transformer/model.hpp"

namespace xw::evaluation {

struct RunTaskOptions {
  Sampling sampling;  ///< kGeneration; one sample at temperature 0 is generate_answer()
  std::string title;  ///< of the progress line; empty: none is shown
  /// After every item; what it throws ends the task.
  std::function<void(const TaskResult&)> on_item;
};

/// Runs the items that `result` does not have yet and adds them. Items take vector indices one after the other, as many as
/// they compute tokens (one that generates: its prompt and the most it may generate, for every sample), so that the result of an item
/// depends on the items before it in the file but not on how they ran. Throws what score(), generate_answer() and sample_answers() throw,
/// Error{kInterrupted}; `result` then has what is finished.
void run_task(transformer::Model& model, const tokenizer::Tokenizer& tokenizer, const Task& task,
              const EncodedTask& encoded, TaskResult& result, const RunTaskOptions& options = {});

}  // namespace xw::evaluation
