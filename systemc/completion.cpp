// The completion record.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "systemc/completion.hpp"

#include <cstring>

namespace xw::systemc {

std::vector<std::byte> encode_completion(const RunControl& control, Cycles total_cycles) {
  std::vector<std::byte> record(arch::kCompletionBytes);
  const auto put = [&](std::uint32_t offset, const auto& value) {
    std::memcpy(record.data() + offset, &value, sizeof value);
  };
  const RunFault fault = control.fault.value_or(RunFault{});
  const Counters& counters = control.counters;
  put(arch::kCompletionMagicOffset, arch::kCompletionMagic);
  put(arch::kCompletionStatusOffset, static_cast<std::uint32_t>(fault.fault.code));
  put(arch::kCompletionErrorUnitOffset, fault.unit);
  put(arch::kCompletionErrorInstructionOffset, fault.instruction);
  put(arch::kCompletionErrorDetailOffset, fault.fault.detail);
  put(arch::kCompletionEntryOffset, control.arguments.entry);
  put(arch::kCompletionNumVectorsOffset, control.arguments.num_vectors);
  put(arch::kCompletionTotalCyclesOffset, total_cycles);
  put(arch::kCompletionInstructionsOffset, counters.instructions);
  put(arch::kCompletionMvmsOffset, counters.mvms);
  put(arch::kCompletionMacsOffset, counters.macs);
  put(arch::kCompletionDacConversionsOffset, counters.dac_conversions);
  put(arch::kCompletionAdcConversionsOffset, counters.adc_conversions);
  put(arch::kCompletionAdcSaturationsOffset, counters.adc_saturations);
  put(arch::kCompletionProgramBytesReadOffset, counters.program_bytes_read);
  put(arch::kCompletionXBytesReadOffset, counters.x_bytes_read);
  put(arch::kCompletionYBytesWrittenOffset, counters.y_bytes_written);
  put(arch::kCompletionContractHashOffset, arch::kContractHash);
  put(arch::kCompletionBlockBytesReadOffset, counters.block_bytes_read);
  put(arch::kCompletionBusyCyclesOffset, counters.busy_cycles);
  put(arch::kCompletionSemaphoreStallCyclesOffset, counters.semaphore_stall_cycles);
  put(arch::kCompletionMemoryStallCyclesOffset, counters.memory_stall_cycles);
  return record;
}

}  // namespace xw::systemc
