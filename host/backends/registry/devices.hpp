// The devices that there are, by URI.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "arch/description/description.hpp"
#include "arch/support/file_roles.hpp"
#include "compiler/program/program.hpp"
#include "host/device/card_state.hpp"
#include "host/device/device.hpp"

namespace xw {
class ThreadPool;
}

namespace xw::registry {

/// What a device may want to know when it is opened. `pool` must outlive it.
struct OpenRequest {
  const arch::EmulatorDescription& emulator;  ///< that the program was compiled for
  ThreadPool& pool;
  /// Hears of the cycles that a simulation has passed, about ten times a second; may throw, may be empty.
  std::function<void(std::uint64_t)> on_cycles;
  const program::Program* program = nullptr;  ///< what is going to run, for devices that model its chip; may be null
};

/// One way to use a device.
struct DeviceForm {
  std::string uri;              ///< as help texts show it: "verilated[:key=value,...]"
  std::string summary;          ///< a few words; may be empty
  bool cycle_accurate = false;  ///< DeviceInfo::cycle_accurate
  bool chip_time = false;       ///< DeviceInfo::chip_time
};

/// A device, as a row of the table.
struct DeviceKind {
  std::string name;               ///< the URI up to ':'
  std::vector<DeviceForm> forms;  ///< at least one; the first is the name alone
  bool takes_options = false;
  bool (*built)();  ///< whether this build has it; one that it lacks says so when it is opened
  /// `options`: the URI after ':'.
  std::unique_ptr<device::Device> (*open)(std::string_view options, const OpenRequest& request);
};

/// All of them, also those that this build lacks.
[[nodiscard]] const std::vector<DeviceKind>& devices();

/// Opens the device of a URI, name[:options]. Throws Error{kInvalidArgument} for names and options that there are not,
/// listing those that there are, Error{kUnsupported} for a device that this build lacks, and what devices throw.
[[nodiscard]] std::unique_ptr<device::Device> open(const std::string& uri, const OpenRequest& request);

/// A file that a device writes because its options say so.
struct DeviceOutput {
  std::string key;  ///< of the option
  std::filesystem::path path;
  OutputKind kind;
};
/// Of the device of a URI; nothing for URIs that open() would refuse by name. Throws Error{kInvalidArgument} for options.
[[nodiscard]] std::vector<DeviceOutput> outputs(const std::string& uri);

/// What the card of a device says of itself now (power, clock); nothing for devices that are no cards.
[[nodiscard]] std::optional<device::CardState> card_state(const device::Device& device);
/// The same in a few words: "card 0 (xilinx_u55c): 25.3 W (measured on the card), kernel clock 285 MHz (of the xclbin)".
[[nodiscard]] std::string describe(const device::CardState& state);

/// All forms with their summaries, for help texts: "functional, systemc (the ...), or verilated (...)".
[[nodiscard]] std::string describe_devices();

}  // namespace xw::registry
