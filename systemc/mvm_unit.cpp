// What the MVM units of both profiles have in common.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "systemc/mvm_unit.hpp"

#include "systemc/rtl_timing.hpp"

namespace xw::systemc {
namespace {

using arch::DeviceError;

constexpr std::uint32_t kYbufOffsetMultiple = arch::kMemoryAlignment / 4;

}  // namespace

MvmUnit::MvmUnit(const sc_core::sc_module_name& name, RunControl& control, EngineState& state)
    : sc_core::sc_module(name), control_(control), state_(state) {
  commands.register_b_transport(this, &MvmUnit::b_transport);
}

void MvmUnit::b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
  Command* command = command_of(payload);
  if (command == nullptr) return;
  const program::Instruction& instruction = command->instruction;
  command->fault = check(instruction);
  if (command->fault) {
    delay += control_.clock.span(rtl::kMvmStart);
  } else {
    const std::uint64_t vectors = command->run->num_vectors;
    Counters& counters = control_.counters;
    counters.mvms += vectors;
    counters.macs += std::uint64_t{instruction.rows} * instruction.cols * vectors;
    counters.dac_conversions += instruction.rows * vectors;
    counters.adc_conversions += instruction.cols * vectors;
    const Cycles now = control_.clock.now();
    const Cycles end = execute(*command, state_.contexts[instruction.context], now + control_.clock.count(delay));
    delay = control_.clock.span(end - now);
  }
  answer(payload, *command);
}

Fault MvmUnit::check(const program::Instruction& instruction) const {
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

analog::MvmBatch MvmUnit::batch_of(const Command& command) {
  const program::Instruction& instruction = command.instruction;
  const RunArguments& run = *command.run;
  analog::MvmBatch batch;
  batch.x = state_.xbuf.data() + instruction.xbuf_offset;
  batch.x_stride = state_.x_stride;
  batch.y = state_.ybuf.data() + instruction.ybuf_offset;
  batch.y_stride = state_.y_stride;
  batch.num_vectors = run.num_vectors;
  batch.vector_base = run.vector_base;
  batch.chip_seed = run.chip_seed;
  batch.accumulate = instruction.accumulate;
  return batch;
}

}  // namespace xw::systemc
