// What plays the kernel of an emulated card.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/backends/xrt/emulation/card.hpp"

#include <charconv>
#include <cstddef>
#include <string_view>

#include "arch/support/error.hpp"

namespace xw::xrt_emulation {
namespace {

constexpr std::string_view kFirstLine = "crossweave emulated card 1";

[[nodiscard]] std::uint32_t small_number(std::string_view key, std::string_view value, const std::string& origin) {
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc{} || end != value.data() + value.size()) {
    throw Error(ErrorCode::kFormat, origin + ": " + std::string(key) + ": expected an integer, found '" +
                                        std::string(value.substr(0, 40)) + "'");
  }
  return number;
}

}  // namespace

std::string to_text(const CardDescription& d) {
  return std::string(kFirstLine) + "\nkind=" + d.kind + "\noptions=" + d.options +
         "\nthreads=" + std::to_string(d.threads) + "\nhang_after=" + std::to_string(d.hang_after) +
         (d.contract.empty() ? "" : "\ncontract=" + d.contract) + "\n\n" + d.emulator.text;
}

CardDescription parse_card(std::string_view text, const std::string& origin) {
  CardDescription description;
  const auto line = [&] {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) {
      throw Error(ErrorCode::kFormat, origin + ": the description of the emulated card ends in its first lines");
    }
    const std::string_view found = text.substr(0, end);
    text.remove_prefix(end + 1);
    return found;
  };
  if (!text.starts_with(kFirstLine) || line() != kFirstLine) {
    throw Error(ErrorCode::kFormat, origin + ": expected '" + std::string(kFirstLine) +
                                        "' in the bitstream section: this xclbin is not one of the emulation");
  }
  for (std::string_view item = line(); !item.empty(); item = line()) {
    const std::size_t equals = item.find('=');
    const std::string_view key = item.substr(0, equals);
    const std::string_view value = equals == std::string_view::npos ? std::string_view{} : item.substr(equals + 1);
    if (key == "kind") {
      description.kind = value;
    } else if (key == "options") {
      description.options = value;
    } else if (key == "threads") {
      description.threads = small_number(key, value, origin);
    } else if (key == "hang_after") {
      description.hang_after = small_number(key, value, origin);
    } else if (key == "contract") {
      if (value.size() != 32 || value.find_first_not_of("0123456789abcdef") != std::string_view::npos) {
        throw Error(ErrorCode::kFormat, origin + ": contract: expected 32 hexadecimal digits, found '" +
                                            std::string(value.substr(0, 40)) + "'");
      }
      description.contract = value;
    } else {
      throw Error(ErrorCode::kFormat, origin + ": unknown key '" + std::string(key.substr(0, 40)) + "'");
    }
  }
  if (description.threads < 1 || description.threads > 256) {
    throw Error(ErrorCode::kFormat,
                origin + ": threads: expected 1..256, found " + std::to_string(description.threads));
  }
  description.emulator = arch::parse_emulator(text, origin);
  return description;
}

std::unique_ptr<Card> make_card(const CardDescription& description, std::span<const verilated::ModelEntry> models) {
  if (description.kind == "functional") return make_functional_card(description);
  if (description.kind == "verilated") return make_verilated_card(description, models);
  throw Error(ErrorCode::kInvalidArgument,
              "emulated card: unknown kind '" + description.kind + "'; known: functional, verilated");
}

}  // namespace xw::xrt_emulation
