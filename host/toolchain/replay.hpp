// Running a saved run again, on any device.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "arch/support/error.hpp"
#include "host/device/device.hpp"
#include "host/device/run_capture.hpp"

namespace xw {
class ThreadPool;
}

namespace xw::toolchain {

struct ReplayResult {
  std::string saved_on, saved_failure;  ///< device and end of the saved run
  device::DeviceInfo device;            ///< that ran it now
  std::optional<Error> failure;         ///< how it ended there; what follows is for good runs only
  device::RunStats stats;
  std::uint32_t y_crc32 = 0;  ///< CRC-32 of what stands at Y, so that devices can be compared
  double seconds = 0;         ///< measured, inside the device
};

struct ReplayOptions {
  std::uint64_t most_zero_bytes = device::kCaptureZeroBytes;  ///< memory beyond what the file holds
  std::function<void(std::uint64_t passed)> on_cycles;        ///< of devices with cycles, as they pass; may be empty
};

/// Loads a saved run and runs it on the device of a URI (host/backends/registry). Faults and time-outs of the device are
/// results. Throws what device::load_capture and registry::open throw.
[[nodiscard]] ReplayResult replay(const std::filesystem::path& file, const std::string& uri, ThreadPool& pool,
                                  const ReplayOptions& options = {});

/// Texts need not be UTF-8: write it with json_text().
[[nodiscard]] nlohmann::ordered_json replay_json(const ReplayResult& result, const std::filesystem::path& file);

}  // namespace xw::toolchain
