// Logits and log-likelihoods of an opened model, for who has token ids or requests of his own.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "host/evaluation/encoded_task.hpp"
#include "host/evaluation/score.hpp"
#include "host/toolchain/opened_model.hpp"

namespace xw::toolchain {

/// A matrix, row by row.
struct Logits {
  std::vector<float> values;  ///< [rows][columns]
  std::size_t rows = 0, columns = 0;
};
/// Logits behind every token of a sequence, or behind the last one alone (`all` false). The t-th token has the vector index
/// `vector_base` + t. Throws Error{kInvalidArgument} for no tokens and ids outside the vocabulary, Error{kCapacity} for more than the model's
/// context, Error{kInterrupted}.
[[nodiscard]] Logits sequence_logits(OpenedModel& opened, std::span<const std::int32_t> tokens, bool all,
                                     std::uint32_t vector_base = 0);

/// Log-likelihoods of a sequence's tokens from `begin` on (at least 1), each behind those before it: nats, tokens.size() - begin of them. The same vector
/// indices as above. Throws what sequence_logits throws, Error{kInvalidArgument} for a `begin` of 0 or behind the end, Error{kNotFinite}.
[[nodiscard]] std::vector<double> token_log_likelihoods(OpenedModel& opened, std::span<const std::int32_t> tokens,
                                                        std::size_t begin = 1, std::uint32_t vector_base = 0);

/// Requests of one item, in the form of a task: what they begin with in common is computed once.
struct ScoredItem {
  std::string place;  ///< for messages
  std::vector<evaluation::Request> requests;
};
/// Scores the requests of items as evaluate() scores those of a task with these items in this order: with the same bits. Throws what
/// encoding and scoring throw, Error{kInterrupted}.
[[nodiscard]] std::vector<std::vector<evaluation::RequestScore>> score_items(OpenedModel& opened,
                                                                             const std::vector<ScoredItem>& items,
                                                                             evaluation::BosChoice bos);
/// A text to be continued as evaluate() continues those of a task.
struct Question {
  std::string place, prompt;
  evaluation::GenerationRule rule;
};
/// Greedy answers, unfiltered. Throws what encoding and the model throw, Error{kInterrupted}.
[[nodiscard]] std::vector<std::string> answer_questions(OpenedModel& opened, const std::vector<Question>& questions,
                                                        evaluation::BosChoice bos);

}  // namespace xw::toolchain
