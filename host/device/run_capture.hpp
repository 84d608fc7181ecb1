// A run in a file: arguments and memory, so that any device can run it again.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "arch/description/description.hpp"
#include "host/device/device.hpp"
#include "host/device/device_memory.hpp"

namespace xw {
class MappedFile;
}

namespace xw::device {

/// A run as it was saved. Bytes that a failed run has changed are as it left them (Y, the completion record).
struct RunCapture {
  struct Segment {
    Address address = 0;
    std::uint64_t bytes = 0;
    std::span<const std::byte> data;  ///< the rest is zero
  };
  std::string device;   ///< where it ran
  std::string failure;  ///< how it ended
  arch::EmulatorDescription emulator;
  RunArguments arguments;
  std::vector<Segment> segments;  ///< allocations
  std::shared_ptr<const MappedFile> file;
};

/// Saves a run with all of `memory`. The file appears whole or not at all.
void save_capture(const std::filesystem::path& path, const DeviceInfo& info, const RunArguments& arguments,
                  const std::string& failure, const DeviceMemory& memory);
/// Memory that a capture may ask for beyond what its file holds (zeros are not stored), unless told otherwise.
inline constexpr std::uint64_t kCaptureZeroBytes = std::uint64_t{256} << 20U;

/// Throws Error{kFileNotFound | kIo | kFormat | kContractMismatch}, Error{kCapacity} if the segments have more than
/// `most_zero_bytes` beyond what the file holds.
[[nodiscard]] RunCapture load_capture(const std::filesystem::path& path,
                                      std::uint64_t most_zero_bytes = kCaptureZeroBytes);
/// The same from bytes that outlive the result.
[[nodiscard]] RunCapture parse_capture(std::span<const std::byte> bytes, const std::string& origin,
                                       std::uint64_t most_zero_bytes = kCaptureZeroBytes);

/// Allocates and fills the segments on a device. Returns the arguments with every address moved to where its segment
/// now stands; addresses without memory stay as they were.
[[nodiscard]] RunArguments place_capture(const RunCapture& capture, Device& device);

}  // namespace xw::device
