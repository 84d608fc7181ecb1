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
#include "host/report/html_page.hpp"
#include "host/toolchain/invocation.hpp"
#include "host/toolchain/sweep/curves.hpp"
#include "host/toolchain/sweep/source.hpp"
#include "host/toolchain/sweep/sqlite.hpp"

namespace xw::python {
namespace {

namespace py = pybind11;
using Path = std::filesystem::path;

toolchain::Study study_of(const Path& file) {
  return toolchain::parse_study(read_text_file(file), file);
}

/// A function of Python from a point to JSON as text, as a sweep wants it. It is called without the interpreter's lock.
std::function<nlohmann::ordered_json(const toolchain::StudyPoint&)> function_of(const py::object& function) {
  if (function.is_none()) return nullptr;
  return [&function](const toolchain::StudyPoint& point) {
    std::string text;
    {
      const py::gil_scoped_acquire locked;
      text = function(point).cast<std::string>();
    }
    return nlohmann::ordered_json::parse(text);
  };
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
      [](const Path& study, const Path& folder, std::size_t index, std::size_t count, unsigned threads,
         const py::object& function) {
        const auto measured = function_of(function);
        return long_call([&] {
          const toolchain::SweepProgress progress =
              toolchain::run_sweep(study_of(study), {folder, {index, count}, threads, nullptr, measured});
          return std::tuple(progress.points, progress.kept, progress.failed);
        });
      },
      py::arg("study"), py::arg("folder"), py::arg("index"), py::arg("count"), py::arg("threads"), py::arg("function"));
  module.def(
      "sweep_merged",
      [](const Path& source, const Path& folder) {
        return long_call(
            [&] { return text_of(nlohmann::ordered_json(toolchain::read_source(source, folder).records)); });
      },
      py::arg("source"), py::arg("folder"));
  module.def(
      "sweep_write",
      [](const Path& source, const Path& folder, const Path& output, bool sqlite) {
        return long_call([&] {
          FileRoles roles;
          roles.add_input("the study", source);
          roles.add_output("output", output, sqlite ? OutputKind::kTable : OutputKind::kText);
          roles.check();
          const auto records = toolchain::read_source(source, folder).records;
          write_text_file(output, sqlite ? toolchain::to_sqlite(records) : toolchain::to_csv(records));
          return records.size();
        });
      },
      py::arg("source"), py::arg("folder"), py::arg("output"), py::arg("sqlite"));
  module.def(
      "sweep_plot",
      [](const Path& source, const Path& folder, const std::string& x, const std::string& lines,
         const std::vector<std::string>& metrics, const std::map<std::string, std::string>& where, const Path& html,
         const std::vector<std::string>& words) {
        return long_call([&] {
          if (!html.empty()) report::check_html_pages();
          FileRoles roles;
          roles.add_input("the study", source);
          roles.add_output("html", html, OutputKind::kText);
          roles.check();
          nlohmann::ordered_json json = {{"source", source.string()}};
          json.update(toolchain::curves(toolchain::read_source(source, folder), {x, lines, metrics, where}));
          json = toolchain::with_about(toolchain::about_json("sweep", words, roles.inputs()), json);
          if (!html.empty()) write_text_file(html, report::html_page(json));
          return text_of(json);
        });
      },
      py::arg("source"), py::arg("folder"), py::arg("x"), py::arg("lines"), py::arg("metrics"), py::arg("where"),
      py::arg("html"), py::arg("words"));
}

}  // namespace xw::python
