// Running a saved run again.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/replay.hpp"

#include <chrono>
#include <cstddef>
#include <memory>
#include <nlohmann/json.hpp>
#include <vector>

#include "arch/support/checksum.hpp"
#include "arch/support/parallel.hpp"
#include "host/backends/registry/devices.hpp"
#include "host/report/device_activity.hpp"

namespace xw::toolchain {
namespace {

/// CRC-32 from where Y began to the end of its segment.
std::uint32_t y_crc(device::Device& device, const device::RunCapture& capture, const device::RunArguments& arguments) {
  for (const device::RunCapture::Segment& segment : capture.segments) {
    const device::Address y = capture.arguments.y_base;
    if (y < segment.address || y - segment.address >= segment.bytes) continue;
    std::vector<std::byte> bytes(static_cast<std::size_t>(segment.bytes - (y - segment.address)));
    device.read(arguments.y_base, bytes);
    return crc32(bytes);
  }
  return 0;
}

}  // namespace

ReplayResult replay(const std::filesystem::path& file, const std::string& uri, ThreadPool& pool,
                    const ReplayOptions& options) {
  const device::RunCapture capture = device::load_capture(file, options.most_zero_bytes);
  const std::unique_ptr<device::Device> device = registry::open(uri, {capture.emulator, pool, options.on_cycles});
  const device::RunArguments placed = device::place_capture(capture, *device);
  ReplayResult result;
  result.saved_on = capture.device;
  result.saved_failure = capture.failure;
  result.device = device->info();
  const auto start = std::chrono::steady_clock::now();
  try {
    result.stats = device->run(placed);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kDeviceFault && error.code() != ErrorCode::kDeviceTimeout) throw;
    result.failure = error;
  }
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (!result.failure) result.y_crc32 = y_crc(*device, capture, placed);
  return result;
}

nlohmann::ordered_json replay_json(const ReplayResult& result, const std::filesystem::path& file) {
  nlohmann::ordered_json json = {{"file", file.string()},
                                 {"saved_on", result.saved_on},
                                 {"saved_failure", result.saved_failure},
                                 {"device", result.device.name},
                                 {"failure", result.failure ? result.failure->what() : ""},
                                 {"seconds", result.seconds}};
  if (result.failure) return json;
  json["y_crc32"] = crc32_text(result.y_crc32);
  json["instructions"] = result.stats.instructions;
  json["macs"] = result.stats.macs;
  json["cycles"] = result.stats.total_cycles;
  if (result.device.chip_time) json["chip_ns"] = result.stats.chip_ns;
  if (result.device.cycle_accurate)
    json["activity"] = report::to_json(report::activity(result.stats, result.device.emulator, result.seconds));
  return json;
}

}  // namespace xw::toolchain
