// Scoring the requests of one item.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "host/evaluation/encoded_task.hpp"
#include "host/transformer/model.hpp"

namespace xw::evaluation {

struct RequestScore {
  double log_likelihood = 0;  ///< nats, the sum over the tokens of the continuation
  bool is_greedy = false;     ///< each of them has the largest logit
  friend bool operator==(const RequestScore&, const RequestScore&) = default;
};

/// Scores all requests of an item in the same passes over the model; what they begin with in common is computed once. Bits
/// are those of every request alone. Inputs (all tokens but the last) have vector indices in the order in which they are
/// computed: the common beginning from `vector_base` on, then what each has of its own. Requests that a model rotates differently because of their lengths share nothing. `place` is for messages.
/// Throws Error{kInvalidArgument} for a token outside the vocabulary, Error{kNotFinite}, and what the model throws.
[[nodiscard]] std::vector<RequestScore> score(transformer::Model& model, transformer::Session& session,
                                              std::span<const EncodedRequest> requests, std::uint32_t vector_base,
                                              const std::string& place);
/// Tokens that score() computes: the vector indices that it takes.
[[nodiscard]] std::uint64_t computed_tokens(const transformer::Model& model, std::span<const EncodedRequest> requests);

/// Where the first text of `until` begins, or npos.
[[nodiscard]] std::size_t stop_place(const std::string& text, const std::vector<std::string>& until);
/// Greedy continuation of a prompt, up to a text of `rule.until` (which is not part of it), an end token of model or
/// tokenizer, or rule.max_tokens.
[[nodiscard]] std::string generate_answer(transformer::Model& model, transformer::Session& session,
                                          const tokenizer::Tokenizer& tokenizer, const EncodedRequest& prompt,
                                          const GenerationRule& rule, std::uint32_t vector_base);
/// What stands for an answer where a number was expected and there is none.
inline constexpr const char* kNoNumber = "[invalid]";
/// What of a generated text is the answer.
[[nodiscard]] std::string filtered_answer(const std::string& text, AnswerFilter filter);
/// An answer as it is compared under the rule: two are the same answer if these are equal.
[[nodiscard]] std::string comparable_answer(const std::string& answer, const GenerationRule& rule);
/// Whether a filtered answer is one of `answers` under the rule.
[[nodiscard]] bool is_answer(const std::string& answer, const std::vector<std::string>& answers,
                             const GenerationRule& rule);

}  // namespace xw::evaluation
