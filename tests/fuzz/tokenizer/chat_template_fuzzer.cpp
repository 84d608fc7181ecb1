// Fuzzes the chat template language; what a template costs in memory and time is part of the oracle.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string_view>
#include <utility>
#include <vector>

#include "arch/support/error.hpp"
#include "host/tokenizer/jinja/template.hpp"
#include "tests/support/allocations.hpp"

namespace {

using xw::tokenizer::jinja::Limits;
using xw::tokenizer::jinja::Template;
using xw::tokenizer::jinja::Value;
using Variables = std::vector<std::pair<std::string, Value>>;

constexpr Limits kLimits{100'000, std::uint64_t{4} << 20};
constexpr std::size_t kSlack = std::size_t{128} << 10;
constexpr double kMaxSeconds = 10;  // with sanitizers

Value context() {
  const auto message = [](const char* role) {
    return Value::object(Variables{{"role", Value::string(role)}, {"content", Value::string(" Hi \n")}});
  };
  return Value::object(
      Variables{{"messages", Value::list({message("user"), message("assistant"), message("user")})},
                {"add_generation_prompt", Value::boolean(true)},
                {"items", Value::list({Value::integer(3), Value::real(0.5), Value::string("\xC3\xA4")})},
                {"bos_token", Value::string("<s>")},
                {"eos_token", Value::string("</s>")}});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Value kContext = context();
  const std::size_t before = xw::test::allocated_bytes();
  xw::test::reset_peak();
  const std::clock_t start = std::clock();
  try {
    (void)Template(std::string_view(reinterpret_cast<const char*>(data), size), kLimits).render(kContext, kLimits);
  } catch (const xw::Error&) {
    // refused with a message
  }
  const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  const std::size_t peak = xw::test::peak_bytes() - before;
  if (peak > 2 * kLimits.bytes + 8 * size + kSlack || seconds > kMaxSeconds) {
    std::fprintf(stderr, "a template of %zu bytes needed %zu bytes of memory and %.1f s\n", size, peak, seconds);
    std::abort();
  }
  return 0;
}
