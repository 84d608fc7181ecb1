// A task on a model.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/evaluation/run_task.hpp"

#include <chrono>
#include <memory>

#include "arch/support/interrupt.hpp"
#include "arch/support/progress.hpp"
#include "host/evaluation/score.hpp"
#include "host/evaluation/text.hpp"

namespace xw::evaluation {
namespace {

/// Vector indices of an item.
std::uint64_t vectors_of(const transformer::Model& model, const Task& task, const EncodedTask& encoded,
                         std::size_t item, std::uint32_t samples) {
  if (task.kind != TaskKind::kGeneration) return computed_tokens(model, encoded[item]);
  return encoded[item][0].tokens.size() + std::uint64_t{samples} * task.items[item].generation.max_tokens;
}

/// What is generated for item `number`; returns how many tokens the model computed.
std::uint64_t answer(transformer::Model& model, transformer::Session& session, const tokenizer::Tokenizer& tokenizer,
                     const EncodedRequest& prompt, const GenerationRule& rule, const Sampling& sampling,
                     std::size_t number, std::uint32_t vector_base, ItemResult& found) {
  if (sampling == Sampling{}) {
    const std::string text = generate_answer(model, session, tokenizer, prompt, rule, vector_base);
    found.answer = filtered_answer(text, rule.filter);
    return session.position();
  }
  SampledAnswers sampled = sample_answers(model, session, tokenizer, prompt, rule, sampling, number, vector_base);
  found.answer = sampled.answers[0].text;
  if (sampling.samples > 1) found.samples = std::move(sampled.answers);
  return sampled.tokens;
}

/// How many items were right so far, for the progress line.
class Tally {
 public:
  explicit Tally(const Task& task) : task_(task) {}
  void add(const ItemResult& item) {
    Task one{task_.name, task_.kind, task_.normalized, {task_.items[seen_++]}};
    for (const Metric& metric : metrics(one, {item})) {
      if (metric.name == main_metric(task_)) right_ += metric.mean;
    }
  }
  [[nodiscard]] std::string note() const {
    return std::string(main_metric(task_)) + " " + to_fixed(right_ / static_cast<double>(seen_), 4);
  }

 private:
  const Task& task_;
  std::size_t seen_ = 0;
  double right_ = 0;
};

}  // namespace

void run_task(transformer::Model& model, const tokenizer::Tokenizer& tokenizer, const Task& task,
              const EncodedTask& encoded, TaskResult& result, const RunTaskOptions& options) {
  std::unique_ptr<Progress> progress;
  const std::size_t missing = task.items.size() - result.items.size();
  if (!options.title.empty()) progress = std::make_unique<Progress>(options.title, missing, "items");
  Tally tally(task);
  transformer::Session session(model);
  std::uint64_t vector = 0;
  for (std::size_t i = 0; i < task.items.size(); ++i) {
    const bool is_done = i < result.items.size();
    if (!is_done) {
      throw_if_interrupted();
      const auto start = std::chrono::steady_clock::now();
      const TaskItem& item = task.items[i];
      const auto base = static_cast<std::uint32_t>(vector);  // wraps like the 32-bit index itself
      ItemResult found;
      if (task.kind == TaskKind::kGeneration) {
        result.tokens +=
            answer(model, session, tokenizer, encoded[i][0], item.generation, options.sampling, i, base, found);
      } else {
        found.is_greedy = true;
        for (const RequestScore& one : score(model, session, encoded[i], base, item.place)) {
          found.log_likelihoods.push_back(one.log_likelihood);
          found.is_greedy = found.is_greedy && one.is_greedy;
        }
        if (task.kind == TaskKind::kChoice) found.is_greedy = false;
        result.tokens += computed_tokens(model, encoded[i]);
      }
      result.items.push_back(std::move(found));
      result.seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
      if (options.on_item) options.on_item(result);
    }
    vector += vectors_of(model, task, encoded, i, options.sampling.samples);
    tally.add(result.items[i]);
    if (progress == nullptr || is_done) continue;
    progress->set_note(tally.note());
    progress->advance();
  }
}

}  // namespace xw::evaluation
