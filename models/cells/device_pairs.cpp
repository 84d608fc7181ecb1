// Pairs of devices as cells; docs/numerics.md#pairs-of-devices. Conductances are in units of g_max.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "models/cells/device_pairs.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include "models/cells/elementary.hpp"
#include "models/cells/programming_base.hpp"

namespace xw::cells {
namespace {

using namespace programming;

class DevicePairs final : public ModelBase<DevicePairs> {
 public:
  DevicePairs(const PairFit& fit, const ModelSettings& settings)
      : deviates_(settings.chip_seed, fit.stream, settings.seconds),
        g_unit_(static_cast<float>(settings.g_unit)),
        drifts_(settings.seconds > 0.0),
        reads_(static_cast<bool>(fit.read_noise)),
        devices_(fit.device),
        idle_(fit.device(0)) {
    if (drifts_) log2_age_ = log2_age(settings.seconds, fit.t_0);
    if (!reads_) return;
    curves_ = read_curves(fit.read_noise, idle_.sigma);
    read_scale_ = flicker_scale(settings.seconds, fit.t_0, fit.t_read);
  }

  [[nodiscard]] DrawKeys keys(std::uint32_t tile_uid) const { return deviates_.keys(tile_uid, Draw::kProgramming); }
  template <typename Target>
  void program(const DrawKeys& keys, std::uint32_t row, std::uint32_t col0, const Target* targets, std::size_t count,
               int target_max, std::int8_t* cells) const {
    devices_.with(target_max, [&](const DeviceTable& table) {
      const CellKernels& kernels = cell_kernels();
      Pairs pairs;
      Deviates noise[3];
      Deviates idle_noise[3];
      const auto draw = [&](const DrawKey& key, std::size_t to) {
        CellDeviates::draw_pairs(key, row, col0, count, noise[to], idle_noise[to]);
      };
      // One device of every pair has the target 0, so a pair is calculated as the device that holds the weight less the idle one, and its
      // sign comes last: it does not change how anything is rounded.
      find_magnitudes(targets, count, target_max, pairs.magnitudes, pairs.negative);
      draw(keys.programming, 0);
      kernels.program_pairs(table.entries.data(), table.shift, 1.0F / static_cast<float>(target_max), idle_.sigma,
                            count, noise[0].data(), idle_noise[0].data(), pairs);
      if (drifts_) {
        draw(keys.drift, 1);
        pairs.drift_noise = noise[1].data();
        pairs.idle_drift_noise = idle_noise[1].data();
      }
      if (reads_) {
        kernels.read_coefficients(curves_, idle_noise[0].data(), count, pairs);
        draw(keys.read, 2);
        pairs.read_noise = noise[2].data();
        pairs.idle_read_noise = idle_noise[2].data();
      }
      kernels.store_pairs[drifts_ ? 1 : 0][reads_ ? 1 : 0](pairs, {table.drift(idle_, log2_age_), read_scale_}, count,
                                                           g_unit_, cells);
    });
  }

 private:
  CellDeviates deviates_;
  float g_unit_;
  bool drifts_, reads_;
  DeviceTables devices_;
  PcmDevice idle_;
  ReadCurves curves_;
  float log2_age_ = 0, read_scale_ = 0;
};

}  // namespace

DeviceTables::DeviceTables(Device device) : device_(std::move(device)) {
  for (std::size_t i = 0; i < kFullScales.size(); ++i) tables_[i] = table(kFullScales[i]);
}

DeviceTable DeviceTables::table(int target_max) const {
  DeviceTable table;
  while ((target_max >> table.shift) >= kDeviceEntries) ++table.shift;
  std::vector<PcmDevice> devices;
  const int step = 1 << table.shift;
  for (int first = 0; first <= target_max; first += step) {
    const int last = std::min(first + step - 1, target_max);
    devices.push_back(device_((first + last) / 2.0 / target_max));
  }
  constexpr float kMost = 65535.0F;
  for (const PcmDevice& device : devices)
    table.step = std::max({table.step, device.nu_mean / kMost, device.nu_deviation / kMost});
  const auto steps = [&](float value) {
    return table.step > 0 ? static_cast<std::uint32_t>(std::min(value / table.step + 0.5F, kMost)) : 0U;
  };
  for (const PcmDevice& device : devices)
    table.entries.push_back({device.sigma, steps(device.nu_mean) << 16U | steps(device.nu_deviation)});
  return table;
}

QuadraticCurve quadratic_curve(const std::function<double(double r)>& curve) {
  QuadraticCurve quadratics;
  constexpr std::array<double, 3> kNodes = {0.0669872981077807, 0.5, 0.9330127018922193};
  for (std::size_t segment = 0; segment < kSegments; ++segment) {
    const double octave = static_cast<double>(kCurveLeast) * static_cast<double>(1U << (segment / 4));
    std::array<double, 3> x{};
    std::array<double, 3> d{};  // Newton's divided differences
    for (std::size_t i = 0; i < 3; ++i) {
      x[i] = octave * (1 + (static_cast<double>(segment % 4) + kNodes[i]) / 4);
      d[i] = curve(x[i]);
    }
    d[2] = (d[2] - d[1]) / (x[2] - x[1]);
    d[1] = (d[1] - d[0]) / (x[1] - x[0]);
    d[2] = (d[2] - d[1]) / (x[2] - x[0]);
    quadratics.coefficients[0][segment] = static_cast<float>(d[0] - x[0] * (d[1] - x[1] * d[2]));
    quadratics.coefficients[1][segment] = static_cast<float>(d[1] - (x[0] + x[1]) * d[2]);
    quadratics.coefficients[2][segment] = static_cast<float>(d[2]);
  }
  return quadratics;
}

ReadCurves read_curves(const std::function<double(double r)>& read_noise, float idle_sigma) {
  ReadCurves curves;
  curves.loaded = quadratic_curve(read_noise);
  const auto idle = [&](std::size_t point) {
    return read_noise(static_cast<double>(kIdleReadStep) * static_cast<double>(point) *
                      static_cast<double>(idle_sigma));
  };
  for (std::size_t segment = 0; segment < kSegments; ++segment) {
    curves.idle[0][segment] = static_cast<float>(idle(segment));
    curves.idle[1][segment] = static_cast<float>(idle(segment + 1) - idle(segment));
  }
  return curves;
}

float log2_age(double seconds, double t_0) {
  return static_cast<float>(natural_log((seconds + t_0) / t_0) / natural_log(2.0));
}

float flicker_scale(double seconds, double t_0, double t_read) {
  return static_cast<float>(std::sqrt(natural_log((seconds + t_0 + t_read) / (2.0 * t_read))));
}

std::unique_ptr<ProgrammingModel> make_device_pairs(const PairFit& fit, const ModelSettings& settings) {
  return std::make_unique<DevicePairs>(fit, settings);
}

}  // namespace xw::cells
