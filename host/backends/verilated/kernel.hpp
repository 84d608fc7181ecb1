// A Verilated kernel with memory on its ports: the clock, the register window, waveforms.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

#include "arch/description/description.hpp"
#include "host/backends/verilated/memory_port.hpp"
#include "host/backends/verilated/model.hpp"
#include "host/backends/verilated/options.hpp"
#include "host/device/device_memory.hpp"

namespace xw::verilated {

/// Waveforms of the cycles [from, to) of a session. The file is written under a temporary name and renamed when the
/// window or the session ends.
class Trace {
 public:
  Trace(Model& model, const Options& options);
  ~Trace();
  Trace(const Trace&) = delete;
  Trace& operator=(const Trace&) = delete;
  [[nodiscard]] bool wanted(std::uint64_t cycle) const { return cycle >= from_ && cycle < to_; }
  void dump(std::uint64_t cycle, unsigned phase);
  /// No more cycles: throws Error{kIo} if the file cannot be renamed.
  void finish();

 private:
  Model& model_;
  std::filesystem::path file_, temporary_;
  std::uint64_t from_ = 0, to_ = 0;
  bool open_ = false;
};

/// Throws Error{kInternal} when the kernel breaks a rule of AXI.
class Kernel {
 public:
  Kernel(const ModelEntry& entry, const arch::EmulatorDescription& emulator, const Options& options,
         const device::DeviceMemory& memory);
  Kernel(const Kernel&) = delete;
  Kernel& operator=(const Kernel&) = delete;

  /// Cycles of reset that every platform gives.
  static constexpr unsigned kResetCycles = 16;
  /// Holds reset for so many cycles (at least 4); whatever was under way, in memory too, is gone.
  void reset(unsigned reset_cycles = kResetCycles);
  /// One clock cycle.
  void cycle();
  [[nodiscard]] std::uint64_t cycles() const { return cycles_; }
  [[nodiscard]] bool interrupt() const { return (*pins_.interrupt & 1U) != 0; }
  /// Requests, beats and responses that moved so far; does not change while the kernel is quiet.
  [[nodiscard]] std::uint64_t transfers() const;

  /// Some request has not been answered in full.
  [[nodiscard]] bool transfers_under_way() const;

  /// Throw Error{kDeviceTimeout} when the register window does not answer.
  void write_register(std::uint32_t offset, std::uint32_t value);
  [[nodiscard]] std::uint32_t read_register(std::uint32_t offset);

  void set_faults(const MemoryFaults& faults) { faults_ = faults; }

 private:
  void drive();
  /// All inputs of the cycle and the falling edge: gates of the kernel look at them there.
  void settle();
  void clock_ports();
  void clock_engines(std::uint8_t requests, std::uint8_t ready);
  [[nodiscard]] BurstRequest engine_request(std::uint32_t engine) const;
  /// Clocks until `ready` is high in a cycle; then one more edge has passed.
  void handshake(const std::uint8_t* ready, const char* what);

  std::unique_ptr<Model> model_;
  const Pins& pins_;
  MemoryFaults faults_;
  std::uint32_t beat_bytes_, num_engines_;
  ReadPort gmem_read_;
  WritePort gmem_write_;
  std::vector<ReadPort> engines_;
  std::uint8_t moving_ = 0;   ///< bit e: engine port e has something under way
  std::uint8_t changed_ = 0;  ///< bit e: outputs of engine port e are not on the pins yet
  bool gmem_read_changed_ = true, gmem_write_changed_ = true;
  std::unique_ptr<Trace> trace_;
  std::uint64_t cycles_ = 0;
};

}  // namespace xw::verilated
