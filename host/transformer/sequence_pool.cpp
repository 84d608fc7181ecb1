// Sequences of one model that come and go.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/transformer/sequence_pool.hpp"

#include <algorithm>
#include <string>

#include "arch/support/error.hpp"
#include "arch/support/file.hpp"
#include "host/transformer/session_impl.hpp"

namespace xw::transformer {

struct SequencePool::Impl {
  Impl(Model::Impl& of, std::uint32_t slots, std::uint32_t tokens)
      : model(of), length(tokens), session(of, 0, tokens, slots), positions(slots) {}

  Model::Impl& model;
  std::uint32_t length;
  Session::Impl session;
  std::vector<std::uint32_t> positions;  ///< [slot]
  AlignedBuffer<float> logits;

  void check_slot(std::uint32_t slot) const {
    if (slot < positions.size()) return;
    throw Error(ErrorCode::kInvalidArgument, "sequences: expected a slot below " + std::to_string(positions.size()) +
                                                 ", found " + std::to_string(slot));
  }
  /// That a sequence can have these tokens more.
  void check_room(std::uint32_t slot, std::span<const std::int32_t> tokens) const {
    check_slot(slot);
    check_tokens(tokens, model.vocab_size);
    if (tokens.size() <= length - positions[slot]) return;
    throw Error(ErrorCode::kCapacity, "sequence of " + std::to_string(positions[slot] + tokens.size()) +
                                          " tokens exceeds the " + std::to_string(length) + " that there is room for");
  }
  /// Passes over tokens of one slot; `logits`: of all of them, or null.
  void run(std::uint32_t slot, std::span<const std::int32_t> tokens, float* logits_of_all) {
    for (std::size_t begin = 0; begin < tokens.size(); begin += kChunk) {
      const std::size_t count = std::min(kChunk, tokens.size() - begin);
      session.pieces.assign(1, {positions[slot], count, slot});
      float* target = logits_of_all == nullptr ? nullptr : logits_of_all + begin * model.num_logits;
      session.run(tokens.subspan(begin, count), target == nullptr ? count : 0, target);
      positions[slot] += static_cast<std::uint32_t>(count);
    }
    check_mapped_files();
  }
};

SequencePool::SequencePool(Model& model, std::uint32_t slots, std::uint32_t length) {
  if (slots == 0 || length == 0)
    throw Error(ErrorCode::kInvalidArgument, "sequences: expected at least one slot and one token, found " +
                                                 std::to_string(slots) + " and " + std::to_string(length));
  if (length > model.context_length())
    throw Error(ErrorCode::kCapacity, "sequences of " + std::to_string(length) + " tokens exceed the context of " +
                                          std::to_string(model.context_length()));
  if (model.rotation_class(1) != model.rotation_class(length))
    throw Error(ErrorCode::kUnsupported, "sequences of up to " + std::to_string(length) +
                                             " tokens: the model rotates long ones differently from short ones");
  impl_ = std::make_unique<Impl>(*model.impl_, slots, length);
  impl_->session.set_length(length);
  impl_->session.keeps_tokens = false;
}

SequencePool::~SequencePool() = default;

void SequencePool::feed(std::uint32_t slot, std::span<const std::int32_t> tokens) {
  impl_->check_room(slot, tokens);
  impl_->run(slot, tokens, nullptr);
}

std::vector<float> SequencePool::score(std::uint32_t slot, std::span<const std::int32_t> tokens) {
  impl_->check_room(slot, tokens);
  std::vector<float> logits(tokens.size() * impl_->model.num_logits);
  impl_->run(slot, tokens, logits.data());
  return logits;
}

std::span<const float> SequencePool::step(std::span<const Next> next) {
  Impl& impl = *impl_;
  if (next.empty())
    throw Error(ErrorCode::kInvalidArgument, "sequences: expected a token for at least one slot, found none");
  std::vector<bool> named(impl.positions.size());
  for (const Next& one : next) {
    impl.check_room(one.slot, {&one.token, 1});
    if (named[one.slot])
      throw Error(ErrorCode::kInvalidArgument,
                  "sequences: expected every slot once, found slot " + std::to_string(one.slot) + " twice");
    named[one.slot] = true;
  }
  impl.logits.reserve(next.size() * impl.model.num_logits);
  std::vector<std::int32_t> tokens;
  for (std::size_t begin = 0; begin < next.size(); begin += kChunk) {
    tokens.clear();
    impl.session.pieces.clear();
    for (const Next& one : next.subspan(begin, std::min(kChunk, next.size() - begin))) {
      tokens.push_back(one.token);
      impl.session.pieces.push_back({impl.positions[one.slot]++, 1, one.slot});
    }
    impl.session.run(tokens, 0, impl.logits.data() + begin * impl.model.num_logits);
  }
  check_mapped_files();
  return {impl.logits.data(), next.size() * impl.model.num_logits};
}

void SequencePool::clear(std::uint32_t slot) {
  impl_->check_slot(slot);
  const std::size_t layers = impl_->model.attentions.size();
  for (std::size_t layer = 0; layer < layers; ++layer) impl_->session.caches[slot * layers + layer].clear();
  impl_->positions[slot] = 0;
}

std::uint32_t SequencePool::position(std::uint32_t slot) const {
  impl_->check_slot(slot);
  return impl_->positions[slot];
}

std::uint32_t SequencePool::slots() const {
  return static_cast<std::uint32_t>(impl_->positions.size());
}

std::uint32_t SequencePool::length() const {
  return impl_->length;
}

}  // namespace xw::transformer
