// The deviates of cells as docs/numerics.md#random-numbers-of-programming defines them, one at a time.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include "models/analog/threefry.hpp"
#include "models/cells/normal.hpp"

namespace xw::test {

enum Draw : std::uint32_t { kProgramming = 16, kDrift = 17, kRead = 18 };

/// A chip's tile and one of its rows, for a model's stream; `seconds` since programming.
struct DocumentedRow {
  std::uint32_t seed = 0, tile = 0, row = 0, stream = 0;
  double seconds = 0;

  [[nodiscard]] std::array<std::uint32_t, 2> key(std::uint32_t draw) const {
    std::uint32_t domain = 0x474F5250U;
    if (draw == kRead && seconds > 0) {
      const auto bits = std::bit_cast<std::uint64_t>(seconds);
      domain = analog::threefry2x32<20>(static_cast<std::uint32_t>(bits & 0xFFFFFFFFU),
                                        static_cast<std::uint32_t>(bits >> 32U), 0x44414552U, 0)[0];
    }
    return analog::threefry2x32<20>(seed, tile, domain, stream * 256 + draw);
  }

  /// Version 1.
  [[nodiscard]] double first(std::uint32_t column) const {
    const auto k = key(0);
    const auto words = analog::threefry2x32<20>(k[0], k[1], row, column / 2);
    return static_cast<double>(cells::NormalTable::instance()(words[column % 2]));
  }

  /// Version 2, of the loaded (false) or the idle device of a pair.
  [[nodiscard]] double pair(std::uint32_t column, std::uint32_t draw, bool idle) const {
    const std::uint32_t call = column / 32 * 16 + column % 16;
    return of_word(word(draw, call, column / 16 % 2), idle);
  }

  /// Version 2, of a cell that is one device.
  [[nodiscard]] double single(std::uint32_t column, std::uint32_t draw) const {
    const std::uint32_t call = column / 64 * 16 + column % 16;
    return of_word(word(draw, call, column / 32 % 2), column / 16 % 2 != 0);
  }

  /// The sum or the difference of the halves of a word.
  [[nodiscard]] static double of_word(std::uint32_t word, bool difference) {
    constexpr std::array kMagnitudes = {355,  609,  840,  1122, 1564, 1690, 1903, 2416,
                                        2832, 3050, 3350, 3418, 3715, 4436, 4563, 8198};
    int halves[2] = {0, 0};
    for (unsigned term = 0; term < 6; ++term) {
      const std::uint32_t number = word >> (term / 3 * 16 + term % 3 * 5) & 31U;
      halves[term / 3] += number < 16 ? kMagnitudes[number] : -kMagnitudes[number - 16];
    }
    return (halves[0] + (difference ? -halves[1] : halves[1])) / 8192.0;
  }

 private:
  [[nodiscard]] std::uint32_t word(std::uint32_t draw, std::uint32_t call, std::uint32_t which) const {
    const auto k = key(draw);
    return analog::threefry2x32<13>(k[0], k[1], row, call)[which];
  }
};

}  // namespace xw::test
