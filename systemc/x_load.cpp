// X load: device memory to the XBUF of all engines.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "systemc/x_load.hpp"

#include <algorithm>

#include "systemc/rtl_timing.hpp"

namespace xw::systemc {

using arch::DeviceError;

XLoad::XLoad(const sc_core::sc_module_name& name, std::uint32_t num_engines, RunControl& control)
    : sc_core::sc_module(name), xbuf("xbuf", num_engines), control_(control), reader_(control, rtl::kReadMux) {
  commands.register_b_transport(this, &XLoad::b_transport);
}

void XLoad::b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
  Command* command = command_of(payload);
  if (command == nullptr) return;
  const Cycles now = control_.clock.now();
  delay = control_.clock.span(load(*command, now + control_.clock.count(delay)) - now);
  answer(payload, *command);
}

Fault XLoad::check(const program::Instruction& instruction) const {
  if (instruction.length == 0) return {DeviceError::kBadLength, 0};
  const std::uint32_t end = std::uint32_t{instruction.xbuf_offset} + instruction.length;
  if (end > control_.settings.emulator.xbuf_bytes) return {DeviceError::kXbufRange, end};
  if (instruction.x_offset % arch::kMemoryAlignment != 0) return {DeviceError::kMisaligned, instruction.x_offset};
  return {};
}

Cycles XLoad::load(Command& command, Cycles begin) {
  const program::Instruction& instruction = command.instruction;
  command.fault = check(instruction);
  if (command.fault) return begin + 1;
  const std::uint32_t lanes = control_.settings.emulator.lanes;
  // A vector that XBUF has in more beats than memory ends with a write of its own.
  const std::uint32_t turned = (instruction.xbuf_offset % lanes + instruction.length + lanes - 1) / lanes -
                               (instruction.length + lanes - 1) / lanes;
  const std::uint64_t stride = std::uint64_t{instruction.stride} * arch::kMemoryAlignment;
  row_.resize(std::max<std::size_t>(row_.size(), instruction.length));
  Cycles next = begin + rtl::kXLoadStart;  // cycle in which the next beat can be taken
  for (std::uint32_t vector = 0; vector < command.run->num_vectors; ++vector) {
    const auto consume = [&](const Burst& burst) {
      const Cycles last = std::max(std::max(next, burst.first) + burst.beats - 1, burst.last);
      command.memory_stall += last + 1 - next - burst.beats;
      next = last + 1;
      return last;
    };
    const std::uint64_t address = command.run->x_base + instruction.x_offset + vector * stride;
    command.fault = reader_.read(*memory.operator->(), begin + rtl::kXLoadStart, address, row_.data(),
                                 instruction.length, control_.settings.values ? instruction.length : 0, consume);
    if (command.fault) return next;
    next += turned;
    control_.counters.x_bytes_read += instruction.length;
    if (control_.settings.values) {
      broadcast(std::uint64_t{vector} * control_.settings.emulator.xbuf_bytes + instruction.xbuf_offset,
                instruction.length);
    }
  }
  control_.inputs.load(instruction.xbuf_offset, instruction.length, instruction.x_offset);
  return next - 1 + rtl::kXLoadFinish;
}

void XLoad::broadcast(std::uint64_t address, std::uint32_t bytes) {
  for (std::uint32_t engine = 0; engine < control_.settings.emulator.num_engines; ++engine) {
    payload_.set_command(tlm::TLM_WRITE_COMMAND);
    payload_.set_address(address);
    payload_.set_data_ptr(reinterpret_cast<unsigned char*>(row_.data()));
    payload_.set_data_length(bytes);
    payload_.set_streaming_width(bytes);
    payload_.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
    sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
    xbuf[engine]->b_transport(payload_, delay);
    if (!payload_.is_response_ok()) SC_REPORT_FATAL(name(), "an engine refused bytes of XBUF that it should have");
  }
}

}  // namespace xw::systemc
