// A model on one sequence.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include "arch/support/error.hpp"
#include "arch/support/file.hpp"
#include "host/transformer/session_impl.hpp"

namespace xw::transformer {

void check_tokens(std::span<const std::int32_t> tokens, std::uint32_t vocab_size) {
  for (const std::int32_t token : tokens) {
    if (token >= 0 && static_cast<std::uint32_t>(token) < vocab_size) continue;
    throw Error(ErrorCode::kInvalidArgument, "token id " + std::to_string(token) + " is outside the vocabulary of " +
                                                 std::to_string(vocab_size) + " tokens");
  }
}

void Session::Impl::set_length(std::uint32_t length) {
  bool is_other = false;
  for (RopeTable& rope : ropes) is_other = rope.set_length(length) || is_other;
  if (!is_other || position == 0) return;
  for (KvCache& cache : caches) cache.clear();
  const std::uint32_t next = std::exchange(next_vector, 0U);
  position = 0;
  std::vector<std::int32_t> tokens;
  for (std::size_t begin = 0; begin < past.size(); begin += tokens.size()) {
    tokens.clear();
    next_vector = past[begin].vector;
    for (std::size_t i = begin; i < past.size() && tokens.size() < kChunk; ++i) {
      if (past[i].vector != next_vector + static_cast<std::uint32_t>(i - begin)) break;
      tokens.push_back(past[i].id);
    }
    pieces = {{position, tokens.size(), 0}};
    run(tokens, tokens.size(), nullptr);
  }
  next_vector = next;
}

Session::Session(Model& model, std::uint32_t vector_base, std::uint32_t context_limit)
    : impl_(std::make_unique<Impl>(*model.impl_, vector_base, context_limit)) {}

Session::~Session() = default;

std::vector<float> Session::forward(std::span<const std::int32_t> tokens, LogitsOf logits) {
  const Segment segment{impl_->position, tokens};
  const std::size_t rows = logits == LogitsOf::kAll ? tokens.size() : logits == LogitsOf::kLast ? 1 : 0;
  return forward({&segment, 1}, tokens.size() - std::min(rows, tokens.size()));
}

std::vector<float> Session::forward(std::span<const Segment> segments, std::size_t logits_begin) {
  Impl& impl = *impl_;
  const Model::Impl& model = impl.model;
  std::vector<std::int32_t> tokens;
  std::uint32_t before = impl.position;
  std::uint32_t longest = impl.known_length;
  for (const Segment& segment : segments) {
    if (segment.tokens.empty()) {
      throw Error(ErrorCode::kInvalidArgument, "forward: expected at least one token, found none");
    }
    if (segment.position > before) {
      throw Error(ErrorCode::kInvalidArgument, "forward: a segment follows " + std::to_string(segment.position) +
                                                   " tokens, the sequence has " + std::to_string(before));
    }
    check_tokens(segment.tokens, model.vocab_size);
    if (segment.tokens.size() > impl.context_limit - segment.position) {
      throw Error(ErrorCode::kCapacity, "sequence of " + std::to_string(segment.position + segment.tokens.size()) +
                                            " tokens exceeds the context of " + std::to_string(impl.context_limit));
    }
    tokens.insert(tokens.end(), segment.tokens.begin(), segment.tokens.end());
    before = segment.position + static_cast<std::uint32_t>(segment.tokens.size());
    longest = std::max(longest, before);
  }
  if (tokens.empty()) throw Error(ErrorCode::kInvalidArgument, "forward: expected at least one segment, found none");
  if (segments.front().position < impl.position) rewind(segments.front().position);
  impl.set_length(longest);
  const std::size_t rows = tokens.size() - std::min(logits_begin, tokens.size());
  std::vector<float> result(rows * model.num_logits);
  std::size_t segment = 0, used = 0;  // tokens of `segment` that have run
  for (std::size_t begin = 0; begin < tokens.size();) {
    impl.pieces.clear();
    std::size_t count = 0;
    while (segment < segments.size() && count < kChunk) {
      const std::size_t some = std::min(segments[segment].tokens.size() - used, kChunk - count);
      impl.pieces.push_back({segments[segment].position + static_cast<std::uint32_t>(used), some, 0});
      impl.remember(segments[segment].tokens.subspan(used, some), impl.pieces.back().position, count);
      count += some;
      used += some;
      if (used < segments[segment].tokens.size()) continue;
      ++segment;
      used = 0;
    }
    const std::size_t first = std::clamp(logits_begin, begin, begin + count);  // of the rows with logits
    float* target = first < begin + count ? result.data() + (first - logits_begin) * model.num_logits : nullptr;
    impl.run(std::span(tokens).subspan(begin, count), first - begin, target);
    begin += count;
  }
  check_mapped_files();
  return result;
}

void Session::rewind(std::uint32_t position) {
  if (position > impl_->position) {
    throw Error(ErrorCode::kInvalidArgument, "rewind: expected at most " + std::to_string(impl_->position) +
                                                 " tokens, found " + std::to_string(position));
  }
  impl_->position = position;
  if (impl_->keeps_tokens) impl_->past.resize(position);
}

std::uint32_t Session::position() const {
  return impl_->position;
}

std::uint32_t Session::context_limit() const {
  return impl_->context_limit;
}

void Session::reset(std::uint32_t vector_base, std::uint32_t known_length) {
  for (KvCache& cache : impl_->caches) cache.clear();
  impl_->past.clear();
  impl_->position = 0;
  impl_->known_length = known_length;
  impl_->next_vector = vector_base;
}

const HostTimes& Session::times() const {
  return impl_->times;
}

}  // namespace xw::transformer
