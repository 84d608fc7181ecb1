// Byte-pair merging against a naive reference.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/tokenizer/merge.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace xw::tokenizer {
namespace {

using Rules = std::map<std::pair<Symbol, Symbol>, Merge>;

/// Scans for the best pair (lowest priority, leftmost) until there is none.
std::vector<Symbol> naive(std::vector<Symbol> symbols, const Rules& rules) {
  for (;;) {
    std::size_t best = symbols.size();
    const Merge* merge = nullptr;
    for (std::size_t i = 0; i + 1 < symbols.size(); ++i) {
      const auto it = rules.find({symbols[i], symbols[i + 1]});
      if (it != rules.end() && (merge == nullptr || it->second.priority < merge->priority)) {
        best = i;
        merge = &it->second;
      }
    }
    if (merge == nullptr) return symbols;
    symbols[best] = merge->result;
    symbols.erase(symbols.begin() + static_cast<std::ptrdiff_t>(best) + 1);
  }
}

TEST(Merge, EqualsNaiveReferenceForShortAndLongWords) {
  const std::uint64_t seed = 20240611;
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 rng(seed);
  for (int round = 0; round < 300; ++round) {
    const int alphabet = 2 + static_cast<int>(rng() % 5);
    Rules rules;
    MergeTable table;
    const int num_rules = static_cast<int>(rng() % 40);
    for (int i = 0; i < num_rules; ++i) {
      const int known = alphabet + i;
      const auto left = static_cast<Symbol>(rng() % static_cast<unsigned>(known));
      const auto right = static_cast<Symbol>(rng() % static_cast<unsigned>(known));
      const Merge merge{static_cast<std::uint32_t>(rng() % 20), known};  // equal priorities occur
      const auto [it, inserted] = rules.try_emplace({left, right}, merge);
      if (!inserted && merge.priority < it->second.priority) it->second = merge;
      table.insert(left, right, merge);
    }
    ASSERT_EQ(table.size(), rules.size());
    for (const std::size_t length : {0, 1, 2, 3, 17, 31, 32, 33, 64, 200}) {
      std::vector<Symbol> symbols;
      for (std::size_t i = 0; i < length; ++i) {
        symbols.push_back(rng() % 20 == 0 ? -1 - static_cast<Symbol>(i)
                                          : static_cast<Symbol>(rng() % static_cast<unsigned>(alphabet)));
      }
      const std::vector<Symbol> expected = naive(symbols, rules);
      std::vector<Joined> joins;
      merge_symbols(symbols, table, &joins);
      ASSERT_EQ(symbols, expected) << "round " << round << ", length " << length;
      ASSERT_EQ(joins.size(), length - expected.size());
    }
  }
}

TEST(Merge, GrowsTable) {
  MergeTable table;
  for (Symbol i = 0; i < 10000; ++i) table.insert(i, i + 1, {static_cast<std::uint32_t>(i), 2 * i});
  EXPECT_EQ(table.size(), 10000U);
  for (Symbol i = 0; i < 10000; ++i) {
    ASSERT_NE(table.find(i, i + 1), nullptr);
    ASSERT_EQ(table.find(i, i + 1)->result, 2 * i);
    ASSERT_EQ(table.find(i, i + 2), nullptr);
  }
  EXPECT_EQ(table.find(-1, 0), nullptr);
  EXPECT_EQ(table.find(0, -1), nullptr);
}

TEST(Merge, LongRunsTakeNoQuadraticTime) {
  MergeTable table;
  table.insert(0, 0, {0, 1});
  table.insert(1, 1, {1, 2});
  std::vector<Symbol> symbols(1U << 20, 0);
  merge_symbols(symbols, table);
  EXPECT_EQ(symbols, std::vector<Symbol>(1U << 18, 2));
}

}  // namespace
}  // namespace xw::tokenizer
