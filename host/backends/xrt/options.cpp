// Options of the device xrt.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/backends/xrt/options.hpp"

#include <array>
#include <charconv>
#include <cstdlib>
#include <set>

#include "arch/support/error.hpp"
#include "host/device/option_list.hpp"

namespace xw::xrt_device {
namespace {

[[noreturn]] void reject(std::string_view key, const std::string& expected, std::string_view found) {
  throw Error(ErrorCode::kInvalidArgument,
              "device xrt: " + std::string(key) + ": expected " + expected + ", found '" + std::string(found) + "'");
}

template <typename Number>
[[nodiscard]] bool parse(std::string_view text, Number& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size();
}

[[nodiscard]] bool by_registers(std::string_view key, std::string_view value) {
  if (value != "queue" && value != "registers") reject(key, "queue or registers", value);
  return value == "registers";
}

struct Key {
  std::string_view name;
  void (*set)(Options&, std::string_view value);
};

constexpr std::array kKeys = {
    Key{"xclbin",
        [](Options& o, std::string_view v) {
          if (v.empty()) reject("xclbin", "a file", v);
          o.xclbin = std::filesystem::path(v);
        }},
    Key{"index",
        [](Options& o, std::string_view v) {
          if (!parse(v, o.index) || o.index > 255) reject("index", "an integer of 0..255", v);
        }},
    Key{"bdf",
        [](Options& o, std::string_view v) {
          constexpr std::string_view kCharacters = "0123456789abcdefABCDEF:.";
          if (v.find(':') == std::string_view::npos || v.find('.') == std::string_view::npos ||
              v.find_first_not_of(kCharacters) != std::string_view::npos) {
            reject("bdf", "domain:bus:device.function as xbutil examine prints it", v);
          }
          o.bdf = v;
        }},
    Key{"timeout",
        [](Options& o, std::string_view v) {
          double seconds = 0;
          if (!parse(v, seconds) || !(seconds > 0 && seconds <= 1e6)) reject("timeout", "seconds above 0", v);
          o.timeout = seconds;
        }},
    Key{"start", [](Options& o, std::string_view v) { o.registers = by_registers("start", v); }},
};

}  // namespace

Options parse_options(std::string_view text) {
  Options options;
  const std::set<std::string_view> given = device::read_option_list(
      text, "device xrt", kKeys, [&](const Key& key, std::string_view value) { key.set(options, value); });
  if (given.contains("index") && given.contains("bdf")) {
    throw Error(ErrorCode::kInvalidArgument, "device xrt: give index or bdf, not both");
  }
  if (const char* start = std::getenv(kStartVariable); start != nullptr && !given.contains("start"))
    options.registers = by_registers(kStartVariable, start);
  return options;
}

std::string option_keys() {
  return device::key_names(kKeys);
}

}  // namespace xw::xrt_device
