// Packing rectangles of few kinds into equal bins.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace xw::mapping {

/// `count` rectangles of one size; they may not be turned.
struct Kind {
  std::uint32_t rows = 0, cols = 0;
  std::uint64_t count = 0;
  friend bool operator==(const Kind&, const Kind&) = default;
};

struct BinShape {
  std::uint32_t rows = 0, cols = 0;
};

/// Place of one rectangle of kind `kind` in a bin.
struct Slot {
  std::uint32_t kind = 0, row0 = 0, col0 = 0;
  friend bool operator==(const Slot&, const Slot&) = default;
};

/// `count` bins that are filled alike.
struct Bin {
  std::vector<Slot> slots;
  std::uint64_t count = 1;
  friend bool operator==(const Bin&, const Bin&) = default;
};

using Packing = std::vector<Bin>;

[[nodiscard]] std::uint64_t num_bins(const Packing& packing);

/// Packs all rectangles, trying several methods and keeping the fewest bins; stops early at `lower_bound`.
/// Deterministic: effort is bounded by counts of operations, never by time. Every kind must fit the bin (asserted).
[[nodiscard]] Packing pack(std::span<const Kind> kinds, const BinShape& bin, std::uint64_t lower_bound);

/// Fills one kind of bin after the other with the most valuable three-stage guillotine pattern that the remaining
/// counts allow. `emphasis` makes large rectangles more valuable than their area (0: area only).
[[nodiscard]] Packing pack_patterns(std::span<const Kind> kinds, const BinShape& bin, std::uint32_t emphasis);
/// Rough number of elementary steps of pack_patterns().
[[nodiscard]] std::uint64_t pattern_effort(std::span<const Kind> kinds, const BinShape& bin);

/// Order in which maximal rectangles takes the rectangles.
enum class PackOrder { kArea, kRows, kCols, kLongSide, kPerimeter };
/// Places rectangles one by one where the shorter leftover side is least (maximal-rectangles, best short side fit).
[[nodiscard]] Packing pack_maximal_rectangles(std::span<const Kind> kinds, const BinShape& bin, PackOrder order);

}  // namespace xw::mapping
