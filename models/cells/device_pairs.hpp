// Cells that are the difference of two devices with programming noise, drift and frozen read noise, whatever their fit. Private to the models.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "models/cells/cell_kernels.hpp"
#include "models/cells/cell_model.hpp"
#include "models/cells/programming_base.hpp"

namespace xw::cells {

/// What a device of a pair does that is programmed to one target; in units of g_max.
struct PcmDevice {
  float sigma = 0;  ///< programming noise
  float nu_mean = 0, nu_deviation = 0;
};

/// Devices by the entry of a magnitude: of full scales above kDeviceEntries several magnitudes share one, that of their middle.
struct DeviceTable {
  unsigned shift = 0;  ///< entry = magnitude >> shift
  std::vector<DeviceEntry> entries;
  float step = 0;  ///< what a step of DeviceEntry::exponents is worth
  /// With the exponents of the idle device.
  [[nodiscard]] DriftScale drift(const PcmDevice& idle, float log2_age) const {
    return {step * log2_age, idle.nu_mean * log2_age, idle.nu_deviation * log2_age};
  }
};
inline constexpr int kDeviceEntries = 2048;  ///< at most: what programming looks up stays in the first-level cache

/// Tables of the full scales that programs store are made once, others when they are asked for, which is slow.
class DeviceTables {
 public:
  /// Of a device that is programmed to r = g / g_max.
  using Device = std::function<PcmDevice(double r)>;
  explicit DeviceTables(Device device);

  /// Calls body(const DeviceTable&) with the table of a full scale.
  template <typename Body>
  void with(int target_max, const Body& body) const {
    for (std::size_t i = 0; i < kFullScales.size(); ++i) {
      if (kFullScales[i] == target_max) return body(tables_[i]);
    }
    body(table(target_max));
  }

 private:
  static constexpr std::array<int, 3> kFullScales = {32767, 127, 7};
  [[nodiscard]] DeviceTable table(int target_max) const;

  Device device_;
  std::array<DeviceTable, kFullScales.size()> tables_;
};

/// What devices of one kind do; conductances in units of g_max.
struct PairFit {
  programming::Stream stream = programming::Stream::kPcmAihwkit;  ///< of the deviates
  DeviceTables::Device device;
  double t_0 = 0, t_read = 0;  ///< seconds: when drift begins, of one read; for models that drift or read
  std::function<double(double r)> read_noise;  ///< Q of a device that was programmed to r; empty: no read noise
};

/// aihwkit's PCMLikeNoiseModel: a device that is programmed to r, and its Q.
[[nodiscard]] PcmDevice pcm_like_device(double r);
[[nodiscard]] double pcm_like_read_noise(double r);
/// A quadratic through the curve at the three Chebyshev nodes of each segment.
[[nodiscard]] QuadraticCurve quadratic_curve(const std::function<double(double r)>& curve);
/// Curves of Q for devices of which the idle one has this programming noise.
[[nodiscard]] ReadCurves read_curves(const std::function<double(double r)>& read_noise, float idle_sigma);
/// log2 of (t / t_0), and the flicker noise between t_read and t, of a chip that was programmed `seconds` ago.
[[nodiscard]] float log2_age(double seconds, double t_0);
[[nodiscard]] float flicker_scale(double seconds, double t_0, double t_read);

/// A model of such pairs. Its age is settings.seconds + t_0.
[[nodiscard]] std::unique_ptr<ProgrammingModel> make_device_pairs(const PairFit& fit, const ModelSettings& settings);

}  // namespace xw::cells
