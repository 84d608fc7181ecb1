// The thread that computes completions: what is waiting is computed together.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>

#include "host/server/completion.hpp"
#include "host/tokenizer/tokenizer.hpp"
#include "host/transformer/model.hpp"

namespace xw::server {

struct EngineLimits {
  std::uint32_t sequences = 8;  ///< computed at the same time
  std::uint32_t length = 2048;  ///< tokens of a sequence, prompt and answer; capped by the model's context
  std::uint32_t waiting = 256;  ///< completions that wait for a sequence; more are refused
};

struct EngineCounters {
  std::uint64_t completions = 0;    ///< finished
  std::uint64_t prompt_tokens = 0;  ///< computed
  std::uint64_t new_tokens = 0;     ///< computed
  std::uint64_t steps = 0;          ///< passes over the model for new tokens
};

/// Computes completions in the order in which they come, up to `sequences` at a time: a prompt alone, then one token of each sequence
/// per pass over the model. The tokens of each are those that it has alone, where cells have no read noise and the sampler has a seed.
class CompletionEngine {
 public:
  /// Model and tokenizer must outlive it, and nobody else may use the model meanwhile. Throws what transformer::SequencePool throws.
  CompletionEngine(transformer::Model& model, const tokenizer::Tokenizer& tokenizer, const EngineLimits& limits);
  ~CompletionEngine();

  /// Thread safe. Throws Error{kInvalidArgument} for an empty prompt, tokens outside the vocabulary, a prompt that is too long and
  /// impossible sampling, Error{kCapacity} when too many are waiting, Error{kInterrupted} after stop().
  [[nodiscard]] std::shared_ptr<Completion> submit(CompletionRequest request);
  /// Ends what is under way and waiting with Error{kInterrupted}, and refuses the rest so. Thread safe.
  void stop();
  [[nodiscard]] std::uint32_t length() const;  ///< tokens of a sequence at most
  [[nodiscard]] EngineCounters counters() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace xw::server
