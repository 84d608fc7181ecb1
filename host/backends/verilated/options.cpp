// Options of the Verilated device.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/backends/verilated/options.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <set>
#include <string>

#include "arch/support/error.hpp"
#include "host/device/option_list.hpp"

namespace xw::verilated {
namespace {

constexpr std::uint32_t kMostLatency = 1'000'000;

[[noreturn]] void reject(std::string_view key, const std::string& expected, std::string_view found) {
  throw Error(ErrorCode::kInvalidArgument, "verilated device: " + std::string(key) + ": expected " + expected +
                                               ", found '" + std::string(found) + "'");
}

std::uint64_t integer(std::string_view key, std::string_view text, std::uint64_t low, std::uint64_t high) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < low || value > high) {
    const bool open = high == std::numeric_limits<std::uint64_t>::max();
    reject(key, "an integer of " + std::to_string(low) + (open ? " or more" : ".." + std::to_string(high)), text);
  }
  return value;
}

double real(std::string_view key, std::string_view text, const char* expected, bool (*good)(double)) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !good(value)) reject(key, expected, text);
  return value;
}

std::filesystem::path file(std::string_view key, std::string_view text) {
  if (text.empty()) reject(key, "a file", text);
  return std::filesystem::path(text);
}

struct Key {
  std::string_view name;
  void (*set)(Options&, std::string_view key, std::string_view value);
};

constexpr std::uint64_t kAny = std::numeric_limits<std::uint64_t>::max();

constexpr std::array kKeys = {
    Key{"trace", [](Options& o, std::string_view k, std::string_view v) { o.trace = file(k, v); }},
    Key{"from", [](Options& o, std::string_view k, std::string_view v) { o.trace_from = integer(k, v, 0, kAny); }},
    Key{"to", [](Options& o, std::string_view k, std::string_view v) { o.trace_to = integer(k, v, 0, kAny); }},
    Key{"seed", [](Options& o, std::string_view k, std::string_view v) { o.seed = integer(k, v, 0, kAny); }},
    Key{"backpressure",
        [](Options& o, std::string_view k, std::string_view v) {
          o.backpressure = real(k, v, "a probability of 0..0.99", [](double p) { return p >= 0 && p <= 0.99; });
        }},
    Key{"latency",
        [](Options& o, std::string_view k, std::string_view v) {
          o.latency_cycles = static_cast<std::uint32_t>(integer(k, v, 0, kMostLatency));
        }},
    Key{"bandwidth",
        [](Options& o, std::string_view k, std::string_view v) {
          o.bytes_per_cycle = real(k, v, "bytes per cycle, above 0", [](double b) { return b >= 1e-3 && b <= 1e6; });
        }},
    Key{"outstanding",
        [](Options& o, std::string_view k, std::string_view v) {
          o.max_outstanding = static_cast<std::uint32_t>(integer(k, v, 1, 65536));
        }},
    Key{"save", [](Options& o, std::string_view k, std::string_view v) { o.save = file(k, v); }},
    Key{"timeout",
        [](Options& o, std::string_view k, std::string_view v) { o.silent_cycles = integer(k, v, 1, kAny); }},
};

}  // namespace

Options parse_options(std::string_view text) {
  Options options;
  const std::set<std::string_view> given =
      device::read_option_list(text, "verilated device", kKeys,
                               [&](const Key& key, std::string_view value) { key.set(options, key.name, value); });
  if (options.trace.empty() && (given.contains("from") || given.contains("to"))) {
    throw Error(ErrorCode::kInvalidArgument, "verilated device: from and to need trace=FILE");
  }
  if (options.trace_from >= options.trace_to) {
    throw Error(ErrorCode::kInvalidArgument, "verilated device: from=" + std::to_string(options.trace_from) +
                                                 " is not before to=" + std::to_string(options.trace_to));
  }
  if (given.contains("seed") && options.backpressure == 0) {
    throw Error(ErrorCode::kInvalidArgument, "verilated device: seed needs backpressure=P above 0");
  }
  return options;
}

std::uint64_t most_silent_cycles(const arch::EmulatorDescription& emulator, const Options& options) {
  constexpr std::uint64_t kReserve = 4;
  constexpr std::uint64_t kLeast = std::uint64_t{1} << 20U;
  const auto per = [](std::uint64_t count, std::uint64_t each) { return (count + each - 1) / each; };
  const std::uint64_t multiply = emulator.block_rows * per(emulator.block_cols, emulator.lanes);
  const std::uint64_t convert = per(emulator.block_cols, emulator.adc_columns_per_cycle);
  const std::uint64_t contexts = std::uint64_t{emulator.contexts} * emulator.max_batch * (multiply + convert);
  const std::uint64_t latency = options.latency_cycles.value_or(emulator.memory_latency_cycles);
  // A description may name any rate above 0; slower memory than this needs an explicit timeout.
  constexpr double kSlowestBeat = 1U << 24U;
  const double rate = options.bytes_per_cycle.value_or(emulator.memory_bytes_per_cycle);
  const auto beat =
      static_cast<std::uint64_t>(std::min(static_cast<double>(emulator.data_width_bits / 8) / rate, kSlowestBeat));
  return kLeast + kReserve * (contexts + latency + beat);
}

std::string option_keys() {
  return device::key_names(kKeys);
}

}  // namespace xw::verilated
