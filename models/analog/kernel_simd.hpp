// Private: the tile MVM over a vector instruction set V. Every SIMD unit includes this with its own V and its own
// compiler flags, hence the anonymous namespace: each unit must keep its own copy. SPDX-FileCopyrightText: The
// Crossweave authors SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/analog/kernels.hpp"
#include "models/analog/threefry.hpp"

// A vector instruction set V offers a register of kBytes = 4 * kWords bytes and:
//   dot(acc, w, x)      acc[i] += the kStep products of word i of the packed cells w and of the codes x
//   interleave<kStep>   kStep rows of kBytes columns -> 4 registers of packed cells, in a column order of its own
//   natural_order       4 accumulators in that order -> 4 registers of kWords consecutive columns
//   kCellBias           the constant that interleave() added to the cells; dot() sums kCellBias * sum(x) too much
// The columns are worked on in panels of kBytes.

namespace xw::analog::kernels {
namespace {

inline std::uint32_t min_u32(std::uint32_t a, std::uint32_t b) {
  return a < b ? a : b;
}

template <class V>
class SimdMvm {
 public:
  using Reg = typename V::Reg;

  static std::uint64_t run(const BlockView& block, const MvmBatch& batch, std::byte* scratch) {
    SimdMvm mvm(block, batch, scratch);
    std::uint64_t num_saturated = 0;
    for (std::uint32_t first = 0; first < batch.num_vectors; first += kMaxPassVectors) {
      num_saturated += mvm.run_pass(first, min_u32(kMaxPassVectors, batch.num_vectors - first));
    }
    return num_saturated;
  }

 private:
  static constexpr std::uint32_t kPanel = V::kBytes;
  static constexpr std::uint32_t kStep = V::kStep;
  static constexpr int kMaxPieces = kPanel / 16;

  /// Where the kPanel cells of a row lie: `pieces` runs of kPanel / pieces bytes.
  struct Source {
    const std::int8_t* piece[kMaxPieces];
    std::size_t row_stride;
    int pieces;
  };

  SimdMvm(const BlockView& block, const MvmBatch& batch, std::byte* scratch) : block_(block), batch_(batch) {
    steps_ = (block.rows + kStep - 1) / kStep;
    x_stride_ = (std::size_t{block.rows} + 63) / 64 * 64 * V::kCodeBytes;
    const std::size_t num_vectors = min_u32(kMaxPassVectors, batch.num_vectors);
    start_ = reinterpret_cast<std::int32_t*>(scratch);
    x_ = scratch + kMaxPassVectors * 4;
    packed_ = x_ + num_vectors * x_stride_;
    gathered_ =
        reinterpret_cast<std::int8_t*>(packed_ + (std::size_t{block.rows} + 63) / 64 * 64 * kPanel * V::kCodeBytes);
    const std::uint32_t ks2 = kThreefryParity ^ batch.chip_seed ^ block.tile_uid;
    const std::uint32_t keys[3] = {batch.chip_seed, block.tile_uid, ks2};
    for (int i = 0; i < 3; ++i) key_[i] = keys[i];
  }

  std::uint64_t run_pass(std::uint32_t first_vector, std::uint32_t num_vectors) {
    first_vector_ = first_vector;
    for (std::uint32_t v = 0; v < num_vectors; ++v) {
      const std::int8_t* x = batch_.x + (first_vector + v) * batch_.x_stride;
      const std::int32_t sum = V::prepare_codes(x, block_.rows, x_ + v * x_stride_, x_stride_);
      start_[v] = -V::kCellBias * sum;
    }
    std::uint64_t num_saturated = 0;
    for (std::uint32_t col = 0; col < block_.cols; col += kPanel) {
      const Source source = locate(col);
      if (source.pieces == 1) {
        num_saturated += run_panel<1>(source, col, num_vectors);
      } else if (source.pieces == 2) {
        num_saturated += run_panel<2>(source, col, num_vectors);
      } else {
        num_saturated += run_panel<kMaxPieces>(source, col, num_vectors);
      }
    }
    return num_saturated;
  }

  [[nodiscard]] const std::int8_t* group(std::uint32_t index) const {
    return block_.cells + std::size_t{index} * block_.rows * block_.lanes;
  }

  Source locate(std::uint32_t col) const {
    const std::uint32_t lanes = block_.lanes;
    Source source;
    source.row_stride = lanes;
    if (lanes % kPanel == 0) {
      source.pieces = 1;
      source.piece[0] = group(col / lanes) + col % lanes;
      return source;
    }
    if (lanes == 16 || (lanes == 32 && kPanel == 64)) {
      const std::uint32_t num_groups = (block_.cols + lanes - 1) / lanes;
      source.pieces = static_cast<int>(kPanel / lanes);
      for (int i = 0; i < source.pieces; ++i) {  // beyond the last group: any cells, their columns are not stored
        source.piece[i] = group(min_u32(col / lanes + static_cast<std::uint32_t>(i), num_groups - 1));
      }
      return source;
    }
    source.pieces = 1;
    source.row_stride = kPanel;
    source.piece[0] = gathered_;
    const std::uint32_t count = min_u32(kPanel, block_.cols - col);
    for (std::uint32_t i = 0; i < kPanel; ++i) {
      const std::uint32_t from = col + min_u32(i, count - 1);
      const std::int8_t* cells = group(from / lanes) + from % lanes;
      for (std::uint32_t row = 0; row < block_.rows; ++row) {
        gathered_[std::size_t{row} * kPanel + i] = cells[std::size_t{row} * lanes];
      }
    }
    return source;
  }

  template <int kPieces>
  [[gnu::always_inline]] static inline Reg load_row(const Source& source, std::uint32_t row) {
    return V::template load_row<kPieces>(source.piece, row * source.row_stride);
  }

  /// Packed cells of rows [step * kStep, + kStep); rows beyond the block read as zero.
  template <int kPieces>
  [[gnu::always_inline]] inline void pack_step(const Source& source, std::uint32_t step, Reg (&packed)[4]) const {
    Reg rows[kStep];
    if ((step + 1) * kStep <= block_.rows) {
      for (std::uint32_t i = 0; i < kStep; ++i) rows[i] = load_row<kPieces>(source, step * kStep + i);
    } else {
      for (std::uint32_t i = 0; i < kStep; ++i) {
        const std::uint32_t row = step * kStep + i;
        rows[i] = row < block_.rows ? load_row<kPieces>(source, row) : V::zero();
      }
    }
    V::interleave(rows, packed);
  }

  template <int kPieces>
  std::uint64_t run_panel(const Source& source, std::uint32_t col, std::uint32_t num_vectors) {
    if (num_vectors <= V::kStreamVectors) {
      std::uint64_t num_saturated = 0;
      Dispatch<V::kStreamVectors>::stream([&]<int kCount>() { num_saturated = stream<kPieces, kCount>(source, col); },
                                          num_vectors);
      return num_saturated;
    }
    for (std::uint32_t step = 0; step < steps_; ++step) {
      Reg packed[4];
      pack_step<kPieces>(source, step, packed);
      for (int i = 0; i < 4; ++i)
        V::store(packed_ + (std::size_t{step} * 4 + static_cast<unsigned>(i)) * V::kBytes, packed[i]);
    }
    std::uint64_t num_saturated = 0;
    for (std::uint32_t v = 0; v < num_vectors; v += V::kBlockVectors) {
      Dispatch<V::kBlockVectors>::stream([&]<int kCount>() { num_saturated += multiply<kCount>(v, col); },
                                         min_u32(V::kBlockVectors, num_vectors - v));
    }
    return num_saturated;
  }

  /// Calls body.operator()<count>() for a count in 1..kMax.
  template <int kMax>
  struct Dispatch {
    template <typename Body>
    static void stream(const Body& body, std::uint32_t count) {
      if constexpr (kMax > 1) {
        if (count < kMax) return Dispatch<kMax - 1>::stream(body, count);
      }
      body.template operator()<kMax>();
    }
  };

  /// Few vectors: the cells go from memory through registers, once.
  template <int kPieces, int kCount>
  std::uint64_t stream(const Source& source, std::uint32_t col) {
    Reg acc[kCount][4];
    for (int v = 0; v < kCount; ++v) {
      for (int c = 0; c < 4; ++c) acc[v][c] = V::set(start_[v]);
    }
    const std::byte* x = x_;
    const std::uint32_t full_steps = block_.rows / kStep;
    for (std::uint32_t step = 0; step < full_steps; ++step, x += 4) {
      Reg rows[kStep];
      for (std::uint32_t i = 0; i < kStep; ++i) rows[i] = load_row<kPieces>(source, step * kStep + i);
      for (int i = 0; i < kPieces; ++i) {
        V::prefetch(source.piece[i] + (std::size_t{step} * kStep + V::kPrefetchRows) * source.row_stride,
                    source.row_stride * kStep);
      }
      Reg packed[4];
      V::interleave(rows, packed);
      for (int v = 0; v < kCount; ++v) {
        const Reg code = V::broadcast(x + static_cast<std::size_t>(v) * x_stride_);
        for (int c = 0; c < 4; ++c) acc[v][c] = V::dot(acc[v][c], packed[c], code);
      }
    }
    if (full_steps < steps_) {
      Reg packed[4];
      pack_step<kPieces>(source, full_steps, packed);
      for (int v = 0; v < kCount; ++v) {
        const Reg code = V::broadcast(x + static_cast<std::size_t>(v) * x_stride_);
        for (int c = 0; c < 4; ++c) acc[v][c] = V::dot(acc[v][c], packed[c], code);
      }
    }
    std::uint64_t num_saturated = 0;
    for (int v = 0; v < kCount; ++v) num_saturated += convert(acc[v], static_cast<std::uint32_t>(v), col);
    return num_saturated;
  }

  /// kCount vectors from `first` on with the packed panel.
  template <int kCount>
  std::uint64_t multiply(std::uint32_t first, std::uint32_t col) {
    Reg acc[kCount][4];
    for (int v = 0; v < kCount; ++v) {
      for (int c = 0; c < 4; ++c) acc[v][c] = V::set(start_[first + static_cast<unsigned>(v)]);
    }
    const std::byte* x = x_ + first * x_stride_;
    const std::byte* packed = packed_;
    const std::size_t stride = x_stride_;
    for (std::uint32_t step = 0; step < steps_; ++step, x += 4, packed += 4 * std::size_t{V::kBytes}) {
      Reg cells[4];
      for (int c = 0; c < 4; ++c) cells[c] = V::load(packed + static_cast<std::size_t>(c) * V::kBytes);
      for (int v = 0; v < kCount; ++v) {
        const Reg code = V::broadcast(x + static_cast<std::size_t>(v) * stride);
        for (int c = 0; c < 4; ++c) acc[v][c] = V::dot(acc[v][c], cells[c], code);
      }
    }
    std::uint64_t num_saturated = 0;
    for (int v = 0; v < kCount; ++v) num_saturated += convert(acc[v], first + static_cast<unsigned>(v), col);
    return num_saturated;
  }

  /// Adds the read noise of kPanel columns: n = (sigma * h + 2^15) >> 16 with sigma = high * 2^16 + low in 32-bit
  /// words.
  [[gnu::always_inline]] inline void add_noise(Reg (&sums)[4], std::uint32_t vector, std::uint32_t col) const {
    const std::uint32_t vector_index = batch_.vector_base + vector;
    const Reg key0 = V::set(static_cast<std::int32_t>(key_[0]));
    const Reg key1 = V::set(static_cast<std::int32_t>(key_[1]));
    const Reg row_word = V::set(static_cast<std::int32_t>(block_.row0 << 16));
    Reg x0[4];
    Reg x1[4];
    for (std::uint32_t c = 0; c < 4; ++c) {
      const Reg column = V::add(V::set(static_cast<std::int32_t>(block_.col0 + col + c * V::kWords)), V::iota());
      x0[c] = V::add(V::set(static_cast<std::int32_t>(vector_index)), key0);
      x1[c] = V::add(V::bit_or(row_word, column), key1);
    }
    rounds<0>(x0, x1);
    inject(x0, x1, 1);
    rounds<4>(x0, x1);
    inject(x0, x1, 2);
    rounds<0>(x0, x1);
    inject(x0, x1, 3);
    round<kThreefryRotations[12 % 8]>(x0, x1);
    const Reg low = V::set(static_cast<std::int32_t>(block_.read_sigma_q & 0xFFFFU));
    const Reg high = V::set(static_cast<std::int32_t>(block_.read_sigma_q >> 16));
    const Reg half = V::set(1 << 15);
    for (int c = 0; c < 4; ++c) {
      const Reg h = V::byte_sum(x0[c], x1[c]);  // minus 1020
      const Reg noise =
          V::add(V::multiply_low(high, h), V::template shift_right<16>(V::add(V::multiply_low(low, h), half)));
      sums[c] = V::add(sums[c], noise);
    }
  }

  template <int kFirst>
  [[gnu::always_inline]] static inline void rounds(Reg (&x0)[4], Reg (&x1)[4]) {
    round<kThreefryRotations[kFirst]>(x0, x1);
    round<kThreefryRotations[kFirst + 1]>(x0, x1);
    round<kThreefryRotations[kFirst + 2]>(x0, x1);
    round<kThreefryRotations[kFirst + 3]>(x0, x1);
  }

  template <unsigned kRotation>
  [[gnu::always_inline]] static inline void round(Reg (&x0)[4], Reg (&x1)[4]) {
    for (int c = 0; c < 4; ++c) {
      x0[c] = V::add(x0[c], x1[c]);
      x1[c] = V::bit_xor(V::template rotate_left<kRotation>(x1[c]), x0[c]);
    }
  }

  [[gnu::always_inline]] inline void inject(Reg (&x0)[4], Reg (&x1)[4], std::uint32_t injection) const {
    const Reg first = V::set(static_cast<std::int32_t>(key_[injection % 3]));
    const Reg second = V::set(static_cast<std::int32_t>(key_[(injection + 1) % 3] + injection));
    for (int c = 0; c < 4; ++c) {
      x0[c] = V::add(x0[c], first);
      x1[c] = V::add(x1[c], second);
    }
  }

  /// Noise, ADC, scale, accumulation of one panel of one vector. Returns the number of saturated conversions.
  [[gnu::always_inline]] inline std::uint64_t convert(const Reg (&accumulators)[4], std::uint32_t pass_vector,
                                                      std::uint32_t col) const {
    Reg sums[4];
    V::natural_order(accumulators, sums);
    const std::uint32_t vector = first_vector_ + pass_vector;
    if (block_.read_sigma_q != 0) add_noise(sums, vector, col);
    std::int32_t* y = batch_.y + vector * batch_.y_stride + col;
    const std::uint16_t* tables = block_.column_tables + 2 * std::size_t{col};
    std::uint32_t num_saturated = 0;
    const typename V::Adc adc = V::make_adc(block_.adc_shift, block_.adc_max);
    for (std::uint32_t c = 0; c < 4; ++c) {
      const std::uint32_t first = c * V::kWords;
      if (col + first >= block_.cols) break;
      const typename V::Mask mask = V::first_words(min_u32(V::kWords, block_.cols - col - first));
      const Reg table = V::load_words(tables + 2 * std::size_t{first}, mask);
      const Reg gain = V::bit_and(table, V::set(0xFFFF));
      const Reg out_scale = V::template shift_right_logical<16>(table);
      const Reg code = V::convert(adc, sums[c], gain, mask, num_saturated);
      Reg scaled = V::multiply_low(code, out_scale);
      if (batch_.accumulate) scaled = V::add(scaled, V::load_words(y + first, mask));
      V::store_words(y + first, mask, scaled);
    }
    return num_saturated;
  }

  const BlockView& block_;
  const MvmBatch& batch_;
  std::uint32_t steps_ = 0;
  std::size_t x_stride_ = 0;         ///< bytes between prepared vectors
  std::int32_t* start_ = nullptr;    ///< first value of the accumulators, per vector of the pass
  std::byte* x_ = nullptr;           ///< codes of the pass, padded with zeros
  std::byte* packed_ = nullptr;      ///< packed panel
  std::int8_t* gathered_ = nullptr;  ///< panel of an unusual lane count, [row][kPanel]
  std::uint32_t first_vector_ = 0;
  std::uint32_t key_[3] = {};
};

}  // namespace
}  // namespace xw::analog::kernels
