// Device equations of aihwkit; docs/numerics.md#aihwkit.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "models/cells/aihwkit_devices.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>
#include <string>

#include "arch/support/error.hpp"

namespace xw::cells::aihwkit {
namespace {

/// c[0] + c[1] r + c[2] r^2 + ...
double polynomial(std::span<const double> c, double r) {
  double sum = 0.0;
  for (std::size_t i = c.size(); i-- > 0;) sum = sum * r + c[i];
  return sum;
}

/// Read noise in units of the conductance, from its coefficient q: flicker noise between t_read and t.
double read_deviation(double q, double t, double t_read) {
  return q * std::sqrt(std::log((t + t_read) / (2.0 * t_read)));
}

}  // namespace

double PcmLikeDevice::programmed(double g_target, double xi) const {
  constexpr std::array<double, 3> kSigma = {0.26348, 1.9650, -1.1731};
  return std::max(0.0, g_target + polynomial(kSigma, g_target / g_max) * g_max / 25.0 * xi);
}

double PcmLikeDevice::drift_exponent(double g_target, double xi) const {
  const double log_r = std::log(std::max(g_target / g_max, 1e-7));
  const double mean = std::clamp(-0.0155 * log_r + 0.0244, 0.049, 0.1);
  const double deviation = std::clamp(-0.0125 * log_r - 0.0059, 0.008, 0.045);
  return std::fabs(mean + deviation * xi);
}

double PcmLikeDevice::read(double g_programmed, double nu, double t, double xi) const {
  const double age = t + t_0;
  const double drifted = age > t_0 ? g_programmed * std::pow(age / t_0, -nu) : g_programmed;
  const double q = std::min(0.0088 / std::max(std::pow(g_programmed / g_max, 0.65), 1e-3), 0.2);
  return std::max(0.0, drifted + std::fabs(drifted) * read_deviation(q, age, t_read) * xi);
}

HermesDevice::HermesDevice(int num_devices) : num_devices_(num_devices) {
  if (num_devices != 1 && num_devices != 2) {
    throw Error(ErrorCode::kInvalidArgument,
                "Hermes: " + std::to_string(num_devices) + " devices per conductance, must be 1 or 2");
  }
}

double HermesDevice::programmed(double g_target, double xi) const {
  constexpr std::array<double, 4> kOne = {0.15781817, 2.32443916, -2.16310839, 0.68841818};
  constexpr std::array<double, 4> kTwo = {0.16603222, 4.71806468, -8.48101252, 4.68961419};
  return std::max(0.0, g_target + polynomial(num_devices_ == 1 ? kOne : kTwo, g_target / g_max()) * xi);
}

double HermesDevice::drift_exponent(double g_target, double xi) const {
  const double r = std::max(g_target / g_max(), 1e-7);
  const double log_r = std::log(r);
  const double mean =
      r < 0.0945 ? std::clamp(-0.0387 * log_r - 0.0182, 0.0720, 0.13) : -0.0436 * r * r - 0.0126 * r + 0.0736;
  double deviation = 0.0;
  if (num_devices_ == 1) {
    deviation = r < 0.3039 ? std::clamp(-0.0120 * log_r - 0.0023, 0.0124, 0.04) : -0.0165 * r * r + 0.0116 * r + 0.0104;
  } else {
    deviation = r < 0.3055 ? std::clamp(-0.0117 * log_r - 0.0057, 0.0091, 0.04) : -0.0118 * r * r + 0.0093 * r + 0.0073;
  }
  return std::fabs(mean + deviation * xi);
}

double HermesDevice::read(double g_programmed, double nu, double t, double xi) const {
  constexpr double kReadTime = 512e-9;
  constexpr std::array<double, 4> kOne = {0.0088, 0.0768, -0.1352, 0.0664};
  constexpr std::array<double, 4> kTwo = {0.0123, 0.0211, -0.0280, 0.0069};
  const double t_0 = num_devices_ == 1 ? 200.0 : 300.0;
  const double age = t + t_0;
  const double drifted = age > t_0 ? g_programmed * std::pow(age / t_0, -nu) : g_programmed;
  const double r = std::fabs(g_programmed) / g_max();
  double q = 0.0;
  if (num_devices_ == 1) {
    q = r < 0.1591 ? std::clamp(-0.0078 * std::log(r) + 0.0038, 0.0179, 0.04) : polynomial(kOne, r);
  } else {
    q = r < 0.16 ? std::clamp(-0.0117 * std::log(r) - 0.0069, 0.015, 0.04) : polynomial(kTwo, r);
  }
  return std::max(0.0, drifted + std::fabs(drifted) * read_deviation(q, age, kReadTime) * xi);
}

double reram_wan2022(double g_target, ReramTime time, double xi, double g_max) {
  constexpr std::array<double, 5> kSigma[] = {{0.348, 16.030, -43.853, 45.393, -16.815},
                                              {0.701, 22.086, -50.773, 47.095, -16.458},
                                              {0.782, 20.274, -43.507, 37.062, -11.934}};
  return std::max(0.0, g_target + polynomial(kSigma[static_cast<std::size_t>(time)], g_target / g_max) * xi);
}

}  // namespace xw::cells::aihwkit
