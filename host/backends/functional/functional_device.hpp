// The functional device: what every device computes, as fast as this host can, without time.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "arch/description/description.hpp"
#include "host/backends/functional/study.hpp"
#include "host/device/host_memory_device.hpp"

namespace xw {
class ThreadPool;
}

namespace xw::functional {

/// Executes programs from device memory in program order (compiler/program/check.hpp proves that any order the
/// hardware takes gives the same result). Cycle counters are 0; event counters are exact. Block images are used in
/// place: checked once, and again after the memory they stand in was written. Which error wins, and what its detail is:
/// docs/devices.md. Results do not depend on the number of threads of `pool`, which must outlive the device.
class FunctionalDevice final : public device::HostMemoryDevice {
 public:
  /// `study`: for words that no other device gives; info().name tells it.
  /// Throws Error{kInvalidArgument} for an emulator beyond the limits of the contract.
  FunctionalDevice(const arch::EmulatorDescription& emulator, ThreadPool& pool, const Study& study = {});
  ~FunctionalDevice() override;

  device::RunStats run(const device::RunArguments& arguments) override;
  /// Counters, status and place of the error of the last run, also of one that failed; for front ends with registers.
  [[nodiscard]] const device::RunStats& last_run() const { return last_run_; }

 private:
  void memory_changed(device::Address address, std::uint64_t bytes) override;

  struct Impl;
  std::unique_ptr<Impl> impl_;
  device::RunStats last_run_;
};

}  // namespace xw::functional
