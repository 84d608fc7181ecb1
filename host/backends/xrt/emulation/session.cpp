// A place on this machine where XRT's hw_emu driver finds all that it wants.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/backends/xrt/emulation/session.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <span>

#include "arch/support/error.hpp"
#include "host/backends/xrt/emulation/xclbin.hpp"

namespace xw::xrt_emulation {
namespace {

/// Largest message of the driver's DMA. Its buffer for messages corrupts the heap when it moves (2.13), so that the first
/// message, which carries the values of xrt.ini, is made the longest of all.
constexpr std::size_t kPacketBytes = 1U << 20U;
constexpr std::size_t kPadBytes = kPacketBytes + (16U << 10U);

[[noreturn]] void fail(const std::filesystem::path& path, const std::string& reason) {
  throw Error(ErrorCode::kIo, path.string() + ": cannot write: " + reason);
}

void write_file(const std::filesystem::path& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  if (!file) fail(path, std::strerror(errno));
}

[[nodiscard]] std::string ini_text(const std::filesystem::path& folder) {
  return "[Runtime]\nruntime_log=null\n[Emulation]\nsim_dir=" + (folder / "sim").string() +
         "\npacket_size=" + std::to_string(kPacketBytes) +
         "\nsystem_dpa=false\n"     // no thread that sleeps for ten seconds at a time
         "new_mbscheduler=false\n"  // the other one prints what it does to standard output
         "enable_oob=true\n"        // buffers stand apart, so that a kernel that leaves one is found out
         "print_infos_in_console=false\nprint_warnings_in_console=false\n"
         "[Debug]\npad=" +
         std::string(kPadBytes, 'x') + "\n";
}

/// The driver knows its process as parent of this script. A card that fails ends the host: by the shim, or from here.
[[nodiscard]] std::string simulate_text(const std::filesystem::path& card_program) {
  std::string quoted;
  for (const char c : card_program.string()) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return "#!/bin/sh\n"
         "# Started by XRT's hw_emu driver. Signals to the group are the host's business; the card ends with its "
         "socket.\n"
         "trap '' INT TERM HUP\n"
         "unset LD_PRELOAD\n"
         "host=$PPID\n"
         "'" +
         quoted +
         "'\n"
         "status=$?\n"
         "[ $status -eq 0 ] && exit 0\n"
         "echo \"error: device xrt: the emulated card ended with status $status\" >&2\n"
         "sleep 2\n"
         "read -r _ _ _ parent _ </proc/$$/stat\n"
         "[ \"$parent\" = \"$host\" ] && kill -KILL \"$host\"\n"
         "exit $status\n";
}

constexpr const char* kEmconfig = R"({"Version": {"FileVersion": "2.0", "ToolVersion": "1.0"},
 "Platform": {"UnifiedPlatform": "true", "ExpandedPR": "true", "Boards": [{"NumBoards": "1", "Devices": [{
  "Name": "crossweave_emulated_card_1_0", "HalMajorVersion": "1", "HalMinorVersion": "0", "VendorId": "4334",
  "SubsystemVendorId": "0", "DeviceVersion": "0", "DataAlignment": "4096", "DdrBanks": [{"Size": "16GB"}],
  "OclFreqency": "300", "NumDevices": "1"}]}]}}
)";

}  // namespace

Session::Session(const std::filesystem::path& card_program) {
  // The driver's sockets are in /tmp/$USER: that is this folder.
  std::string name = "/tmp/xw-xrt-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) fail(name, std::strerror(errno));
  folder_ = name;
  std::filesystem::create_directory(folder_ / "sim");
  std::filesystem::create_directory(folder_ / "run");
  std::filesystem::create_directory(folder_ / "xrt");
  std::filesystem::create_directory_symlink(XW_XRT_LIBRARY_DIR, folder_ / "xrt" / "lib");
  write_file(folder_ / "xrt.ini", ini_text(folder_));
  write_file(folder_ / "emconfig.json", kEmconfig);
  write_file(folder_ / "sim" / "simulate.sh", simulate_text(std::filesystem::absolute(card_program)));
  if (::chmod((folder_ / "sim" / "simulate.sh").c_str(), 0755) != 0) fail(folder_, std::strerror(errno));
}

Session::~Session() {
  std::error_code unimportant;
  std::filesystem::remove_all(folder_, unimportant);
}

std::vector<std::pair<std::string, std::string>> Session::environment() const {
  // From EMULATION_SOCKETID on: what the driver sets itself, partly while its thread for the card's accesses to host memory reads
  // the environment. setenv() must find the names there, since it moves the list, and frees the old one, to add one.
  return {{"XILINX_XRT", (folder_ / "xrt").string()},
          {"XCL_EMULATION_MODE", "hw_emu"},
          {"XRT_INI_PATH", (folder_ / "xrt.ini").string()},
          {"EMCONFIG_PATH", folder_.string()},
          {"SDACCEL_EM_RUN_DIR", (folder_ / "run").string()},
          {"XILINX_VITIS", folder_.string()},  // newer drivers want it set
          {"EMULATION_SOCKETID", ""},
          {"EMULATION_RUN_DIR", (folder_ / "run").string()},
          {"SDX_QUESTA_WLF_FILENAME", ""},
          {"SYSTEMC_DISABLE_COPYRIGHT_MESSAGE", "1"},
          {"HW_EM_DISABLE_LATENCY", "true"},
          {"SDX_USE_SHARED_MEMORY", "true"},
          {"VITIS_LAUNCH_WAVEFORM_BATCH", "1"},
          {"USER", folder_.filename().string()}};
}

std::filesystem::path Session::write_xclbin(const std::string& name, const CardDescription& description) const {
  const std::vector<std::byte> bytes = make_xclbin(description);
  const std::filesystem::path path = folder_ / name;
  write_file(path, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  return path;
}

}  // namespace xw::xrt_emulation
