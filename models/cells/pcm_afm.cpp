// The cell model "pcm-afm": the PCM polynomial of the Analog Foundation Models; docs/numerics.md#pcm-afm.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "models/cells/pcm_afm.hpp"

#include <cmath>
#include <optional>

#include "arch/support/half.hpp"
#include "models/cells/device_pairs.hpp"
#include "models/cells/elementary.hpp"
#include "models/cells/model_list.hpp"
#include "models/cells/pcm_constants.hpp"
#include "models/cells/programming_base.hpp"

namespace xw::cells {
namespace {

using namespace programming;

class PcmAfmModel final : public ModelBase<PcmAfmModel> {
 public:
  explicit PcmAfmModel(const ModelSettings& settings)
      : deviates_(settings.chip_seed, Stream::kPcmAfm),
        read_domain_(read_domain(settings.seconds)),
        g_unit_(static_cast<float>(settings.g_unit)),
        sigmas_([](int magnitude, int target_max) {
          return static_cast<float>(pcm_afm_sigma(static_cast<double>(magnitude) / target_max));
        }) {
    if (!(settings.seconds > 0)) return;
    drift_.emplace(pcm_like_device);
    const double age = settings.seconds + pcm::PcmLike::kT0;
    log2_age_ = static_cast<float>(natural_log(age / pcm::PcmLike::kT0) / natural_log(2.0));
    read_scale_ =
        static_cast<float>(std::sqrt(natural_log((age + pcm::PcmLike::kReadTime) / (2.0 * pcm::PcmLike::kReadTime))));
  }

  template <typename Target>
  void program(std::uint32_t tile_uid, std::uint32_t row, std::uint32_t col0, const Target* targets, std::size_t count,
               int target_max, std::int8_t* cells) const {
    sigmas_.with(target_max, [&](const std::vector<float>& sigmas) {
      float weights[kChunk];
      Deviates deviates;
      normalize(targets, count, target_max, weights);
      deviates_.draw(tile_uid, row, col0, count, deviates);
      add_spread(targets, count, target_max, sigmas.data(), deviates.data(), weights);
      if (drift_) age(tile_uid, row, col0, targets, count, target_max, weights);
      store_cells(weights, count, g_unit_, cells);
    });
  }

 private:
  /// Drift and read noise of the device that holds the magnitude of each weight.
  template <typename Target>
  void age(std::uint32_t tile_uid, std::uint32_t row, std::uint32_t col0, const Target* targets, std::size_t count,
           int target_max, float* weights) const {
    drift_->with(target_max, [&](const std::vector<PcmDevice>& devices) {
      const CellKernels& kernels = cell_kernels();
      float programmed[kChunk];
      float conductance[kChunk];
      std::int32_t magnitudes[kChunk];
      PcmDevices loaded;
      Deviates noise;
      std::int32_t negative[kChunk];
      find_magnitudes(targets, count, target_max, magnitudes, negative);
      kernels.absolute(weights, count, programmed, conductance);
      for (std::size_t i = 0; i < count; ++i) __builtin_prefetch(&devices[static_cast<std::size_t>(magnitudes[i])]);
      deviates_.draw(tile_uid, row, col0, count, noise, static_cast<std::uint32_t>(PcmDraw::kDriftPlus));
      kernels.fetch_devices(devices.data(), magnitudes, count, loaded);
      kernels.drift_devices(loaded, noise.data(), log2_age_, count, conductance);
      deviates_.draw(tile_uid, row, col0, count, noise, static_cast<std::uint32_t>(PcmDraw::kReadPlus), read_domain_);
      kernels.read_devices(programmed, noise.data(), read_scale_, count, conductance);
      kernels.keep_signs(conductance, count, weights);
    });
  }

  static void add_spread(const std::int16_t* targets, std::size_t count, int target_max, const float* sigmas,
                         const float* deviates, float* weights) {
    cell_kernels().add_spread_i16(targets, count, target_max, sigmas, deviates, weights);
  }
  static void add_spread(const std::int8_t* targets, std::size_t count, int target_max, const float* sigmas,
                         const float* deviates, float* weights) {
    cell_kernels().add_spread_i8(targets, count, target_max, sigmas, deviates, weights);
  }

  CellDeviates deviates_;
  std::uint32_t read_domain_;
  float g_unit_;
  MagnitudeTables<float> sigmas_;                    ///< zero where the cell is set to exactly zero
  std::optional<MagnitudeTables<PcmDevice>> drift_;  ///< of cells with an age
  float log2_age_ = 0, read_scale_ = 0;              ///< log2 of (t / t_0); flicker noise between t_read and t
};

}  // namespace

double pcm_afm_sigma(double normalized_weight) {
  const double g = std::fabs(normalized_weight) * pcm::Afm::kFullScale;
  if (g < pcm::Afm::kOff) return 0.0;
  const double sigma = g <= pcm::Afm::kOneDeviceUpTo ? pcm::Afm::kOneDevice(g) : pcm::Afm::kTwoDevices(g);
  return static_cast<double>(half_to_float(float_to_half(static_cast<float>(sigma)))) / pcm::Afm::kFullScale;
}

CellModel pcm_afm_model() {
  return {"pcm-afm",
          "phase-change cells, IBM's polynomial of the Analog Foundation Models; with time the drift and read noise of "
          "pcm-aihwkit",
          true,
          {},
          make<PcmAfmModel>};
}

}  // namespace xw::cells
