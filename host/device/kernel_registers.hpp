// The kernel's registers as a host uses them, for every device that has them.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "arch/generated/xw_arch.hpp"
#include "host/device/device.hpp"

namespace xw::device {

/// Writes the kernel arguments (arch [[argument]]) through `write(offset, value)`, 32 bits each, low words first.
template <typename Write>
void write_arguments(const RunArguments& arguments, Write&& write) {
  const auto write_wide = [&](std::uint32_t offset, std::uint64_t value) {
    write(offset, static_cast<std::uint32_t>(value));
    write(offset + 4, static_cast<std::uint32_t>(value >> 32U));
  };
  write_wide(arch::kArgProgramBase, arguments.program_base);
  write(arch::kArgEntry, arguments.entry);
  write(arch::kArgNumVectors, arguments.num_vectors);
  write_wide(arch::kArgXBase, arguments.x_base);
  write_wide(arch::kArgYBase, arguments.y_base);
  write_wide(arch::kArgCompletionBase, arguments.completion_base);
  write(arch::kArgVectorBase, arguments.vector_base);
  write(arch::kArgChipSeed, arguments.chip_seed);
  write(arch::kArgWatchdogCycles, arguments.watchdog_cycles);
  for (std::uint32_t engine = 0; engine < arch::kArgImageBaseCount; ++engine) {
    write_wide(arch::kArgImageBase + 8 * engine, arguments.image_base[engine]);
  }
}

/// Status and place of the last run's error through `read(offset)`; the counters stay 0.
template <typename Read>
[[nodiscard]] RunStats read_error(Read&& read) {
  RunStats stats;
  stats.status = read(arch::kRegErrorCode);
  stats.error_unit = read(arch::kRegErrorUnit);
  stats.error_instruction = read(arch::kRegErrorInstruction);
  stats.error_detail = read(arch::kRegErrorDetail);
  stats.error_detail |= std::uint64_t{read(arch::kRegErrorDetail + 4)} << 32U;
  return stats;
}

}  // namespace xw::device
