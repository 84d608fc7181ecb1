// LAMBADA: can the model predict the last word of a passage?
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "host/evaluation/perplexity.hpp"

namespace xw::evaluation {

/// A passage and the word that follows it (after one space).
struct LambadaExample {
  std::string context, continuation;
  friend bool operator==(const LambadaExample&, const LambadaExample&) = default;
};
/// One JSON object per line with the strings "context" and "continuation"; other keys are ignored.
/// Throws Error{kFormat} naming path and line.
[[nodiscard]] std::vector<LambadaExample> read_lambada(const std::filesystem::path& path);
[[nodiscard]] std::vector<LambadaExample> parse_lambada(const std::string& text, const std::string& origin);

struct LambadaOptions {
  std::uint64_t max_examples = 0;  ///< only the first ones; 0: all
  BosChoice bos = BosChoice::kTokenizer;
  std::uint32_t vector_base = 0;
  bool show_progress = true;
};

struct LambadaResult {
  double accuracy = 0;  ///< share of examples whose continuation is the greedy one in every token
  double accuracy_standard_error = 0;
  double perplexity = 0;  ///< exp(- mean log-probability of a continuation), per word
  std::uint64_t examples = 0, correct = 0;
  std::uint64_t tokens = 0;  ///< tokens of all continuations
  double seconds = 0;        ///< measured
};

/// Vector indices between the first tokens of two examples: no example may be longer.
inline constexpr std::uint32_t kLambadaVectorStride = 8192;

/// Tokens of the continuation are those of the whole text "context continuation" after the tokens of the context
/// (as in lm-evaluation-harness). Example e has vector indices vector_base + e * kLambadaVectorStride onwards: results do not
/// depend on the order. Contexts longer than the model's are cut at the front.
/// Throws Error{kInvalidArgument} without examples or for a continuation without tokens, Error{kNotFinite}.
[[nodiscard]] LambadaResult lambada(transformer::Model& model, const tokenizer::Tokenizer& tokenizer,
                                    std::span<const LambadaExample> examples, const LambadaOptions& options);

[[nodiscard]] std::string to_json(const LambadaResult& result);
[[nodiscard]] std::string to_text(const LambadaResult& result);

}  // namespace xw::evaluation
