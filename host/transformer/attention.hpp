// Causal attention with a key-value cache.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <mutex>
#include <span>
#include <vector>

#include "host/transformer/aligned_buffer.hpp"
#include "host/transformer/rope.hpp"

namespace xw {
class ThreadPool;
}

namespace xw::transformer {

/// Shape of one attention node.
struct AttentionConfig {
  std::uint32_t num_heads = 0, num_kv_heads = 0, head_dim = 0;
  std::uint32_t window = 0;  ///< keys that a query sees, itself included; 0: all
  float scale = 0;
};
/// Reads and checks the attributes. Throws Error{kFormat}.
[[nodiscard]] AttentionConfig attention_config(const ir::Node& attention);

/// Keys and values of one layer, per key-value head; capacity grows geometrically unless more is reserved at once.
///
/// Keys stand in blocks of 16 positions, [block][head_dim][16], so that scores of 16 positions are one vector; values
/// in rows, [position][head_dim rounded up to 16]. Positions up to the end of the last block are zero.
class KvCache {
 public:
  enum class Storage {
    kF32,
    kF16,  ///< half the memory; keys and values are rounded to nearest, those beyond 65504 to it
  };
  KvCache(std::uint32_t num_kv_heads, std::uint32_t head_dim, Storage storage = Storage::kF32);
  /// Makes room for positions [0, end).
  void reserve(std::uint32_t end);
  /// Sets all positions to zero.
  void clear();
  /// Holds positions [0, end) of a cache of the same shape and storage, with room for at least [0, room).
  void copy(const KvCache& other, std::uint32_t end, std::uint32_t room);
  /// Stores a rotated key and a value. Thread safe for different heads.
  void store(std::uint32_t head, std::uint32_t position, const float* key, const float* value);
  /// All elements, float or Fp16 as they are stored; where those of a head begin.
  template <class T>
  [[nodiscard]] const T* elements() const {
    return reinterpret_cast<const T*>(memory_.data());
  }
  [[nodiscard]] std::size_t keys_begin(std::uint32_t head) const { return head * head_size(capacity_); }
  [[nodiscard]] std::size_t values_begin(std::uint32_t head) const { return keys_begin(head) + key_size(capacity_); }
  [[nodiscard]] Storage storage() const { return storage_; }
  [[nodiscard]] std::uint32_t value_stride() const { return value_stride_; }
  [[nodiscard]] std::uint32_t capacity() const { return capacity_; }

 private:
  [[nodiscard]] std::size_t key_size(std::uint32_t positions) const { return std::size_t{positions} * head_dim_; }
  [[nodiscard]] std::size_t head_size(std::uint32_t positions) const {
    return key_size(positions) + std::size_t{positions} * value_stride_;
  }

  template <class T>
  void store_as(std::uint32_t head, std::uint32_t position, const float* key, const float* value);
  [[nodiscard]] std::size_t element_bytes() const { return storage_ == Storage::kF16 ? 2 : 4; }

  std::uint32_t num_heads_, head_dim_, value_stride_;
  Storage storage_;
  std::uint32_t capacity_ = 0;
  AlignedBuffer<std::byte> memory_;  ///< [head]: keys, then values
};

/// Working memory of the threads of one session.
class AttentionScratch {
 public:
  struct Buffers {
    AlignedBuffer<float> queries, scores, sums, outputs;
  };
  [[nodiscard]] Buffers take();
  void give_back(Buffers buffers);

 private:
  std::mutex mutex_;
  std::vector<Buffers> free_;
};

/// Appends n tokens at `position` to the cache and computes their attention:
///   s_ij = scale * rope(q_i) . rope(k_j) for j <= i (and i - j < window), p_i = softmax(s_i), y_i = sum_j p_ij v_j
/// (Vaswani et al., Attention Is All You Need, eq. 1; softmax minus the row's maximum; query head h reads key-value
/// head h / (num_heads / num_kv_heads), Ainslie et al., GQA). q: [n][num_heads * head_dim], k, v: [n][num_kv_heads *
/// head_dim], y as q. Every y_i has the same bits whatever n and the number of threads: sums over positions run in
/// ascending order.
void attend(const AttentionConfig& config, const RopeTable* rope, KvCache& cache, AttentionScratch& scratch,
            std::span<const float> q, std::span<const float> k, std::span<const float> v, std::uint32_t n,
            std::uint32_t position, std::span<float> y, ThreadPool& pool);

}  // namespace xw::transformer
