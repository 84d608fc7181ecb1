// The parts of the extension module, crossweave._core. It takes and gives texts, numbers and arrays; what users see of it is made in
// crossweave/*.py. Results are the documents that the command's --json has, as text.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pybind11/pybind11.h>

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>
#include <vector>

namespace xw::python {

/// Options by name and text (host/toolchain/settings.hpp), in the order in which they are set.
using Settings = std::vector<std::pair<std::string, std::string>>;

/// A structure of options with what was asked for.
template <class Options>
[[nodiscard]] Options with_settings(const Settings& settings) {
  Options options;
  for (const auto& [name, text] : settings) set(options, name, text);
  return options;
}

/// The document as text; strings that are not UTF-8 are escaped.
[[nodiscard]] std::string text_of(const nlohmann::ordered_json& json);

/// Programs: compile, adapt, inspect, simulate, report, plan.
void bind_programs(pybind11::module_& module);
/// Models that run: text, logits, evaluation.
void bind_models(pybind11::module_& module);
/// Studies.
void bind_sweep(pybind11::module_& module);

}  // namespace xw::python
