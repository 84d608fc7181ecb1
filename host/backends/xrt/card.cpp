// A card with an xclbin loaded, behind the few things that the device asks of XRT.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/backends/xrt/card.hpp"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <map>
#include <optional>
#include <set>
#include <type_traits>
#include <utility>

#include "arch/generated/xw_arch.hpp"
#include "arch/support/error.hpp"
#include "arch/support/file.hpp"
#include "host/backends/xrt/readings.hpp"

namespace xw::xrt_device {
namespace {

[[nodiscard]] bool is_set(const char* variable) {
  const char* value = std::getenv(variable);
  return value != nullptr && *value != '\0';
}

[[nodiscard]] std::filesystem::path xclbin_path(const Options& options) {
  if (!options.xclbin.empty()) return options.xclbin;
  if (is_set(kXclbinVariable)) return std::getenv(kXclbinVariable);
  throw Error(ErrorCode::kInvalidArgument,
              std::string("device xrt: which xclbin? Give xrt:xclbin=FILE or set ") + kXclbinVariable +
                  " (scripts/alveo/build.sh makes one for a card, scripts/xrt_emulation.sh one without)");
}

/// Cards that this process has opened, never given back: XRT's emulation shuts libraries down with its first device that
/// closes, and its driver closes those that are left when the process ends, before any object of ours could.
[[nodiscard]] xrt::device open_once(const Options& options, const std::string& key) {
  static auto& opened = *new std::map<std::string, xrt::device>();
  const auto known = opened.find(key);
  if (known != opened.end()) return known->second;
  try {
    xrt::device device = options.bdf.empty() ? xrt::device(options.index) : xrt::device(options.bdf);
    return opened.emplace(key, std::move(device)).first->second;
  } catch (const std::exception& error) {
    std::string hint = "; is the driver loaded and the card on the bus? `crossweave doctor` looks";
    if (!is_set("XILINX_XRT")) hint = "; XILINX_XRT is not set (source /opt/xilinx/xrt/setup.sh)";
    throw Error(ErrorCode::kDeviceFault, "device xrt: no card " + key + ": " + error.what() + hint);
  }
}

std::set<std::string>& cards_in_use() {
  static std::set<std::string> used;
  return used;
}

}  // namespace

struct Card::Handles {
  xrt::device device;
  xrt::xclbin xclbin;
  xrt::uuid uuid;
#if XW_XRT_HW_CONTEXT
  xrt::hw_context context;
#endif
  xrt::kernel kernel;
  xrt::run run;
  std::optional<xrt::ip> registers;
};

namespace {

/// From 2.19 on registers are opened in a context, too.
template <typename Ip, typename Handles>
[[nodiscard]] Ip open_registers(Handles& handles, const std::string& instance) {
#if XW_XRT_HW_CONTEXT
  if constexpr (std::is_constructible_v<Ip, const xrt::hw_context&, const std::string&>) {
    return Ip(handles.context, instance);
  } else
#endif
  {
    return Ip(handles.device, handles.uuid, instance);
  }
}

}  // namespace

Card::Card(const Options& options) : key_(options.bdf.empty() ? std::to_string(options.index) : options.bdf) {
  const std::filesystem::path path = xclbin_path(options);
  const MappedFile file(path);
  header_ = check_xclbin(file.bytes(), path.string());
  const bool emulating = is_set("XCL_EMULATION_MODE");
  if (header_.emulation != emulating) {
    throw Error(ErrorCode::kUnsupported, path.string() + ": this xclbin is for " +
                                             (header_.emulation ? "emulation" : "a card") +
                                             " and XCL_EMULATION_MODE is " + (emulating ? "set" : "not set") +
                                             " (platform " + header_.platform + ")");
  }
  // Its driver opens cards of any number and fails with the second one.
  if (emulating && key_ != "0") {
    throw Error(ErrorCode::kDeviceFault, "device xrt: no card " + key_ + ": the emulation has card 0 only");
  }
  name_ = "card " + key_ + " (" + header_.platform + ")";
  if (!cards_in_use().insert(key_).second) {
    throw Error(ErrorCode::kDeviceFault, "device xrt: " + name_ + " is in use by another device of this process");
  }
  try {
    handles_ = std::make_unique<Handles>();
    handles_->device = open_once(options, key_);
    // The driver of the emulation forks: what is not written yet would be written twice.
    std::cout.flush();
    std::fflush(nullptr);
    with_xrt("loading " + path.string() + " on " + name_, [&] {
      handles_->xclbin = xrt::xclbin(path.string());
#if XW_XRT_HW_CONTEXT
      handles_->uuid = handles_->device.register_xclbin(handles_->xclbin);
      handles_->context = xrt::hw_context(handles_->device, handles_->uuid);
#else
      handles_->uuid = handles_->device.load_xclbin(handles_->xclbin);
#endif
    });
  } catch (...) {
    cards_in_use().erase(key_);
    throw;
  }
}

Card::~Card() {
  handles_.reset();
  cards_in_use().erase(key_);
}

void Card::abandon() {
  (void)handles_.release();
  if (!header_.emulation) return;
  // The driver of the emulation closes its cards when the process ends, and crashes when a run is under way: it does not
  // come to that.
  static const int registered = ::on_exit(
      [](int status, void*) {
        std::cout.flush();
        std::fflush(nullptr);
        ::_exit(status);
      },
      nullptr);
  (void)registered;
}

device::CardState Card::state() const {
  device::CardState state;
  state.card = name_;
  state.emulated = header_.emulation;
  if (state.emulated) return state;
  // A shell without such sensors throws.
  try {
    state.power_watts = power_in(handles_->device.get_info<xrt::info::device::electrical>());
  } catch (const std::exception&) {
    state.power_watts.reset();
  }
  try {
    state.clock_mhz = clock_in(handles_->device.get_info<xrt::info::device::platform>());
  } catch (const std::exception&) {
    state.clock_mhz.reset();
  }
  return state;
}

void Card::open_kernel() {
  if (handles_->run) return;
  handles_->registers.reset();
  with_xrt("opening the kernel of " + name_, [&] {
    const std::string kernel(arch::kKernelName);
#if XW_XRT_HW_CONTEXT
    handles_->kernel = xrt::kernel(handles_->context, kernel);
#else
    handles_->kernel = xrt::kernel(handles_->device, handles_->uuid, kernel);
#endif
    handles_->run = xrt::run(handles_->kernel);
  });
}

xrt::run& Card::run() {
  open_kernel();
  return handles_->run;
}

std::uint32_t Card::group(int argument) {
  const auto known = groups_.find(argument);
  if (known != groups_.end()) return known->second;
  open_kernel();
  return with_xrt("asking for the memory of argument " + std::to_string(argument),
                  [&] { return groups_[argument] = static_cast<std::uint32_t>(handles_->kernel.group_id(argument)); });
}

xrt::bo Card::allocate(std::size_t bytes, int argument) {
  return {handles_->device, bytes, xrt::bo::flags::normal, static_cast<xrt::memory_group>(group(argument))};
}

std::uint64_t Card::group_bytes(std::uint32_t group) const {
  const auto memories = handles_->xclbin.get_mems();
  return group < memories.size() ? memories[group].get_size_kb() << 10U : 0;
}

xrt::ip& Card::registers() {
  if (handles_->registers) return *handles_->registers;
  handles_->run = {};
  handles_->kernel = {};
  return with_xrt("opening the registers of " + name_ + " (is another process using it?)", [&]() -> xrt::ip& {
    const std::string instance = std::string(arch::kKernelName) + ":{" + std::string(arch::kKernelName) + "_1}";
    return handles_->registers.emplace(open_registers<xrt::ip>(*handles_, instance));
  });
}

void Card::with_registers(const std::function<void(const std::function<std::uint32_t(std::uint32_t)>&)>& use) {
  xrt::ip& ip = registers();
  with_xrt("reading registers of " + name_,
           [&] { use([&](std::uint32_t offset) { return ip.read_register(offset); }); });
}

}  // namespace xw::xrt_device
