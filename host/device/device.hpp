// The device interface: the smallest that a simulator and an FPGA can both serve.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "arch/description/description.hpp"
#include "arch/generated/xw_arch.hpp"

namespace xw::systemc {
struct ChipUse;  // systemc/chip/chip_use.hpp
}

namespace xw::device {

using Address = std::uint64_t;

/// Which AXI master of the device will read or write a buffer (an FPGA places it in that port's memory bank).
struct MemoryPort {
  int engine = -1;  ///< -1: the port of program, x, y, completion record
};

struct DeviceInfo {
  std::string name;  ///< "functional", "verilated", ...
  arch::EmulatorDescription emulator;
  std::array<std::uint8_t, 16> contract_hash{};
  bool cycle_accurate = false;  ///< cycle counters of RunStats are meaningful
  bool chip_time = false;       ///< RunStats::chip_ns is meaningful
  bool values = true;           ///< false: only time passes, Y holds what was there
};

/// Kernel arguments of one run (arch [[argument]]).
struct RunArguments {
  Address program_base = 0;
  std::uint32_t entry = 0;
  std::uint32_t num_vectors = 0;
  Address x_base = 0, y_base = 0, completion_base = 0;
  std::uint32_t vector_base = 0;
  std::uint32_t chip_seed = 0;
  std::uint32_t watchdog_cycles = 0;
  std::array<Address, arch::kMaxEngines> image_base{};
};

/// The completion record, decoded (arch record completion), and the time of the chip. Event counters are identical on every device.
struct RunStats {
  std::uint32_t status = 0, error_unit = 0, error_instruction = 0;
  std::uint64_t error_detail = 0;
  std::uint64_t total_cycles = 0, instructions = 0, mvms = 0, macs = 0;
  std::uint64_t dac_conversions = 0, adc_conversions = 0, adc_saturations = 0;
  std::uint64_t program_bytes_read = 0, x_bytes_read = 0, y_bytes_written = 0;
  std::array<std::uint64_t, arch::kMaxEngines> block_bytes_read{};
  std::array<std::uint64_t, arch::kNumUnits> busy_cycles{}, semaphore_stall_cycles{}, memory_stall_cycles{};
  /// Nanoseconds of the analog chip, rounded up; not in the record. 0 on devices that have no chip_time.
  std::uint64_t chip_ns = 0;
  friend bool operator==(const RunStats&, const RunStats&) = default;
};
/// Adds event counters, cycles and nanoseconds (not status and error fields).
RunStats& operator+=(RunStats& sum, const RunStats& run);
[[nodiscard]] std::vector<std::byte> encode_completion(const RunStats& stats, const RunArguments& arguments,
                                                       const std::array<std::uint8_t, 16>& hash);
/// Throws Error{kDeviceFault} if the record is not one.
[[nodiscard]] RunStats decode_completion(std::span<const std::byte> record);

/// Not thread safe: one user at a time. Destruction stops the device and releases its memory, and never throws.
class Device {
 public:
  virtual ~Device() = default;
  [[nodiscard]] virtual const DeviceInfo& info() const = 0;
  /// Allocates device memory, 4096-byte aligned, zeroed. Throws Error{kCapacity} with what is free.
  [[nodiscard]] virtual Address allocate(std::uint64_t bytes, MemoryPort port) = 0;
  virtual void free(Address address) = 0;
  /// Throw Error{kInvalidArgument} outside allocated memory.
  virtual void write(Address destination, std::span<const std::byte> source) = 0;
  virtual void read(Address source, std::span<std::byte> destination) = 0;
  /// Host view of device memory for building data in place; empty when the device has none. After changing memory
  /// through a view call `written()`.
  [[nodiscard]] virtual std::span<std::byte> host_view(Address address, std::uint64_t bytes) = 0;
  virtual void written(Address address, std::uint64_t bytes) = 0;
  /// Runs one call to its end. Returns the completion record; throws Error{kDeviceFault} (error name, unit, instruction,
  /// detail in the message) when status is not 0, Error{kDeviceTimeout} when the device does not answer.
  /// The device is usable again after a failed run.
  virtual RunStats run(const RunArguments& arguments) = 0;
  /// What good runs so far took on the analog chip, by entry; null on devices without DeviceInfo::chip_time.
  [[nodiscard]] virtual const std::map<std::uint32_t, systemc::ChipUse>* chip_use() const { return nullptr; }
};

/// Text of a failed run: "image_header_crc in block_load[1] at instruction 17 (detail 0x40): Block image header CRC is wrong."
[[nodiscard]] std::string describe_failure(const RunStats& stats);

}  // namespace xw::device
