// The SystemC device: executes programs in one of the two profiles of the TLM-2.0 model. `emulator` counts the RTL's
// cycles, `chip` the time and energy of the analog chip.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>

#include "arch/description/description.hpp"
#include "host/backends/systemc/chip_target.hpp"
#include "host/device/host_memory_device.hpp"
#include "systemc/chip/chip_use.hpp"

namespace xw::systemc {

struct SystemcOptions {
  /// Also move and multiply values; false: only time. Y is undefined then and no conversion saturates.
  bool values = true;
  /// The chip of the `chip` profile; null: the `emulator` profile. With a chip, RunStats::chip_ns of a run are its nanoseconds
  /// (docs/systemc.md) and no cycles pass.
  std::shared_ptr<const ChipTarget> chip = nullptr;
};

/// Every device is one of a fixed number of accelerators in the one simulation that SystemC allows per process
/// (docs/adr/0005-one-systemc-kernel.md). Runs of several devices take turns; they may come from different threads.
class SystemcDevice final : public device::HostMemoryDevice {
 public:
  /// Throws Error{kInvalidArgument} for an emulator beyond the limits of the contract or a chip without constants,
  /// Error{kCapacity} if too many devices are open or the chip has too few tiles, Error{kDeviceFault} if the process has
  /// started a simulation of its own before.
  SystemcDevice(const arch::EmulatorDescription& emulator, const SystemcOptions& options);
  explicit SystemcDevice(const arch::EmulatorDescription& emulator) : SystemcDevice(emulator, SystemcOptions{}) {}
  ~SystemcDevice() override;

  /// Also throws Error{kCapacity} if an image names a tile that the chip does not have.
  device::RunStats run(const device::RunArguments& arguments) override;

  /// Null in the emulator profile.
  [[nodiscard]] const std::map<std::uint32_t, ChipUse>* chip_use() const override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace xw::systemc
