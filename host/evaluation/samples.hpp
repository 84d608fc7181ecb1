// Several answers to one question, sampled: what more computing at test time gives.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "host/evaluation/encoded_task.hpp"
#include "host/evaluation/task_result.hpp"
#include "host/transformer/model.hpp"
#include "host/transformer/sampler.hpp"

namespace xw::evaluation {

/// How questions are answered by kGeneration.
struct Sampling {
  std::uint32_t samples = 1;  ///< answers to every question
  transformer::SamplerOptions sampler;
  friend bool operator==(const Sampling&, const Sampling&) = default;
};
constexpr std::uint32_t kMaxSamples = 1024;
/// Throws Error{kInvalidArgument} for no samples, more than kMaxSamples, several at temperature 0 (all would be the same), and impossible
/// options of the sampler.
void check(const Sampling& sampling);

struct SampledAnswers {
  std::vector<SampledAnswer> answers;
  std::uint64_t tokens = 0;  ///< computed by the model
};
/// Samples `sampling.samples` continuations of a prompt, as generate_answer() ends one: the prompt is computed once, then a token of each
/// in one pass until all have ended. Tokens take vector indices in the order in which they are computed, from `vector_base` on: the prompt,
/// then step by step one for each continuation that goes on; at most prompt + samples * rule.max_tokens. Token t of continuation s of
/// question `item` is chosen by draw t of a stream that (seed, item, s) alone decide: fewer samples are the first of more, where cells have
/// no read noise. Throws what Batch and Sampler throw, Error{kInterrupted}.
[[nodiscard]] SampledAnswers sample_answers(transformer::Model& model, transformer::Session& session,
                                            const tokenizer::Tokenizer& tokenizer, const EncodedRequest& prompt,
                                            const GenerationRule& rule, const Sampling& sampling, std::uint64_t item,
                                            std::uint32_t vector_base);

/// How many samples figures are given for: 1, 2, 4, ... and `samples`.
[[nodiscard]] std::vector<std::uint32_t> sample_counts(std::uint32_t samples);

/// Chance that at least one of k answers drawn from n of which `right` are right is right: 1 - C(n - right, k) / C(n, k)
/// (Chen et al., Evaluating Large Language Models Trained on Code, eq. 1). What a perfect verifier of answers reaches. k: 1..n.
[[nodiscard]] double pass_at(std::size_t n, std::size_t right, std::size_t k);
/// Index of the first of the answers that most of the first k agree on (Wang et al., Self-Consistency); of equally frequent ones the one that
/// came first. Answers without a number count only if there is no other.
[[nodiscard]] std::size_t majority(const std::vector<SampledAnswer>& answers, std::size_t k,
                                   const GenerationRule& rule);
/// Index of the answer of the first k whose tokens are the likeliest on average.
[[nodiscard]] std::size_t likeliest(const std::vector<SampledAnswer>& answers, std::size_t k);

}  // namespace xw::evaluation
