// Private: Threefry and the normal deviates over a vector instruction set V, in an anonymous namespace for each unit.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/analog/threefry.hpp"
#include "models/cells/cell_kernels_impl.hpp"

// A vector instruction set V offers registers of kWords words and
//   Floats: as many numbers; store(to, numbers)
//   load_words, store_words (aligned), set, iota, add, bit_xor, rotate_left<n>   on words
//   Normals(cubics, deviates)                 of one draw: normal(bits, place) makes a deviate of each word, the
//                                             operations of the portable form, which the caller stores to deviates[place + 2 * lane];
//                                             finish() comes after all of them
//   store_pairs(even, odd, to)                2 * kWords numbers, alternating
//   four_columns(rows, at, columns)           rows of four numbers that begin at rows + at[i], as a register per column

namespace xw::cells::detail {
namespace {

template <class V>
class SimdDeviates {
 public:
  static void draw(const DeviateSource& source, std::size_t pairs, float* deviates) {
    const SimdDeviates keys(source);
    alignas(64) std::uint32_t even[kWords];
    alignas(64) std::uint32_t odd[kWords];
    for (std::size_t i = 0; i < pairs; i += kSets * V::kWords) {
      Reg x0[kSets];
      Reg x1[kSets];
      for (std::size_t s = 0; s < kSets; ++s) {
        x0[s] = V::set(source.row + source.key0);
        const auto first = source.first_pair + static_cast<std::uint32_t>(i + s * V::kWords);
        x1[s] = V::add(V::add(V::set(first), V::iota()), V::set(source.key1));
      }
      keys.template rounds<0>(x0, x1);
      keys.template inject<1>(x0, x1);
      keys.template rounds<4>(x0, x1);
      keys.template inject<2>(x0, x1);
      keys.template rounds<0>(x0, x1);
      keys.template inject<3>(x0, x1);
      keys.template rounds<4>(x0, x1);
      keys.template inject<4>(x0, x1);
      keys.template rounds<0>(x0, x1);
      keys.template inject<5>(x0, x1);
      for (std::size_t s = 0; s < kSets; ++s) {
        V::store_words(even + i + s * V::kWords, x0[s]);
        V::store_words(odd + i + s * V::kWords, x1[s]);
      }
    }
    // In a loop of its own: either loop needs most registers.
    typename V::Normals normals(source.cubics, deviates);
    for (std::size_t i = 0; i < pairs; i += V::kWords) {
      const auto first = normals.normal(V::load_words(even + i), 2 * i);
      const auto second = normals.normal(V::load_words(odd + i), 2 * i + 1);
      V::store_pairs(first, second, deviates + 2 * i);
    }
    normals.finish();
  }

 private:
  using Reg = typename V::Reg;
  static constexpr std::size_t kSets = 4;  ///< in flight at a time: a round waits for the one before
  static constexpr std::size_t kWords = kChunk / 2 + kSets * V::kWords;

  explicit SimdDeviates(const DeviateSource& source)
      : words_{source.key0, source.key1, analog::kThreefryParity ^ source.key0 ^ source.key1} {}

  template <unsigned kFirst>
  [[gnu::always_inline]] void rounds(Reg (&x0)[kSets], Reg (&x1)[kSets]) const {
    round<analog::kThreefryRotations[kFirst]>(x0, x1);
    round<analog::kThreefryRotations[kFirst + 1]>(x0, x1);
    round<analog::kThreefryRotations[kFirst + 2]>(x0, x1);
    round<analog::kThreefryRotations[kFirst + 3]>(x0, x1);
  }

  template <unsigned kRotation>
  [[gnu::always_inline]] static void round(Reg (&x0)[kSets], Reg (&x1)[kSets]) {
    for (std::size_t s = 0; s < kSets; ++s) {
      x0[s] = V::add(x0[s], x1[s]);
      x1[s] = V::bit_xor(V::template rotate_left<kRotation>(x1[s]), x0[s]);
    }
  }

  template <unsigned kInjection>
  [[gnu::always_inline]] void inject(Reg (&x0)[kSets], Reg (&x1)[kSets]) const {
    for (std::size_t s = 0; s < kSets; ++s) {
      x0[s] = V::add(x0[s], V::set(words_[kInjection % 3]));
      x1[s] = V::add(x1[s], V::set(words_[(kInjection + 1) % 3] + kInjection));
    }
  }

  std::uint32_t words_[3];
};

/// CellKernels::fetch_devices.
template <class V>
void fetch_devices(const PcmDevice* table, const std::int32_t* magnitudes, std::size_t count, PcmDevices& devices) {
  static_assert(sizeof(PcmDevice) == 4 * sizeof(float) && alignof(PcmDevice) == 16);
  for (std::size_t i = 0; i < count; i += V::kWords) {
    alignas(64) std::uint32_t at[V::kWords];
    for (std::size_t k = 0; k < V::kWords; ++k) {
      at[k] = i + k < count ? 4 * static_cast<std::uint32_t>(magnitudes[i + k]) : 0;
    }
    typename V::Floats columns[4];
    V::four_columns(&table->target, at, columns);
    V::store(devices.target + i, columns[0]);
    V::store(devices.sigma + i, columns[1]);
    V::store(devices.nu_mean + i, columns[2]);
    V::store(devices.nu_deviation + i, columns[3]);
  }
}

}  // namespace
}  // namespace xw::cells::detail
