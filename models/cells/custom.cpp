// The cell model "custom": statistics of one's own devices.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "models/cells/custom.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <set>

#include "arch/support/error.hpp"
#include "arch/support/file.hpp"
#include "models/cells/device_pairs.hpp"
#include "models/cells/model_list.hpp"

namespace xw::cells {
namespace {

using programming::Stream;

/// The shortest text that reads back as the same number.
std::string number_text(double value) {
  std::array<char, 32> text{};
  return {text.data(), std::to_chars(text.data(), text.data() + text.size(), value).ptr};
}

std::optional<double> number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(separator, begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

[[noreturn]] void refuse(const std::string& expected, std::string_view found) {
  throw Error(ErrorCode::kInvalidArgument,
              "programming model 'custom': expected " + expected + ", found '" + std::string(found) + "'");
}

constexpr std::string_view kTableHead = "r,programming,drift,drift_spread,read";

using Points = std::vector<std::pair<double, double>>;

/// "0@0.01/1@0.03"; `item` for messages.
Points parse_points(std::string_view text, std::string_view item) {
  Points points;
  for (const std::string_view one : split(text, '/')) {
    const std::size_t at = std::min(one.find('@'), one.size());
    const std::optional<double> r = number(one.substr(0, at));
    const std::optional<double> value = number(one.substr(std::min(at + 1, one.size())));
    if (!r || !value || *value < 0 || (points.empty() ? *r != 0 : *r <= points.back().first)) {
      refuse("points R@VALUE like 0@0.01/0.5@0.03/1@0.02 with R growing from 0 and values of at least 0", item);
    }
    points.emplace_back(*r, *value);
  }
  if (points.back().first < 1) refuse("points from R = 0 up to R = 1", item);
  if (points.size() > kMaxCurvePoints) refuse("at most " + std::to_string(kMaxCurvePoints) + " points", item);
  return points;
}

void read_table(const std::filesystem::path& file, CustomCells& cells) {
  const std::string path = file.string();
  const std::string text = read_text_file(file);
  const auto fail = [&](std::size_t line, const std::string& expected, std::string_view found) {
    throw Error(ErrorCode::kFormat,
                path + ":" + std::to_string(line) + ": expected " + expected + ", found '" + std::string(found) + "'");
  };
  std::array<Points, 4> points;
  std::size_t line_number = 0;
  for (std::string_view line : split(text, '\n')) {
    ++line_number;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line_number == 1) {
      if (line != kTableHead) fail(1, std::string(kTableHead), line);
      continue;
    }
    if (line.empty()) continue;
    const std::vector<std::string_view> columns = split(line, ',');
    std::array<double, 5> values{};
    bool good = columns.size() == values.size();
    for (std::size_t i = 0; good && i < values.size(); ++i) {
      const std::optional<double> value = number(columns[i]);
      good = value && *value >= 0;
      values[i] = value.value_or(0);
    }
    if (!good) fail(line_number, "five numbers of at least 0", line);
    if (!points[0].empty() && values[0] <= points[0].back().first) fail(line_number, "a larger r than before", line);
    if (points[0].empty() && values[0] != 0) fail(line_number, "r = 0 first", line);
    if (points[0].size() == kMaxCurvePoints)
      fail(line_number, "at most " + std::to_string(kMaxCurvePoints) + " points", line);
    for (std::size_t curve = 0; curve < points.size(); ++curve)
      points[curve].emplace_back(values[0], values[curve + 1]);
  }
  if (points[0].empty() || points[0].back().first < 1) fail(line_number, "points from r = 0 up to r = 1", "fewer");
  cells.programming = Curve(points[0]);
  cells.drift = Curve(points[1]);
  cells.drift_spread = Curve(points[2]);
  cells.read = Curve(points[3]);
}

/// Deviate `which` of a chip, for its difference from the others.
double die_deviate(std::uint32_t chip_seed, std::uint32_t which) {
  programming::Deviates deviates;
  const programming::CellDeviates source(chip_seed, Stream::kCustom);
  source.draw(source.key(0, 8 + which), 0, 0, 1, deviates);
  return static_cast<double>(deviates.data()[0]);
}

std::unique_ptr<ProgrammingModel> make_custom(const ModelSettings& settings) {
  const CustomCells cells = parse_custom(settings.custom);
  const double noisier = std::exp(cells.die * die_deviate(settings.chip_seed, 0));
  const double faster = std::exp(cells.die * die_deviate(settings.chip_seed, 1));
  PairFit fit;
  fit.stream = Stream::kCustom;
  fit.device = [cells, noisier, faster](double r) {  // called as long as the model lives
    PcmDevice device;
    device.sigma = static_cast<float>(std::max(0.0, cells.programming(r) * noisier));
    device.nu_mean = static_cast<float>(std::max(0.0, cells.drift(r) * faster));
    device.nu_deviation = static_cast<float>(std::max(0.0, cells.drift_spread(r) * faster));
    return device;
  };
  fit.t_0 = cells.t_0;
  fit.t_read = cells.t_read;
  if (!cells.read.is_zero()) fit.read_noise = [cells](double r) { return std::max(0.0, cells.read(r)); };
  return make_device_pairs(fit, settings);
}

}  // namespace

double Curve::operator()(double r) const {
  if (points_.empty()) {
    double sum = 0;
    for (std::size_t i = coefficients_.size(); i-- > 0;) sum = sum * r + coefficients_[i];
    return sum;
  }
  const auto after = std::upper_bound(points_.begin(), points_.end(), r,
                                      [](double value, const auto& point) { return value < point.first; });
  if (after == points_.begin()) return points_.front().second;
  if (after == points_.end()) return points_.back().second;
  const auto& [r0, y0] = *(after - 1);
  return y0 + (after->second - y0) * (r - r0) / (after->first - r0);
}

bool Curve::is_zero() const {
  return std::all_of(coefficients_.begin(), coefficients_.end(), [](double c) { return c == 0; }) &&
         std::all_of(points_.begin(), points_.end(), [](const auto& point) { return point.second == 0; });
}

std::string Curve::points_text() const {
  std::string text;
  for (const auto& [r, value] : points_) text += (text.empty() ? "" : "/") + number_text(r) + "@" + number_text(value);
  return text;
}

CustomCells parse_custom(std::string_view text, const std::filesystem::path& folder) {
  CustomCells cells;
  if (text.empty()) return cells;
  const std::array<std::pair<std::string_view, Curve*>, 4> curves = {{{"programming", &cells.programming},
                                                                      {"drift", &cells.drift},
                                                                      {"drift-spread", &cells.drift_spread},
                                                                      {"read", &cells.read}}};
  struct Scalar {
    std::string_view name;
    double* value;
    double lowest, highest;
    const char* expected;
  };
  const std::array<Scalar, 3> scalars = {{{"t0", &cells.t_0, 1e-12, 1e10, "t0 of 1e-12..1e10 s"},
                                          {"t-read", &cells.t_read, 1e-12, 1e10, "t-read of 1e-12..1e10 s"},
                                          {"die", &cells.die, 0, 2, "die of 0..2"}}};
  std::set<std::string_view> given;
  for (const std::string_view item : split(text, ',')) {
    const std::size_t equals = std::min(item.find('='), item.size());
    const std::string_view name = item.substr(0, equals);
    const std::string_view value = item.substr(std::min(equals + 1, item.size()));
    if (!given.insert(name).second) refuse("every key once", item);
    if (name != "table") cells.text += (cells.text.empty() ? "" : ",") + std::string(item);
    const auto* const curve =
        std::find_if(curves.begin(), curves.end(), [&](const auto& c) { return c.first == name; });
    const auto* const scalar =
        std::find_if(scalars.begin(), scalars.end(), [&](const auto& s) { return s.name == name; });
    if (curve != curves.end() && value.find('@') != std::string_view::npos) {
      *curve->second = Curve(parse_points(value, item));
    } else if (curve != curves.end()) {
      std::vector<double> coefficients;
      for (const std::string_view one : split(value, '/')) {
        const std::optional<double> coefficient = number(one);
        if (!coefficient) refuse("coefficients like 0.01/0.08/-0.05", item);
        coefficients.push_back(*coefficient);
      }
      *curve->second = Curve(std::move(coefficients));
    } else if (scalar != scalars.end()) {
      const std::optional<double> found = number(value);
      if (!found || *found < scalar->lowest || *found > scalar->highest) refuse(scalar->expected, item);
      *scalar->value = *found;
    } else if (name == "table" && !value.empty()) {
      read_table(folder / value, cells);
    } else {
      refuse("KEY=VALUE with the keys programming, drift, drift-spread, read, t0, t-read, die, table", item);
    }
  }
  if (given.contains("table")) {
    for (const auto& [name, curve] : curves) {
      if (given.contains(name)) refuse("a table or coefficients, not both", text);
      cells.text += (cells.text.empty() ? "" : ",") + std::string(name) + "=" + curve->points_text();
    }
  }
  return cells;
}

CellModel custom_model() {
  CellModel model{
      "custom",
      "pairs of one's own devices: programming, drift, drift-spread, read as coefficients c0/c1/... of r or "
      "points r@value/..., or table=FILE; t0, t-read in seconds; die, the spread from chip to chip (docs/numerics.md)",
      true,
      {},
      make_custom};
  model.is_custom = true;
  return model;
}

}  // namespace xw::cells
