// MVM unit of one engine.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "systemc/mvm.hpp"

#include <algorithm>

#include "systemc/rtl_timing.hpp"

namespace xw::systemc {
namespace {

using arch::DeviceError;

constexpr std::uint32_t kYbufOffsetMultiple = arch::kMemoryAlignment / 4;

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

Mvm::Mvm(const sc_core::sc_module_name& name, std::uint32_t engine, RunControl& control, EngineState& state)
    : sc_core::sc_module(name), engine_(engine), control_(control), state_(state) {
  commands.register_b_transport(this, &Mvm::b_transport);
}

void Mvm::b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
  Command* command = command_of(payload);
  if (command == nullptr) return;
  command->fault = check(command->instruction);
  if (command->fault) {
    delay += control_.clock.span(rtl::kMvmStart);
  } else {
    const Cycles now = control_.clock.now();
    const Context& context = state_.contexts[command->instruction.context];
    const Cycles end =
        time(context, now + control_.clock.count(delay), command->run->num_vectors, command->memory_stall);
    delay = control_.clock.span(end - now);
    multiply(*command);
  }
  answer(payload, *command);
}

Fault Mvm::check(const program::Instruction& instruction) const {
  const arch::EmulatorDescription& emulator = control_.settings.emulator;
  if (instruction.context >= emulator.contexts) return {DeviceError::kBadContext, instruction.context};
  const std::uint32_t x_end = std::uint32_t{instruction.xbuf_offset} + instruction.rows;
  if (x_end > emulator.xbuf_bytes) return {DeviceError::kXbufRange, x_end};
  if (instruction.ybuf_offset % kYbufOffsetMultiple != 0) return {DeviceError::kMisaligned, instruction.ybuf_offset};
  const std::uint32_t y_end = std::uint32_t{instruction.ybuf_offset} + instruction.cols;
  if (y_end > emulator.ybuf_words) return {DeviceError::kYbufRange, y_end};
  const Context& context = state_.contexts[instruction.context];
  if (!context.valid) return {DeviceError::kContextEmpty, instruction.context};
  if (instruction.rows != context.block.rows || instruction.cols != context.block.cols) {
    return {DeviceError::kContextShape, context.block.rows | std::uint64_t{context.block.cols} << 16U};
  }
  return {};
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

void Mvm::multiply(const Command& command) {
  const program::Instruction& instruction = command.instruction;
  const RunArguments& run = *command.run;
  Counters& counters = control_.counters;
  counters.mvms += run.num_vectors;
  counters.macs += std::uint64_t{instruction.rows} * instruction.cols * run.num_vectors;
  counters.dac_conversions += std::uint64_t{instruction.rows} * run.num_vectors;
  counters.adc_conversions += std::uint64_t{instruction.cols} * run.num_vectors;
  if (!control_.settings.values) return;
  analog::MvmBatch batch;
  batch.x = state_.xbuf.data() + instruction.xbuf_offset;
  batch.x_stride = state_.x_stride;
  batch.y = state_.ybuf.data() + instruction.ybuf_offset;
  batch.y_stride = state_.y_stride;
  batch.num_vectors = run.num_vectors;
  batch.vector_base = run.vector_base;
  batch.chip_seed = run.chip_seed;
  batch.accumulate = instruction.accumulate;
  counters.adc_saturations += analog::tile_mvm(state_.contexts[instruction.context].block, batch);
}

}  // namespace xw::systemc
