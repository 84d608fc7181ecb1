// `crossweave replay`: runs a saved run again, on any device.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <nlohmann/json.hpp>

#include "arch/support/parallel.hpp"
#include "host/app/options.hpp"
#include "host/toolchain/replay.hpp"

namespace xw::app {

namespace po = boost::program_options;

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
  ThreadPool pool(threads);
  const toolchain::ReplayResult result = toolchain::replay(file, uri, pool);
  if (!json_path.empty()) {
    write_json(
        json_path,
        toolchain::replay_json(result, file).dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
  }
  if (json_path != "-") {
    std::printf("saved on the %s device: %s\n", result.saved_on.c_str(), result.saved_failure.c_str());
    if (!result.failure) {
      const device::RunStats& stats = result.stats;
      const bool on_chip = result.device.chip_time;
      std::printf("%s device: good; %llu instructions, %llu MACs, %llu %s, CRC-32 of Y %08x\n",
                  result.device.name.c_str(), static_cast<unsigned long long>(stats.instructions),
                  static_cast<unsigned long long>(stats.macs),
                  static_cast<unsigned long long>(on_chip ? stats.chip_ns : stats.total_cycles),
                  on_chip ? "ns of the chip" : "cycles", result.y_crc32);
    }
  }
  if (result.failure) throw Error(*result.failure);
  return 0;
}

}  // namespace xw::app
