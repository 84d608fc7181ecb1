// A prepared model on its way through tokens: what Session and Batch share.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "arch/support/parallel.hpp"
#include "host/transformer/model_impl.hpp"

namespace xw::transformer {

inline constexpr std::size_t kChunk = 512;                 ///< tokens of one pass over the graph
inline constexpr std::size_t kSerialElements = 32 * 1024;  ///< smaller element-wise operations stay on one thread

/// Throws Error{kInvalidArgument} for ids outside a vocabulary.
void check_tokens(std::span<const std::int32_t> tokens, std::uint32_t vocab_size);

struct Session::Impl {
  /// `sequences`: of a Batch, each with caches of its own.
  Impl(Model::Impl& owner, std::uint32_t first_vector, std::uint32_t limit, std::uint32_t sequences = 1)
      : model(owner),
        next_vector(first_vector),
        context_limit(limit == 0 ? owner.context_length : std::min(limit, owner.context_length)),
        slots(owner.num_slots),
        where(owner.graph.values.size()) {
    for (const RopeConfig& rope : model.ropes) {
      ropes.emplace_back(rope, 0);
      keeps_tokens = keeps_tokens || depends_on_length(rope);
    }
    for (std::uint32_t sequence = 0; sequence < sequences; ++sequence) {
      for (const std::uint32_t node : model.attentions)
        caches.emplace_back(model.nodes[node].attention.num_kv_heads, model.nodes[node].attention.head_dim,
                            model.precision == HostPrecision::kInt8 ? KvCache::Storage::kF16 : KvCache::Storage::kF32);
    }
  }

  Model::Impl& model;
  std::uint32_t next_vector;  ///< vector index of the next token
  std::uint32_t context_limit;
  std::uint32_t position = 0;
  std::uint32_t known_length = 0;  ///< tokens that the sequence will have at least
  bool keeps_tokens = false;       ///< a rotation depends on the length of the sequence
  struct Token {
    std::int32_t id;
    std::uint32_t vector;
  };
  std::vector<Token> past;  ///< tokens so far, if `keeps_tokens`
  std::vector<RopeTable> ropes;
  std::vector<KvCache> caches;  ///< [sequence][attention]
  AttentionScratch scratch;
  ThreadPool serial{1};  ///< for attention of many sequences, which are shared out among the threads
  HostTimes times;

  /// Rows of a value in the current pass: [rows][features].
  struct Place {
    float* data = nullptr;
    std::size_t rows = 0;
  };
  std::vector<AlignedBuffer<float>> slots;
  std::vector<Place> where;

  /// Rotations for a sequence of `length` tokens; computes the tokens so far again if theirs were others.
  void set_length(std::uint32_t length);
  /// Tokens of a pass that follow the first `position` tokens.
  struct Piece {
    std::uint32_t position = 0;
    std::size_t tokens = 0;
    std::uint32_t sequence = 0;
  };
  std::vector<Piece> pieces;  ///< of the current pass

  /// One pass over `pieces`, one after the other. `logits_begin`: first of the pass's tokens whose logits are wanted,
  /// tokens.size() for none.
  void run(std::span<const std::int32_t> tokens, std::size_t logits_begin, float* logits);
  void run_node(std::size_t index, std::span<const std::int32_t> tokens, std::size_t rows, float* logits);
  void run_attention(const ir::Node& node, const PreparedNode& prepared, std::size_t rows);
  /// Rows of a pass that a call computes at one place.
  struct RowRange {
    std::size_t begin = 0, end = 0;
    bool on_host = false;  ///< they stand at positions that the host computes
  };
  /// Rows [begin, end) of the current pass.
  [[nodiscard]] std::vector<RowRange> rows_by_place(std::uint32_t digital_positions, std::size_t begin,
                                                    std::size_t end) const;
  /// Tokens of a piece of the next pass, whose first row is `row`.
  void remember(std::span<const std::int32_t> tokens, std::uint32_t at, std::size_t row) {
    if (!keeps_tokens) return;
    past.resize(at);
    for (const std::int32_t token : tokens) past.push_back({token, next_vector + static_cast<std::uint32_t>(row++)});
  }
  void run_linear(const PreparedNode& prepared, std::span<const float> x, std::span<float> y, std::size_t rows);
  void run_call(const ir::Node& node, const PreparedNode& prepared, std::span<const float> x, std::size_t first_row,
                std::size_t rows);

  [[nodiscard]] std::size_t features(ir::ValueId value) const { return model.graph.values[value].features; }
  /// The last `rows` rows of an input.
  [[nodiscard]] std::span<const float> input(ir::ValueId value, std::size_t rows) const {
    const Place& place = where[value];
    return {place.data + (place.rows - rows) * features(value), rows * features(value)};
  }
  std::span<float> result(ir::ValueId value, std::size_t rows) {
    Place& place = where[value];
    AlignedBuffer<float>& slot = slots[model.slot_of[value]];
    if (place.data == nullptr) {
      slot.reserve(rows * features(value));
      place.data = slot.data();
    }
    place.rows = rows;
    return {place.data, rows * features(value)};
  }
  /// body(begin, end) over rows, on all threads if there is enough to do.
  void each_row(std::size_t rows, std::size_t row_features, const std::function<void(std::size_t, std::size_t)>& body) {
    if (rows * row_features < kSerialElements) {
      body(0, rows);
    } else {
      model.pool.for_ranges(rows, 1, body);
    }
  }
};

}  // namespace xw::transformer
