// The block MVMs of a run, as work of the chip.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "systemc/chip/call_record.hpp"

#include <algorithm>
#include <numeric>
#include <tuple>

namespace xw::systemc {

void CallRecord::set_layout(const ChipLayout& layout) {
  blocks_ = layout.blocks;
  by_place_.resize(blocks_.size());
  std::iota(by_place_.begin(), by_place_.end(), 0U);
  const auto place = [this](std::uint32_t index) {
    const ChipLayout::Block& block = blocks_[index];
    return std::make_tuple(block.tile, block.row0, block.col0);
  };
  std::sort(by_place_.begin(), by_place_.end(), [&](std::uint32_t a, std::uint32_t b) { return place(a) < place(b); });
  start();
}

void CallRecord::start() {
  uses_.clear();
  seen_.clear();
  others_.clear();
  num_tiles_ = 0;
}

std::size_t CallRecord::find(const analog::BlockView& part) const {
  const auto wanted = std::make_tuple(part.tile_uid, part.row0, part.col0);
  const auto after =
      std::upper_bound(by_place_.begin(), by_place_.end(), wanted, [this](const auto& place, std::uint32_t index) {
        return place < std::make_tuple(blocks_[index].tile, blocks_[index].row0, blocks_[index].col0);
      });
  if (after == by_place_.begin()) return blocks_.size();
  const std::uint32_t index = *(after - 1);
  const ChipLayout::Block& block = blocks_[index];
  const bool inside = block.tile == part.tile_uid && block.row0 == part.row0 && block.rows == part.rows &&
                      part.col0 + part.cols <= block.col0 + block.cols;
  return inside ? index : blocks_.size();
}

void CallRecord::add(const analog::BlockView& part, std::uint32_t in_begin) {
  num_tiles_ = std::max(num_tiles_, std::uint64_t{part.tile_uid} + 1);
  const std::size_t block = find(part);
  if (block == blocks_.size()) {
    others_.push_back({part.tile_uid, part.rows, part.cols, in_begin});
    return;
  }
  const std::uint32_t before = seen_[{block, part.col0}]++;
  const auto [use, is_new] =
      uses_.try_emplace({before, block}, BlockWork{part.tile_uid, part.rows, part.cols, in_begin});
  const std::uint32_t out_begin = blocks_[block].out_begin + (part.col0 - blocks_[block].col0);
  use->second.out_begin = is_new ? out_begin : std::min(use->second.out_begin, out_begin);
  if (!is_new) use->second.cols += part.cols;
}

CallWork CallRecord::call(std::uint32_t in_features, std::uint32_t out_features) const {
  CallWork made;
  made.in_features = in_features;
  made.out_features = out_features;
  for (const auto& [place, work] : uses_) made.blocks.push_back(work);
  made.blocks.insert(made.blocks.end(), others_.begin(), others_.end());
  return made;
}

}  // namespace xw::systemc
