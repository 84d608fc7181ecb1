// Many sequences of one model, a token of each at a time.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "host/transformer/model.hpp"

namespace xw::transformer {

/// Sequences of one length with a KV cache each; a step is one pass over the model for all of them. Not thread safe. For models
/// without calls of a chip.
class Batch {
 public:
  /// `length`: tokens that the sequences will have. Throws Error{kInvalidArgument} for no sequences, Error{kCapacity} beyond the
  /// model's context, Error{kUnsupported} for a model with calls.
  Batch(Model& model, std::uint32_t sequences, std::uint32_t length);
  ~Batch();
  /// Appends a token to every sequence; logits [sequences][num_logits], until the next step. They have the bits that a session of
  /// each sequence alone has. Throws Error{kInvalidArgument} for another number of tokens and ids outside the vocabulary,
  /// Error{kCapacity} beyond `length`.
  [[nodiscard]] std::span<const float> step(std::span<const std::int32_t> tokens);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace xw::transformer
