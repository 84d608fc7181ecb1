// The table of devices.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/backends/registry/devices.hpp"

#include <algorithm>
#include <cstdio>

#include "arch/support/parallel.hpp"
#include "arch/support/setting_error.hpp"
#include "host/backends/functional/functional_device.hpp"
#include "host/backends/functional/study.hpp"
#include "host/backends/systemc/open.hpp"
#include "host/backends/verilated/model.hpp"
#include "host/backends/verilated/options.hpp"
#include "host/backends/verilated/verilated_device.hpp"
#include "host/backends/xrt/open.hpp"
#include "host/backends/xrt/options.hpp"

namespace xw::registry {
namespace {

using DevicePointer = std::unique_ptr<device::Device>;

}  // namespace

const std::vector<DeviceKind>& devices() {
  static const std::vector<DeviceKind> table = {
      {"functional",
       {{"functional", ""},
        {"functional:ir-drop=R", "a study of wires, words of its own"},
        {"functional:cells-range=CODE", "a study of ADC ranges that follow the cells, words of its own"}},
       true,
       [] { return true; },
       [](std::string_view options, const OpenRequest& request) -> DevicePointer {
         return std::make_unique<functional::FunctionalDevice>(request.emulator, request.pool,
                                                               functional::parse_study(options));
       }},
      {"systemc",
       {{"systemc", "the TLM-2.0 model: the RTL's cycles without its signals", true},
        {"systemc:chip", "the model's other profile: time and energy of the analog chip", false, true}},
       true,
       systemc::systemc_is_built,
       [](std::string_view options, const OpenRequest& request) -> DevicePointer {
         return systemc::open_systemc_device(options, request.emulator, request.program);
       }},
      {"verilated",
       {{"verilated[:key=value,...]", "the RTL, cycle by cycle; keys: " + verilated::option_keys(), true}},
       true,
       [] { return !verilated::built_models().empty(); },
       [](std::string_view options, const OpenRequest& request) -> DevicePointer {
         verilated::Options parsed = verilated::parse_options(options);
         parsed.on_cycles = request.on_cycles;
         return std::make_unique<verilated::VerilatedDevice>(request.emulator, parsed);
       }},
      {"xrt",
       {{"xrt[:key=value,...]", "an Alveo card or its emulation; keys: " + xrt_device::option_keys(), true}},
       true,
       xrt_device::xrt_is_built,
       [](std::string_view options, const OpenRequest& request) -> DevicePointer {
         return xrt_device::open_xrt_device(options, request.emulator);
       }},
  };
  return table;
}

std::unique_ptr<device::Device> open(const std::string& uri, const OpenRequest& request) {
  const std::size_t colon = uri.find(':');
  const std::string name = uri.substr(0, colon);
  const std::string options = colon == std::string::npos ? "" : uri.substr(colon + 1);
  const auto kind = std::find_if(devices().begin(), devices().end(), [&](const auto& one) { return name == one.name; });
  if (kind == devices().end()) {
    std::string known;
    for (const DeviceKind& one : devices()) {
      if (!known.empty()) known += ", ";
      known += one.name;
    }
    throw SettingError(ErrorCode::kInvalidArgument, "device", "device: unknown device '" + uri + "'; known: " + known);
  }
  if (colon != std::string::npos && !kind->takes_options) {
    throw SettingError(ErrorCode::kInvalidArgument, "device",
                       "device: " + name + " has no options, found '" + options + "'");
  }
  return kind->open(options, request);
}

std::vector<DeviceOutput> outputs(const std::string& uri) {
  constexpr std::string_view kVerilatedOptions = "verilated:";
  if (!uri.starts_with(kVerilatedOptions)) return {};
  const verilated::Options options = verilated::parse_options(std::string_view(uri).substr(kVerilatedOptions.size()));
  return {{"trace", options.trace, OutputKind::kWaveform}, {"save", options.save, OutputKind::kCapture}};
}

std::optional<device::CardState> card_state(const device::Device& device) {
  return xrt_device::card_state(device);
}

std::string describe(const device::CardState& state) {
  if (state.emulated) return state.card + ": emulated, nothing is measured";
  if (!state.power_watts && !state.clock_mhz) return state.card + ": tells neither power nor clock";
  const auto number = [](double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%.4g", value);
    return std::string(text);
  };
  std::string text = state.card + ": ";
  if (state.power_watts) text += number(*state.power_watts) + " W (measured on the card)";
  if (state.power_watts && state.clock_mhz) text += ", ";
  if (state.clock_mhz) text += "kernel clock " + number(*state.clock_mhz) + " MHz (of the xclbin)";
  return text;
}

std::string describe_devices() {
  std::vector<const DeviceForm*> forms;
  for (const DeviceKind& kind : devices()) {
    for (const DeviceForm& form : kind.forms) forms.push_back(&form);
  }
  std::string text;
  for (const DeviceForm* form : forms) {
    if (!text.empty()) text += form == forms.back() ? ", or " : ", ";
    text += form->uri;
    if (!form->summary.empty()) text += " (" + form->summary + ")";
  }
  return text;
}

}  // namespace xw::registry
