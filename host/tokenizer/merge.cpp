// Byte-pair merging of symbols: the heart of both tokenizer algorithms.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/tokenizer/merge.hpp"

#include <algorithm>
#include <bit>
#include <cassert>
#include <limits>
#include <queue>
#include <utility>

namespace xw::tokenizer {
namespace {

constexpr std::uint64_t kEmptyKey = std::numeric_limits<std::uint64_t>::max();
constexpr std::size_t kShortWord = 32;  // up to here scanning all pairs beats a heap
constexpr std::uint32_t kNoMerge = std::numeric_limits<std::uint32_t>::max();

std::uint64_t key_of(Symbol left, Symbol right) {
  return (static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32) | static_cast<std::uint32_t>(right);
}

void merge_short(std::vector<Symbol>& symbols, const MergeTable& table, std::vector<Joined>* joins) {
  Merge merges[kShortWord];  // merges[i] joins symbols i and i + 1
  std::size_t count = symbols.size();
  const auto look_up = [&](std::size_t i) {
    const Merge* merge = table.find(symbols[i], symbols[i + 1]);
    merges[i] = merge != nullptr ? *merge : Merge{kNoMerge, -1};
  };
  for (std::size_t i = 0; i + 1 < count; ++i) look_up(i);
  while (count > 1) {
    std::size_t best = 0;
    for (std::size_t i = 1; i + 1 < count; ++i) {
      if (merges[i].priority < merges[best].priority) best = i;
    }
    if (merges[best].result < 0) break;
    if (joins != nullptr) joins->push_back({symbols[best], symbols[best + 1], merges[best].result});
    symbols[best] = merges[best].result;
    for (std::size_t i = best + 1; i + 1 < count; ++i) {
      symbols[i] = symbols[i + 1];
      merges[i] = merges[i + 1];
    }
    --count;
    if (best + 1 < count) look_up(best);
    if (best > 0) look_up(best - 1);
  }
  symbols.resize(count);
}

void merge_long(std::vector<Symbol>& symbols, const MergeTable& table, std::vector<Joined>* joins) {
  struct Node {
    std::uint32_t prev, next;
  };
  struct Candidate {
    std::uint64_t order;  // priority, then position
    Symbol left, right, result;
    bool operator>(const Candidate& other) const { return order > other.order; }
  };
  assert(symbols.size() < kNoMerge && "positions are 32 bits");
  const auto count = static_cast<std::uint32_t>(symbols.size());
  constexpr std::uint32_t kEnd = kNoMerge;
  std::vector<Node> nodes(count);
  for (std::uint32_t i = 0; i < count; ++i) nodes[i] = {i == 0 ? kEnd : i - 1, i + 1 == count ? kEnd : i + 1};

  std::vector<Candidate> storage;
  storage.reserve(count);
  const auto candidate = [&](std::uint32_t i, auto&& push) {
    const std::uint32_t next = nodes[i].next;
    if (next == kEnd) return;
    const Merge* merge = table.find(symbols[i], symbols[next]);
    if (merge == nullptr) return;
    push(Candidate{(static_cast<std::uint64_t>(merge->priority) << 32) | i, symbols[i], symbols[next], merge->result});
  };
  for (std::uint32_t i = 0; i + 1 < count; ++i) candidate(i, [&](const Candidate& c) { storage.push_back(c); });
  std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> queue(std::greater<>(), std::move(storage));

  constexpr Symbol kGone = std::numeric_limits<Symbol>::min();
  while (!queue.empty()) {
    const Candidate best = queue.top();
    queue.pop();
    const auto i = static_cast<std::uint32_t>(best.order);
    const std::uint32_t next = nodes[i].next;
    if (symbols[i] != best.left || next == kEnd || symbols[next] != best.right) continue;  // outdated
    if (joins != nullptr) joins->push_back({best.left, best.right, best.result});
    symbols[i] = best.result;
    symbols[next] = kGone;
    nodes[i].next = nodes[next].next;
    if (nodes[i].next != kEnd) nodes[nodes[i].next].prev = i;
    candidate(i, [&](const Candidate& c) { queue.push(c); });
    if (nodes[i].prev != kEnd) candidate(nodes[i].prev, [&](const Candidate& c) { queue.push(c); });
  }
  std::erase(symbols, kGone);
}

}  // namespace

MergeTable::MergeTable(std::size_t count) {
  grow(std::bit_ceil(std::max<std::size_t>(16, count * 2)));
}

std::size_t MergeTable::slot_of(std::uint64_t key) const noexcept {
  const std::size_t mask = slots_.size() - 1;
  std::size_t slot = static_cast<std::size_t>((key * 0x9E3779B97F4A7C15ULL) >> 20) & mask;
  while (slots_[slot].key != key && slots_[slot].key != kEmptyKey) slot = (slot + 1) & mask;
  return slot;
}

void MergeTable::grow(std::size_t slots) {
  const std::vector<Slot> old = std::exchange(slots_, std::vector<Slot>(slots, Slot{kEmptyKey, {}}));
  for (const Slot& slot : old) {
    if (slot.key != kEmptyKey) slots_[slot_of(slot.key)] = slot;
  }
}

void MergeTable::insert(Symbol left, Symbol right, Merge merge) {
  assert(left >= 0 && right >= 0 && merge.result >= 0);
  if ((size_ + 1) * 2 > slots_.size()) grow(slots_.size() * 2);
  Slot& slot = slots_[slot_of(key_of(left, right))];
  if (slot.key == kEmptyKey) {
    slot = {key_of(left, right), merge};
    ++size_;
  } else if (merge.priority < slot.merge.priority) {
    slot.merge = merge;
  }
}

const Merge* MergeTable::find(Symbol left, Symbol right) const noexcept {
  if (left < 0 || right < 0) return nullptr;
  const Slot& slot = slots_[slot_of(key_of(left, right))];
  return slot.key == kEmptyKey ? nullptr : &slot.merge;
}

void merge_symbols(std::vector<Symbol>& symbols, const MergeTable& table, std::vector<Joined>* joins) {
  if (symbols.size() < 2) return;
  if (symbols.size() <= kShortWord) {
    merge_short(symbols, table, joins);
  } else {
    merge_long(symbols, table, joins);
  }
}

}  // namespace xw::tokenizer
