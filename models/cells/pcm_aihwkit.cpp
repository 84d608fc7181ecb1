// aihwkit's phase-change devices in pairs, as cells; docs/numerics.md#pcm-aihwkit. Conductances are in units of g_max.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "models/cells/pcm_aihwkit.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "models/cells/aihwkit_devices.hpp"
#include "models/cells/elementary.hpp"
#include "models/cells/programming_base.hpp"

namespace xw::cells {
namespace {

using programming::CellDeviates;
using programming::kChunk;
using programming::ModelBase;
using programming::store_cells;

/// What a device programmed to one target draws from.
struct DeviceParameters {
  float target = 0;  ///< r = g_target / g_max
  float sigma = 0;   ///< programming noise
  float nu_mean = 0, nu_deviation = 0;
};

/// Parameters for every magnitude of a target.
using ParameterTable = std::vector<DeviceParameters>;

ParameterTable make_table(int target_max) {
  ParameterTable table(static_cast<std::size_t>(target_max) + 1);
  for (int magnitude = 0; magnitude <= target_max; ++magnitude) {
    const double r = static_cast<double>(magnitude) / target_max;
    const double log_r = natural_log(std::max(r, 1e-7));
    DeviceParameters& device = table[static_cast<std::size_t>(magnitude)];
    device.target = static_cast<float>(magnitude) / static_cast<float>(target_max);
    device.sigma = static_cast<float>(((-1.1731 * r + 1.9650) * r + 0.26348) / 25.0);  // of 25 uS
    device.nu_mean = static_cast<float>(std::clamp(-0.0155 * log_r + 0.0244, 0.049, 0.1));
    device.nu_deviation = static_cast<float>(std::clamp(-0.0125 * log_r - 0.0059, 0.008, 0.045));
  }
  return table;
}

/// q r^-0.65 of the read noise, at most 0.2.
float read_coefficient(float programmed) {
  // Below 0.00817 the result is 0.2; the bound keeps the logarithm off 0.
  const float r = programmed > 0.005F ? programmed : 0.005F;
  const float q = 0.0088F * fast_exp2(-0.65F * fast_log2(r));
  return q < 0.2F ? q : 0.2F;
}

class PcmAihwkitModel final : public ModelBase<PcmAihwkitModel> {
 public:
  explicit PcmAihwkitModel(const ProgrammingOptions& options)
      : deviates_(options.chip_seed), g_unit_(static_cast<float>(options.g_unit)), drifts_(options.seconds > 0.0) {
    const aihwkit::PcmLikeDevice device;
    const double age = options.seconds + device.t_0;
    log2_age_ = static_cast<float>(natural_log(age / device.t_0) / natural_log(2.0));
    read_scale_ = static_cast<float>(std::sqrt(natural_log((age + device.t_read) / (2.0 * device.t_read))));
    for (std::size_t i = 0; i < kFullScales.size(); ++i) tables_[i] = make_table(kFullScales[i]);
  }

  template <typename Target>
  void program(std::uint32_t tile_uid, std::uint32_t row, std::uint32_t col0, const Target* targets, std::size_t count,
               int target_max, std::int8_t* cells) const {
    const auto known = std::find(kFullScales.begin(), kFullScales.end(), target_max);
    const ParameterTable other = known == kFullScales.end() ? make_table(target_max) : ParameterTable{};
    const ParameterTable& table =
        known == kFullScales.end() ? other : tables_[static_cast<std::size_t>(known - kFullScales.begin())];
    const Place place = {tile_uid, row, col0};
    float weights[kChunk];
    float minus[kChunk];
    int magnitudes[kChunk] = {};
    for (std::size_t i = 0; i < count; ++i) magnitudes[i] = std::clamp<int>(targets[i], 0, target_max);
    conductances(place, table, magnitudes, count, 0, weights);
    for (std::size_t i = 0; i < count; ++i) magnitudes[i] = std::clamp<int>(-targets[i], 0, target_max);
    conductances(place, table, magnitudes, count, 1, minus);
    for (std::size_t i = 0; i < count; ++i) weights[i] -= minus[i];
    store_cells(weights, count, g_unit_, cells);
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

  static constexpr std::array<int, 3> kFullScales = {32767, 127, 7};  // what programs store; others are slow
  CellDeviates deviates_;
  float g_unit_;
  bool drifts_;
  float log2_age_ = 0;    ///< log2 of (t / t_0)
  float read_scale_ = 0;  ///< flicker noise between t_read and t
  std::array<ParameterTable, kFullScales.size()> tables_;
};

}  // namespace

std::unique_ptr<ProgrammingModel> make_pcm_aihwkit_model(const ProgrammingOptions& options) {
  return std::make_unique<PcmAihwkitModel>(options);
}

}  // namespace xw::cells
