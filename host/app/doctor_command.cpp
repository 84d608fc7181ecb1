// `crossweave doctor`: whether a device works.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <iostream>

#include "arch/support/parallel.hpp"
#include "host/app/options.hpp"
#include "host/report/text_format.hpp"
#include "host/toolchain/doctor.hpp"

namespace xw::app {

namespace po = boost::program_options;

int doctor_main(const std::vector<std::string>& arguments) {
  std::string uri = "xrt", emulator = "alveo-u55c";
  unsigned threads = 0;
  po::options_description options("Doctor");
  options.add_options()("device", po::value(&uri)->default_value(uri),
                        "device that is looked at (see `crossweave run --help`)")(
      "emulator", po::value(&emulator)->default_value(emulator), "emulator description that it was built for");
  options.add(thread_options(threads));
  const auto values = parse_command_line("doctor", arguments, options, nullptr, "[options]",
                                         "  crossweave doctor --device xrt:xclbin=crossweave.xclbin\n"
                                         "  crossweave doctor --device functional --emulator tiny-64\n");
  if (!values) return 0;
  ThreadPool pool(threads);
  const bool good =
      toolchain::examine_device(uri, arch::load_emulator(emulator), pool, [](const toolchain::Finding& f) {
        report::line(std::cout, "%-4s %-9s %s", f.good ? "good" : "BAD", f.step.c_str(), f.detail.c_str());
        std::cout.flush();
      });
  if (!good) throw Error(ErrorCode::kDeviceFault, "doctor: the device does not work");
  return 0;
}

}  // namespace xw::app
