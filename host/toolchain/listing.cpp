// Lists of what there is.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/listing.hpp"

#include <sstream>

#include "arch/description/description.hpp"
#include "compiler/checkpoint/model_config.hpp"
#include "host/backends/registry/devices.hpp"
#include "host/toolchain/mode.hpp"
#include "models/cells/cell_model.hpp"

namespace xw::toolchain {
namespace {

/// `text` and spaces up to `columns`, at least one.
[[nodiscard]] std::string padded(const std::string& text, std::size_t columns) {
  return text + std::string(text.size() < columns ? columns - text.size() : 1, ' ');
}

}  // namespace

std::string chip_list() {
  std::ostringstream out;
  for (const std::string& name : arch::builtin_chips()) {
    const arch::ChipDescription chip = arch::load_chip(name);
    out << padded(name, 14);
    if (chip.num_tiles == 0) {
      out << "any number of";
    } else {
      out << chip.num_tiles;
    }
    out << " tiles of " << chip.rows << 'x' << chip.cols;
    if (chip.tiers > 1) out << " in " << chip.tiers << " tiers";
    out << ", DAC " << chip.dac_bits << " bits, ADC " << chip.adc_bits << " bits, cells " << chip.noise << '\n';
  }
  return out.str();
}

std::string device_list() {
  std::string text;
  for (const registry::DeviceKind& kind : registry::devices()) {
    for (const registry::DeviceForm& form : kind.forms) {
      std::string what = form.summary;
      if (!kind.built()) what += what.empty() ? "not in this build" : " (not in this build)";
      text += (what.empty() ? form.uri : padded(form.uri, 34) + what) + '\n';
    }
  }
  return text;
}

std::string family_list() {
  std::string text;
  std::istringstream families(checkpoint::supported_families());
  for (std::string family; std::getline(families, family, ',');)
    text += family.substr(family.find_first_not_of(' ')) + '\n';
  return text;
}

std::string noise_list() {
  std::string text;
  for (const cells::CellModel& model : cells::cell_models()) {
    text += padded(std::string(model.name), 16) + std::string(model.summary) + (model.drifts ? "; drifts" : "") + '\n';
  }
  return text;
}

std::map<std::string, std::vector<std::string>> option_words() {
  std::vector<std::string> devices, noise, modes;
  for (const registry::DeviceKind& kind : registry::devices()) devices.push_back(kind.name);
  for (const cells::CellModel& model : cells::cell_models()) noise.emplace_back(model.name);
  for (const Mode mode : kModes) modes.emplace_back(name(mode));
  return {{"chip", arch::builtin_chips()},
          {"emulator", arch::builtin_emulators()},
          {"device", devices},
          {"noise", noise},
          {"mode", modes},
          {"lm-head", {"analog", "digital"}},
          {"first-token", {"analog", "digital"}},
          {"compensation", {"none", "global", "column"}},
          {"weights", {"analog", "w8", "w4"}}};
}

}  // namespace xw::toolchain
