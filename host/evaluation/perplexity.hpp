// Perplexity of a text.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "host/tokenizer/tokenizer.hpp"
#include "host/transformer/model.hpp"

namespace xw::evaluation {

/// What stands in front of every window.
enum class BosChoice {
  kTokenizer,  ///< the beginning-of-sequence token if the tokenizer puts one in front of texts
  kAlways,     ///< the beginning-of-sequence token; an error if there is none
  kNever,
};

struct PerplexityOptions {
  std::uint32_t context = 512;   ///< tokens of a window, the BOS token included; at least 2
  std::uint64_t max_tokens = 0;  ///< only the first tokens of the text; 0: all
  BosChoice bos = BosChoice::kTokenizer;
  std::uint32_t vector_base = 0;  ///< vector_index of the first token of the first window
  bool show_progress = true;
};

struct PerplexityResult {
  double mean_nll = 0;        ///< nats per predicted token
  double standard_error = 0;  ///< of mean_nll, over predicted tokens
  double perplexity = 0;      ///< exp(mean_nll)
  std::uint64_t tokens = 0;   ///< predicted tokens
  std::uint64_t windows = 0;
  std::uint32_t context = 0;
  bool bos = false;    ///< windows began with BOS
  double seconds = 0;  ///< measured
};

/// Perplexity over non-overlapping windows of `context` tokens. Every token of a window but the first is predicted from those
/// before it in the window; with BOS the first is BOS, so that every token of the text is predicted once. The last window may
/// be shorter. Window w has vector indices vector_base + w * context onwards, so that no result depends on the others.
/// Throws Error{kInvalidArgument} for an impossible context or a text that leaves nothing to predict, Error{kNotFinite} naming
/// the window and token if a logit is not a number, or the mean if its exponential is beyond the largest number.
[[nodiscard]] PerplexityResult perplexity(transformer::Model& model, std::span<const std::int32_t> tokens,
                                          std::int32_t bos, const PerplexityOptions& options);
/// Same for a text: tokenizes without special tokens; `options.bos` decides about BOS.
[[nodiscard]] PerplexityResult perplexity(transformer::Model& model, const tokenizer::Tokenizer& tokenizer,
                                          const std::string& text, const PerplexityOptions& options);

[[nodiscard]] std::string to_json(const PerplexityResult& result);  ///< one object; times are marked as measured
[[nodiscard]] std::string to_text(const PerplexityResult& result);  ///< one line

/// The id that `choice` puts in front of every window, -1 for none. Throws Error{kInvalidArgument}.
[[nodiscard]] std::int32_t bos_token(const tokenizer::Tokenizer& tokenizer, BosChoice choice);

}  // namespace xw::evaluation
