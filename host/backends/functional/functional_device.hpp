// The functional device: what every device computes, as fast as this host can, without time.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "arch/description/description.hpp"
#include "host/device/device.hpp"

namespace xw {
class ThreadPool;
}

namespace xw::functional {

/// Executes programs from device memory in program order (compiler/program/check.hpp proves that any order the
/// hardware takes gives the same result). Cycle counters are 0; event counters are exact. Block images are used in
/// place: checked once, and again after the memory they stand in was written. Which error wins, and what its detail is:
/// docs/devices.md. Results do not depend on the number of threads of `pool`, which must outlive the device.
class FunctionalDevice final : public device::Device {
 public:
  /// Throws Error{kInvalidArgument} for an emulator beyond the limits of the contract.
  FunctionalDevice(const arch::EmulatorDescription& emulator, ThreadPool& pool);
  ~FunctionalDevice() override;

  [[nodiscard]] const device::DeviceInfo& info() const override;
  [[nodiscard]] device::Address allocate(std::uint64_t bytes, device::MemoryPort port) override;
  void free(device::Address address) override;
  void write(device::Address destination, std::span<const std::byte> source) override;
  void read(device::Address source, std::span<std::byte> destination) override;
  [[nodiscard]] std::span<std::byte> host_view(device::Address address, std::uint64_t bytes) override;
  void written(device::Address address, std::uint64_t bytes) override;
  device::RunStats run(const device::RunArguments& arguments) override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace xw::functional
