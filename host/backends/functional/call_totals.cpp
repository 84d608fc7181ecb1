// Event counters of a call: sums over its instructions, as the contract defines them.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/backends/functional/call_totals.hpp"

namespace xw::functional {

CallTotals sum_events(std::span<const program::Instruction> instructions) {
  CallTotals totals;
  for (const program::Instruction& instruction : instructions) {
    switch (instruction.opcode) {
      case program::Opcode::kLoadX:
        totals.x_bytes += instruction.length;
        break;
      case program::Opcode::kLoadBlock:
        totals.block_bytes[instruction.engine] += std::uint64_t{instruction.image_length} * arch::kMemoryAlignment;
        break;
      case program::Opcode::kMvm:
        totals.mvms += 1;
        totals.macs += std::uint64_t{instruction.rows} * instruction.cols;
        totals.dac_conversions += instruction.rows;
        totals.adc_conversions += instruction.cols;
        break;
      case program::Opcode::kStoreY:
        totals.y_bytes += 4 * std::uint64_t{instruction.length};
        break;
      default:
        break;
    }
  }
  return totals;
}

void count_events(const CallTotals& totals, std::uint32_t num_vectors, device::RunStats& stats) {
  stats.mvms = totals.mvms * num_vectors;
  stats.macs = totals.macs * num_vectors;
  stats.dac_conversions = totals.dac_conversions * num_vectors;
  stats.adc_conversions = totals.adc_conversions * num_vectors;
  stats.x_bytes_read = totals.x_bytes * num_vectors;
  stats.y_bytes_written = totals.y_bytes * num_vectors;
  stats.block_bytes_read = totals.block_bytes;
}

}  // namespace xw::functional
