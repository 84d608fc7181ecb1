// The simulation of this process. Private to host/backends/systemc.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tlm_utils/simple_initiator_socket.h>
#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <systemc>
#include <tlm>

#include "host/backends/systemc/chip_simulation.hpp"
#include "host/backends/systemc/chip_target.hpp"
#include "host/device/device.hpp"
#include "systemc/accelerator.hpp"
#include "systemc/chip/chip.hpp"
#include "systemc/chip/chip_accelerator.hpp"
#include "systemc/memory.hpp"

namespace xw::systemc {

/// The profiles of the model that execute programs.
enum class Profile : std::uint8_t { kEmulator, kChip };

/// An accelerator with its memory and the host's side of its registers.
class Slot final : public sc_core::sc_module {
 private:
  std::unique_ptr<Accelerator> emulator_;

 public:
  Slot(const sc_core::sc_module_name& name, Profile profile);

  tlm_utils::simple_initiator_socket<Slot> host{"host"};
  const std::unique_ptr<ChipAccelerator> chip;  ///< null in the emulator profile
  Accelerator& accelerator;
  Memory memory;

  [[nodiscard]] std::uint32_t read_register(std::uint32_t offset);
  void write_register(std::uint32_t offset, std::uint32_t value);

  bool in_use = false;
  bool done = false;

 private:
  /// What was read, or `value`.
  std::uint32_t access_register(tlm::tlm_command command, std::uint32_t offset, std::uint32_t value);
  void note_done();
};

/// A chip without programs, borrowed by one simulation after another.
class ChipSlot final : public sc_core::sc_module {
 public:
  explicit ChipSlot(const sc_core::sc_module_name& name);
  Chip chip{"chip"};
  bool done = false;

 private:
  void note_done();
};

/// SystemC has one simulation per process, no modules after its start, and no threads of the host. The modules of all
/// devices that a process can have open are made before the start; devices borrow them.
class Kernel {
 public:
  static constexpr std::size_t kNumSlots = 8;      ///< of the emulator profile
  static constexpr std::size_t kNumChipSlots = 4;  ///< of the chip profile

  /// Starts the simulation the first time. Throws Error{kDeviceFault} if the process started another one before.
  [[nodiscard]] static Kernel& instance();
  /// `chip`: null for the emulator profile. Throws Error{kCapacity} if none is left, and what ChipAccelerator::configure
  /// throws.
  [[nodiscard]] Slot& acquire(const Settings& settings, Storage& storage, const ChipTarget* chip);
  void release(Slot& slot);
  /// Sets the kernel arguments, starts, simulates until done. Throws Error{kDeviceTimeout} if nothing moves any more.
  void run(Slot& slot, const device::RunArguments& arguments);
  /// Likewise for the chip.
  [[nodiscard]] ChipResult run_chip(const ChipPlan& plan, const arch::ChipDescription& chip,
                                    const ChipWorkload& workload, const ChipSimulationOptions& options);

 private:
  Kernel();
  std::mutex mutex_;
  std::array<std::unique_ptr<Slot>, kNumSlots + kNumChipSlots> slots_;
  std::unique_ptr<ChipSlot> chip_;
};

}  // namespace xw::systemc
