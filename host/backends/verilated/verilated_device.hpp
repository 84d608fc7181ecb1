// The Verilated device: the RTL of the accelerator, cycle by cycle, with memory on its ports.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>

#include "arch/description/description.hpp"
#include "host/backends/verilated/memory_port.hpp"
#include "host/backends/verilated/model.hpp"
#include "host/backends/verilated/options.hpp"
#include "host/device/host_memory_device.hpp"

namespace xw::verilated {

/// Runs programs on a Verilated kernel of the emulator's shape. Counters and cycles are the kernel's own; the same
/// program takes the same number of cycles on every run after reset unless back-pressure is random, and then for the
/// same seed. A failed or interrupted run leaves the device usable.
class VerilatedDevice final : public device::HostMemoryDevice {
 public:
  /// Throws Error{kUnsupported} listing what was built if no model has the emulator's shape, or if it has no waveforms
  /// and `options` wants some.
  VerilatedDevice(const arch::EmulatorDescription& emulator, const Options& options,
                  std::span<const ModelEntry> models = built_models());
  ~VerilatedDevice() override;

  device::RunStats run(const device::RunArguments& arguments) override;

  /// Memory faults from now on.
  void inject(const MemoryFaults& faults);
  /// Holds the kernel's reset for so many cycles, at least 4; for tests.
  void reset(unsigned reset_cycles);
  /// Clock cycles of the session, register accesses included.
  [[nodiscard]] std::uint64_t cycles() const;
  /// A register of the kernel; for tests.
  [[nodiscard]] std::uint32_t read_register(std::uint32_t offset);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace xw::verilated
