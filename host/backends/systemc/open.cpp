// Opening the SystemC device.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/backends/systemc/open.hpp"

#include <algorithm>
#include <string>

#include "arch/support/setting_error.hpp"
#include "host/backends/systemc/systemc_device.hpp"

namespace xw::systemc {
namespace {

/// `name`: of a description, or empty for the program's own.
[[nodiscard]] std::shared_ptr<const ChipTarget> chip_target(const std::string& name, const program::Program* program) {
  auto target = std::make_shared<ChipTarget>();
  if (program == nullptr) {
    if (name.empty()) {
      throw SettingError(ErrorCode::kInvalidArgument, "device",
                         "device systemc:chip: there is no program to say which chip; expected chip=NAME");
    }
    target->description = arch::load_chip(name);
    return target;
  }
  const arch::ChipDescription own = arch::parse_chip(program->manifest().chip_toml, program->path() + ": chip");
  target->description = name.empty() ? own : arch::load_chip(name);
  if (target->description.rows != own.rows || target->description.cols != own.cols) {
    throw SettingError(ErrorCode::kInvalidArgument, "device",
                       "device systemc:chip=" + name + ": expected tiles of " + std::to_string(own.rows) + "x" +
                           std::to_string(own.cols) + " as the program was mapped to, found " +
                           std::to_string(target->description.rows) + "x" + std::to_string(target->description.cols));
  }
  target->layout = chip_layout(*program);
  return target;
}

}  // namespace

bool systemc_is_built() {
  return true;
}

std::unique_ptr<device::Device> open_systemc_device(std::string_view options, const arch::EmulatorDescription& emulator,
                                                    const program::Program* program) {
  constexpr std::string_view kNamedChip = "chip=";
  SystemcOptions parsed;
  while (!options.empty()) {
    const std::string_view option = options.substr(0, options.find(','));
    options.remove_prefix(std::min(options.size(), option.size() + 1));
    if (option == "timing-only") {
      parsed.values = false;
    } else if (option == "chip") {
      parsed.chip = chip_target("", program);
    } else if (option.substr(0, kNamedChip.size()) == kNamedChip && option.size() > kNamedChip.size()) {
      parsed.chip = chip_target(std::string(option.substr(kNamedChip.size())), program);
    } else {
      throw SettingError(
          ErrorCode::kInvalidArgument, "device",
          "device systemc: expected chip, chip=NAME or timing-only, found '" + std::string(option) + "'");
    }
  }
  return std::make_unique<SystemcDevice>(emulator, parsed);
}

}  // namespace xw::systemc
