// Many sequences of one model.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/transformer/batch.hpp"

#include <algorithm>
#include <utility>

#include "arch/support/error.hpp"
#include "arch/support/file.hpp"
#include "host/transformer/session_impl.hpp"

namespace xw::transformer {

struct Batch::Impl {
  Impl(Model::Impl& of, std::uint32_t count, std::uint32_t tokens, std::uint32_t vector_base)
      : model(of), sequences(count), length(tokens), session(of, vector_base, tokens, count) {}

  Model::Impl& model;
  std::uint32_t sequences, length;
  std::uint32_t position = 0;
  Session::Impl session;
  AlignedBuffer<float> logits;
};

namespace {

void check(const Model& model, std::uint32_t sequences, std::uint32_t length) {
  if (sequences == 0) throw Error(ErrorCode::kInvalidArgument, "batch: expected at least one sequence, found none");
  if (length > model.context_length())
    throw Error(ErrorCode::kCapacity, "sequences of " + std::to_string(length) + " tokens exceed the context of " +
                                          std::to_string(model.context_length()));
}

}  // namespace

Batch::Batch(Model& model, std::uint32_t sequences, std::uint32_t length, std::uint32_t vector_base) {
  check(model, sequences, length);
  start(model, sequences, length, vector_base);
  for (KvCache& cache : impl_->session.caches) cache.reserve(length);
}

Batch::Batch(Model& model, const Session& beginning, std::uint32_t sequences, std::uint32_t length) {
  check(model, sequences, length);
  const Session::Impl& from = *beginning.impl_;
  if (&from.model != model.impl_.get())
    throw Error(ErrorCode::kInvalidArgument, "batch: the beginning is of another model");
  if (from.position == 0) throw Error(ErrorCode::kInvalidArgument, "batch: the beginning has no tokens");
  if (from.position > length)
    throw Error(ErrorCode::kCapacity, "batch: the beginning has " + std::to_string(from.position) +
                                          " tokens, the sequences at most " + std::to_string(length));
  const std::uint32_t rotated_for = std::max(from.position, from.known_length);
  if (model.rotation_class(rotated_for) != model.rotation_class(length))
    throw Error(ErrorCode::kUnsupported, "batch: sequences of " + std::to_string(length) +
                                             " tokens are rotated differently from their beginning, made for " +
                                             std::to_string(rotated_for));
  start(model, sequences, length, from.next_vector);
  impl_->position = from.position;
  const std::size_t layers = from.caches.size();
  for (std::size_t cache = 0; cache < impl_->session.caches.size(); ++cache)
    impl_->session.caches[cache].copy(from.caches[cache % layers], from.position, length);
}

void Batch::start(Model& model, std::uint32_t sequences, std::uint32_t length, std::uint32_t vector_base) {
  impl_ = std::make_unique<Impl>(*model.impl_, sequences, length, vector_base);
  impl_->session.set_length(length);
  impl_->session.keeps_tokens = false;
  impl_->logits.reserve(std::size_t{sequences} * model.num_logits());
}

Batch::~Batch() = default;

std::span<const float> Batch::step(std::span<const std::int32_t> tokens) {
  Impl& impl = *impl_;
  if (tokens.size() != impl.sequences)
    throw Error(ErrorCode::kInvalidArgument, "batch: expected a token for each of " + std::to_string(impl.sequences) +
                                                 " sequences, found " + std::to_string(tokens.size()));
  if (impl.position >= impl.length)
    throw Error(ErrorCode::kCapacity, "batch: sequences exceed their " + std::to_string(impl.length) + " tokens");
  check_tokens(tokens, impl.model.vocab_size);
  for (std::size_t begin = 0; begin < tokens.size(); begin += kChunk) {
    const std::size_t count = std::min(kChunk, tokens.size() - begin);
    impl.session.pieces.clear();
    for (std::size_t i = 0; i < count; ++i)
      impl.session.pieces.push_back({impl.position, 1, static_cast<std::uint32_t>(begin + i)});
    impl.session.run(tokens.subspan(begin, count), 0, impl.logits.data() + begin * impl.model.num_logits);
  }
  ++impl.position;
  check_mapped_files();
  return {impl.logits.data(), tokens.size() * impl.model.num_logits};
}

void Batch::keep(std::span<const std::uint32_t> sequences) {
  Impl& impl = *impl_;
  if (sequences.empty()) throw Error(ErrorCode::kInvalidArgument, "batch: expected sequences to keep, found none");
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    if (sequences[i] < impl.sequences && (i == 0 || sequences[i] > sequences[i - 1])) continue;
    throw Error(ErrorCode::kInvalidArgument, "batch: expected growing numbers of sequences below " +
                                                 std::to_string(impl.sequences) + ", found " +
                                                 std::to_string(sequences[i]) + " at place " + std::to_string(i));
  }
  const std::size_t layers = impl.model.attentions.size();
  std::vector<KvCache> kept;
  kept.reserve(sequences.size() * layers);
  for (const std::uint32_t sequence : sequences) {
    for (std::size_t layer = 0; layer < layers; ++layer)
      kept.push_back(std::move(impl.session.caches[sequence * layers + layer]));
  }
  impl.session.caches = std::move(kept);
  impl.sequences = static_cast<std::uint32_t>(sequences.size());
}

std::uint32_t Batch::sequences() const {
  return impl_->sequences;
}

}  // namespace xw::transformer
