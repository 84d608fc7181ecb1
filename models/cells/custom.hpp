// Cells of one's own: statistics as polynomials or as tables measured on devices. docs/numerics.md#custom.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace xw::cells {

/// A function of r = target / g_max: a polynomial, or straight lines between points.
class Curve {
 public:
  Curve() = default;
  /// c[0] + c[1] r + ...
  explicit Curve(std::vector<double> coefficients) : coefficients_(std::move(coefficients)) {}
  /// {r, value}, r growing from 0 to 1 or beyond; outside it is constant.
  explicit Curve(std::vector<std::pair<double, double>> points) : points_(std::move(points)) {}
  [[nodiscard]] double operator()(double r) const;
  [[nodiscard]] bool is_zero() const;
  /// "0@0.01/1@0.03" of points; nothing of coefficients. parse_custom reads the same numbers back.
  [[nodiscard]] std::string points_text() const;

 private:
  std::vector<double> coefficients_;
  std::vector<std::pair<double, double>> points_;
};

/// What devices of a kind do. Conductances in units of g_max.
struct CustomCells {
  Curve programming;          ///< deviation
  Curve drift, drift_spread;  ///< mean and deviation of the exponent nu
  Curve read;  ///< Q: deviation of the read noise over the conductance and sqrt(ln((t + t_read) / 2 t_read))
  double t_0 = 20, t_read = 250e-9;  ///< seconds
  double die = 0;  ///< from chip to chip: deviation of the logarithms of the programming noise and of the exponents
  std::string
      text;  ///< the settings, as parse_custom reads them back; a table is there as points, so no file is needed any more
};

inline constexpr std::size_t kMaxCurvePoints = 1000;

/// Reads "", or "KEY=VALUE,..." with programming, drift, drift-spread, read: coefficients from the lowest power on, "0.01/0.08/-0.05", or
/// points R@VALUE with growing R, "0@0.01/0.5@0.03/1@0.02"; t0, t-read: seconds above 0; die: 0..2; table=FILE: a CSV whose first line is
/// r,programming,drift,drift_spread,read and whose others are points of the four curves, instead of the four keys; a relative path starts
/// in `folder`. At most kMaxCurvePoints points. Throws Error{kInvalidArgument} telling what was expected and found, what read_text_file
/// throws, Error{kFormat} naming file and line.
[[nodiscard]] CustomCells parse_custom(std::string_view text, const std::filesystem::path& folder = {});

}  // namespace xw::cells
