// Studies in Python.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/sweep/sweep.hpp"

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include <nlohmann/json.hpp>

#include "arch/support/file.hpp"
#include "host/python/bindings.hpp"
#include "host/python/long_call.hpp"

namespace xw::python {
namespace {

namespace py = pybind11;
using Path = std::filesystem::path;

toolchain::Study study_of(const Path& file) {
  return toolchain::parse_study(read_text_file(file), file);
}

}  // namespace

void bind_sweep(py::module_& module) {
  module.def(
      "sweep_points",
      [](const Path& study) {
        const toolchain::Study read = study_of(study);
        return std::pair(read.points, read.chip.empty() ? std::size_t{0} : read.chip.back() + 1);
      },
      py::arg("study"));
  module.def(
      "sweep_run",
      [](const Path& study, const Path& folder, std::size_t index, std::size_t count, unsigned threads) {
        return long_call([&] {
          const toolchain::SweepProgress progress =
              toolchain::run_sweep(study_of(study), {folder, {index, count}, threads, nullptr});
          return std::tuple(progress.points, progress.kept, progress.failed);
        });
      },
      py::arg("study"), py::arg("folder"), py::arg("index"), py::arg("count"), py::arg("threads"));
  module.def(
      "sweep_merged",
      [](const Path& study, const Path& folder) {
        return long_call([&] {
          const toolchain::Study read = study_of(study);
          return text_of(nlohmann::ordered_json(
              toolchain::merged(read, toolchain::measure_of(read), toolchain::read_records(folder))));
        });
      },
      py::arg("study"), py::arg("folder"));
}

}  // namespace xw::python
