// Private: Threefry and the normal deviates over a vector instruction set V, in an anonymous namespace for each unit.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/analog/threefry.hpp"
#include "models/cells/cell_kernels_impl.hpp"

// A vector instruction set V offers registers of kWords words and
//   Floats: as many numbers
//   load_words, store_words (aligned), set, iota, add, bit_xor, rotate_left<n>   on words
//   Normals(cubics, deviates)                 of one draw: normal(bits, place) makes a deviate of each word, the
//                                             operations of the portable form, which the caller stores to deviates[place + 2 * lane];
//                                             finish() comes after all of them
//   store_pairs(even, odd, to)                2 * kWords numbers, alternating
//   load, store, set_number, plus, minus, times, least, greatest, magnitude   on numbers
//   to_numbers(words), to_words(numbers)      as in C: conversions of integers with a sign, towards 0
//   Table32(entries): of 32 numbers, look_up(words) by the lowest five bits of each
//   Terms: terms(words) are those of the lowest five bits of both halves of each word
//   add16, shift_right16<n>                   on halves; multiply_add16(a, b) is the sum of the products of both halves, with signs
//   shift_right<n>(words), shift_right(words, n)
//   bits(numbers)
//   gather_entries(entries, places, sigmas, exponents)

namespace xw::cells::detail {
namespace {

template <class V>
class SimdDeviates {
 public:
  /// CellKernels::deviates.
  static void draw(const DeviateSource& source, std::size_t pairs, float* deviates) {
    Words words;
    SimdDeviates(source).template fill<20>(source, pairs, words);
    // In a loop of its own: either loop needs most registers.
    typename V::Normals normals(source.cubics, deviates);
    for (std::size_t i = 0; i < pairs; i += V::kWords) {
      const auto first = normals.normal(V::load_words(words.even + i), 2 * i);
      const auto second = normals.normal(V::load_words(words.odd + i), 2 * i + 1);
      V::store_pairs(first, second, deviates + 2 * i);
    }
    normals.finish();
  }

  /// CellKernels::deviate_pairs.
  static void draw_pairs(const DeviateSource& source, std::size_t groups, float* sums, float* differences) {
    Words words;
    SimdDeviates(source).template fill<kDeviateRounds>(source, groups * kCallGroup, words);
    const typename V::Terms terms;
    for (std::size_t i = 0; i < groups * kCallGroup; i += V::kWords) {
      const std::size_t to = i / kCallGroup * kPairColumns + i % kCallGroup;
      store_deviates(terms, words.even + i, sums + to, differences + to);
      store_deviates(terms, words.odd + i, sums + to + kCallGroup, differences + to + kCallGroup);
    }
  }

  /// CellKernels::deviate_singles.
  static void draw_singles(const DeviateSource& source, std::size_t groups, float* deviates) {
    Words words;
    SimdDeviates(source).template fill<kDeviateRounds>(source, groups * kCallGroup, words);
    const typename V::Terms terms;
    for (std::size_t i = 0; i < groups * kCallGroup; i += V::kWords) {
      float* const to = deviates + i / kCallGroup * kSingleColumns + i % kCallGroup;
      store_deviates(terms, words.even + i, to, to + kCallGroup);
      store_deviates(terms, words.odd + i, to + 2 * kCallGroup, to + 3 * kCallGroup);
    }
  }

 private:
  using Reg = typename V::Reg;
  static constexpr std::size_t kSets = 4;  ///< in flight at a time: a round waits for the one before
  /// Both words of as many calls as a chunk needs, and what is written besides.
  struct Words {
    static constexpr std::size_t kCalls = kChunk / 2 + kCallGroup + kSets * V::kWords;
    alignas(64) std::uint32_t even[kCalls];
    alignas(64) std::uint32_t odd[kCalls];
  };

  explicit SimdDeviates(const DeviateSource& source)
      : words_{source.key0, source.key1, analog::kThreefryParity ^ source.key0 ^ source.key1} {}

  template <unsigned kRounds>
  [[gnu::always_inline]] void fill(const DeviateSource& source, std::size_t calls, Words& words) const {
    for (std::size_t i = 0; i < calls; i += kSets * V::kWords) {
      Reg x0[kSets];
      Reg x1[kSets];
      for (std::size_t s = 0; s < kSets; ++s) {
        x0[s] = V::set(source.row + source.key0);
        const auto first = source.first_call + static_cast<std::uint32_t>(i + s * V::kWords);
        x1[s] = V::add(V::add(V::set(first), V::iota()), V::set(source.key1));
      }
      rounds<0>(x0, x1);
      inject<1>(x0, x1);
      rounds<4>(x0, x1);
      inject<2>(x0, x1);
      rounds<0>(x0, x1);
      inject<3>(x0, x1);
      if constexpr (kRounds == 13) {
        round<analog::kThreefryRotations[4]>(x0, x1);
      } else {
        static_assert(kRounds == 20);
        rounds<4>(x0, x1);
        inject<4>(x0, x1);
        rounds<0>(x0, x1);
        inject<5>(x0, x1);
      }
      for (std::size_t s = 0; s < kSets; ++s) {
        V::store_words(words.even + i + s * V::kWords, x0[s]);
        V::store_words(words.odd + i + s * V::kWords, x1[s]);
      }
    }
  }

  /// Both deviates of each word: its halves are three terms each, in 16-bit lanes.
  [[gnu::always_inline]] static void store_deviates(const typename V::Terms& terms, const std::uint32_t* from,
                                                    float* sums, float* differences) {
    const Reg words = V::load_words(from);
    const Reg halves = V::add16(V::add16(terms.terms(words), terms.terms(V::template shift_right16<5>(words))),
                                terms.terms(V::template shift_right16<10>(words)));
    const auto unit = V::set_number(kDeviateUnit);
    V::store(sums, V::times(V::to_numbers(V::multiply_add16(halves, V::set(0x00010001U))), unit));
    V::store(differences, V::times(V::to_numbers(V::multiply_add16(halves, V::set(0xFFFF0001U))), unit));
  }

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

/// The loops of OwnKernels that look up.
template <class V>
class SimdLookUps {
 public:
  static void program_pairs(const DeviceEntry* entries, unsigned shift, float unit, float idle_sigma, std::size_t count,
                            const float* noise, const float* idle_noise, Pairs& pairs) {
    const Floats zero = V::set_number(0);
    for (std::size_t i = 0; i < count; i += V::kWords) {
      const Reg magnitude = V::load_some(pairs.magnitudes + i, count - i);
      Floats sigmas;
      Reg exponents;
      V::gather_entries(entries, V::shift_right(magnitude, shift), sigmas, exponents);
      V::store_words(pairs.exponents + i, exponents);
      const Floats target = V::times(V::to_numbers(magnitude), V::set_number(unit));
      V::store(pairs.conductance + i, V::greatest(V::plus(target, V::times(sigmas, V::load(noise + i))), zero));
      V::store(pairs.idle + i, V::greatest(V::times(V::set_number(idle_sigma), V::load(idle_noise + i)), zero));
    }
  }

  static void read_coefficients(const ReadCurves& curves, const float* idle_noise, std::size_t count, Pairs& pairs) {
    const Curve loaded(curves.loaded);
    const typename V::Table32 idle(curves.idle[0]);
    const typename V::Table32 slopes(curves.idle[1]);
    for (std::size_t i = 0; i < count; i += V::kWords) {
      V::store(pairs.coefficients + i, loaded.at(V::load(pairs.conductance + i)));
      const Floats place =
          V::least(V::greatest(V::times(V::load(idle_noise + i), V::set_number(1 / kIdleReadStep)), V::set_number(0)),
                   V::set_number(kSegments - 1));
      const Reg segment = V::to_words(place);
      const Floats beyond = V::minus(place, V::to_numbers(segment));
      V::store(pairs.idle_coefficients + i, V::plus(idle.look_up(segment), V::times(slopes.look_up(segment), beyond)));
    }
  }

  static void drift_of_weights(const DriftLines& lines, const float* weights, std::size_t count, float* means,
                               float* deviations) {
    const Curve log2(lines.log2);
    for (std::size_t i = 0; i < count; i += V::kWords) {
      const Floats log = log2.at(V::magnitude(V::load(weights + i)));
      V::store(means + i, on_line(lines.mean, log));
      V::store(deviations + i, on_line(lines.deviation, log));
    }
  }

  static void curve_of_weights(const QuadraticCurve& curve, const float* weights, std::size_t count, float* values) {
    const Curve values_of(curve);
    for (std::size_t i = 0; i < count; i += V::kWords)
      V::store(values + i, values_of.at(V::magnitude(V::load(weights + i))));
  }

 private:
  using Reg = typename V::Reg;
  using Floats = typename V::Floats;

  class Curve {
   public:
    explicit Curve(const QuadraticCurve& curve)
        : c0_(curve.coefficients[0]), c1_(curve.coefficients[1]), c2_(curve.coefficients[2]) {}
    [[gnu::always_inline]] Floats at(Floats conductance) const {
      const Floats g = V::least(V::greatest(conductance, V::set_number(kCurveLeast)), V::set_number(kCurveMost));
      const Reg segment = V::template shift_right<21>(V::bits(g));  // the exponent and two bits behind it
      return V::plus(V::times(V::plus(V::times(c2_.look_up(segment), g), c1_.look_up(segment)), g),
                     c0_.look_up(segment));
    }

   private:
    typename V::Table32 c0_, c1_, c2_;
  };

  [[gnu::always_inline]] static Floats on_line(const LogLine& line, Floats log) {
    const Floats value = V::plus(V::times(log, V::set_number(line.slope)), V::set_number(line.offset));
    return V::least(V::greatest(value, V::set_number(line.lowest)), V::set_number(line.highest));
  }
};

template <class V>
constexpr OwnKernels simd_kernels() {
  using Draws = SimdDeviates<V>;
  using LookUps = SimdLookUps<V>;
  return {Draws::draw,
          Draws::draw_pairs,
          Draws::draw_singles,
          LookUps::program_pairs,
          LookUps::read_coefficients,
          LookUps::drift_of_weights,
          LookUps::curve_of_weights};
}

}  // namespace
}  // namespace xw::cells::detail
