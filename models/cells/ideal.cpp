// The cell model "ideal": cells hold their targets, rounded to cell codes.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "models/cells/model_list.hpp"
#include "models/cells/programming_base.hpp"

namespace xw::cells {
namespace {

using namespace programming;

class IdealModel final : public ModelBase<IdealModel> {
 public:
  explicit IdealModel(const ModelSettings& settings) : g_unit_(static_cast<float>(settings.g_unit)) {}

  [[nodiscard]] static DrawKeys keys(std::uint32_t /*tile_uid*/) { return {}; }
  template <typename Target>
  void program(const DrawKeys& /*keys*/, std::uint32_t /*row*/, std::uint32_t /*col0*/, const Target* targets,
               std::size_t count, int target_max, std::int8_t* cells) const {
    float weights[kChunk];
    normalize(targets, count, target_max, weights);
    store_cells(weights, count, g_unit_, cells);
  }

 private:
  float g_unit_;
};

}  // namespace

CellModel ideal_model() {
  return {"ideal", "no programming noise", false, {}, make<IdealModel>};
}

}  // namespace xw::cells
