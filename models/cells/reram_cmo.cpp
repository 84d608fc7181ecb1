// The conductive-metal-oxide resistive memory of IBM in aihwkit's fit, as cells; docs/numerics.md#reram-cmo.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <string>

#include "arch/support/error.hpp"
#include "models/cells/elementary.hpp"
#include "models/cells/model_list.hpp"
#include "models/cells/pcm_constants.hpp"
#include "models/cells/programming_base.hpp"

namespace xw::cells {
namespace {

using namespace programming;
using pcm::ReramCmo;

/// One device a cell; conductances in microsiemens.
class ReramCmoModel final : public ModelBase<ReramCmoModel> {
 public:
  explicit ReramCmoModel(const ModelSettings& settings)
      : deviates_(settings.chip_seed, Stream::kReramCmo, settings.seconds),
        g_unit_(static_cast<float>(settings.g_unit)),
        ages_(settings.seconds > 0) {
    const double acceptance = settings.parameters.front();
    if (acceptance != ReramCmo::kAcceptances[0] && acceptance != ReramCmo::kAcceptances[1]) {
      throw Error(ErrorCode::kInvalidArgument, "programming model 'reram-cmo' has acceptance '" +
                                                   std::to_string(acceptance) + "', was measured at 0.2 and 2 % only");
    }
    const auto& spread = ReramCmo::kProgramming[acceptance == ReramCmo::kAcceptances[0] ? 0 : 1].coefficients;
    offset_ = static_cast<float>(spread[0]);
    slope_ = static_cast<float>(spread[1]);
    if (!ages_) return;
    const double log_t = natural_log(settings.seconds);
    shift_ = static_cast<float>(ReramCmo::kShift * log_t);
    relaxation_ = static_cast<float>(ReramCmo::kRelaxation(log_t));
    const double reads = natural_log((settings.seconds + ReramCmo::kReadTime) / (2 * ReramCmo::kReadTime));
    read_ =
        static_cast<float>(ReramCmo::kRead * std::sqrt(reads > 0 ? reads : 0.0) / natural_log(10.0) * natural_log(2.0));
  }

  [[nodiscard]] DrawKeys keys(std::uint32_t tile_uid) const { return deviates_.keys(tile_uid, Draw::kProgramming); }
  template <typename Target>
  void program(const DrawKeys& keys, std::uint32_t row, std::uint32_t col0, const Target* targets, std::size_t count,
               int target_max, std::int8_t* cells) const {
    const CellKernels& kernels = cell_kernels();
    float weights[kChunk];
    Deviates noise;
    const auto draw = [&](const DrawKey& key, Deviates& deviates) {
      CellDeviates::draw_singles(key, row, col0, count, deviates);
    };
    normalize(targets, count, target_max, weights);
    draw(keys.programming, noise);
    kernels.program_cmo(noise.data(), offset_, slope_, count, weights);
    if (ages_) {
      Deviates read_noise;
      draw(keys.drift, noise);
      draw(keys.read, read_noise);
      kernels.age_cmo(noise.data(), read_noise.data(), shift_, relaxation_, read_, count, weights);
    }
    kernels.cmo_weights(count, weights);
    store_cells(weights, count, g_unit_, cells);
  }

 private:
  CellDeviates deviates_;
  float g_unit_;
  bool ages_;
  float offset_ = 0, slope_ = 0;                 ///< deviation of programming, offset + slope * conductance
  float shift_ = 0, relaxation_ = 0, read_ = 0;  ///< microsiemens; the last per binary logarithm of the conductance
};

}  // namespace

CellModel reram_cmo_model() {
  return {"reram-cmo",
          "aihwkit's single conductive-metal-oxide devices with relaxation and read noise",
          true,
          {{.name = "acceptance",
            .meaning = "of program and verify: 0.2 or 2",
            .unit = "% of the target",
            .fallback = 0.2,
            .lowest = 0.2,
            .highest = 2,
            .whole = false}},
          make<ReramCmoModel>};
}

}  // namespace xw::cells
