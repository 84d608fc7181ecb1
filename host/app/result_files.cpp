// Where results of commands go: JSON and pages.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <iostream>
#include <nlohmann/json.hpp>

#include "arch/support/file.hpp"
#include "arch/support/json_text.hpp"
#include "host/app/options.hpp"
#include "host/report/html_page.hpp"
#include "host/toolchain/invocation.hpp"

namespace xw::app {

namespace po = boost::program_options;

namespace {

std::filesystem::path page_path(const std::string& text) {
  report::check_html_pages();
  if (text.empty() || text == "-")
    throw Error(ErrorCode::kInvalidArgument, "--html: expected a file, found '" + text + "'");
  return text;
}

void write_record(const std::filesystem::path& path, const nlohmann::ordered_json& record, int indent) {
  if (path.empty()) return;
  const std::string text = json_text(record, indent) + "\n";
  if (path == "-") {
    std::cout << text;
  } else {
    write_text_file(path, text);
  }
}

}  // namespace

po::options_description json_options(std::filesystem::path& path) {
  po::options_description options;
  options.add_options()("json", path_value(path, "--json")->implicit_value("-", "-"),
                        "result as JSON to this file (--json=FILE; without a file: standard output)");
  return options;
}

po::options_description result_options(ResultFiles& files) {
  po::options_description options = json_options(files.json);
  options.add_options()(
      "html", po::value<std::string>()->notifier([&files](const std::string& text) { files.html = page_path(text); }),
      "result as a page with charts to this file; it needs no network and holds the JSON");
  return options;
}

void ResultFiles::add_to(FileRoles& roles) const {
  roles.add_output("--json", json, OutputKind::kText);
  roles.add_output("--html", html, OutputKind::kText);
}

void ResultFiles::write_page(const nlohmann::ordered_json& record) const {
  if (!html.empty()) write_text_file(html, report::html_page(record));
}

nlohmann::ordered_json Asked::about() const {
  return toolchain::about_json(command, arguments, roles.inputs());
}

void write_json(const std::filesystem::path& path, const Asked& asked, const nlohmann::ordered_json& json, int indent) {
  if (!path.empty()) write_record(path, toolchain::with_about(asked.about(), json), indent);
}

void write_result(const ResultFiles& files, const Asked& asked, const nlohmann::ordered_json& json) {
  if (!files.any()) return;
  const nlohmann::ordered_json record = toolchain::with_about(asked.about(), json);
  files.write_page(record);
  write_record(files.json, record, 2);
}

}  // namespace xw::app
