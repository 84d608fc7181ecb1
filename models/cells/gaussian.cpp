// The cell model "gaussian": the same deviation for every weight.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "models/cells/model_list.hpp"
#include "models/cells/programming_base.hpp"

namespace xw::cells {
namespace {

using namespace programming;

class GaussianModel final : public ModelBase<GaussianModel> {
 public:
  explicit GaussianModel(const ModelSettings& settings)
      : deviates_(settings.chip_seed, Stream::kGaussian),
        gamma_(static_cast<float>(settings.parameters.front())),
        g_unit_(static_cast<float>(settings.g_unit)) {}

  [[nodiscard]] DrawKeys keys(std::uint32_t tile_uid) const { return deviates_.keys(tile_uid, Draw::kFirst); }
  template <typename Target>
  void program(const DrawKeys& keys, std::uint32_t row, std::uint32_t col0, const Target* targets, std::size_t count,
               int target_max, std::int8_t* cells) const {
    float weights[kChunk];
    Deviates deviates;
    normalize(targets, count, target_max, weights);
    deviates_.draw(keys.programming, row, col0, count, deviates);
    cell_kernels().add_scaled(deviates.data(), count, gamma_, weights);
    store_cells(weights, count, g_unit_, cells);
  }

 private:
  CellDeviates deviates_;
  float gamma_;
  float g_unit_;
};

}  // namespace

CellModel gaussian_model() {
  // 0.03: the weight noise in the training configuration of the Analog Foundation Models.
  return {"gaussian",
          "the same programming noise for every weight",
          false,
          {{"gamma", "standard deviation", "w_max", 0.03, 0.0, 10.0}},
          make<GaussianModel>};
}

}  // namespace xw::cells
