// Two reports side by side.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace xw::report {

/// One place of the reports: a number or a text, in one or both of them.
struct ComparedValue {
  std::string path;        ///< "chip_estimate.decode.time", "runs[0].total_ns", "calls[layers.0.qkv].tiles"
  std::string unit, kind;  ///< of numbers that have them
  std::optional<double> first_number, second_number;
  std::optional<std::string> first_text, second_text;
  bool detail = false;  ///< by layer, call or constant
  [[nodiscard]] bool equal() const { return first_number == second_number && first_text == second_text; }
};

struct Comparison {
  std::string first_name, second_name;
  std::vector<ComparedValue> values;  ///< in the order of the first report, then what only the second one has
};

/// Compares two JSON reports, of `crossweave report` or of `crossweave simulate`. Throws Error{kFormat} naming the file
/// if a text is no report, Error{kInvalidArgument} if they are of different kinds.
[[nodiscard]] Comparison compare(std::string_view first, const std::string& first_name, std::string_view second,
                                 const std::string& second_name);
[[nodiscard]] nlohmann::ordered_json to_json(const Comparison& comparison);
/// details: also by layer, call and constant. Equal numbers are shown, equal texts are not.
void print_text(const Comparison& comparison, std::ostream& out, bool details);

}  // namespace xw::report
