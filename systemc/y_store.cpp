// Y store: YBUF banks, summed, to device memory.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "systemc/y_store.hpp"

#include <algorithm>

#include "systemc/axi_read.hpp"
#include "systemc/rtl_timing.hpp"

namespace xw::systemc {

using arch::DeviceError;

namespace {
constexpr std::uint32_t kYbufOffsetMultiple = arch::kMemoryAlignment / 4;
}  // namespace

YStore::YStore(const sc_core::sc_module_name& name, std::uint32_t num_engines, RunControl& control)
    : sc_core::sc_module(name), ybuf("ybuf", num_engines), control_(control) {
  commands.register_b_transport(this, &YStore::b_transport);
}

void YStore::b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
  Command* command = command_of(payload);
  if (command == nullptr) return;
  const Cycles now = control_.clock.now();
  delay = control_.clock.span(store(*command, now + control_.clock.count(delay)) - now);
  answer(payload, *command);
}

Fault YStore::check(const program::Instruction& instruction) const {
  const arch::EmulatorDescription& emulator = control_.settings.emulator;
  const std::uint32_t engines = (1U << emulator.num_engines) - 1U;
  if (instruction.engine_mask == 0 || (instruction.engine_mask & ~engines) != 0) {
    return {DeviceError::kBadEngine, instruction.engine_mask};
  }
  if (instruction.length == 0) return {DeviceError::kBadLength, 0};
  if (instruction.ybuf_offset % kYbufOffsetMultiple != 0) return {DeviceError::kMisaligned, instruction.ybuf_offset};
  const std::uint32_t end = std::uint32_t{instruction.ybuf_offset} + instruction.length;
  if (end > emulator.ybuf_words) return {DeviceError::kYbufRange, end};
  if (instruction.y_offset % arch::kMemoryAlignment != 0) return {DeviceError::kMisaligned, instruction.y_offset};
  return {};
}

Cycles YStore::store(Command& command, Cycles begin) {
  const program::Instruction& instruction = command.instruction;
  command.fault = check(instruction);
  if (command.fault) return begin + 1;
  const std::uint32_t beat_bytes = control_.settings.beat_bytes();
  const std::uint64_t stride = std::uint64_t{instruction.stride} * arch::kMemoryAlignment;
  const std::uint64_t bytes = std::uint64_t{4} * instruction.length;
  row_.resize(std::max<std::size_t>(row_.size(), instruction.length));
  Cycles next = begin + rtl::kYStoreStart + rtl::kRowToBus;  // cycle in which the next beat can be on the bus
  Cycles answered = next;
  answered_.assign(std::max(1U, control_.settings.emulator.max_outstanding), 0);
  std::size_t burst = 0;
  for (std::uint32_t vector = 0; vector < command.run->num_vectors; ++vector) {
    const Cycles rows_read =
        sum_banks(instruction.engine_mask,
                  4 * (std::uint64_t{vector} * control_.settings.emulator.ybuf_words + instruction.ybuf_offset),
                  instruction.length, next - rtl::kRowToBus);
    // Rows that wait for the port of a bank make the whole vector late.
    next = std::max(next, rows_read + rtl::kRowToBus + 1 - static_cast<Cycles>((bytes + beat_bytes - 1) / beat_bytes));
    const std::uint64_t address = command.run->y_base + instruction.y_offset + vector * stride;
    for (std::uint64_t offset = 0; offset < bytes;) {
      const std::uint64_t begin_byte = address + offset;
      const std::uint64_t most =
          std::min<std::uint64_t>(kPageBytes - begin_byte % kPageBytes, std::uint64_t{kMostBeats} * beat_bytes);
      const auto count = static_cast<std::uint32_t>(std::min(bytes - offset, most));
      next = std::max(next, answered_[burst] + rtl::kAnswerToData);
      const Cycles last = next + (count + beat_bytes - 1) / beat_bytes - 1;
      payload_.set_command(tlm::TLM_WRITE_COMMAND);
      payload_.set_address(begin_byte);
      payload_.set_data_ptr(reinterpret_cast<unsigned char*>(row_.data()) + offset);
      payload_.set_data_length(count);
      payload_.set_streaming_width(count);
      payload_.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
      const Cycles now = control_.clock.now();
      sc_core::sc_time delay = control_.clock.span(std::max(last, now) - now);
      memory->b_transport(payload_, delay);
      command.fault = fault_of(payload_);
      if (command.fault) return last;
      answered = control_.clock.now() + control_.clock.count(delay);
      answered_[burst] = answered;
      burst = burst + 1 == answered_.size() ? 0 : burst + 1;
      next = last + 1;
      offset += count;
    }
    control_.counters.y_bytes_written += bytes;
  }
  command.memory_stall = answered - (next - 1) + rtl::kYStoreFinish;
  return answered + rtl::kYStoreFinish;
}

Cycles YStore::sum_banks(std::uint32_t mask, std::uint64_t address, std::uint32_t words, Cycles first) {
  const Cycles now = control_.clock.now();
  Cycles last = first;
  std::fill_n(row_.begin(), words, 0U);
  bank_.resize(std::max<std::size_t>(bank_.size(), words));
  for (std::uint32_t engine = 0; engine < control_.settings.emulator.num_engines; ++engine) {
    if ((mask >> engine & 1U) == 0) continue;
    payload_.set_command(tlm::TLM_READ_COMMAND);
    payload_.set_address(address);
    payload_.set_data_ptr(reinterpret_cast<unsigned char*>(bank_.data()));
    payload_.set_data_length(4 * words);
    payload_.set_streaming_width(4 * words);
    payload_.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
    sc_core::sc_time delay = control_.clock.span(first - now);
    ybuf[engine]->b_transport(payload_, delay);
    last = std::max(last, now + control_.clock.count(delay));
    if (!payload_.is_response_ok()) SC_REPORT_FATAL(name(), "an engine refused words of YBUF that it should have");
    for (std::uint32_t word = 0; word < words; ++word) row_[word] += bank_[word];
  }
  return last;
}

}  // namespace xw::systemc
