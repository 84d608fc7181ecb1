// Programming models: ideal cells, Gaussian noise, and the PCM polynomial of the Analog Foundation Models.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "models/cells/programming.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>

#include "arch/generated/xw_arch.hpp"
#include "arch/support/error.hpp"
#include "arch/support/half.hpp"
#include "models/cells/pcm_aihwkit.hpp"
#include "models/cells/programming_base.hpp"

namespace xw::cells {
namespace {

using programming::CellDeviates;
using programming::kChunk;
using programming::ModelBase;
using programming::normalize;
using programming::store_cells;

class IdealModel final : public ModelBase<IdealModel> {
 public:
  explicit IdealModel(const ProgrammingOptions& options) : g_unit_(static_cast<float>(options.g_unit)) {}

  template <typename Target>
  void program(std::uint32_t /*tile_uid*/, std::uint32_t /*row*/, std::uint32_t /*col0*/, const Target* targets,
               std::size_t count, int target_max, std::int8_t* cells) const {
    float weights[kChunk];
    normalize(targets, count, target_max, weights);
    store_cells(weights, count, g_unit_, cells);
  }

 private:
  float g_unit_;
};

class GaussianModel final : public ModelBase<GaussianModel> {
 public:
  explicit GaussianModel(const ProgrammingOptions& options)
      : deviates_(options.chip_seed),
        gamma_(static_cast<float>(options.gamma)),
        g_unit_(static_cast<float>(options.g_unit)) {}

  template <typename Target>
  void program(std::uint32_t tile_uid, std::uint32_t row, std::uint32_t col0, const Target* targets, std::size_t count,
               int target_max, std::int8_t* cells) const {
    float weights[kChunk];
    float deviates[kChunk];
    normalize(targets, count, target_max, weights);
    deviates_.draw(tile_uid, row, col0, count, deviates);
    for (std::size_t i = 0; i < count; ++i) weights[i] += gamma_ * deviates[i];
    store_cells(weights, count, g_unit_, cells);
  }

 private:
  CellDeviates deviates_;
  float gamma_;
  float g_unit_;
};

/// Standard deviations for every magnitude of a target; negative where the cell is set to exactly zero.
using SigmaTable = std::vector<float>;

SigmaTable make_sigma_table(int target_max) {
  SigmaTable table(static_cast<std::size_t>(target_max) + 1);
  for (int magnitude = 0; magnitude <= target_max; ++magnitude) {
    table[static_cast<std::size_t>(magnitude)] =
        static_cast<float>(pcm_afm_sigma(static_cast<double>(magnitude) / target_max));
  }
  return table;
}

class PcmAfmModel final : public ModelBase<PcmAfmModel> {
 public:
  explicit PcmAfmModel(const ProgrammingOptions& options)
      : deviates_(options.chip_seed), g_unit_(static_cast<float>(options.g_unit)) {
    for (std::size_t i = 0; i < kFullScales.size(); ++i) sigmas_[i] = make_sigma_table(kFullScales[i]);
  }

  template <typename Target>
  void program(std::uint32_t tile_uid, std::uint32_t row, std::uint32_t col0, const Target* targets, std::size_t count,
               int target_max, std::int8_t* cells) const {
    const auto known = std::find(kFullScales.begin(), kFullScales.end(), target_max);
    const SigmaTable other = known == kFullScales.end() ? make_sigma_table(target_max) : SigmaTable{};
    const SigmaTable& sigmas =
        known == kFullScales.end() ? other : sigmas_[static_cast<std::size_t>(known - kFullScales.begin())];
    float weights[kChunk];
    float deviates[kChunk];
    normalize(targets, count, target_max, weights);
    deviates_.draw(tile_uid, row, col0, count, deviates);
    for (std::size_t i = 0; i < count; ++i) {
      const float sigma = sigmas[static_cast<std::size_t>(std::min(std::abs(int{targets[i]}), target_max))];
      weights[i] = sigma > 0.0F ? weights[i] + sigma * deviates[i] : 0.0F;
    }
    store_cells(weights, count, g_unit_, cells);
  }

 private:
  static constexpr std::array<int, 3> kFullScales = {32767, 127, 7};  // what programs store; others are slow
  CellDeviates deviates_;
  float g_unit_;
  std::array<SigmaTable, kFullScales.size()> sigmas_;
};

void check_numbers(const ProgrammingOptions& options) {
  if (options.g_unit < 1 || options.g_unit > arch::kCellMax) {
    throw Error(ErrorCode::kInvalidArgument,
                "programming: g_unit is " + std::to_string(options.g_unit) + ", must be 1..127");
  }
  if (!(options.gamma >= 0.0) || options.gamma > 10.0) {
    throw Error(ErrorCode::kInvalidArgument,
                "programming: gamma is " + std::to_string(options.gamma) + ", must be 0..10");
  }
  if (!(options.seconds >= 0.0) || options.seconds > 1e10) {
    throw Error(ErrorCode::kInvalidArgument,
                "programming: seconds is " + std::to_string(options.seconds) + ", must be 0..1e10");
  }
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

}  // namespace

double pcm_afm_sigma(double normalized_weight) {
  // Units of the fit: full scale is 180. One device up to 52.5, two devices above. docs/numerics.md#pcm-afm.
  constexpr double kFullScale = 180.0;
  const double g = std::fabs(normalized_weight) * kFullScale;
  if (g < 0.6) return 0.0;
  const double sigma =
      g <= 52.5
          ? ((2.939751381126213e-05 * g - 0.00371581208142707) * g + 0.22419685954327148) * g + 2.5797410660159494
          : ((1.2329755395573392e-05 * g - 0.003054993405157235) * g + 0.2453487119885723) * g + 2.110295720240385;
  return static_cast<double>(half_to_float(float_to_half(static_cast<float>(sigma)))) / kFullScale;
}

std::vector<std::string> programming_models() {
  return {"ideal", "gaussian", "pcm-afm", "pcm-aihwkit"};
}

std::vector<std::string> drifting_programming_models() {
  return {"pcm-aihwkit"};
}

std::unique_ptr<ProgrammingModel> make_programming_model(const ProgrammingOptions& options) {
  check_numbers(options);
  const std::vector<std::string> models = programming_models();
  if (std::find(models.begin(), models.end(), options.model) == models.end()) {
    throw Error(ErrorCode::kInvalidArgument,
                "programming model '" + options.model + "' is unknown; known: " + joined(models));
  }
  const std::vector<std::string> drifting = drifting_programming_models();
  if (options.seconds > 0.0 && std::find(drifting.begin(), drifting.end(), options.model) == drifting.end()) {
    throw Error(ErrorCode::kInvalidArgument, "programming model '" + options.model + "' has no drift: seconds is " +
                                                 std::to_string(options.seconds) +
                                                 ", must be 0; models with drift: " + joined(drifting));
  }
  if (options.model == "ideal") return std::make_unique<IdealModel>(options);
  if (options.model == "gaussian") return std::make_unique<GaussianModel>(options);
  if (options.model == "pcm-afm") return std::make_unique<PcmAfmModel>(options);
  return make_pcm_aihwkit_model(options);
}

}  // namespace xw::cells
