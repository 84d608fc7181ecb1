// Sequences of one model that come and go, each as long as it is: what a server computes with.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "host/transformer/model.hpp"

namespace xw::transformer {

/// Slots for sequences, each with a KV cache. In contrast to a Batch the sequences have lengths of their own, so that one can begin
/// while others are under way. Logits have the bits that a session of each sequence alone has, where cells have no read noise; read noise
/// is drawn by vector index, which counts the tokens of all sequences in the order in which they are computed. Not thread safe.
class SequencePool {
 public:
  /// `length`: tokens that a sequence may have at most. Throws Error{kInvalidArgument} for no slots or a length of 0, Error{kCapacity}
  /// beyond the model's context, Error{kUnsupported} if rotations of sequences up to `length` depend on how long they get (longrope:
  /// give the original context).
  SequencePool(Model& model, std::uint32_t slots, std::uint32_t length);
  ~SequencePool();

  /// Appends tokens to the sequence of a slot without making logits. No tokens: nothing. Throws Error{kInvalidArgument} for a slot
  /// that is not there and ids outside the vocabulary, Error{kCapacity} beyond `length`; the pool is then unchanged.
  void feed(std::uint32_t slot, std::span<const std::int32_t> tokens);
  /// The same with the logits after every token, [tokens][num_logits].
  [[nodiscard]] std::vector<float> score(std::uint32_t slot, std::span<const std::int32_t> tokens);

  /// A token that goes behind the sequence of a slot.
  struct Next {
    std::uint32_t slot = 0;
    std::int32_t token = 0;
  };
  /// Appends a token to each of some sequences, in one pass over the model. Returns logits [next.size()][num_logits], valid until the
  /// next call. Throws like feed(), also Error{kInvalidArgument} for a slot that is named twice and for none.
  [[nodiscard]] std::span<const float> step(std::span<const Next> next);

  /// Forgets the sequence of a slot. Throws Error{kInvalidArgument} for one that is not there.
  void clear(std::uint32_t slot);
  [[nodiscard]] std::uint32_t position(std::uint32_t slot) const;  ///< tokens of a slot's sequence; throws like clear()
  [[nodiscard]] std::uint32_t slots() const;
  [[nodiscard]] std::uint32_t length() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace xw::transformer
