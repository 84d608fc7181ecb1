// A text that is asked for, and how it arrives.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/server/completion.hpp"

namespace xw::server {

std::optional<CompletionPiece> Completion::next() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return !pieces_.empty() || is_over_; });
  if (pieces_.empty()) {
    if (error_ != nullptr) std::rethrow_exception(error_);
    return std::nullopt;
  }
  CompletionPiece piece = std::move(pieces_.front());
  pieces_.pop_front();
  return piece;
}

void Completion::add(CompletionPiece piece) {
  const std::lock_guard lock(mutex_);
  is_over_ = is_over_ || piece.finish.has_value();
  pieces_.push_back(std::move(piece));
  changed_.notify_all();
}

void Completion::fail(std::exception_ptr error) {
  const std::lock_guard lock(mutex_);
  if (is_over_) return;
  is_over_ = true;
  error_ = std::move(error);
  changed_.notify_all();
}

}  // namespace xw::server
