// Causal attention with a key-value cache.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/transformer/attention.hpp"

#include <algorithm>
#include <cmath>

#include "arch/support/error.hpp"
#include "arch/support/half.hpp"
#include "arch/support/parallel.hpp"
#include "host/transformer/kernels.hpp"

namespace xw::transformer {
namespace {

constexpr std::uint32_t kBlock = 16;                   // positions of one key block
constexpr std::uint32_t kQueryRows = 24;               // query rows that share one pass over keys and values
constexpr std::uint64_t kSerialProducts = 256 * 1024;  // below this many multiplications one thread is faster

constexpr std::uint32_t round_up(std::uint32_t value) {
  return (value + kBlock - 1) / kBlock * kBlock;
}

/// One piece of work: tokens [token_begin, token_end) of query heads [head_begin, head_end), which share a key-value
/// head.
struct Piece {
  std::uint32_t kv_head = 0, head_begin = 0, head_end = 0, token_begin = 0, token_end = 0;
};

void put(float value, float& to) {
  to = value;
}
/// Finite values stay finite: masked positions are multiplied with zero.
void put(float value, Fp16& to) {
  constexpr float kLargest = 65504;
  const bool is_beyond = std::isfinite(value) && std::fabs(value) > kLargest;
  to.bits = float_to_half(is_beyond ? std::copysign(kLargest, value) : value);
}

/// Kernels::outer with elements of a cache from `place` on.
void outer(const float* a, std::size_t a_stride, std::size_t rows, const KvCache& cache, std::size_t place,
           std::size_t term, std::size_t group, std::size_t terms, std::size_t groups, float* c, std::size_t c_stride) {
  const Kernels& run = kernels();
  if (cache.storage() == KvCache::Storage::kF16) {
    run.outer_f16(a, a_stride, rows, cache.elements<Fp16>() + place, term, group, terms, groups, c, c_stride);
  } else {
    run.outer(a, a_stride, rows, cache.elements<float>() + place, term, group, terms, groups, c, c_stride);
  }
}

struct Inputs {
  const AttentionConfig& config;
  const RopeTable* rope;
  const KvCache& cache;
  std::span<const float> q;
  std::uint32_t position;
  std::span<float> y;
};

void run_piece(const Inputs& in, const Piece& piece, AttentionScratch::Buffers& buffers) {
  const AttentionConfig& config = in.config;
  const Kernels& run = kernels();
  const std::uint32_t dim = config.head_dim;
  const std::uint32_t tokens = piece.token_end - piece.token_begin;
  const std::size_t rows = static_cast<std::size_t>(piece.head_end - piece.head_begin) * tokens;
  const std::size_t width = static_cast<std::size_t>(config.num_heads) * dim;

  // Keys of all rows lie in [first, last); a row sees [begin, end) of them.
  const auto begin_of = [&](std::uint32_t query) {
    return config.window != 0 && query + 1 > config.window ? query + 1 - config.window : 0;
  };
  const std::uint32_t first = begin_of(in.position + piece.token_begin) / kBlock * kBlock;
  const std::uint32_t last = round_up(in.position + piece.token_end);
  const std::size_t span = last - first;
  const std::size_t out_stride = in.cache.value_stride();
  buffers.queries.reserve(rows * dim);
  buffers.scores.reserve(rows * span);
  buffers.sums.reserve(rows);
  buffers.outputs.reserve(rows * out_stride);

  std::size_t row = 0;
  for (std::uint32_t head = piece.head_begin; head < piece.head_end; ++head) {
    for (std::uint32_t t = piece.token_begin; t < piece.token_end; ++t, ++row) {
      const float* source = in.q.data() + t * width + static_cast<std::size_t>(head) * dim;
      float* query = buffers.queries.data() + row * dim;
      if (in.rope != nullptr) {
        in.rope->rotate(source, dim, in.position + t, query);
      } else {
        std::copy_n(source, dim, query);
      }
      for (std::uint32_t i = 0; i < dim; ++i) query[i] *= config.scale;
    }
  }
  outer(buffers.queries.data(), dim, rows, in.cache, in.cache.keys_begin(piece.kv_head) + std::size_t{first} * dim,
        kBlock, std::size_t{dim} * kBlock, dim, span / kBlock, buffers.scores.data(), span);
  for (row = 0; row < rows; ++row) {
    const std::uint32_t query = in.position + piece.token_begin + static_cast<std::uint32_t>(row % tokens);
    buffers.sums.data()[row] =
        run.softmax(buffers.scores.data() + row * span, begin_of(query) - first, query + 1 - first, span);
  }
  outer(buffers.scores.data(), span, rows, in.cache, in.cache.values_begin(piece.kv_head) + first * out_stride,
        out_stride, kBlock, span, out_stride / kBlock, buffers.outputs.data(), out_stride);
  row = 0;
  for (std::uint32_t head = piece.head_begin; head < piece.head_end; ++head) {
    for (std::uint32_t t = piece.token_begin; t < piece.token_end; ++t, ++row) {
      const float factor = 1.0F / buffers.sums.data()[row];
      const float* source = buffers.outputs.data() + row * out_stride;
      float* target = in.y.data() + t * width + static_cast<std::size_t>(head) * dim;
      for (std::uint32_t i = 0; i < dim; ++i) target[i] = source[i] * factor;
    }
  }
}

std::vector<Piece> cut(const AttentionConfig& config, std::uint32_t n, bool split_heads) {
  const std::uint32_t group = config.num_heads / config.num_kv_heads;
  const std::uint32_t heads = split_heads ? 1 : group;
  const std::uint32_t tokens = std::max(1U, kQueryRows / heads);
  std::vector<Piece> pieces;
  // Late tokens have the longest rows: they come first, so that the threads finish together.
  for (std::uint32_t end = n; end > 0;) {
    const std::uint32_t begin = end > tokens ? end - tokens : 0;
    for (std::uint32_t head = 0; head < config.num_heads; head += heads) {
      pieces.push_back({head / group, head, head + heads, begin, end});
    }
    end = begin;
  }
  return pieces;
}

}  // namespace

AttentionConfig attention_config(const ir::Node& attention) {
  const auto count = [&](const char* key, std::int64_t minimum) {
    const std::int64_t value = ir::attr_int(attention, key);
    if (value < minimum || value > (1 << 30)) {
      throw Error(ErrorCode::kFormat, std::string("attention: impossible ") + key + " " + std::to_string(value));
    }
    return static_cast<std::uint32_t>(value);
  };
  AttentionConfig config;
  config.num_heads = count("num_heads", 1);
  config.num_kv_heads = count("num_kv_heads", 1);
  config.head_dim = count("head_dim", 1);
  config.window = count("window", 0);
  config.scale = static_cast<float>(ir::attr_float(attention, "scale"));
  if (config.num_heads % config.num_kv_heads != 0) {
    throw Error(ErrorCode::kFormat, "attention: num_heads " + std::to_string(config.num_heads) +
                                        " is not a multiple of num_kv_heads " + std::to_string(config.num_kv_heads));
  }
  return config;
}

KvCache::KvCache(std::uint32_t num_kv_heads, std::uint32_t head_dim, Storage storage)
    : num_heads_(num_kv_heads), head_dim_(head_dim), value_stride_(round_up(head_dim)), storage_(storage) {}

void KvCache::reserve(std::uint32_t end) {
  if (end <= capacity_) return;
  const std::uint32_t capacity = round_up(std::max({end, capacity_ + capacity_ / 2, 64U}));
  const std::size_t bytes = element_bytes();
  AlignedBuffer<std::byte> larger = AlignedBuffer<std::byte>::large(num_heads_ * head_size(capacity) * bytes);
  std::fill_n(larger.data(), larger.size(), std::byte{0});
  for (std::uint32_t head = 0; head < num_heads_ && capacity_ != 0; ++head) {
    std::byte* target = larger.data() + head * head_size(capacity) * bytes;
    std::copy_n(memory_.data() + keys_begin(head) * bytes, key_size(capacity_) * bytes, target);
    std::copy_n(memory_.data() + values_begin(head) * bytes, (head_size(capacity_) - key_size(capacity_)) * bytes,
                target + key_size(capacity) * bytes);
  }
  memory_ = std::move(larger);
  capacity_ = capacity;
}

void KvCache::clear() {
  std::fill_n(memory_.data(), memory_.size(), std::byte{0});
}

void KvCache::copy(const KvCache& other, std::uint32_t end, std::uint32_t room) {
  clear();
  reserve(std::max(end, room));
  const std::size_t whole = std::min<std::size_t>(round_up(end), other.capacity_);  // positions of whole blocks
  const std::size_t bytes = element_bytes();
  for (std::uint32_t head = 0; head < num_heads_; ++head) {
    std::copy_n(other.memory_.data() + other.keys_begin(head) * bytes, whole * head_dim_ * bytes,
                memory_.data() + keys_begin(head) * bytes);
    std::copy_n(other.memory_.data() + other.values_begin(head) * bytes, whole * value_stride_ * bytes,
                memory_.data() + values_begin(head) * bytes);
  }
}

template <class T>
void KvCache::store_as(std::uint32_t head, std::uint32_t position, const float* key, const float* value) {
  T* const all = reinterpret_cast<T*>(memory_.data());
  T* const key_column =
      all + keys_begin(head) + std::size_t{position / kBlock} * head_dim_ * kBlock + position % kBlock;
  T* const value_row = all + values_begin(head) + std::size_t{position} * value_stride_;
  for (std::uint32_t i = 0; i < head_dim_; ++i) put(key[i], key_column[std::size_t{i} * kBlock]);
  for (std::uint32_t i = 0; i < head_dim_; ++i) put(value[i], value_row[i]);
}

void KvCache::store(std::uint32_t head, std::uint32_t position, const float* key, const float* value) {
  if (storage_ == Storage::kF16) {
    store_as<Fp16>(head, position, key, value);
  } else {
    store_as<float>(head, position, key, value);
  }
}

AttentionScratch::Buffers AttentionScratch::take() {
  const std::lock_guard lock(mutex_);
  if (free_.empty()) return {};
  Buffers buffers = std::move(free_.back());
  free_.pop_back();
  return buffers;
}

void AttentionScratch::give_back(Buffers buffers) {
  const std::lock_guard lock(mutex_);
  free_.push_back(std::move(buffers));
}

void attend(const AttentionConfig& config, const RopeTable* rope, KvCache& cache, AttentionScratch& scratch,
            std::span<const float> q, std::span<const float> k, std::span<const float> v, std::uint32_t n,
            std::uint32_t position, std::span<float> y, ThreadPool& pool) {
  const std::uint32_t dim = config.head_dim;
  const std::size_t kv_width = static_cast<std::size_t>(config.num_kv_heads) * dim;
  cache.reserve(position + n);
  const auto store_head = [&](std::size_t head) {
    std::vector<float> rotated(dim);
    for (std::uint32_t t = 0; t < n; ++t) {
      const std::size_t offset = t * kv_width + head * dim;
      const float* key = k.data() + offset;
      if (rope != nullptr) {
        rope->rotate(key, dim, position + t, rotated.data());
        key = rotated.data();
      }
      cache.store(static_cast<std::uint32_t>(head), position + t, key, v.data() + offset);
    }
  };
  const std::uint64_t visible = config.window != 0 ? std::min(config.window, position + n) : position + n;
  const std::uint64_t products = 2 * visible * n * config.num_heads * dim;
  const Inputs inputs{config, rope, cache, q, position, y};
  if (products < kSerialProducts || pool.num_threads() == 1) {
    for (std::size_t head = 0; head < config.num_kv_heads; ++head) store_head(head);
    AttentionScratch::Buffers buffers = scratch.take();
    for (const Piece& piece : cut(config, n, false)) run_piece(inputs, piece, buffers);
    scratch.give_back(std::move(buffers));
    return;
  }
  if (n == 1) {
    for (std::size_t head = 0; head < config.num_kv_heads; ++head) store_head(head);
  } else {
    pool.for_each(config.num_kv_heads, store_head);
  }
  const bool split_heads = n == 1 && config.num_kv_heads % pool.num_threads() != 0;
  const std::vector<Piece> pieces = cut(config, n, split_heads);
  pool.for_each(pieces.size(), [&](std::size_t i) {
    AttentionScratch::Buffers buffers = scratch.take();
    run_piece(inputs, pieces[i], buffers);
    scratch.give_back(std::move(buffers));
  });
}

}  // namespace xw::transformer
