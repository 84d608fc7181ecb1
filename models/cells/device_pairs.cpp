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
    const PcmDevice idle = fit_.device(0, 1);
    std::fill_n(idle_.target, kChunk, idle.target);
    std::fill_n(idle_.sigma, kChunk, idle.sigma);
    std::fill_n(idle_.nu_mean, kChunk, idle.nu_mean);
    std::fill_n(idle_.nu_deviation, kChunk, idle.nu_deviation);
    const double age = settings.seconds + fit_.t_0;
    if (drifts_) log2_age_ = static_cast<float>(natural_log(age / fit_.t_0) / natural_log(2.0));
    if (fit_.reads) read_scale_ = static_cast<float>(std::sqrt(natural_log((age + fit_.t_read) / (2.0 * fit_.t_read))));
  }

  template <typename Target>
  void program(std::uint32_t tile_uid, std::uint32_t row, std::uint32_t col0, const Target* targets, std::size_t count,
               int target_max, std::int8_t* cells) const {
    const Place place = {tile_uid, row, col0};
    devices_.with(target_max, [&](const ParameterTable& table) {
      std::int32_t magnitudes[kChunk];
      std::int32_t negative[kChunk];
      find_magnitudes(targets, count, target_max, magnitudes, negative);
      for (std::size_t i = 0; i < count; ++i) __builtin_prefetch(&table[static_cast<std::size_t>(magnitudes[i])]);
      float weights[kChunk];
      conductances(place, table, magnitudes, negative, count, weights);
      store_cells(weights, count, g_unit_, cells);
    });
  }

 private:
  struct Place {
    std::uint32_t tile_uid, row, col0;
  };

  /// What pairs conduct at the time of the chip, plus less minus. One device of every pair has the target 0, so the pair is calculated as
  /// the device that holds the weight less the idle one, and its sign comes last: it does not change how anything is rounded.
  void conductances(const Place& place, const ParameterTable& table, const std::int32_t* magnitudes,
                    const std::int32_t* negative, std::size_t count, float* weights) const {
    const CellKernels& kernels = cell_kernels();
    Deviates noise;
    Deviates idle_noise;
    /// The draws of plus and minus devices, then those of loaded and idle ones.
    const auto draw = [&](PcmDraw plus, PcmDraw minus) {
      const std::uint32_t domain = plus == PcmDraw::kReadPlus ? read_domain_ : kProgrammingDomain;
      const auto one = [&](Deviates& deviates, PcmDraw which) {
        deviates_.draw(place.tile_uid, place.row, place.col0, count, deviates, static_cast<std::uint32_t>(which),
                       domain);
      };
      one(noise, plus);
      one(idle_noise, minus);
      kernels.exchange(negative, count, noise.data(), idle_noise.data());
    };
    float programmed[kChunk];
    float idle_programmed[kChunk];
    float idle[kChunk];
    draw(PcmDraw::kProgrammingPlus, PcmDraw::kProgrammingMinus);
    PcmDevices
        loaded;  // the table is larger than the second-level cache would like: its rows were asked for before the draw
    kernels.fetch_devices(table.data(), magnitudes, count, loaded);
    kernels.program_devices(loaded, noise.data(), count, programmed);
    kernels.program_devices(idle_, idle_noise.data(), count, idle_programmed);
    std::copy_n(programmed, count, weights);
    std::copy_n(idle_programmed, count, idle);
    if (drifts_) {
      draw(PcmDraw::kDriftPlus, PcmDraw::kDriftMinus);
      kernels.drift_devices(loaded, noise.data(), log2_age_, count, weights);
      kernels.drift_devices(idle_, idle_noise.data(), log2_age_, count, idle);
    }
    if (fit_.reads) {
      draw(PcmDraw::kReadPlus, PcmDraw::kReadMinus);
      read(programmed, noise.data(), count, weights);
      read(idle_programmed, idle_noise.data(), count, idle);
    }
    kernels.subtract_idle(negative, idle, count, weights);
  }

  void read(const float* programmed, const float* noise, std::size_t count, float* conductance) const {
    if (fit_.read_noise.empty()) {
      cell_kernels().read_devices(programmed, noise, read_scale_, count, conductance);
    } else {
      cell_kernels().read_tabulated(programmed, noise, fit_.read_noise.data(), read_scale_, count, conductance);
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
  PcmDevices idle_;  ///< devices with the target 0
};

}  // namespace

std::unique_ptr<ProgrammingModel> make_device_pairs(const PairFit& fit, const ModelSettings& settings) {
  return std::make_unique<DevicePairs>(fit, settings);
}

}  // namespace xw::cells
