// Logits and log-likelihoods of an opened model.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/scoring.hpp"

#include <algorithm>
#include <cmath>

#include "arch/support/error.hpp"
#include "arch/support/interrupt.hpp"
#include "host/evaluation/likelihood.hpp"

namespace xw::toolchain {
namespace {

constexpr std::size_t kPiece = 64;  // tokens between two looks at Ctrl-C, and whose logits are in memory at a time

void check_length(OpenedModel& opened, std::size_t tokens) {
  const std::uint32_t most = opened.model().context_length();
  if (tokens == 0) throw Error(ErrorCode::kInvalidArgument, "tokens: expected at least one, found none");
  if (tokens > most) {
    throw Error(ErrorCode::kCapacity,
                "tokens: " + std::to_string(tokens) + " are beyond the model's context of " + std::to_string(most));
  }
}

/// A task of these items, encoded.
evaluation::EncodedTask encoded(OpenedModel& opened, const evaluation::Task& task, evaluation::BosChoice bos) {
  return evaluation::encode(task, opened.tokenizer(), bos, opened.model().context_length());
}

}  // namespace

Logits sequence_logits(OpenedModel& opened, std::span<const std::int32_t> tokens, bool all, std::uint32_t vector_base) {
  check_length(opened, tokens.size());
  const auto length = static_cast<std::uint32_t>(tokens.size());
  transformer::Session session(opened.model(), vector_base, length);
  session.reset(vector_base, length);
  Logits result;
  for (std::size_t begin = 0; begin < tokens.size(); begin += kPiece) {
    throw_if_interrupted();
    const std::size_t count = std::min(kPiece, tokens.size() - begin);
    const bool is_last = begin + count == tokens.size();
    const transformer::LogitsOf wanted = all       ? transformer::LogitsOf::kAll
                                         : is_last ? transformer::LogitsOf::kLast
                                                   : transformer::LogitsOf::kNone;
    std::vector<float> piece = session.forward(tokens.subspan(begin, count), wanted);
    if (piece.empty()) continue;
    if (result.values.empty()) {
      result.columns = piece.size() / (all ? count : 1);
      result.rows = all ? tokens.size() : 1;
      result.values = std::move(piece);
      result.values.reserve(result.rows * result.columns);
    } else {
      result.values.insert(result.values.end(), piece.begin(), piece.end());
    }
  }
  return result;
}

std::vector<double> token_log_likelihoods(OpenedModel& opened, std::span<const std::int32_t> tokens, std::size_t begin,
                                          std::uint32_t vector_base) {
  if (begin == 0 || begin >= tokens.size()) {
    throw Error(ErrorCode::kInvalidArgument, "begin: expected a token from 1 to the last of " +
                                                 std::to_string(tokens.size()) + ", found " + std::to_string(begin));
  }
  // The last token is only predicted.
  const std::span<const std::int32_t> inputs = tokens.first(tokens.size() - 1);
  check_length(opened, inputs.size());
  const auto length = static_cast<std::uint32_t>(inputs.size());
  transformer::Session session(opened.model(), vector_base, length);
  session.reset(vector_base, length);
  std::vector<double> result;
  const auto columns = static_cast<std::size_t>(opened.model().num_logits());
  for (std::size_t at = 0; at < inputs.size(); at += kPiece) {
    throw_if_interrupted();
    const std::size_t count = std::min(kPiece, inputs.size() - at);
    const std::vector<float> logits = session.forward(inputs.subspan(at, count), transformer::LogitsOf::kAll);
    for (std::size_t i = 0; i < count; ++i) {
      if (at + i + 1 < begin) continue;
      const std::int32_t token = tokens[at + i + 1];
      if (token < 0 || static_cast<std::size_t>(token) >= columns) {
        throw Error(ErrorCode::kInvalidArgument, "token id " + std::to_string(token) +
                                                     " is outside the vocabulary of " + std::to_string(columns) +
                                                     " tokens");
      }
      const double value =
          evaluation::likelihood(std::span(logits).subspan(i * columns, columns), token).log_probability;
      if (!std::isfinite(value))
        throw Error(ErrorCode::kNotFinite, "the logits of token " + std::to_string(at + i) + " are not finite");
      result.push_back(value);
    }
  }
  return result;
}

std::vector<std::vector<evaluation::RequestScore>> score_items(OpenedModel& opened,
                                                               const std::vector<ScoredItem>& items,
                                                               evaluation::BosChoice bos) {
  evaluation::Task task;
  for (const ScoredItem& item : items) {
    task.items.emplace_back();
    task.items.back().place = item.place;
    task.items.back().requests = item.requests;
  }
  const evaluation::EncodedTask requests = encoded(opened, task, bos);
  transformer::Session session(opened.model());
  std::vector<std::vector<evaluation::RequestScore>> result;
  std::uint64_t vector = 0;  // the indices of evaluation::run_task
  for (std::size_t i = 0; i < items.size(); ++i) {
    throw_if_interrupted();
    result.push_back(
        evaluation::score(opened.model(), session, requests[i], static_cast<std::uint32_t>(vector), items[i].place));
    vector += evaluation::computed_tokens(opened.model(), requests[i]);
  }
  return result;
}

std::vector<std::string> answer_questions(OpenedModel& opened, const std::vector<Question>& questions,
                                          evaluation::BosChoice bos) {
  evaluation::Task task;
  task.kind = evaluation::TaskKind::kGeneration;
  for (const Question& question : questions) {
    task.items.emplace_back();
    task.items.back().place = question.place;
    task.items.back().requests = {{question.prompt, ""}};
    task.items.back().generation = question.rule;
  }
  const evaluation::EncodedTask prompts = encoded(opened, task, bos);
  transformer::Session session(opened.model());
  std::vector<std::string> answers;
  std::uint64_t vector = 0;  // the indices of evaluation::run_task
  for (std::size_t i = 0; i < questions.size(); ++i) {
    throw_if_interrupted();
    answers.push_back(evaluation::generate_answer(opened.model(), session, opened.tokenizer(), prompts[i][0],
                                                  questions[i].rule, static_cast<std::uint32_t>(vector)));
    vector += prompts[i][0].tokens.size() + std::uint64_t{questions[i].rule.max_tokens};
  }
  return answers;
}

}  // namespace xw::toolchain
