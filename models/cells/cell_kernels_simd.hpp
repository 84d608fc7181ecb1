// Private: Threefry and the normal deviates over a vector instruction set V, in an anonymous namespace for each unit.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/analog/threefry.hpp"
#include "models/cells/cell_kernels_impl.hpp"

// A vector instruction set V offers registers of kWords words and
//   set, iota, add, bit_xor, rotate_left<n>   on words
//   normal(bits, cubics)                      a deviate for each word, the operations of the portable form
//   store_pairs(even, odd, to)                2 * kWords numbers, alternating

namespace xw::cells::detail {
namespace {

template <class V>
class SimdDeviates {
 public:
  static void draw(const DeviateSource& source, std::size_t pairs, float* deviates) {
    const SimdDeviates keys(source);
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
        V::store_pairs(V::normal(x0[s], source.cubics), V::normal(x1[s], source.cubics),
                       deviates + 2 * (i + s * V::kWords));
      }
    }
  }

 private:
  using Reg = typename V::Reg;
  static constexpr std::size_t kSets = kDeviateStep / 2 / V::kWords;

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

}  // namespace
}  // namespace xw::cells::detail
