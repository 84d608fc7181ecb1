// Any two texts are evaluations that can be compared, or an xw::Error; one compared with itself does not differ.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "arch/support/error.hpp"
#include "host/evaluation/comparison.hpp"

namespace {

void exercise(std::string_view first, std::string_view second) {
  try {
    const auto comparison = xw::evaluation::compare_evaluations(first, "first", second, "second");
    if (xw::evaluation::to_json(comparison)["metrics"].size() != comparison.metrics.size()) std::abort();
    static_cast<void>(xw::evaluation::to_text(comparison));
    if (first != second) return;
    for (const auto& metric : comparison.metrics) {
      if (metric.result.difference != 0 || metric.result.gained != 0 || metric.result.lost != 0) std::abort();
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
  // What is valid JSON is easily no evaluation: the same as parts of one.
  const auto evaluation = [](std::string_view part) {
    return R"({"report":"crossweave evaluation","version":1,"settings":{"tasks":{"a":1}},"runs":[{"chip_seed":0,"tasks":{"a":{"per_item":)" +
           std::string(part) + "}}}]}";
  };
  exercise(evaluation(first), evaluation(second));
  exercise(evaluation(first), evaluation(first));
  return 0;
}
