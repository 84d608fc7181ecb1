// Conductance models of aihwkit: programming, drift and read noise of one device, with given deviates. For studies.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/cells/pcm_constants.hpp"

namespace xw::cells::aihwkit {

/// All conductances are in microsiemens, times in seconds, `xi` is a standard normal deviate.
/// One phase-change device (aihwkit PCMLikeNoiseModel). Times count from programming; drift starts at t_0.
struct PcmLikeDevice {
  double g_max = pcm::PcmLike::kGMax;
  double t_0 = pcm::PcmLike::kT0;
  double t_read = pcm::PcmLike::kReadTime;
  /// Conductance after programming to g_target, never negative.
  [[nodiscard]] double programmed(double g_target, double xi) const;
  /// Drift exponent nu of a device programmed to g_target.
  [[nodiscard]] double drift_exponent(double g_target, double xi) const;
  /// Conductance read `t` seconds after programming, with drift and read noise.
  [[nodiscard]] double read(double g_programmed, double nu, double t, double xi) const;
};

/// The unit cell of the Hermes chip (aihwkit HermesNoiseModel) with one or two phase-change devices per conductance. Another fit than
/// the AFM script's: do not mix them.
class HermesDevice {
 public:
  /// Throws Error{kInvalidArgument} unless num_devices is 1 or 2.
  explicit HermesDevice(int num_devices);
  [[nodiscard]] double g_max() const;
  [[nodiscard]] double programmed(double g_target, double xi) const;
  [[nodiscard]] double drift_exponent(double g_target, double xi) const;
  [[nodiscard]] double read(double g_programmed, double nu, double t, double xi) const;

 private:
  int num_devices_;
};

/// When the relaxation of the resistive memory of Wan et al. 2022 was measured; there is no model between these times.
enum class ReramTime { kOneSecond, kOneDay, kTwoDays };
/// Conductance of that memory at one of the three times.
[[nodiscard]] double reram_wan2022(double g_target, ReramTime time, double xi, double g_max = pcm::ReramWan2022::kGMax);

/// A conductive-metal-oxide device (aihwkit ReRamCMONoiseModel). Throws Error{kInvalidArgument} unless the acceptance is 0.2 or 2 %.
class ReramCmoDevice {
 public:
  explicit ReramCmoDevice(double acceptance_percent);
  [[nodiscard]] double programmed(double g_target, double xi) const;
  /// Conductance read t > 0 seconds after programming, with relaxation and read noise, within what the device has.
  [[nodiscard]] double read(double g_programmed, double t, double xi_relaxation, double xi_read) const;

 private:
  std::size_t acceptance_;  ///< index into pcm::ReramCmo::kAcceptances
};

}  // namespace xw::cells::aihwkit
