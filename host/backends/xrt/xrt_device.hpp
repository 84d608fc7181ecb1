// The device for Alveo cards, and for their emulation, through XRT's native API.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "arch/description/description.hpp"
#include "host/backends/xrt/options.hpp"
#include "host/device/card_state.hpp"
#include "host/device/device.hpp"

namespace xw::xrt_device {

/// Runs programs on the kernel of a card. Buffers stand in the memory of the port that reads them. Counters are the
/// kernel's own. After a run that did not end (Error{kDeviceTimeout}, an interrupt) the device takes no other run: the
/// card has to be opened again.
class XrtDevice final : public device::Device {
 public:
  /// Loads the xclbin and asks the kernel what it is. Throws what Card throws, Error{kContractMismatch} if its contract
  /// hash is another one, Error{kUnsupported} if its shape is not that of `emulator`.
  XrtDevice(const arch::EmulatorDescription& emulator, const Options& options);
  ~XrtDevice() override;

  [[nodiscard]] const device::DeviceInfo& info() const override;
  [[nodiscard]] device::Address allocate(std::uint64_t bytes, device::MemoryPort port) override;
  void free(device::Address address) override;
  void write(device::Address destination, std::span<const std::byte> source) override;
  void read(device::Address source, std::span<std::byte> destination) override;
  [[nodiscard]] std::span<std::byte> host_view(device::Address address, std::uint64_t bytes) override;
  void written(device::Address address, std::uint64_t bytes) override;
  /// Of the card.
  [[nodiscard]] device::CardState card_state() const;
  device::RunStats run(const device::RunArguments& arguments) override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace xw::xrt_device
