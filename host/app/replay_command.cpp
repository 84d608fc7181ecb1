// `crossweave replay`: runs a saved run again, on any device.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>

#include "arch/generated/xw_arch.hpp"
#include "arch/support/checksum.hpp"
#include "host/app/options.hpp"
#include "host/backends/registry/devices.hpp"
#include "host/device/run_capture.hpp"
#include "host/report/device_activity.hpp"

namespace xw::app {

namespace {

namespace po = boost::program_options;

/// CRC-32 of what stands at Y, so that devices can be compared.
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

int replay_main(const std::vector<std::string>& arguments) {
  std::filesystem::path file;
  std::string uri = "functional";
  std::filesystem::path json_path;
  unsigned threads = 0;
  po::options_description options("Replay");
  options.add_options()("file", po::value(&file), "saved run")("device", po::value(&uri)->default_value(uri),
                                                               "device that runs it (see `crossweave run --help`)");
  options.add(thread_options(threads)).add(json_options(json_path));
  const auto values = parse_command_line(
      "replay", arguments, options, "file", "FILE [options]",
      "  crossweave run model.xwp --device verilated:save=failed.xwrun -p Hello\n"
      "  crossweave replay failed.xwrun                                        # the same run, functional\n"
      "  crossweave replay failed.xwrun --device verilated:trace=failed.fst\n");
  if (!values) return 0;
  if (file.empty()) throw Error(ErrorCode::kInvalidArgument, "replay: no file given (see `crossweave replay --help`)");
  const device::RunCapture capture = device::load_capture(file);
  ThreadPool pool(threads);
  const std::unique_ptr<device::Device> device = registry::open(uri, {capture.emulator, pool, {}});
  const device::RunArguments placed = device::place_capture(capture, *device);

  device::RunStats stats;
  std::optional<Error> failure;
  const auto start = std::chrono::steady_clock::now();
  try {
    stats = device->run(placed);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kDeviceFault && error.code() != ErrorCode::kDeviceTimeout) throw;
    failure = error;
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  nlohmann::ordered_json json = {{"file", file.string()},
                                 {"saved_on", capture.device},
                                 {"saved_failure", capture.failure},
                                 {"device", device->info().name},
                                 {"failure", failure ? failure->what() : ""},
                                 {"seconds", seconds}};
  if (!failure) {
    json["y_crc32"] = y_crc(*device, capture, placed);
    json["instructions"] = stats.instructions;
    json["macs"] = stats.macs;
    json["cycles"] = stats.total_cycles;
    if (device->info().chip_time) json["chip_ns"] = stats.chip_ns;
    if (device->info().cycle_accurate) {
      json["activity"] = report::to_json(report::activity(stats, capture.emulator, seconds));
    }
  }
  if (!json_path.empty()) {
    write_json(json_path, json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
  }
  if (json_path != "-") {
    std::printf("saved on the %s device: %s\n", capture.device.c_str(), capture.failure.c_str());
    if (!failure) {
      std::printf("%s device: good; %llu instructions, %llu MACs, %llu %s, CRC-32 of Y %08x\n",
                  device->info().name.c_str(), static_cast<unsigned long long>(stats.instructions),
                  static_cast<unsigned long long>(stats.macs),
                  static_cast<unsigned long long>(device->info().chip_time ? stats.chip_ns : stats.total_cycles),
                  device->info().chip_time ? "ns of the chip" : "cycles", json["y_crc32"].get<unsigned>());
    }
  }
  if (failure) throw Error(*failure);
  return 0;
}

}  // namespace xw::app
