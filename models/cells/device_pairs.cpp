// Pairs of devices as cells; docs/numerics.md#pairs-of-devices. Conductances are in units of g_max.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "models/cells/device_pairs.hpp"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "models/cells/elementary.hpp"
#include "models/cells/programming_base.hpp"

namespace xw::cells {
namespace {

using namespace programming;

/// Parameters for every magnitude of a target.
using ParameterTable = std::vector<PcmDevice>;

class DevicePairs final : public ModelBase<DevicePairs> {
 public:
  DevicePairs(PairFit fit, const ModelSettings& settings)
      : deviates_(settings.chip_seed, fit.stream),
        read_domain_(read_domain(settings.seconds)),
        g_unit_(static_cast<float>(settings.g_unit)),
        drifts_(settings.seconds > 0.0),
        fit_(std::move(fit)),
        devices_(fit_.device) {
    const double age = settings.seconds + fit_.t_0;
    if (drifts_) log2_age_ = static_cast<float>(natural_log(age / fit_.t_0) / natural_log(2.0));
    if (fit_.reads) read_scale_ = static_cast<float>(std::sqrt(natural_log((age + fit_.t_read) / (2.0 * fit_.t_read))));
  }

  template <typename Target>
  void program(std::uint32_t tile_uid, std::uint32_t row, std::uint32_t col0, const Target* targets, std::size_t count,
               int target_max, std::int8_t* cells) const {
    const Place place = {tile_uid, row, col0};
    devices_.with(target_max, [&](const ParameterTable& table) {
      float weights[kChunk];
      float minus[kChunk];
      std::int32_t magnitudes[kChunk];
      find_magnitudes(targets, count, 1, target_max, magnitudes);
      conductances(place, table, magnitudes, count, 0, weights);
      find_magnitudes(targets, count, -1, target_max, magnitudes);
      conductances(place, table, magnitudes, count, 1, minus);
      for (std::size_t i = 0; i < count; ++i) weights[i] -= minus[i];
      store_cells(weights, count, g_unit_, cells);
    });
  }

 private:
  struct Place {
    std::uint32_t tile_uid, row, col0;
  };

  static void find_magnitudes(const std::int16_t* targets, std::size_t count, int sign, int target_max,
                              std::int32_t* magnitudes) {
    cell_kernels().magnitudes_i16(targets, count, sign, target_max, magnitudes);
  }
  static void find_magnitudes(const std::int8_t* targets, std::size_t count, int sign, int target_max,
                              std::int32_t* magnitudes) {
    cell_kernels().magnitudes_i8(targets, count, sign, target_max, magnitudes);
  }

  /// What one side (0: plus, 1: minus) of each pair conducts at the time of the chip.
  void conductances(const Place& place, const ParameterTable& table, const std::int32_t* magnitudes, std::size_t count,
                    std::uint32_t side, float* conductance) const {
    const CellKernels& kernels = cell_kernels();
    Deviates noise;
    const auto draw = [&](PcmDraw kind) {
      deviates_.draw(place.tile_uid, place.row, place.col0, count, noise, static_cast<std::uint32_t>(kind) + side,
                     kind == PcmDraw::kReadPlus ? read_domain_ : kProgrammingDomain);
    };
    float programmed[kChunk];
    draw(PcmDraw::kProgrammingPlus);
    kernels.program_devices(table.data(), magnitudes, noise.data(), count, programmed);
    std::copy_n(programmed, count, conductance);
    if (drifts_) {
      draw(PcmDraw::kDriftPlus);
      kernels.drift_devices(table.data(), magnitudes, noise.data(), log2_age_, count, conductance);
    }
    if (!fit_.reads) return;
    draw(PcmDraw::kReadPlus);
    if (fit_.read_noise.empty()) {
      kernels.read_devices(programmed, noise.data(), read_scale_, count, conductance);
    } else {
      kernels.read_tabulated(programmed, noise.data(), fit_.read_noise.data(), read_scale_, count, conductance);
    }
  }

  CellDeviates deviates_;
  std::uint32_t read_domain_;
  float g_unit_;
  bool drifts_;
  float log2_age_ = 0;    ///< log2 of (t / t_0)
  float read_scale_ = 0;  ///< flicker noise between t_read and t
  PairFit fit_;
  MagnitudeTables<PcmDevice> devices_;
};

}  // namespace

std::unique_ptr<ProgrammingModel> make_device_pairs(const PairFit& fit, const ModelSettings& settings) {
  return std::make_unique<DevicePairs>(fit, settings);
}

}  // namespace xw::cells
