// Any two texts are reports that can be set side by side, or an xw::Error; a report compared with itself is equal.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <string_view>

#include "arch/support/error.hpp"
#include "host/report/compare.hpp"

namespace {

void exercise(std::string_view first, std::string_view second) {
  try {
    const xw::report::Comparison comparison = xw::report::compare(first, "first", second, "second");
    const std::string json = xw::report::to_json(comparison).dump(2);
    if (nlohmann::json::parse(json)["values"].size() != comparison.values.size()) std::abort();
    std::ostringstream text;
    xw::report::print_text(comparison, text, false);
    xw::report::print_text(comparison, text, true);
    if (first != second) return;
    for (const xw::report::ComparedValue& value : comparison.values) {
      if (!value.equal()) std::abort();
    }
  } catch (const xw::Error&) {
    // refused with a message
  }
}

}  // namespace

/// The two texts are separated by a zero byte; without one, the text is compared with itself.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t middle = input.find('\0');
  const std::string_view first = input.substr(0, middle);
  const std::string_view second = middle == std::string_view::npos ? first : input.substr(middle + 1);
  exercise(first, second);
  // What is valid JSON is easily no report: the same as parts of one.
  const auto report = [](std::string_view part) { return R"({"report":"fuzz","part":)" + std::string(part) + "}"; };
  exercise(report(first), report(second));
  exercise(report(first), report(first));
  return 0;
}
