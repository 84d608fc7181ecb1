// The MVMs of a call as independent tasks between the points where their order matters.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/backends/functional/schedule.hpp"

#include <algorithm>
#include <numeric>

namespace xw::functional {
namespace {

using program::Instruction;
using program::Opcode;

[[nodiscard]] bool overlap(std::uint32_t begin, std::uint32_t length, std::uint32_t other, std::uint32_t other_length) {
  return begin < other + other_length && other < begin + length;
}

/// True if all steps write YBUF at the same place modulo lanes, so that column groups of different steps either
/// coincide or are disjoint.
[[nodiscard]] bool is_splittable(const std::vector<MvmStep>& steps) {
  return std::all_of(steps.begin(), steps.end(), [&](const MvmStep& step) {
    return step.block.lanes == steps.front().block.lanes &&
           step.ybuf_offset % step.block.lanes == steps.front().ybuf_offset % step.block.lanes;
  });
}

/// Cuts the steps of one engine into `parts` lists with disjoint YBUF words and about equal work.
void split_columns(const std::vector<MvmStep>& steps, std::uint32_t parts, std::vector<std::vector<MvmStep>>& tasks) {
  const std::uint32_t lanes = steps.front().block.lanes;
  // Work per slot of `lanes` YBUF words.
  std::vector<std::uint64_t> work;
  for (const MvmStep& step : steps) {
    const std::uint32_t first = step.ybuf_offset / lanes;
    const std::uint32_t count = (step.block.cols + lanes - 1) / lanes;
    if (work.size() < first + count) work.resize(first + count);
    for (std::uint32_t slot = first; slot < first + count; ++slot) work[slot] += step.block.rows;
  }
  const std::uint64_t total = std::accumulate(work.begin(), work.end(), std::uint64_t{0});
  std::uint32_t begin = 0;
  std::uint64_t done = 0;
  for (std::uint32_t part = 0; part < parts && begin < work.size(); ++part) {
    std::uint32_t end = begin;
    while (end < work.size() && (part + 1 == parts || done * parts < total * (part + 1))) done += work[end++];
    std::vector<MvmStep> list;
    for (const MvmStep& step : steps) {
      const std::uint32_t first = step.ybuf_offset / lanes;
      const std::uint32_t from = std::max(begin, first) - first;
      const std::uint32_t to = std::min<std::uint32_t>(step.block.cols, (std::max(end, first) - first) * lanes);
      if (from * lanes >= to) continue;
      MvmStep piece = step;
      piece.block = column_range(step.block, from * lanes, to);
      piece.ybuf_offset += from * lanes;
      list.push_back(piece);
    }
    if (!list.empty()) tasks.push_back(std::move(list));
    begin = end;
  }
}

class Scheduler {
 public:
  Scheduler(std::uint32_t num_engines, unsigned num_threads) : num_threads_(num_threads), engines_(num_engines) {}

  void add_load(const Instruction& load) {
    const bool overwrites = std::any_of(engines_.begin(), engines_.end(), [&](const std::vector<MvmStep>& steps) {
      return std::any_of(steps.begin(), steps.end(), [&](const MvmStep& step) {
        return overlap(load.xbuf_offset, load.length, step.xbuf_offset, step.block.rows);
      });
    });
    if (overwrites) finish();
    group_.loads.push_back(load);
  }

  void add_mvm(const Instruction& mvm, const analog::BlockView& block) {
    for (const Instruction& store : group_.stores) {
      const bool reads_bank = ((store.engine_mask >> mvm.engine) & 1U) != 0;
      if (reads_bank && overlap(mvm.ybuf_offset, mvm.cols, store.ybuf_offset, store.length)) {
        finish();
        break;
      }
    }
    engines_[mvm.engine].push_back({block, mvm.engine, mvm.xbuf_offset, mvm.ybuf_offset, mvm.accumulate});
    group_.macs += std::uint64_t{mvm.rows} * mvm.cols;
  }

  void add_store(const Instruction& store) { group_.stores.push_back(store); }

  void finish() {
    const auto active = static_cast<std::uint32_t>(
        std::count_if(engines_.begin(), engines_.end(), [](const auto& steps) { return !steps.empty(); }));
    for (std::vector<MvmStep>& steps : engines_) {
      if (steps.empty()) continue;
      // As many parts as make the number of tasks a multiple of the number of threads.
      const std::uint32_t parts = num_threads_ / std::gcd(active, num_threads_);
      if (parts > 1 && is_splittable(steps)) {
        split_columns(steps, parts, group_.tasks);
      } else {
        group_.tasks.push_back(std::move(steps));
      }
      steps.clear();
    }
    if (!group_.loads.empty() || !group_.tasks.empty() || !group_.stores.empty()) groups_.push_back(std::move(group_));
    group_ = Group();
  }

  [[nodiscard]] std::vector<Group> take() {
    finish();
    return std::move(groups_);
  }

 private:
  unsigned num_threads_;
  std::vector<std::vector<MvmStep>> engines_;
  Group group_;
  std::vector<Group> groups_;
};

}  // namespace

analog::BlockView column_range(const analog::BlockView& block, std::uint32_t begin, std::uint32_t end) {
  analog::BlockView range = block;
  range.cols = end - begin;
  range.col0 += begin;
  range.column_tables += 2 * std::size_t{begin};
  if (range.adc_offsets != nullptr) range.adc_offsets += begin;
  range.cells += std::size_t{begin} * block.rows;
  range.packed_col += begin;
  return range;
}

std::vector<Group> make_schedule(std::span<const Instruction> instructions, std::span<const std::uint32_t> block_source,
                                 std::span<const analog::BlockView> blocks, std::uint32_t num_engines,
                                 unsigned num_threads) {
  Scheduler scheduler(num_engines, num_threads);
  for (std::size_t i = 0; i < instructions.size(); ++i) {
    const Instruction& instruction = instructions[i];
    if (instruction.opcode == Opcode::kLoadX) scheduler.add_load(instruction);
    if (instruction.opcode == Opcode::kMvm) scheduler.add_mvm(instruction, blocks[block_source[i]]);
    if (instruction.opcode == Opcode::kStoreY) scheduler.add_store(instruction);
  }
  return scheduler.take();
}

}  // namespace xw::functional
