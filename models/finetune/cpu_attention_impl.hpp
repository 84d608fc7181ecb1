// Private: attention, compiled once for every instruction set in a namespace of its own (XW_KERNELS).
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include "models/finetune/cpu_attention.hpp"
#include "models/finetune/cpu_numbers_impl.hpp"

namespace xw::finetune::cpu::XW_KERNELS {
namespace {

#if defined(__AVX512F__)
inline constexpr std::int64_t kLanes = 16, kRows = 8;  // 16 sums of the 32 registers
#elif defined(__AVX2__)
inline constexpr std::int64_t kLanes = 8, kRows = 4;
#else
inline constexpr std::int64_t kLanes = 4, kRows = 4;
#endif
inline constexpr std::int64_t kQueries = 32;                  // whose scores are there together
static_assert(kQueries % kRows == 0 && kLanes % kRows == 0);  // whole groups of rows, of turned scores too

using Vec = float __attribute__((vector_size(kLanes * sizeof(float))));

inline Vec load_vec(const float* p) {
  Vec v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
inline void store_vec(float* p, const Vec& v) {
  std::memcpy(p, &v, sizeof v);
}

/// kRows x `count` elements of c (+)= a b: element (row, i) of a at row * a_row + i * a_step, row i of b at i * b_row.
template <int kVecs, bool kAdd>
void product(const float* a, std::int64_t a_row, std::int64_t a_step, const float* b, std::int64_t b_row,
             std::int64_t count, float* c, std::int64_t c_row) {
  Vec sums[kRows][kVecs];
  for (std::int64_t r = 0; r < kRows; ++r) {
    for (int v = 0; v < kVecs; ++v) sums[r][v] = kAdd ? load_vec(c + r * c_row + v * kLanes) : Vec{};
  }
  for (std::int64_t i = 0; i < count; ++i) {
    Vec right[kVecs];
    for (int v = 0; v < kVecs; ++v) right[v] = load_vec(b + i * b_row + v * kLanes);
    for (std::int64_t r = 0; r < kRows; ++r) {
      const float left = a[r * a_row + i * a_step];
      for (int v = 0; v < kVecs; ++v) sums[r][v] += left * right[v];
    }
  }
  for (std::int64_t r = 0; r < kRows; ++r) {
    for (int v = 0; v < kVecs; ++v) store_vec(c + r * c_row + v * kLanes, sums[r][v]);
  }
}

/// The same for `rows` rows and `columns` columns, multiples of kRows and kLanes.
template <bool kAdd>
void multiply(const float* a, std::int64_t a_row, std::int64_t a_step, const float* b, std::int64_t b_row,
              std::int64_t count, float* c, std::int64_t c_row, std::int64_t rows, std::int64_t columns) {
  for (std::int64_t r = 0; r < rows; r += kRows) {
    std::int64_t column = 0;
    for (; column + 2 * kLanes <= columns; column += 2 * kLanes)
      product<2, kAdd>(a + r * a_row, a_row, a_step, b + column, b_row, count, c + r * c_row + column, c_row);
    if (column < columns)
      product<1, kAdd>(a + r * a_row, a_row, a_step, b + column, b_row, count, c + r * c_row + column, c_row);
  }
}

/// e^x for x <= 0, to about 1e-6 of it; 0 below -87.
inline float exponential(float x) {
  constexpr float kLog2E = 1.44269504F, kLn2High = 0.693359375F, kLn2Low = -2.12194440e-4F;
  const float bound = std::max(x, -87.0F);
  const float n = __builtin_rintf(bound * kLog2E);
  const float r = bound - n * kLn2High - n * kLn2Low;
  float p = 1.9875691500e-4F;  // minimax polynomial of Cephes' expf
  p = p * r + 1.3981999507e-3F;
  p = p * r + 8.3334519073e-3F;
  p = p * r + 4.1665795894e-2F;
  p = p * r + 1.6666665459e-1F;
  p = p * r + 5.0000001201e-1F;
  p = p * r * r + r + 1.0F;
  const float power = std::bit_cast<float>((static_cast<std::int32_t>(n) + 127) << 23U);
  return x < -87.0F ? 0.0F : p * power;
}

/// Floats that begin at a cache line, zeros.
class Memory {
 public:
  explicit Memory(std::int64_t floats) : lines_(static_cast<std::size_t>((floats + 15) / 16)) {}
  [[nodiscard]] float* data() { return lines_.data()->values; }

 private:
  struct alignas(64) Line {
    float values[16] = {};
  };
  std::vector<Line> lines_;
};

inline std::int64_t rounded(std::int64_t n, std::int64_t to) {
  return (n + to - 1) / to * to;
}

/// One head of one context with its keys and values as fp32, rows of `width` features and, turned, of `length` positions.
class Head {
 public:
  explicit Head(const AttentionShape& shape)
      : shape_(shape), width_(rounded(shape.dim, kLanes)), length_(rounded(shape.positions, kLanes)) {}

  [[nodiscard]] std::int64_t width() const { return width_; }
  [[nodiscard]] std::int64_t length() const { return length_; }
  [[nodiscard]] std::int64_t matrix() const { return width_ * length_; }

  /// The features of a position in a tensor [batch][positions][heads][dim].
  template <typename T>
  [[nodiscard]] T* at(T* tensor, std::int64_t heads, std::int64_t b, std::int64_t head, std::int64_t position) const {
    return tensor + ((b * shape_.positions + position) * heads + head) * shape_.dim;
  }
  /// Rows `begin` ... of such a tensor times `factor`; zeros up to `rows` and the width.
  template <typename T>
  void rows(const T* tensor, std::int64_t heads, std::int64_t b, std::int64_t head, std::int64_t begin,
            std::int64_t rows, float factor, float* target) const {
    for (std::int64_t row = 0; row < rows; ++row) {
      float* to = target + row * width_;
      std::fill(to, to + width_, 0.0F);
      if (begin + row >= shape_.positions) continue;
      const T* from = at(tensor, heads, b, head, begin + row);
      for (std::int64_t i = 0; i < shape_.dim; ++i) to[i] = load(from + i) * factor;
    }
  }
  /// [length][width] -> [dim][length].
  void turn(const float* from, float* to) const {
    for (std::int64_t i = 0; i < shape_.dim; ++i) {
      for (std::int64_t t = 0; t < length_; ++t) to[i * length_ + t] = from[t * width_ + i];
    }
  }
  /// Keys that the queries begin ... end - 1 see, in whole vectors.
  [[nodiscard]] std::int64_t first_key(std::int64_t begin) const {
    return shape_.window == 0 ? 0 : std::max<std::int64_t>(0, begin - shape_.window + 1) / kLanes * kLanes;
  }
  [[nodiscard]] std::int64_t end_key(std::int64_t end) const {
    return rounded(std::min(end, shape_.positions), kLanes);
  }
  /// The keys of one query are low ... query.
  [[nodiscard]] std::int64_t low(std::int64_t query) const {
    return shape_.window == 0 ? 0 : std::max<std::int64_t>(0, query - shape_.window + 1);
  }

 private:
  const AttentionShape& shape_;
  std::int64_t width_, length_;
};

/// Scores of keys first ... end of a row -> exponentials of their differences from `less`, 0 for what the query does not see. Returns the sum.
inline float exponentials(float* scores, std::int64_t first, std::int64_t end, std::int64_t low, std::int64_t query,
                          float less) {
  for (std::int64_t k = first; k < low; ++k) scores[k - first] = 0;
  float sum = 0;
  for (std::int64_t k = low; k <= query; ++k) {
    const float value = exponential(std::min(scores[k - first] - less, 0.0F));
    scores[k - first] = value;
    sum += value;
  }
  for (std::int64_t k = query + 1; k < end; ++k) scores[k - first] = 0;
  return sum;
}

template <typename T>
void forward(const AttentionShape& shape, const T* q, const T* k, const T* v, T* y, float* logs) {
  const std::int64_t group = shape.heads / shape.kv_heads;
#pragma omp parallel
  {
    const Head head(shape);
    const std::int64_t width = head.width();
    Memory memory(3 * head.matrix() + 2 * kQueries * width + kQueries * head.length());
    float* rows = memory.data();
    float* keys = rows + head.matrix();  // turned
    float* values = keys + head.matrix();
    float* queries = values + head.matrix();
    float* outputs = queries + kQueries * width;
    float* scores = outputs + kQueries * width;
#pragma omp for schedule(dynamic)
    for (std::int64_t task = 0; task < shape.batch * shape.heads; ++task) {
      const std::int64_t b = task / shape.heads, h = task % shape.heads;
      head.rows(k, shape.kv_heads, b, h / group, 0, head.length(), 1.0F, rows);
      head.turn(rows, keys);
      head.rows(v, shape.kv_heads, b, h / group, 0, head.length(), 1.0F, values);
      for (std::int64_t begin = 0; begin < shape.positions; begin += kQueries) {
        const std::int64_t there = std::min(kQueries, shape.positions - begin), count = rounded(there, kRows);
        const std::int64_t first = head.first_key(begin), end = head.end_key(begin + kQueries), columns = end - first;
        head.rows(q, shape.heads, b, h, begin, count, shape.scale, queries);
        multiply<false>(queries, width, 1, keys + first, head.length(), shape.dim, scores, columns, count, columns);
        float sums[kQueries] = {};
        for (std::int64_t i = 0; i < there; ++i) {
          float* row = scores + i * columns;
          const std::int64_t query = begin + i;
          float largest = -std::numeric_limits<float>::max();
          for (std::int64_t key = head.low(query); key <= query; ++key) largest = std::max(largest, row[key - first]);
          sums[i] = exponentials(row, first, end, head.low(query), query, largest);
          logs[task * shape.positions + query] = largest + std::log(sums[i]);
        }
        multiply<false>(scores, columns, 1, values + first * width, width, columns, outputs, width, count, width);
        for (std::int64_t i = 0; i < there; ++i) {
          T* to = head.at(y, shape.heads, b, h, begin + i);
          const float inverse = 1 / sums[i];
          for (std::int64_t d = 0; d < shape.dim; ++d) store(to + d, outputs[i * width + d] * inverse);
        }
      }
    }
  }
}

/// Sum of the gradients of the heads that share keys and values: [batch][heads][length][width] -> [batch][positions][kv_heads][dim].
template <typename T>
void add_heads(const AttentionShape& shape, const Head& head, const float* from, T* to) {
  const std::int64_t group = shape.heads / shape.kv_heads;
#pragma omp parallel for
  for (std::int64_t row = 0; row < shape.batch * shape.positions; ++row) {
    const std::int64_t b = row / shape.positions, t = row % shape.positions;
    for (std::int64_t h = 0; h < shape.kv_heads; ++h) {
      T* target = to + (row * shape.kv_heads + h) * shape.dim;
      for (std::int64_t d = 0; d < shape.dim; ++d) {
        float sum = 0;
        for (std::int64_t g = 0; g < group; ++g)
          sum += from[((b * shape.heads + h * group + g) * head.length() + t) * head.width() + d];
        store(target + d, sum);
      }
    }
  }
}

template <typename T>
void backward(const AttentionShape& shape, const T* q, const T* k, const T* v, const float* logs, const T* dy, T* dq,
              T* dk, T* dv) {
  const std::int64_t group = shape.heads / shape.kv_heads, tasks = shape.batch * shape.heads;
  const Head head(shape);
  const std::int64_t width = head.width(), length = head.length(), matrix = head.matrix();
  Memory key_gradients(tasks * matrix), value_gradients(tasks * matrix);
#pragma omp parallel
  {
    Memory memory(4 * matrix + 3 * kQueries * width + 2 * kQueries * length);
    float* rows = memory.data();  // keys
    float* values = rows + matrix;
    float* keys_turned = values + matrix;
    float* values_turned = keys_turned + matrix;
    float* queries = values_turned + matrix;
    float* outer = queries + kQueries * width;  // gradient of the outputs
    float* inner = outer + kQueries * width;    // of the queries
    float* scores = inner + kQueries * width;
    float* differences = scores + kQueries * length;  // gradient of the scores
#pragma omp for schedule(dynamic)
    for (std::int64_t task = 0; task < tasks; ++task) {
      const std::int64_t b = task / shape.heads, h = task % shape.heads;
      head.rows(k, shape.kv_heads, b, h / group, 0, length, 1.0F, rows);
      head.turn(rows, keys_turned);
      head.rows(v, shape.kv_heads, b, h / group, 0, length, 1.0F, values);
      head.turn(values, values_turned);
      float* of_keys = key_gradients.data() + task * matrix;
      float* of_values = value_gradients.data() + task * matrix;
      for (std::int64_t begin = 0; begin < shape.positions; begin += kQueries) {
        const std::int64_t there = std::min(kQueries, shape.positions - begin), count = rounded(there, kRows);
        const std::int64_t first = head.first_key(begin), end = head.end_key(begin + kQueries), columns = end - first;
        head.rows(q, shape.heads, b, h, begin, count, shape.scale, queries);
        head.rows(dy, shape.heads, b, h, begin, count, 1.0F, outer);
        multiply<false>(queries, width, 1, keys_turned + first, length, shape.dim, scores, columns, count, columns);
        multiply<false>(outer, width, 1, values_turned + first, length, shape.dim, differences, columns, count,
                        columns);
        for (std::int64_t i = 0; i < there; ++i) {  // the rest of the rows is zeros
          float* p = scores + i * columns;
          float* d = differences + i * columns;
          const std::int64_t query = begin + i;
          exponentials(p, first, end, head.low(query), query, logs[task * shape.positions + query]);
          float mean = 0;
          for (std::int64_t c = 0; c < columns; ++c) mean += p[c] * d[c];
          for (std::int64_t c = 0; c < columns; ++c) d[c] = p[c] * (d[c] - mean);
        }
        multiply<false>(differences, columns, 1, rows + first * width, width, columns, inner, width, count, width);
        for (std::int64_t i = 0; i < there; ++i) {
          T* to = head.at(dq, shape.heads, b, h, begin + i);
          for (std::int64_t d = 0; d < shape.dim; ++d) store(to + d, inner[i * width + d] * shape.scale);
        }
        // Scores turned: columns are now rows. The queries bear the scale.
        multiply<true>(differences, 1, columns, queries, width, count, of_keys + first * width, width, columns, width);
        multiply<true>(scores, 1, columns, outer, width, count, of_values + first * width, width, columns, width);
      }
    }
  }
  add_heads(shape, head, key_gradients.data(), dk);
  add_heads(shape, head, value_gradients.data(), dv);
}

template <typename T>
constexpr AttentionKernels<T> kAttention{forward<T>, backward<T>};

}  // namespace

// Included once for every namespace.
// NOLINTNEXTLINE(misc-definitions-in-headers)
const AttentionKernels<float>& float_attention() {
  return kAttention<float>;
}
// NOLINTNEXTLINE(misc-definitions-in-headers)
const AttentionKernels<Bf16>& bf16_attention() {
  return kAttention<Bf16>;
}

}  // namespace xw::finetune::cpu::XW_KERNELS
