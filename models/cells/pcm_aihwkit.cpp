// aihwkit's phase-change devices in pairs, as cells; docs/numerics.md#pcm-aihwkit. Conductances are in units of g_max.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "models/cells/pcm_aihwkit.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "models/cells/elementary.hpp"
#include "models/cells/model_list.hpp"
#include "models/cells/pcm_constants.hpp"
#include "models/cells/programming_base.hpp"

namespace xw::cells {
namespace {

using namespace programming;

/// What a device programmed to one target draws from.
struct DeviceParameters {
  float target = 0;  ///< r = g_target / g_max
  float sigma = 0;   ///< programming noise
  float nu_mean = 0, nu_deviation = 0;
};

/// Parameters for every magnitude of a target.
using ParameterTable = std::vector<DeviceParameters>;

DeviceParameters device_parameters(int magnitude, int target_max) {
  const double r = static_cast<double>(magnitude) / target_max;
  const double log_r = natural_log(std::max(r, pcm::PcmLike::kLeast));
  DeviceParameters device;
  device.target = static_cast<float>(magnitude) / static_cast<float>(target_max);
  device.sigma = static_cast<float>(pcm::PcmLike::kProgramming(r) / pcm::PcmLike::kGMax);
  device.nu_mean = static_cast<float>(pcm::PcmLike::kDriftMean(log_r));
  device.nu_deviation = static_cast<float>(pcm::PcmLike::kDriftDeviation(log_r));
  return device;
}

/// q r^-0.65 of the read noise, at most 0.2.
float read_coefficient(float programmed) {
  // Below 0.00817 the result is 0.2; the bound keeps the logarithm off 0.
  const float r = programmed > 0.005F ? programmed : 0.005F;
  constexpr auto kRead = static_cast<float>(pcm::PcmLike::kRead);
  constexpr auto kPower = static_cast<float>(pcm::PcmLike::kReadPower);
  constexpr auto kMost = static_cast<float>(pcm::PcmLike::kReadMost);
  const float q = kRead * fast_exp2(-kPower * fast_log2(r));
  return q < kMost ? q : kMost;
}

class PcmAihwkitModel final : public ModelBase<PcmAihwkitModel> {
 public:
  explicit PcmAihwkitModel(const ModelSettings& settings)
      : deviates_(settings.chip_seed),
        g_unit_(static_cast<float>(settings.g_unit)),
        drifts_(settings.seconds > 0.0),
        devices_(device_parameters) {
    constexpr double kT0 = pcm::PcmLike::kT0;
    constexpr double kReadTime = pcm::PcmLike::kReadTime;
    const double age = settings.seconds + kT0;
    log2_age_ = static_cast<float>(natural_log(age / kT0) / natural_log(2.0));
    read_scale_ = static_cast<float>(std::sqrt(natural_log((age + kReadTime) / (2.0 * kReadTime))));
  }

  template <typename Target>
  void program(std::uint32_t tile_uid, std::uint32_t row, std::uint32_t col0, const Target* targets, std::size_t count,
               int target_max, std::int8_t* cells) const {
    const Place place = {tile_uid, row, col0};
    devices_.with(target_max, [&](const ParameterTable& table) {
      float weights[kChunk];
      float minus[kChunk];
      int magnitudes[kChunk] = {};
      for (std::size_t i = 0; i < count; ++i) magnitudes[i] = std::clamp<int>(targets[i], 0, target_max);
      conductances(place, table, magnitudes, count, 0, weights);
      for (std::size_t i = 0; i < count; ++i) magnitudes[i] = std::clamp<int>(-targets[i], 0, target_max);
      conductances(place, table, magnitudes, count, 1, minus);
      for (std::size_t i = 0; i < count; ++i) weights[i] -= minus[i];
      store_cells(weights, count, g_unit_, cells);
    });
  }

 private:
  struct Place {
    std::uint32_t tile_uid, row, col0;
  };

  /// What one side (0: plus, 1: minus) of each pair conducts at the time of the chip.
  void conductances(const Place& place, const ParameterTable& table, const int* magnitudes, std::size_t count,
                    std::uint32_t side, float* conductance) const {
    const auto draw = [&](PcmDraw kind, float* deviates) {
      deviates_.draw(place.tile_uid, place.row, place.col0, count, deviates, static_cast<std::uint32_t>(kind) + side);
    };
    float programmed[kChunk];
    float noise[kChunk];
    draw(PcmDraw::kProgrammingPlus, noise);
    for (std::size_t i = 0; i < count; ++i) {
      const DeviceParameters& device = table[static_cast<std::size_t>(magnitudes[i])];
      programmed[i] = std::max(0.0F, device.target + device.sigma * noise[i]);
      conductance[i] = programmed[i];
    }
    if (drifts_) {
      float nu[kChunk];
      draw(PcmDraw::kDriftPlus, noise);
      for (std::size_t i = 0; i < count; ++i) {
        const DeviceParameters& device = table[static_cast<std::size_t>(magnitudes[i])];
        nu[i] = std::fabs(device.nu_mean + device.nu_deviation * noise[i]);
      }
      for (std::size_t i = 0; i < count; ++i) conductance[i] *= fast_exp2(-nu[i] * log2_age_);
    }
    draw(PcmDraw::kReadPlus, noise);
    for (std::size_t i = 0; i < count; ++i) {
      const float deviation = conductance[i] * (read_coefficient(programmed[i]) * read_scale_);
      const float read = conductance[i] + deviation * noise[i];
      conductance[i] = read > 0.0F ? read : 0.0F;
    }
  }

  CellDeviates deviates_;
  float g_unit_;
  bool drifts_;
  float log2_age_ = 0;    ///< log2 of (t / t_0)
  float read_scale_ = 0;  ///< flicker noise between t_read and t
  MagnitudeTables<DeviceParameters> devices_;
};

}  // namespace

CellModel pcm_aihwkit_model() {
  return {"pcm-aihwkit",
          "aihwkit's pairs of phase-change devices with drift and read noise",
          true,
          {},
          make<PcmAihwkitModel>};
}

}  // namespace xw::cells
