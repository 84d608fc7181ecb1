// Perplexity of a text.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
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

/// What the predicted tokens of one window gave: their number, the sum of their negative log-likelihoods in nats, and of
/// the squares of these.
struct TextWindow {
  std::uint64_t tokens = 0;
  double nll = 0, squares = 0;
  friend bool operator==(const TextWindow&, const TextWindow&) = default;
};

struct PerplexityOptions {
  std::uint32_t context = 512;   ///< tokens of a window, the BOS token included; at least 2
  std::uint64_t max_tokens = 0;  ///< only the first tokens of the text; 0: all
  BosChoice bos = BosChoice::kTokenizer;
  std::uint32_t vector_base = 0;  ///< vector_index of the first token of the first window
  bool show_progress = true;
  std::string title = "perplexity";  ///< of the progress line
  std::vector<TextWindow> kept;      ///< the first windows of an earlier call: they are not measured again
  /// After every window, with all so far; what it throws ends the measurement.
  std::function<void(const std::vector<TextWindow>&)> on_window;
};

struct PerplexityResult {
  double mean_nll = 0;        ///< nats per predicted token
  double standard_error = 0;  ///< of mean_nll, over predicted tokens
  double perplexity = 0;      ///< exp(mean_nll)
  std::uint64_t tokens = 0;   ///< predicted tokens
  std::uint64_t windows = 0;
  std::uint32_t context = 0;
  bool bos = false;    ///< windows began with BOS
  double seconds = 0;  ///< measured, without kept windows
  std::vector<TextWindow> per_window;
};

/// Perplexity over non-overlapping windows of `context` tokens. Every token of a window but the first is predicted from those
/// before it in the window; with BOS the first is BOS, so that every token of the text is predicted once. The last window may
/// be shorter. Window w has vector indices vector_base + w * context onwards, so that no result depends on the others.
/// Throws Error{kInvalidArgument} for an impossible context or a text that leaves nothing to predict, Error{kNotFinite} naming
/// the window and token if a logit is not a number, or the mean if its exponential is beyond the largest number,
/// Error{kFormat} if a kept window has another number of tokens.
[[nodiscard]] PerplexityResult perplexity(transformer::Model& model, std::span<const std::int32_t> tokens,
                                          std::int32_t bos, const PerplexityOptions& options);
/// Same for a text: tokenizes without special tokens; `options.bos` decides about BOS.
[[nodiscard]] PerplexityResult perplexity(transformer::Model& model, const tokenizer::Tokenizer& tokenizer,
                                          const std::string& text, const PerplexityOptions& options);

/// One object; times are marked as measured. "per_window" has what windows gave, in columns.
[[nodiscard]] nlohmann::ordered_json to_json(const PerplexityResult& result);
/// {"tokens": [...], "nll_nats": [...], "nll_squares": [...]} and back. Throws Error{kFormat} naming `place`.
[[nodiscard]] nlohmann::ordered_json to_json(const std::vector<TextWindow>& windows);
[[nodiscard]] std::vector<TextWindow> parse_windows(const nlohmann::ordered_json& json, const std::string& place);
[[nodiscard]] std::string to_text(const PerplexityResult& result);  ///< one line

/// The id that `choice` puts in front of every window, -1 for none. Throws Error{kInvalidArgument}.
[[nodiscard]] std::int32_t bos_token(const tokenizer::Tokenizer& tokenizer, BosChoice choice);

}  // namespace xw::evaluation
