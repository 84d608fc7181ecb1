// Assigning interchangeable blocks to places so that blocks of one group do not share tiles.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/mapping/assign.hpp"

#include <algorithm>
#include <cassert>
#include <map>

namespace xw::mapping {
namespace {

constexpr std::size_t kLookAhead = 128;     ///< items looked at for one slot
constexpr std::size_t kSwapPartners = 512;  ///< slots looked at to resolve one conflict
constexpr int kSwapRounds = 3;

class Assigner {
 public:
  Assigner(std::span<const MatrixShape> matrices, Cutting& cutting) : matrices_(matrices), cutting_(cutting) {}

  void run(const Packing& packing, const std::vector<std::vector<std::uint32_t>>& items_of_kind,
           std::uint32_t first_tile) {
    make_queues(items_of_kind);
    for (const Bin& bin : packing) {
      for (std::uint64_t n = 0; n < bin.count; ++n) fill_tile(bin);
    }
    for (int round = 0; round < kSwapRounds && resolve_conflicts(); ++round) {
    }
    for (const Place& place : places_) {
      for (const Item::Part& part : cutting_.items[place.item].parts) {
        PlacedBlock& block = cutting_.blocks[part.block];
        block.tile = first_tile + place.tile;
        block.row0 = place.slot.row0;
        block.col0 = place.slot.col0 + part.col_offset;
      }
    }
  }

 private:
  struct Place {
    std::uint32_t tile = 0, item = 0;
    Slot slot;
  };

  std::uint64_t group_of(std::uint32_t block) const {
    return mapping::group_of(matrices_, cutting_.blocks[block].matrix);
  }

  void make_queues(const std::vector<std::vector<std::uint32_t>>& items_of_kind) {
    for (const std::vector<std::uint32_t>& items : items_of_kind) {
      // First one item of every group, then the second of every group, ...: neighbours differ.
      std::map<std::uint64_t, std::uint32_t> seen;
      std::vector<std::pair<std::uint32_t, std::uint32_t>> ranked;
      for (const std::uint32_t item : items)
        ranked.emplace_back(seen[group_of(cutting_.items[item].parts[0].block)]++, item);
      std::stable_sort(ranked.begin(), ranked.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
      std::vector<std::uint32_t>& queue = queues_.emplace_back();
      for (const auto& [rank, item] : ranked) queue.push_back(item);
      heads_.push_back(0);
      places_of_kind_.emplace_back();
    }
  }

  /// How many blocks of the tile are of a group of this item.
  std::uint32_t conflicts(std::uint32_t item, const std::map<std::uint64_t, std::uint32_t>& groups) const {
    std::uint32_t count = 0;
    for (const Item::Part& part : cutting_.items[item].parts) {
      const auto found = groups.find(group_of(part.block));
      if (found != groups.end()) count += found->second;
    }
    return count;
  }
  void count_in(std::uint32_t item, std::map<std::uint64_t, std::uint32_t>& groups) const {
    for (const Item::Part& part : cutting_.items[item].parts) ++groups[group_of(part.block)];
  }
  void count_out(std::uint32_t item, std::map<std::uint64_t, std::uint32_t>& groups) const {
    for (const Item::Part& part : cutting_.items[item].parts) {
      const auto found = groups.find(group_of(part.block));
      if (--found->second == 0) groups.erase(found);
    }
  }

  void fill_tile(const Bin& bin) {
    const auto tile = static_cast<std::uint32_t>(groups_.size());
    auto& groups = groups_.emplace_back();
    for (const Slot& slot : bin.slots) {
      std::vector<std::uint32_t>& queue = queues_[slot.kind];
      std::size_t& head = heads_[slot.kind];
      assert(head < queue.size());
      std::size_t best = head;
      std::uint32_t fewest = conflicts(queue[head], groups);
      for (std::size_t i = head + 1; i < std::min(queue.size(), head + kLookAhead) && fewest > 0; ++i) {
        const std::uint32_t count = conflicts(queue[i], groups);
        if (count < fewest) {
          fewest = count;
          best = i;
        }
      }
      std::rotate(queue.begin() + static_cast<std::ptrdiff_t>(head), queue.begin() + static_cast<std::ptrdiff_t>(best),
                  queue.begin() + static_cast<std::ptrdiff_t>(best) + 1);
      count_in(queue[head], groups);
      places_of_kind_[slot.kind].push_back(places_.size());
      places_.push_back({tile, queue[head], slot});
      ++head;
    }
  }

  /// Swaps items of equal size between tiles where that lowers the number of conflicts. True if anything changed.
  bool resolve_conflicts() {
    bool changed = false;
    for (Place& place : places_) {
      if (current_conflicts(place) == 0) continue;
      const std::vector<std::size_t>& partners = places_of_kind_[place.slot.kind];
      const std::size_t step = partners.size() / kSwapPartners + 1;
      for (std::size_t i = 0; i < partners.size(); i += step) {
        if (try_swap(place, places_[partners[i]])) {
          changed = true;
          break;
        }
      }
    }
    return changed;
  }
  std::uint32_t current_conflicts(const Place& place) {
    auto& groups = groups_[place.tile];
    count_out(place.item, groups);
    const std::uint32_t count = conflicts(place.item, groups);
    count_in(place.item, groups);
    return count;
  }
  bool try_swap(Place& a, Place& b) {
    if (a.tile == b.tile) return false;
    auto& groups_a = groups_[a.tile];
    auto& groups_b = groups_[b.tile];
    count_out(a.item, groups_a);
    count_out(b.item, groups_b);
    const std::uint32_t before = conflicts(a.item, groups_a) + conflicts(b.item, groups_b);
    const std::uint32_t after = conflicts(b.item, groups_a) + conflicts(a.item, groups_b);
    if (after < before) std::swap(a.item, b.item);
    count_in(a.item, groups_a);
    count_in(b.item, groups_b);
    return after < before;
  }

  std::span<const MatrixShape> matrices_;
  Cutting& cutting_;
  std::vector<std::vector<std::uint32_t>> queues_;
  std::vector<std::size_t> heads_;
  std::vector<Place> places_;
  std::vector<std::vector<std::size_t>> places_of_kind_;
  std::vector<std::map<std::uint64_t, std::uint32_t>> groups_;  ///< per tile: blocks by group
};

}  // namespace

void assign_places(const Packing& packing, const std::vector<std::vector<std::uint32_t>>& items_of_kind,
                   std::span<const MatrixShape> matrices, std::uint32_t first_tile, Cutting& cutting) {
  Assigner(matrices, cutting).run(packing, items_of_kind, first_tile);
}

}  // namespace xw::mapping
