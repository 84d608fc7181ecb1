// `crossweave replay`: runs a saved run again, on any device.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <iostream>
#include <nlohmann/json.hpp>

#include "arch/support/parallel.hpp"
#include "arch/support/units.hpp"
#include "host/app/options.hpp"
#include "host/app/simulation_progress.hpp"
#include "host/report/text_format.hpp"
#include "host/toolchain/replay.hpp"

namespace xw::app {

namespace po = boost::program_options;

int replay_main(const std::vector<std::string>& arguments) {
  std::filesystem::path file;
  std::string uri = "functional", memory_limit;
  std::filesystem::path json_path;
  unsigned threads = 0;
  po::options_description options("Replay");
  options.add_options()("file", path_value(file, "FILE"), "saved run")(
      "device", po::value(&uri)->default_value(uri), "device that runs it (see `crossweave run --help`)")(
      "memory-limit", po::value(&memory_limit)->default_value("256M"),
      "bytes that the run may ask for beyond what its file holds (a number, or with K, M, G)");
  options.add(thread_options(threads)).add(json_options(json_path));
  const auto values = parse_command_line(
      "replay", arguments, options, "file", "FILE [options]",
      "  crossweave run model.xwp --device verilated:save=failed.xwrun -p Hello\n"
      "  crossweave replay failed.xwrun                                        # the same run, functional\n"
      "  crossweave replay failed.xwrun --device verilated:trace=failed.fst\n");
  if (!values) return 0;
  if (file.empty()) throw Error(ErrorCode::kInvalidArgument, "replay: no file given (see `crossweave replay --help`)");
  const std::optional<std::uint64_t> most_zero_bytes = parse_bytes(memory_limit);
  if (!most_zero_bytes) {
    throw Error(ErrorCode::kInvalidArgument,
                "--memory-limit: expected bytes, or a number with K, M or G, found '" + memory_limit + "'");
  }
  FileRoles roles;
  roles.add_input("the saved run", file);
  add_device_outputs(roles, uri);
  roles.add_output("--json", json_path, OutputKind::kText);
  roles.check();
  toolchain::RunOptions run;
  SimulationProgress progress(run);
  ThreadPool pool(threads);
  const toolchain::ReplayResult result = toolchain::replay(file, uri, pool, {*most_zero_bytes, run.on_cycles});
  progress.clear();
  write_json(json_path, {"replay", arguments, roles}, toolchain::replay_json(result, file));
  if (json_path != "-") {
    report::line(std::cout, "saved on the %s device: %s", result.saved_on.c_str(), result.saved_failure.c_str());
    if (!result.failure) {
      const device::RunStats& stats = result.stats;
      const bool on_chip = result.device.chip_time;
      report::line(std::cout, "%s device: good; %llu instructions, %llu MACs, %llu %s, CRC-32 of Y %08x",
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
