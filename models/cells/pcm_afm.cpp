// The cell model "pcm-afm": the PCM polynomial of the Analog Foundation Models; docs/numerics.md#pcm-afm.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "models/cells/pcm_afm.hpp"

#include <cmath>

#include "arch/support/half.hpp"
#include "models/cells/model_list.hpp"
#include "models/cells/pcm_constants.hpp"
#include "models/cells/programming_base.hpp"

namespace xw::cells {
namespace {

using namespace programming;

class PcmAfmModel final : public ModelBase<PcmAfmModel> {
 public:
  explicit PcmAfmModel(const ModelSettings& settings)
      : deviates_(settings.chip_seed),
        g_unit_(static_cast<float>(settings.g_unit)),
        sigmas_([](int magnitude, int target_max) {
          return static_cast<float>(pcm_afm_sigma(static_cast<double>(magnitude) / target_max));
        }) {}

  template <typename Target>
  void program(std::uint32_t tile_uid, std::uint32_t row, std::uint32_t col0, const Target* targets, std::size_t count,
               int target_max, std::int8_t* cells) const {
    sigmas_.with(target_max, [&](const std::vector<float>& sigmas) {
      float weights[kChunk];
      Deviates deviates;
      normalize(targets, count, target_max, weights);
      deviates_.draw(tile_uid, row, col0, count, deviates);
      add_spread(targets, count, target_max, sigmas.data(), deviates.data(), weights);
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
  MagnitudeTables<float> sigmas_;  ///< zero where the cell is set to exactly zero
};

}  // namespace

double pcm_afm_sigma(double normalized_weight) {
  const double g = std::fabs(normalized_weight) * pcm::Afm::kFullScale;
  if (g < pcm::Afm::kOff) return 0.0;
  const double sigma = g <= pcm::Afm::kOneDeviceUpTo ? pcm::Afm::kOneDevice(g) : pcm::Afm::kTwoDevices(g);
  return static_cast<double>(half_to_float(float_to_half(static_cast<float>(sigma)))) / pcm::Afm::kFullScale;
}

CellModel pcm_afm_model() {
  return {
      "pcm-afm", "phase-change cells, IBM's polynomial of the Analog Foundation Models", false, {}, make<PcmAfmModel>};
}

}  // namespace xw::cells
