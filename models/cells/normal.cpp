// Builds the table of the inverse normal distribution from elementary arithmetic.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "models/cells/normal.hpp"

namespace xw::cells {
namespace {

/// exp(-a), 0 <= a <= 40: Taylor series of exp(-a / 1024), squared ten times.
double exp_of_minus(double a) {
  const double x = a / 1024.0;
  double sum = 1.0;
  for (int n = 18; n >= 1; --n) sum = 1.0 - x / n * sum;
  for (int i = 0; i < 10; ++i) sum *= sum;
  return sum;
}

double density(double z) {
  constexpr double kInverseSqrtTwoPi = 0.39894228040143267794;
  return kInverseSqrtTwoPi * exp_of_minus(z * z / 2.0);
}

/// Probability that a standard normal deviate exceeds z >= 0.
double upper_tail(double z) {
  const double phi = density(z);
  if (z < 2.5) {  // 1/2 - phi(z) (z + z^3/3 + z^5/(3*5) + ...)
    double term = z;
    double sum = z;
    for (int n = 3; n < 120; n += 2) {
      term *= z * z / n;
      sum += term;
    }
    return 0.5 - phi * sum;
  }
  double fraction = 0.0;  // phi(z) / (z + 1/(z + 2/(z + 3/(...))))
  for (int n = 100; n >= 1; --n) fraction = n / (z + fraction);
  return phi / (z + fraction);
}

}  // namespace

double normal_upper_quantile(double p, double guess) {
  double z = guess;
  for (int i = 0; i < 60; ++i) {  // Halley's iteration; Q' = -phi, Q'' = z phi
    const double u = (upper_tail(z) - p) / density(z);
    const double step = u / (1.0 - z * u / 2.0);
    const double next = z + step < 0.0 ? z / 2.0 : z + step;
    const double change = next > z ? next - z : z - next;
    z = next;
    if (change < 1e-14) break;
  }
  return z;
}

NormalTable::NormalTable() {
  // Octave k holds odd = 2m+1 in [2^(31-k), 2^(32-k)), that is p = odd / 2^33 in [2^-(k+2), 2^-(k+1)).
  // The cubic of a segment interpolates the quantile at the four Chebyshev nodes of the segment.
  constexpr double kNodes[4] = {0.03806023374435662, 0.30865828381745508, 0.69134171618254492, 0.96193976625564338};
  double octave_start = 0.25;  // p
  double guess = 0.6;
  for (std::uint32_t octave = 0; octave < kOctaves; ++octave, octave_start /= 2.0) {
    for (std::uint32_t segment = kSegments; segment-- > 0;) {
      const double width = octave_start / kSegments;
      const double start = octave_start + segment * width;
      double d[4];  // divided differences of Newton's interpolation
      for (int i = 3; i >= 0; --i) {
        d[i] = normal_upper_quantile(start + kNodes[i] * width, guess);
        guess = d[i];
      }
      for (int order = 1; order < 4; ++order) {
        for (int i = 3; i >= order; --i) d[i] = (d[i] - d[i - 1]) / (kNodes[i] - kNodes[i - order]);
      }
      // Newton's form to powers of t.
      double c[4] = {d[3], 0.0, 0.0, 0.0};
      for (int i = 2; i >= 0; --i) {
        for (int k = 3; k >= 1; --k) c[k] = c[k - 1] - kNodes[i] * c[k];
        c[0] = d[i] - kNodes[i] * c[0];
      }
      Cubic& cubic = storage_.cubics[octave * kSegments + segment];
      cubic = {static_cast<float>(c[0]), static_cast<float>(c[1]), static_cast<float>(c[2]), static_cast<float>(c[3])};
      if (octave >= 4) continue;
      const std::size_t place = std::size_t{octave ^ 1U} * kSegments + segment;
      for (int i = 0; i < 4; ++i) storage_.planes[static_cast<std::size_t>(i)][place] = static_cast<float>(c[i]);
    }
  }
}

const NormalTable& NormalTable::instance() {
  static const NormalTable table;
  return table;
}

}  // namespace xw::cells
