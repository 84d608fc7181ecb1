// The fitted constants of phase-change and resistive devices, each once; docs/numerics.md has the formulas and their sources.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>

namespace xw::cells::pcm {

/// c[0] + c[1] x + c[2] x^2 + ..., by Horner's rule.
template <std::size_t kTerms>
struct Polynomial {
  std::array<double, kTerms> coefficients;
  [[nodiscard]] constexpr double operator()(double x) const {
    double sum = coefficients[kTerms - 1];
    for (std::size_t i = kTerms - 1; i-- > 0;) sum = sum * x + coefficients[i];
    return sum;
  }
};

/// slope * x + offset, kept within [lowest, highest].
struct ClampedLine {
  double slope = 0, offset = 0, lowest = 0, highest = 0;
  [[nodiscard]] constexpr double operator()(double x) const {
    const double value = slope * x + offset;
    return value < lowest ? lowest : value > highest ? highest : value;
  }
};

/// The programming noise script of the Analog Foundation Models. Conductances in units of the fit.
struct Afm {
  static constexpr double kFullScale = 180.0;
  static constexpr double kOff = 0.6;             ///< below it the cell is exactly zero
  static constexpr double kOneDeviceUpTo = 52.5;  ///< two devices above
  static constexpr Polynomial<4> kOneDevice{
      {2.5797410660159494, 0.22419685954327148, -0.00371581208142707, 2.939751381126213e-05}};
  static constexpr Polynomial<4> kTwoDevices{
      {2.110295720240385, 0.2453487119885723, -0.003054993405157235, 1.2329755395573392e-05}};
};

/// aihwkit's PCMLikeNoiseModel. Arguments: r = g / g_max, or its natural logarithm (r at least kLeast).
struct PcmLike {
  static constexpr double kGMax = 25.0;        ///< microsiemens
  static constexpr double kT0 = 20.0;          ///< seconds: when drift begins
  static constexpr double kReadTime = 250e-9;  ///< seconds
  static constexpr double kLeast = 1e-7;
  static constexpr Polynomial<3> kProgramming{{0.26348, 1.9650, -1.1731}};       ///< (r) microsiemens of 25
  static constexpr ClampedLine kDriftMean{-0.0155, 0.0244, 0.049, 0.1};          ///< (ln r) of the exponent
  static constexpr ClampedLine kDriftDeviation{-0.0125, -0.0059, 0.008, 0.045};  ///< (ln r) of the exponent
  /// Read noise: q = min(kRead r^-kReadPower, kReadMost), in units of the conductance.
  static constexpr double kRead = 0.0088, kReadPower = 0.65, kReadMost = 0.2;
};

/// aihwkit's HermesNoiseModel with one phase-change device per conductance. Arguments as above.
struct HermesOne {
  static constexpr double kGMax = 10.35, kT0 = 200.0;
  static constexpr Polynomial<4> kProgramming{{0.15781817, 2.32443916, -2.16310839, 0.68841818}};  ///< (r) microsiemens
  static constexpr double kDriftDeviationSwitch = 0.3039;  ///< r: the line (ln r) below, the polynomial (r) above
  static constexpr ClampedLine kDriftDeviation{-0.0120, -0.0023, 0.0124, 0.04};
  static constexpr Polynomial<3> kDriftDeviationAbove{{0.0104, 0.0116, -0.0165}};
  static constexpr double kReadSwitch = 0.1591;
  static constexpr ClampedLine kRead{-0.0078, 0.0038, 0.0179, 0.04};
  static constexpr Polynomial<4> kReadAbove{{0.0088, 0.0768, -0.1352, 0.0664}};
};
/// The same with two devices.
struct HermesTwo {
  static constexpr double kGMax = 20.7, kT0 = 300.0;
  static constexpr Polynomial<4> kProgramming{{0.16603222, 4.71806468, -8.48101252, 4.68961419}};
  static constexpr double kDriftDeviationSwitch = 0.3055;
  static constexpr ClampedLine kDriftDeviation{-0.0117, -0.0057, 0.0091, 0.04};
  static constexpr Polynomial<3> kDriftDeviationAbove{{0.0073, 0.0093, -0.0118}};
  static constexpr double kReadSwitch = 0.16;
  static constexpr ClampedLine kRead{-0.0117, -0.0069, 0.015, 0.04};
  static constexpr Polynomial<4> kReadAbove{{0.0123, 0.0211, -0.0280, 0.0069}};
};
/// What both have.
struct Hermes {
  static constexpr double kReadTime = 512e-9, kLeast = 1e-7;
  static constexpr double kDriftMeanSwitch = 0.0945;
  static constexpr ClampedLine kDriftMean{-0.0387, -0.0182, 0.0720, 0.13};
  static constexpr Polynomial<3> kDriftMeanAbove{{0.0736, -0.0126, -0.0436}};
};

/// The resistive memory of Wan et al. 2022 after one second, one day, two days: (r) microsiemens of 25.
struct ReramWan2022 {
  static constexpr double kGMax = 25.0;
  static constexpr std::array<Polynomial<5>, 3> kSigma = {{{{0.348, 16.030, -43.853, 45.393, -16.815}},
                                                           {{0.701, 22.086, -50.773, 47.095, -16.458}},
                                                           {{0.782, 20.274, -43.507, 37.062, -11.934}}}};
};

/// aihwkit's ReRamCMONoiseModel: one device per weight. Conductances in microsiemens, times in seconds, acceptances in percent.
struct ReramCmo {
  static constexpr double kGMin = 9.0, kGMax = 88.199997;
  static constexpr std::array kAcceptances = {0.2, 2.0};
  static constexpr std::array<Polynomial<2>, 2> kProgramming = {
      {{{0.00081107, 0.00106879}}, {{0.0112185391, 0.01129027418}}}};
  static constexpr double kShift = -0.08900206;                          ///< times ln t
  static constexpr Polynomial<2> kRelaxation{{0.41183342, 0.04201137}};  ///< (ln t)
  static constexpr double kRead = 0.0277316483, kReadTime = 1e-6;        ///< times log10 of the conductance
};

}  // namespace xw::cells::pcm
