// The cell model "pcm-afm": the PCM polynomial of the Analog Foundation Models; docs/numerics.md#pcm-afm.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "models/cells/pcm_afm.hpp"

#include <cmath>
#include <vector>

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
      : deviates_(settings.chip_seed, Stream::kPcmAfm, settings.seconds),
        g_unit_(static_cast<float>(settings.g_unit)),
        ages_(settings.seconds > 0),
        sigmas_([](int magnitude, int target_max) {
          return static_cast<float>(pcm_afm_sigma(static_cast<double>(magnitude) / target_max));
        }) {
    if (!ages_) return;
    const auto age = static_cast<double>(log2_age(settings.seconds, pcm::PcmLike::kT0));
    const auto line = [&](const pcm::ClampedLine& of) {
      return LogLine{static_cast<float>(of.slope * natural_log(2.0) * age), static_cast<float>(of.offset * age),
                     static_cast<float>(of.lowest * age), static_cast<float>(of.highest * age)};
    };
    drift_ = {quadratic_curve([](double r) { return natural_log(r) / natural_log(2.0); }),
              line(pcm::PcmLike::kDriftMean), line(pcm::PcmLike::kDriftDeviation)};
    reads_ = quadratic_curve(pcm_like_read_noise);
    read_scale_ = flicker_scale(settings.seconds, pcm::PcmLike::kT0, pcm::PcmLike::kReadTime);
  }

  [[nodiscard]] DrawKeys keys(std::uint32_t tile_uid) const { return deviates_.keys(tile_uid, Draw::kFirst); }

  template <typename Target>
  void program(const DrawKeys& keys, std::uint32_t row, std::uint32_t col0, const Target* targets, std::size_t count,
               int target_max, std::int8_t* cells) const {
    sigmas_.with(target_max, [&](const std::vector<float>& sigmas) {
      const CellKernels& kernels = cell_kernels();
      alignas(64) float weights[kChunk];
      alignas(64) float means[kChunk];
      alignas(64) float deviations[kChunk];
      Deviates deviates;
      normalize(targets, count, target_max, weights);
      if (ages_) kernels.drift_of_weights(drift_, weights, count, means, deviations);
      deviates_.draw(keys.programming, row, col0, count, deviates);
      add_spread(targets, count, target_max, sigmas.data(), deviates.data(), weights);
      if (ages_) {
        alignas(64) float coefficients[kChunk];
        Deviates read_noise;
        kernels.curve_of_weights(reads_, weights, count, coefficients);
        CellDeviates::draw_singles(keys.drift, row, col0, count, deviates);
        CellDeviates::draw_singles(keys.read, row, col0, count, read_noise);
        kernels.age_weights(means, deviations, coefficients, read_scale_, count, deviates.data(), read_noise.data(),
                            weights);
      }
      store_cells(weights, count, g_unit_, cells);
    });
  }

 private:
  static void add_spread(const std::int16_t* targets, std::size_t count, int target_max, const float* sigmas,
                         const float* deviates, float* weights) {
    cell_kernels().add_spread_i16(targets, count, target_max, sigmas, deviates, weights);
  }
  static void add_spread(const std::int8_t* targets, std::size_t count, int target_max, const float* sigmas,
                         const float* deviates, float* weights) {
    cell_kernels().add_spread_i8(targets, count, target_max, sigmas, deviates, weights);
  }

  CellDeviates deviates_;
  float g_unit_;
  bool ages_;
  MagnitudeTables<float> sigmas_;  ///< zero where the cell is set to exactly zero
  DriftLines drift_;               ///< of the device that holds the magnitude of a weight
  QuadraticCurve reads_;           ///< its Q
  float read_scale_ = 0;
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
