// Sampling answers, and choosing among them.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/evaluation/samples.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <tuple>

#include "arch/support/error.hpp"
#include "arch/support/interrupt.hpp"
#include "arch/support/setting_error.hpp"
#include "arch/support/split_mix.hpp"
#include "host/evaluation/likelihood.hpp"
#include "host/evaluation/score.hpp"
#include "host/transformer/batch.hpp"
#include "host/transformer/generate.hpp"

namespace xw::evaluation {
namespace {

/// Seed of a continuation.
[[nodiscard]] std::uint64_t stream(std::uint64_t seed, std::uint64_t item, std::uint64_t sample) {
  return split_mix(split_mix(split_mix(seed + kSplitMixStep) + (item + 1) * kSplitMixStep) +
                   (sample + 1) * kSplitMixStep);
}

/// A continuation that is being made.
struct Continuation {
  std::uint32_t number = 0;
  transformer::Sampler sampler;
  std::vector<std::int32_t> tokens;
  std::string text;
  double log_likelihood = 0;
  std::size_t chosen = 0;  ///< tokens chosen, the one that ends it included
};

/// What ends continuations.
struct Ends {
  const tokenizer::Tokenizer& tokenizer;
  const GenerationRule& rule;
  std::vector<std::int32_t> tokens;
};

/// Chooses the next token; true if the continuation goes on with it.
bool choose(Continuation& one, std::span<const float> logits, const Ends& ends) {
  const std::int32_t token = one.sampler.sample(logits);
  one.log_likelihood += likelihood(logits, token).log_probability;
  ++one.chosen;
  if (std::ranges::find(ends.tokens, token) != ends.tokens.end()) return false;
  one.tokens.push_back(token);
  one.text = ends.tokenizer.decode(one.tokens);
  return stop_place(one.text, ends.rule.until) == std::string::npos && one.tokens.size() < ends.rule.max_tokens;
}

/// Moves what ended out of `live`. Returns the places of those that go on.
template <class Logits>
std::vector<std::uint32_t> advance(std::vector<Continuation>& live, const Logits& logits_of, const Ends& ends,
                                   std::vector<SampledAnswer>& answers) {
  std::vector<std::uint32_t> places;
  std::vector<Continuation> still;
  for (std::size_t i = 0; i < live.size(); ++i) {
    Continuation& one = live[i];
    if (choose(one, logits_of(i), ends)) {
      places.push_back(static_cast<std::uint32_t>(i));
      still.push_back(std::move(one));
    } else {
      const std::string text = one.text.substr(0, stop_place(one.text, ends.rule.until));
      answers[one.number] = {filtered_answer(text, ends.rule.filter),
                             one.log_likelihood / static_cast<double>(one.chosen)};
    }
  }
  live = std::move(still);
  return places;
}

}  // namespace

void check(const Sampling& sampling) {
  if (sampling.samples == 0 || sampling.samples > kMaxSamples)
    throw SettingError(
        ErrorCode::kInvalidArgument, "samples",
        "samples: expected 1 to " + std::to_string(kMaxSamples) + ", found " + std::to_string(sampling.samples));
  static_cast<void>(transformer::Sampler(sampling.sampler));
  if (sampling.samples > 1 && sampling.sampler.temperature == 0)
    throw SettingError(ErrorCode::kInvalidArgument, "samples",
                       "samples: expected a temperature above 0, found 0, at which all samples are the same");
}

SampledAnswers sample_answers(transformer::Model& model, transformer::Session& session,
                              const tokenizer::Tokenizer& tokenizer, const EncodedRequest& prompt,
                              const GenerationRule& rule, const Sampling& sampling, std::uint64_t item,
                              std::uint32_t vector_base) {
  const auto length = static_cast<std::uint32_t>(prompt.tokens.size()) + rule.max_tokens;
  session.reset(vector_base, length);
  const std::vector<float> first = session.forward(prompt.tokens, transformer::LogitsOf::kLast);
  const Ends ends{tokenizer, rule, transformer::stop_tokens(model.graph(), tokenizer.data().end_of_generation)};
  std::vector<Continuation> live;
  for (std::uint32_t sample = 0; sample < sampling.samples; ++sample) {
    transformer::SamplerOptions options = sampling.sampler;
    options.seed = stream(sampling.sampler.seed, item, sample);
    live.push_back({sample, transformer::Sampler(options), {}, "", 0, 0});
  }
  SampledAnswers result{std::vector<SampledAnswer>(sampling.samples), prompt.tokens.size()};
  std::vector<SampledAnswer>& answers = result.answers;
  if (rule.max_tokens == 0) {
    for (SampledAnswer& answer : answers) answer.text = filtered_answer("", rule.filter);
    return result;
  }
  std::vector<std::uint32_t> places = advance(
      live, [&](std::size_t) { return std::span(first); }, ends, answers);
  if (live.empty()) return result;
  transformer::Batch batch(model, session, static_cast<std::uint32_t>(live.size()), length);
  while (true) {
    throw_if_interrupted();
    std::vector<std::int32_t> tokens;
    tokens.reserve(live.size());
    for (const Continuation& one : live) tokens.push_back(one.tokens.back());
    const std::span<const float> logits = batch.step(tokens);
    result.tokens += tokens.size();
    const std::size_t columns = model.num_logits();
    places = advance(
        live, [&](std::size_t i) { return logits.subspan(i * columns, columns); }, ends, answers);
    if (live.empty()) return result;
    if (places.size() < batch.sequences()) batch.keep(places);
  }
}

std::vector<std::uint32_t> sample_counts(std::uint32_t samples) {
  std::vector<std::uint32_t> counts;
  for (std::uint32_t k = 1; k < samples; k *= 2) counts.push_back(k);
  counts.push_back(samples);
  return counts;
}

double pass_at(std::size_t n, std::size_t right, std::size_t k) {
  if (n - right < k) return 1;
  double none = 1;  // C(n - right, k) / C(n, k) as a product
  for (std::size_t i = n - right + 1; i <= n; ++i) none *= 1 - static_cast<double>(k) / static_cast<double>(i);
  return 1 - none;
}

std::size_t majority(const std::vector<SampledAnswer>& answers, std::size_t k, const GenerationRule& rule) {
  struct Votes {
    std::size_t first = 0, count = 0;
    bool is_valid = false;
  };
  std::map<std::string, Votes> found;
  for (std::size_t i = 0; i < k; ++i) {
    const bool is_valid = answers[i].text != kNoNumber;
    Votes& votes = found.try_emplace(comparable_answer(answers[i].text, rule), Votes{i, 0, is_valid}).first->second;
    ++votes.count;
  }
  // Valid ones before the others, then by votes, then the first.
  const auto is_better = [](const auto& a, const auto& b) {
    const Votes &one = a.second, &other = b.second;
    return std::tuple(one.is_valid, one.count, other.first) > std::tuple(other.is_valid, other.count, one.first);
  };
  return std::ranges::min_element(found, is_better)->second.first;
}

std::size_t likeliest(const std::vector<SampledAnswer>& answers, std::size_t k) {
  std::size_t best = 0;
  for (std::size_t i = 1; i < k; ++i) {
    if (answers[i].log_likelihood > answers[best].log_likelihood) best = i;
  }
  return best;
}

}  // namespace xw::evaluation
