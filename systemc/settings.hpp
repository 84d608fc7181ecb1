// What an accelerator is and what one run has in common.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

#include "arch/description/description.hpp"
#include "arch/generated/xw_arch.hpp"

namespace xw::systemc {

/// May change between runs: SystemC forbids new modules after the start of simulation, not new parameters.
struct Settings {
  arch::EmulatorDescription emulator;
  bool values = true;  ///< false: only time; cells and vectors are neither read nor multiplied

  [[nodiscard]] std::uint32_t beat_bytes() const { return emulator.data_width_bits / 8; }
};

/// The kernel arguments of a run (arch [[argument]]).
struct RunArguments {
  std::uint64_t program_base = 0;
  std::uint32_t entry = 0, num_vectors = 0;
  std::uint64_t x_base = 0, y_base = 0, completion_base = 0;
  std::uint32_t vector_base = 0, chip_seed = 0, watchdog_cycles = 0;
  std::array<std::uint64_t, arch::kMaxEngines> image_base{};
};

/// Why something failed, as the completion record says it.
struct Fault {
  arch::DeviceError code = arch::DeviceError::kOk;
  std::uint64_t detail = 0;
  [[nodiscard]] explicit operator bool() const { return code != arch::DeviceError::kOk; }
};

/// Counters of a run, as the completion record has them; arrays by unit id.
struct Counters {
  std::uint64_t instructions = 0, mvms = 0, macs = 0;
  std::uint64_t dac_conversions = 0, adc_conversions = 0, adc_saturations = 0;
  std::uint64_t program_bytes_read = 0, x_bytes_read = 0, y_bytes_written = 0;
  std::array<std::uint64_t, arch::kMaxEngines> block_bytes_read{};
  std::array<std::uint64_t, arch::kNumUnits> busy_cycles{}, semaphore_stall_cycles{}, memory_stall_cycles{};
};

}  // namespace xw::systemc
