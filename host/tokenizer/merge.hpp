// Byte-pair merging of symbols: the heart of both tokenizer algorithms.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace xw::tokenizer {

using Symbol = std::int32_t;

/// What a pair of symbols becomes. Lower priority values go first.
struct Merge {
  std::uint32_t priority = 0;
  Symbol result = 0;
};

/// Hash table from pairs of symbols (>= 0) to merges; open addressing.
class MergeTable {
 public:
  /// Makes room for `count` pairs.
  explicit MergeTable(std::size_t count = 0);
  /// Adds a pair; an existing pair keeps the better (lower) priority. Grows as needed.
  void insert(Symbol left, Symbol right, Merge merge);
  /// The merge of a pair, or null. Negative symbols never merge.
  [[nodiscard]] const Merge* find(Symbol left, Symbol right) const noexcept;
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  struct Slot {
    std::uint64_t key;
    Merge merge;
  };
  void grow(std::size_t slots);
  [[nodiscard]] std::size_t slot_of(std::uint64_t key) const noexcept;

  std::vector<Slot> slots_;
  std::size_t size_ = 0;
};

/// A symbol pair that was joined, for vocabularies that take merges back.
struct Joined {
  Symbol left = 0, right = 0, result = 0;
};

/// Applies merges, best priority first and leftmost among equals, until no pair of neighbours merges.
/// Needs O(n log n) time. Appends every join to `joins` if it is not null.
void merge_symbols(std::vector<Symbol>& symbols, const MergeTable& table, std::vector<Joined>* joins = nullptr);

}  // namespace xw::tokenizer
