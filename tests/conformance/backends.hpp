// The backends that all conformance tests run on: a new backend is one more row.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "arch/description/description.hpp"
#include "host/device/device.hpp"

namespace xw::test {

struct Backend {
  std::string name;
  std::function<std::unique_ptr<device::Device>(const arch::EmulatorDescription&)> open;
  /// Whether it can be of that shape; cases of others are not instantiated.
  std::function<bool(const arch::EmulatorDescription&)> supports;
  bool cycle_accurate = false;
};
inline void PrintTo(const Backend& backend, std::ostream* out) {
  *out << backend.name;
}

[[nodiscard]] const std::vector<Backend>& backends();
/// Those that support an emulator.
[[nodiscard]] std::vector<Backend> backends_for(const arch::EmulatorDescription& emulator);

}  // namespace xw::test
