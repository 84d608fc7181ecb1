// A text that is asked for, and how it arrives.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "host/server/token_scores.hpp"
#include "host/transformer/sampler.hpp"

namespace xw::server {

struct CompletionRequest {
  std::vector<std::int32_t> prompt;  ///< at least one token
  std::uint32_t max_tokens = 16;     ///< new ones at most; 0: only the prompt is scored
  transformer::SamplerOptions sampler;
  std::vector<std::string> stop;                   ///< texts that end it and are not part of it
  std::optional<std::uint32_t> log_probabilities;  ///< asked for, with that many of the likeliest tokens
  bool score_prompt = false;                       ///< log-probabilities of the prompt's tokens, too
};

enum class FinishReason { kStop, kLength };

/// A part of a completion as it becomes known.
struct CompletionPiece {
  std::string text;  ///< whole characters
  std::vector<TokenScore>
      scores;  ///< of the tokens since the last piece, if asked for, the end token included; those of the prompt come in the first piece
  std::uint32_t new_tokens = 0;        ///< since the last piece, an end token not counted
  std::optional<FinishReason> finish;  ///< of the last piece
};

/// What one thread computes and another reads. Thread safe.
class Completion {
 public:
  explicit Completion(CompletionRequest request) : request_(std::move(request)) {}
  [[nodiscard]] const CompletionRequest& request() const { return request_; }

  /// Waits for the next piece; nothing after the last one. Throws what ended the computation.
  [[nodiscard]] std::optional<CompletionPiece> next();
  /// Nobody wants the rest.
  void cancel() { cancelled_ = true; }
  [[nodiscard]] bool is_cancelled() const { return cancelled_; }

  void add(CompletionPiece piece);
  /// Ends it with an error that next() throws.
  void fail(std::exception_ptr error);

 private:
  CompletionRequest request_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<CompletionPiece> pieces_;
  std::exception_ptr error_;
  bool is_over_ = false;
  std::atomic<bool> cancelled_ = false;
};

}  // namespace xw::server
