// Many sequences of one model, a token of each at a time.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "host/transformer/model.hpp"

namespace xw::transformer {

/// Sequences with a KV cache each, all of them equally long; a step is one pass over the model for all of them. Not thread safe.
class Batch {
 public:
  /// `length`: tokens that the sequences will have at most. The t-th token that the batch computes, in a step those of the sequences
  /// one after the other, has vector index `vector_base` + t. Throws Error{kInvalidArgument} for no sequences, Error{kCapacity} beyond
  /// the model's context.
  Batch(Model& model, std::uint32_t sequences, std::uint32_t length, std::uint32_t vector_base = 0);
  /// Sequences that all begin with what `beginning` holds, computed once; vector indices go on from there. Throws like the other one,
  /// also Error{kCapacity} for a beginning that is longer, Error{kInvalidArgument} for an empty one and one of another model, Error{kUnsupported} if `length` tokens are rotated differently from
  /// those of the beginning (Session::reset() takes the length).
  Batch(Model& model, const Session& beginning, std::uint32_t sequences, std::uint32_t length);
  ~Batch();
  /// Appends a token to every sequence; logits [sequences][num_logits], until the next step. They have the bits that a session of
  /// each sequence alone has, where cells have no read noise. Throws Error{kInvalidArgument} for another number of tokens and ids
  /// outside the vocabulary, Error{kCapacity} beyond `length`.
  [[nodiscard]] std::span<const float> step(std::span<const std::int32_t> tokens);
  /// Goes on with these sequences only, in this order: the i-th is the one that was `sequences`[i]. Throws Error{kInvalidArgument} for
  /// none, and unless they grow and are there.
  void keep(std::span<const std::uint32_t> sequences);
  [[nodiscard]] std::uint32_t sequences() const;

 private:
  void start(Model& model, std::uint32_t sequences, std::uint32_t length, std::uint32_t vector_base);

  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace xw::transformer
