// Device equations of aihwkit; docs/numerics.md#aihwkit.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "models/cells/aihwkit_devices.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "arch/support/error.hpp"
#include "models/cells/pcm_constants.hpp"

namespace xw::cells::aihwkit {
namespace {

using pcm::Hermes;
using pcm::HermesOne;
using pcm::HermesTwo;
using pcm::PcmLike;

/// Read noise in units of the conductance, from its coefficient q: flicker noise between t_read and t.
double read_deviation(double q, double t, double t_read) {
  return q * std::sqrt(std::log((t + t_read) / (2.0 * t_read)));
}

double drifted(double g_programmed, double nu, double age, double t_0) {
  return age > t_0 ? g_programmed * std::pow(age / t_0, -nu) : g_programmed;
}

double read_noisy(double g, double q, double age, double t_read, double xi) {
  return std::max(0.0, g + std::fabs(g) * read_deviation(q, age, t_read) * xi);
}

template <typename Fit>
double drift_deviation(double r, double log_r) {
  return r < Fit::kDriftDeviationSwitch ? Fit::kDriftDeviation(log_r) : Fit::kDriftDeviationAbove(r);
}

template <typename Fit>
double read_coefficient(double r) {
  return r < Fit::kReadSwitch ? Fit::kRead(std::log(r)) : Fit::kReadAbove(r);
}

}  // namespace

double PcmLikeDevice::programmed(double g_target, double xi) const {
  return std::max(0.0, g_target + PcmLike::kProgramming(g_target / g_max) * g_max / PcmLike::kGMax * xi);
}

double PcmLikeDevice::drift_exponent(double g_target, double xi) const {
  const double log_r = std::log(std::max(g_target / g_max, PcmLike::kLeast));
  return std::fabs(PcmLike::kDriftMean(log_r) + PcmLike::kDriftDeviation(log_r) * xi);
}

double PcmLikeDevice::read(double g_programmed, double nu, double t, double xi) const {
  const double age = t + t_0;
  const double power = std::max(std::pow(g_programmed / g_max, PcmLike::kReadPower), 1e-3);
  const double q = std::min(PcmLike::kRead / power, PcmLike::kReadMost);
  return read_noisy(drifted(g_programmed, nu, age, t_0), q, age, t_read, xi);
}

HermesDevice::HermesDevice(int num_devices) : num_devices_(num_devices) {
  if (num_devices != 1 && num_devices != 2) {
    throw Error(ErrorCode::kInvalidArgument,
                "Hermes: " + std::to_string(num_devices) + " devices per conductance, must be 1 or 2");
  }
}

double HermesDevice::g_max() const {
  return num_devices_ == 1 ? HermesOne::kGMax : HermesTwo::kGMax;
}

double HermesDevice::programmed(double g_target, double xi) const {
  const double r = g_target / g_max();
  return std::max(0.0, g_target + (num_devices_ == 1 ? HermesOne::kProgramming(r) : HermesTwo::kProgramming(r)) * xi);
}

double HermesDevice::drift_exponent(double g_target, double xi) const {
  const double r = std::max(g_target / g_max(), Hermes::kLeast);
  const double log_r = std::log(r);
  const double mean = r < Hermes::kDriftMeanSwitch ? Hermes::kDriftMean(log_r) : Hermes::kDriftMeanAbove(r);
  const double deviation =
      num_devices_ == 1 ? drift_deviation<HermesOne>(r, log_r) : drift_deviation<HermesTwo>(r, log_r);
  return std::fabs(mean + deviation * xi);
}

double HermesDevice::read(double g_programmed, double nu, double t, double xi) const {
  const double t_0 = num_devices_ == 1 ? HermesOne::kT0 : HermesTwo::kT0;
  const double age = t + t_0;
  const double r = std::fabs(g_programmed) / g_max();
  const double q = num_devices_ == 1 ? read_coefficient<HermesOne>(r) : read_coefficient<HermesTwo>(r);
  return read_noisy(drifted(g_programmed, nu, age, t_0), q, age, Hermes::kReadTime, xi);
}

double reram_wan2022(double g_target, ReramTime time, double xi, double g_max) {
  return std::max(0.0, g_target + pcm::ReramWan2022::kSigma[static_cast<std::size_t>(time)](g_target / g_max) * xi);
}

ReramCmoDevice::ReramCmoDevice(double acceptance_percent)
    : acceptance_(acceptance_percent == pcm::ReramCmo::kAcceptances[0] ? 0 : 1) {
  if (acceptance_percent == pcm::ReramCmo::kAcceptances[acceptance_]) return;
  throw Error(ErrorCode::kInvalidArgument,
              "ReRAM CMO: acceptance is " + std::to_string(acceptance_percent) + " %, must be 0.2 or 2");
}

double ReramCmoDevice::programmed(double g_target, double xi) const {
  return g_target + pcm::ReramCmo::kProgramming[acceptance_](g_target) * xi;
}

double ReramCmoDevice::read(double g_programmed, double t, double xi_relaxation, double xi_read) const {
  using pcm::ReramCmo;
  const double log_t = std::log(t);
  const double drifted = g_programmed + ReramCmo::kShift * log_t + ReramCmo::kRelaxation(log_t) * xi_relaxation;
  const double reads = std::log((t + ReramCmo::kReadTime) / (2 * ReramCmo::kReadTime));
  const double read = drifted + ReramCmo::kRead * std::log10(drifted) * std::sqrt(reads) * xi_read;
  return std::clamp(read, ReramCmo::kGMin, ReramCmo::kGMax);
}

}  // namespace xw::cells::aihwkit
