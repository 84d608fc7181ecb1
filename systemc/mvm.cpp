// MVM unit of one engine.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "systemc/mvm.hpp"

#include <algorithm>

#include "systemc/rtl_timing.hpp"

namespace xw::systemc {
namespace {

/// When beats [begin, end) can be issued one per cycle from `first` on: the cycle of the last. `from` is a position in
/// the arrivals, moved along.
[[nodiscard]] Cycles last_issue(const std::vector<Context::Arrival>& arrivals, std::size_t& from, std::uint32_t end,
                                Cycles first, std::uint32_t count) {
  Cycles last = first + count - 1;
  while (from < arrivals.size() && arrivals[from].beats < end) {
    const std::uint32_t behind = end - arrivals[from].beats;  // beats after this one
    if (behind < count) last = std::max(last, arrivals[from].at + rtl::kCellToBeat + behind);
    ++from;
  }
  if (from == arrivals.size()) return last;
  const Context::Arrival& after = arrivals[from];
  Cycles at = after.at;
  if (from > 0 && after.beats != end) {
    const Context::Arrival& before = arrivals[from - 1];
    at = before.at + (after.at - before.at) * (end - before.beats) / (after.beats - before.beats);
  }
  return std::max(last, at + rtl::kCellToBeat);
}

}  // namespace

MakeMvm Mvm::maker() {
  return [](const char* name, RunControl& control, EngineState& state) {
    return std::make_unique<Mvm>(name, control, state);
  };
}

Cycles Mvm::execute(Command& command, const Context& context, Cycles begin) {
  const Cycles end = time(context, begin, command.run->num_vectors, command.memory_stall);
  if (control_.settings.values) {
    control_.counters.adc_saturations += analog::tile_mvm(context.block, batch_of(command));
  }
  return end;
}

Cycles Mvm::time(const Context& context, Cycles begin, std::uint32_t num_vectors, Cycles& stall) {
  const std::uint32_t lanes = control_.settings.emulator.lanes;
  const std::uint32_t columns = control_.settings.emulator.adc_columns_per_cycle;
  const std::uint32_t rows = context.block.rows;
  Cycles next = begin + rtl::kMvmStart;  // cycle of the next beat
  Cycles bank_free = 0;                  // sums of the last pass are read
  std::uint32_t reads = 0;
  std::size_t arrival = 0;
  state_.updates.clear();
  for (std::uint32_t col = 0, group = 0; col < context.block.cols; col += lanes, ++group) {
    reads = (std::min(lanes, context.block.cols - col) + columns - 1) / columns;
    for (std::uint32_t vector = 0; vector < num_vectors; ++vector) {
      Cycles last = next + rows - 1;
      if (vector == 0 && context.loaded > next) {
        const Cycles at = last_issue(context.arrivals, arrival, (group + 1) * rows, next, rows);
        stall += at - last;
        last = at;
      }
      last = std::max(last, bank_free);
      bank_free = last + reads + rtl::kLastRowToFree;
      const Cycles results = last + rtl::kLastRowToFree + rtl::kConverter;
      state_.updates.push_back({results, results + reads});
      next = last + 1;
    }
  }
  return next - 1 + reads + rtl::kConverter + rtl::kMvmFinish;
}

}  // namespace xw::systemc
