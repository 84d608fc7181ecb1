// What is broken in a chip.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "models/cells/faults.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <vector>

#include "arch/generated/xw_arch.hpp"
#include "arch/support/error.hpp"
#include "arch/support/file.hpp"
#include "models/analog/threefry.hpp"

namespace xw::cells {
namespace {

using Draw = Faults::Draw;

auto draw(std::uint32_t seed, std::uint32_t tile, Draw what, std::uint32_t a, std::uint32_t b) {
  const auto key = analog::threefry2x32<20>(seed, tile, Faults::kDomain, static_cast<std::uint32_t>(what));
  return analog::threefry2x32<20>(key[0], key[1], a, b);
}

std::uint64_t share(double probability) {
  return static_cast<std::uint64_t>(std::llround(std::ldexp(probability, 32)));
}

template <typename Number>
std::optional<Number> number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> parts;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

constexpr std::array<std::pair<std::string_view, Stuck>, 4> kStates = {{{"low-plus", Stuck::kLowPlus},
                                                                        {"low-minus", Stuck::kLowMinus},
                                                                        {"high-plus", Stuck::kHighPlus},
                                                                        {"high-minus", Stuck::kHighMinus}}};

}  // namespace

int stuck_code(Stuck stuck, int code, int g_unit) {
  const int plus = std::max(code, 0), minus = std::max(-code, 0);
  int result = code;
  if (stuck == Stuck::kLowPlus) result = -minus;
  if (stuck == Stuck::kLowMinus) result = plus;
  if (stuck == Stuck::kHighPlus) result = g_unit - minus;
  if (stuck == Stuck::kHighMinus) result = plus - g_unit;
  return std::clamp(result, -static_cast<int>(arch::kCellMax), static_cast<int>(arch::kCellMax));
}

FaultOptions parse_faults(std::string_view text) {
  FaultOptions options;
  if (text == "none") return options;
  const std::array<std::pair<std::string_view, double*>, 5> rates = {{{"stuck-low", &options.stuck_low},
                                                                      {"stuck-high", &options.stuck_high},
                                                                      {"rows", &options.rows},
                                                                      {"columns", &options.columns},
                                                                      {"tiles", &options.tiles}}};
  const auto refuse = [&](const std::string& expected, std::string_view found) {
    throw Error(ErrorCode::kInvalidArgument, "faults: expected " + expected + ", found '" + std::string(found) + "'");
  };
  std::set<std::string_view> given;
  for (const std::string_view item : split(text)) {
    const std::size_t equals = item.find('=');
    const std::string_view name = item.substr(0, equals);
    const std::string_view value = equals == std::string_view::npos ? std::string_view() : item.substr(equals + 1);
    const auto* const rate =
        std::find_if(rates.begin(), rates.end(), [&](const auto& known) { return known.first == name; });
    if (equals == std::string_view::npos || (rate == rates.end() && name != "seed" && name != "map")) {
      refuse("none, or key=value with the keys stuck-low, stuck-high, rows, columns, tiles, seed, map", item);
    }
    if (!given.insert(name).second) refuse("every key once", item);
    if (rate != rates.end()) {
      const std::optional<double> probability = number<double>(value);
      if (!probability || !(*probability >= 0) || !(*probability <= 1)) refuse("a probability from 0 to 1", item);
      *rate->second = *probability;
    } else if (name == "seed") {
      options.seed = number<std::uint32_t>(value);
      if (!options.seed) refuse("a seed from 0 to 4294967295", item);
    } else {
      if (value.empty()) refuse("a file", item);
      options.map = value;
      options.map_text = read_text_file(options.map);
    }
  }
  if (options.stuck_low + options.stuck_high > 1) refuse("stuck-low and stuck-high of at most 1 together", text);
  static_cast<void>(Faults(options, 0));  // refuses a wrong map
  return options;
}

Faults::Faults(const FaultOptions& options, std::uint32_t chip_seed)
    : seed_(options.seed.value_or(chip_seed)),
      low_(share(options.stuck_low)),
      high_(share(options.stuck_high)),
      rows_(share(options.rows)),
      columns_(share(options.columns)),
      tiles_rate_(share(options.tiles)) {
  read_map(options);
  any_ = any_stuck() || rows_ + columns_ + tiles_rate_ > 0 || !dead_tiles_.empty() || !dead_rows_.empty() ||
         !dead_columns_.empty();
}

void Faults::read_map(const FaultOptions& options) {
  std::string_view rest = options.map_text;
  for (std::size_t line_number = 1; !rest.empty(); ++line_number) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty() || line.starts_with('#')) continue;
    const auto refuse = [&] {
      throw Error(ErrorCode::kFormat, options.map + ":" + std::to_string(line_number) +
                                          ": expected tile,T or row,T,R or column,T,C or cell,T,R,C,STATE with STATE "
                                          "low-plus, low-minus, high-plus, high-minus, found '" +
                                          std::string(line) + "'");
    };
    const std::vector<std::string_view> parts = split(line);
    const std::size_t numbers = parts[0] == "tile" ? 1 : parts[0] == "row" || parts[0] == "column" ? 2 : 3;
    if (parts.size() != numbers + 1 + (parts[0] == "cell" ? 1 : 0)) refuse();
    std::array<std::uint32_t, 3> place{};
    for (std::size_t i = 0; i < numbers; ++i) {
      const std::optional<std::uint32_t> value = number<std::uint32_t>(parts[i + 1]);
      if (!value) refuse();
      place[i] = *value;
    }
    if (parts[0] == "tile") {
      dead_tiles_.insert(place[0]);
    } else if (parts[0] == "row") {
      dead_rows_.insert({place[0], place[1]});
    } else if (parts[0] == "column") {
      dead_columns_.insert({place[0], place[1]});
    } else {
      const auto* const state =
          std::find_if(kStates.begin(), kStates.end(), [&](const auto& s) { return s.first == parts[4]; });
      if (parts[0] != "cell" || state == kStates.end()) refuse();
      cells_[{place[0], place[1]}][place[2]] = state->second;
    }
  }
}

bool Faults::tile(std::uint32_t tile) const {
  return dead_tiles_.contains(tile) || (tiles_rate_ > 0 && draw(seed_, tile, Draw::kTile, 0, 0)[0] < tiles_rate_);
}

bool Faults::row(std::uint32_t tile, std::uint32_t row) const {
  return dead_rows_.contains({tile, row}) || (rows_ > 0 && draw(seed_, tile, Draw::kRow, row, 0)[0] < rows_);
}

bool Faults::column(std::uint32_t tile, std::uint32_t column) const {
  return dead_columns_.contains({tile, column}) ||
         (columns_ > 0 && draw(seed_, tile, Draw::kColumn, column, 0)[0] < columns_);
}

Stuck Faults::drawn(std::uint32_t word) const {
  if (word < low_) return (word & 1U) != 0 ? Stuck::kLowMinus : Stuck::kLowPlus;
  if (word < low_ + high_) return (word & 1U) != 0 ? Stuck::kHighMinus : Stuck::kHighPlus;
  return Stuck::kNone;
}

Stuck Faults::cell(std::uint32_t tile, std::uint32_t row, std::uint32_t column) const {
  if (const auto known = cells_.find({tile, row}); known != cells_.end()) {
    if (const auto found = known->second.find(column); found != known->second.end()) return found->second;
  }
  if (low_ + high_ == 0) return Stuck::kNone;
  return drawn(draw(seed_, tile, Draw::kCell, row, column / 2)[column % 2]);
}

void Faults::apply(std::uint32_t tile, std::uint32_t row, std::uint32_t column0, std::span<std::int8_t> codes,
                   int g_unit) const {
  for_stuck(tile, row, column0, static_cast<std::uint32_t>(codes.size()), [&](std::uint32_t column, Stuck stuck) {
    std::int8_t& code = codes[column - column0];
    code = static_cast<std::int8_t>(stuck_code(stuck, code, g_unit));
  });
}

}  // namespace xw::cells
