// `crossweave compare`: two reports or two evaluations side by side.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "arch/support/file.hpp"
#include "arch/support/printable.hpp"
#include "host/app/options.hpp"
#include "host/evaluation/comparison.hpp"
#include "host/report/compare.hpp"

namespace xw::app {

namespace po = boost::program_options;

namespace {
constexpr std::uint64_t kMaxReportBytes = std::uint64_t{1} << 30U;  // evaluations of many chips and items
}

int compare_main(const std::vector<std::string>& arguments) {
  std::vector<std::string> files;
  ResultFiles results;
  bool details = false;
  po::options_description options("Comparison");
  options.add_options()("reports", po::value(&files)->composing(),
                        "two JSON reports of the same kind, or two evaluations")(
      "details", po::bool_switch(&details), "also by layer, by call and every constant");
  options.add(result_options(results));
  const auto values =
      parse_command_line("compare", arguments, options, "reports", "A.json B.json [options]",
                         "  crossweave compare before.json after.json\n"
                         "  crossweave compare hermes.json afm.json --details --json=both.json --html both.html\n"
                         "  crossweave compare fp32_eval.json pcm_eval.json\n");
  if (!values) return 0;
  if (files.size() != 2) {
    throw Error(ErrorCode::kInvalidArgument, "compare: expected two reports, found " + std::to_string(files.size()) +
                                                 " (see `crossweave compare --help`)");
  }
  FileRoles roles;
  roles.add_input("the first report", files[0]);
  roles.add_input("the second report", files[1]);
  results.add_to(roles);
  roles.check();
  const std::string first = read_text_file(files[0], kMaxReportBytes),
                    second = read_text_file(files[1], kMaxReportBytes);
  if (evaluation::is_evaluation(first) || evaluation::is_evaluation(second)) {
    const evaluation::EvaluationComparison comparison =
        evaluation::compare_evaluations(first, files[0], second, files[1]);
    if (results.json != "-") std::cout << printable_lines(evaluation::to_text(comparison));
    write_result(results, {"compare", arguments, roles}, evaluation::to_json(comparison));
    return 0;
  }
  const report::Comparison comparison = report::compare(first, files[0], second, files[1]);
  if (results.json != "-") {
    std::ostringstream text;
    report::print_text(comparison, text, details);
    std::cout << printable_lines(text.str());
  }
  write_result(results, {"compare", arguments, roles}, report::to_json(comparison));
  return 0;
}

}  // namespace xw::app
