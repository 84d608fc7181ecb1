// Private: the tile MVM over a vector instruction set V. Every SIMD unit includes this with its own V and its own
// compiler flags, hence the anonymous namespace: each unit must keep its own copy.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/analog/kernels.hpp"
#include "models/analog/threefry.hpp"

// A vector instruction set V offers a register of kBytes = 4 * kWords bytes and:
//   dot(acc, w, x)      acc[i] += the kStep products of word i of the packed cells w and of the codes x
//   interleave<kStep>   kStep rows of kBytes columns -> 4 registers of packed cells, in a column order of its own
//   natural_order       4 accumulators in that order -> 4 registers of kWords consecutive columns
//   kCellBias           the constant that interleave() added to the cells; dot() sums kCellBias * sum(x) too much
// and, if it has a matrix unit (kMatrixVectors > 0, kStep 4),
//   multiply_matrix     the products of kMatrixVectors vectors with a packed panel, without start values
// The columns are worked on in panels of kBytes.

namespace xw::analog::kernels {
namespace {

inline std::uint32_t min_u32(std::uint32_t a, std::uint32_t b) {
  return a < b ? a : b;
}

/// Calls body.operator()<0>() ... <kCount - 1>(): an unrolled loop whose indices are constants before the optimiser starts,
/// so that arrays of registers stay in registers.
template <int kCount, int kIndex = 0, typename Body>
[[gnu::always_inline]] inline void unroll(const Body& body) {
  if constexpr (kIndex < kCount) {
    body.template operator()<kIndex>();
    unroll<kCount, kIndex + 1>(body);
  }
}

template <class V>
class SimdMvm {
 public:
  using Reg = typename V::Reg;

  /// `packed`: what pack() made of the cells, or null.
  static std::uint64_t run(const BlockView& block, const MvmBatch& batch, const std::byte* packed, std::byte* scratch) {
    SimdMvm mvm(block, batch, scratch);
    mvm.given_ = packed;
    std::uint64_t num_saturated = 0;
    for (std::uint32_t first = 0; first < batch.num_vectors; first += kMaxPassVectors) {
      num_saturated += mvm.run_pass(first, min_u32(kMaxPassVectors, batch.num_vectors - first));
    }
    return num_saturated;
  }

  /// All panels of a block, one packed_panel_bytes() behind the other.
  static void pack(const BlockView& block, std::byte* packed, std::byte* scratch) {
    static_assert(kPanel == kPackedCols && V::kCodeBytes == 1, "the layout of packed_panel_bytes()");
    MvmBatch batch;
    batch.num_vectors = 1;
    SimdMvm mvm(block, batch, scratch);
    for (std::uint32_t col = 0; col < block.cols; col += kPanel, packed += packed_panel_bytes(block.rows)) {
      mvm.pack_from(mvm.locate(col), packed);
    }
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
    const std::size_t num_vectors = (min_u32(kMaxPassVectors, batch.num_vectors) + 15) / 16 * 16;
    start_ = reinterpret_cast<std::int32_t*>(scratch);
    matrix_sums_ = scratch + kMaxPassVectors * 4;
    x_ = matrix_sums_ + 4096;
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
    if constexpr (V::kMatrixVectors > 0) {  // a group of vectors that is filled up
      for (std::uint32_t v = num_vectors; v % V::kMatrixVectors != 0; ++v) {
        __builtin_memset(x_ + v * x_stride_, 0, x_stride_);
      }
    }
    std::uint64_t num_saturated = 0;
    if (given_ != nullptr) {
      const std::byte* panel = given_;
      for (std::uint32_t col = 0; col < block_.cols; col += kPanel, panel += packed_panel_bytes(block_.rows)) {
        num_saturated += run_packed(panel, col, num_vectors);
      }
      return num_saturated;
    }
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
    pack_panel<kPieces>(source, packed_);
    return run_packed(packed_, col, num_vectors);
  }

  /// Rows beyond the block read as zero, up to a multiple of 64 where a matrix unit reads them.
  template <int kPieces>
  void pack_panel(const Source& source, std::byte* to) const {
    const std::uint32_t padded_steps = V::kCodeBytes == 1 ? (block_.rows + 63) / 64 * 64 / kStep : steps_;
    for (std::uint32_t step = 0; step < padded_steps; ++step) {
      Reg packed[4];
      pack_step<kPieces>(source, step, packed);
      for (int i = 0; i < 4; ++i)
        V::store(to + (std::size_t{step} * 4 + static_cast<unsigned>(i)) * V::kBytes, packed[i]);
    }
  }
  void pack_from(const Source& source, std::byte* to) const {
    if (source.pieces == 1) {
      pack_panel<1>(source, to);
    } else if (source.pieces == 2) {
      pack_panel<2>(source, to);
    } else {
      pack_panel<kMaxPieces>(source, to);
    }
  }

  std::uint64_t run_packed(const std::byte* packed, std::uint32_t col, std::uint32_t num_vectors) {
    std::uint64_t num_saturated = 0;
    if constexpr (V::kMatrixVectors > 0) {
      if (num_vectors > V::kStreamVectors) {
        for (std::uint32_t v = 0; v < num_vectors; v += V::kMatrixVectors) {
          num_saturated += multiply_matrix(packed, v, min_u32(V::kMatrixVectors, num_vectors - v), col);
        }
        return num_saturated;
      }
    }
    for (std::uint32_t v = 0; v < num_vectors; v += V::kBlockVectors) {
      Dispatch<V::kBlockVectors>::stream([&]<int kCount>() { num_saturated += multiply<kCount>(packed, v, col); },
                                         min_u32(V::kBlockVectors, num_vectors - v));
    }
    return num_saturated;
  }

  /// `count` vectors from `first` on with a packed panel in the matrix unit: [register of the panel][vector][word].
  std::uint64_t multiply_matrix(const std::byte* packed, std::uint32_t first, std::uint32_t count, std::uint32_t col) {
    V::multiply_matrix(packed, x_ + first * x_stride_, x_stride_, x_stride_ / 64, matrix_sums_);
    std::uint64_t num_saturated = 0;
    for (std::uint32_t v = 0; v < count; ++v) {
      const Reg start = V::set(start_[first + v]);
      Reg sums[4];
      for (std::uint32_t i = 0; i < 4; ++i) {
        sums[i] = V::add(start, V::load(matrix_sums_ + (i * V::kMatrixVectors + v) * std::size_t{V::kBytes}));
      }
      num_saturated += convert(sums, first + v, col);
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

  /// Accumulators of kCount vectors.
  template <int kCount>
  struct Accumulators {
    Reg word[kCount][4];

    [[gnu::always_inline]] inline void start(const std::int32_t* values) {
      unroll<4 * kCount>([&]<int kI>()
                             __attribute__((always_inline)) { word[kI / 4][kI % 4] = V::set(values[kI / 4]); });
    }
    /// One step: codes of vector v at x + v * stride.
    [[gnu::always_inline]] inline void add(const Reg (&cells)[4], const std::byte* x, std::size_t stride) {
      unroll<kCount>([&]<int kV>() __attribute__((always_inline)) {
        const Reg code = V::broadcast(x + kV * stride);
        unroll<4>([&]<int kC>()
                      __attribute__((always_inline)) { word[kV][kC] = V::dot(word[kV][kC], cells[kC], code); });
      });
    }
    [[gnu::always_inline]] inline void store(Reg (&to)[kCount][4]) const {
      unroll<4 * kCount>([&]<int kI>() __attribute__((always_inline)) { to[kI / 4][kI % 4] = word[kI / 4][kI % 4]; });
    }
  };

  /// Few vectors: the cells go from memory through registers, once.
  template <int kPieces, int kCount>
  std::uint64_t stream(const Source& source, std::uint32_t col) {
    Accumulators<kCount> acc;
    acc.start(start_);
    const std::byte* x = x_;
    const std::size_t stride = x_stride_;
    const std::uint32_t full_steps = block_.rows / kStep;
    for (std::uint32_t step = 0; step < full_steps; ++step, x += 4) {
      Reg rows[kStep];
      Reg packed[4];
      const std::size_t offset = std::size_t{step} * kStep * source.row_stride;
      unroll<static_cast<int>(kStep)>([&]<int kI>() __attribute__((always_inline)) {
        rows[kI] = V::template load_row<kPieces>(source.piece, offset + kI * source.row_stride);
      });
      V::interleave(rows, packed);
      acc.add(packed, x, stride);
    }
    if (full_steps < steps_) {
      Reg packed[4];
      pack_step<kPieces>(source, full_steps, packed);
      acc.add(packed, x, stride);
    }
    Reg sums[kCount][4];
    acc.store(sums);
    return convert_all<kCount>(sums, 0, col);
  }

  /// kCount vectors from `first` on with the packed panel.
  template <int kCount>
  std::uint64_t multiply(const std::byte* packed, std::uint32_t first, std::uint32_t col) {
    Accumulators<kCount> acc;
    acc.start(start_ + first);
    const std::byte* x = x_ + first * x_stride_;
    const std::size_t stride = x_stride_;
    for (std::uint32_t step = 0; step < steps_; ++step, x += 4, packed += 4 * std::size_t{V::kBytes}) {
      const Reg cells[4] = {V::load(packed), V::load(packed + V::kBytes), V::load(packed + 2 * std::size_t{V::kBytes}),
                            V::load(packed + 3 * std::size_t{V::kBytes})};
      acc.add(cells, x, stride);
    }
    Reg sums[kCount][4];
    acc.store(sums);
    return convert_all<kCount>(sums, first, col);
  }

  template <int kCount>
  std::uint64_t convert_all(const Reg (&sums)[kCount][4], std::uint32_t first, std::uint32_t col) const {
    std::uint64_t num_saturated = 0;
    for (std::uint32_t v = 0; v < kCount; ++v) num_saturated += convert(sums[v], first + v, col);
    return num_saturated;
  }

  /// Adds the read noise of kPanel columns: n = (sigma * h + 2^15) >> 16 with sigma = high * 2^16 + low in 32-bit words.
  [[gnu::always_inline]] inline void add_noise(Reg (&sums)[4], std::uint32_t vector, std::uint32_t col) const {
    const Reg vector_word = V::set(static_cast<std::int32_t>(batch_.vector_base + vector + key_[0]));
    const Reg key1 = V::set(static_cast<std::int32_t>(key_[1]));
    const Reg row_word = V::set(static_cast<std::int32_t>(block_.row0 << 16));
    Reg x0[4];
    Reg x1[4];
    unroll<4>([&]<int kC>() __attribute__((always_inline)) {
      const Reg column = V::add(V::set(static_cast<std::int32_t>(block_.col0 + col + kC * V::kWords)), V::iota());
      x0[kC] = vector_word;
      x1[kC] = V::add(V::bit_or(row_word, column), key1);
    });
    rounds<0>(x0, x1);
    inject<1>(x0, x1);
    rounds<4>(x0, x1);
    inject<2>(x0, x1);
    rounds<0>(x0, x1);
    inject<3>(x0, x1);
    round<kThreefryRotations[12 % 8]>(x0, x1);
    const Reg low = V::set(static_cast<std::int32_t>(block_.read_sigma_q & 0xFFFFU));
    const Reg high = V::set(static_cast<std::int32_t>(block_.read_sigma_q >> 16));
    const Reg half = V::set(1 << 15);
    unroll<4>([&]<int kC>() __attribute__((always_inline)) {
      const Reg h = V::byte_sum(x0[kC], x1[kC]);  // minus 1020
      const Reg fraction = V::template shift_right<16>(V::add(V::multiply_low(low, h), half));
      sums[kC] = V::add(sums[kC], V::add(V::multiply_low(high, h), fraction));
    });
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
    unroll<4>([&]<int kC>() __attribute__((always_inline)) {
      x0[kC] = V::add(x0[kC], x1[kC]);
      x1[kC] = V::bit_xor(V::template rotate_left<kRotation>(x1[kC]), x0[kC]);
    });
  }

  template <unsigned kInjection>
  [[gnu::always_inline]] inline void inject(Reg (&x0)[4], Reg (&x1)[4]) const {
    const Reg first = V::set(static_cast<std::int32_t>(key_[kInjection % 3]));
    const Reg second = V::set(static_cast<std::int32_t>(key_[(kInjection + 1) % 3] + kInjection));
    unroll<4>([&]<int kC>() __attribute__((always_inline)) {
      x0[kC] = V::add(x0[kC], first);
      x1[kC] = V::add(x1[kC], second);
    });
  }

  /// Noise, offset, ADC, scale, accumulation of one panel of one vector. Returns the number of saturated conversions.
  [[gnu::noinline]] std::uint64_t convert(const Reg (&accumulators)[4], std::uint32_t pass_vector,
                                          std::uint32_t col) const {
    Reg sums[4];
    V::natural_order(accumulators, sums);
    const std::uint32_t vector = first_vector_ + pass_vector;
    if (block_.read_sigma_q != 0) add_noise(sums, vector, col);
    std::int32_t* y = batch_.y + vector * batch_.y_stride + col;
    const std::uint16_t* tables = block_.column_tables + 2 * std::size_t{col};
    const std::int32_t* offsets = block_.adc_offsets == nullptr ? nullptr : block_.adc_offsets + col;
    const std::uint32_t num_cols = block_.cols - col;  // of this panel, or more
    const bool accumulate = batch_.accumulate;
    std::uint32_t num_saturated = 0;
    const typename V::Adc adc = V::make_adc(block_.adc_shift, block_.adc_max);
    unroll<4>([&]<int kC>() __attribute__((always_inline)) {
      constexpr std::uint32_t kFirst = kC * V::kWords;
      if (kFirst >= num_cols) return;
      const typename V::Mask mask = V::first_words(min_u32(V::kWords, num_cols - kFirst));
      const Reg table = V::load_words(tables + 2 * std::size_t{kFirst}, mask);
      const Reg gain = V::bit_and(table, V::set(0xFFFF));
      const Reg out_scale = V::template shift_right_logical<16>(table);
      if (offsets != nullptr) sums[kC] = V::add(sums[kC], V::load_words(offsets + kFirst, mask));
      const Reg code = V::convert(adc, sums[kC], gain, mask, num_saturated);
      Reg scaled = V::multiply_low(code, out_scale);
      if (accumulate) scaled = V::add(scaled, V::load_words(y + kFirst, mask));
      V::store_words(y + kFirst, mask, scaled);
    });
    return num_saturated;
  }

  const BlockView& block_;
  const MvmBatch& batch_;
  std::uint32_t steps_ = 0;
  std::size_t x_stride_ = 0;          ///< bytes between prepared vectors
  std::int32_t* start_ = nullptr;     ///< first value of the accumulators, per vector of the pass
  std::byte* x_ = nullptr;            ///< codes of the pass, padded with zeros
  std::byte* matrix_sums_ = nullptr;  ///< of a matrix unit
  const std::byte* given_ = nullptr;  ///< all panels, packed before
  std::byte* packed_ = nullptr;       ///< packed panel
  std::int8_t* gathered_ = nullptr;   ///< panel of an unusual lane count, [row][kPanel]
  std::uint32_t first_vector_ = 0;
  std::uint32_t key_[3] = {};
};

}  // namespace
}  // namespace xw::analog::kernels
