// The extension module crossweave._core.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <nlohmann/json.hpp>

#include "arch/generated/xw_arch.hpp"
#include "arch/support/json_text.hpp"
#include "host/python/bindings.hpp"
#include "host/python/long_call.hpp"
#include "host/toolchain/listing.hpp"
#include "host/toolchain/settings.hpp"
#include "host/toolchain/version.hpp"

namespace xw::python {

std::string text_of(const nlohmann::ordered_json& json) {
  return utf8_json(json).dump();
}

}  // namespace xw::python

// NOLINTNEXTLINE: what the macro makes
PYBIND11_MODULE(_core, module) {
  module.doc() = "Bindings of Crossweave's toolchain; use the package crossweave.";
  module.attr("version") = xw::toolchain::kVersion;
  module.attr("contract") = xw::arch::kContractHashText;
  module.attr("compile_settings") = xw::toolchain::compile_settings();
  module.attr("run_settings") = xw::toolchain::run_settings();
  module.def("option_words", xw::toolchain::option_words);
  xw::python::register_errors();
  xw::python::bind_programs(module);
  xw::python::bind_models(module);
  xw::python::bind_sweep(module);
}
