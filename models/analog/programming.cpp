// Programming models: ideal cells, Gaussian noise, and the PCM polynomial of the Analog Foundation Models.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "models/analog/programming.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <cstdlib>
#include <utility>

#include "arch/generated/xw_arch.hpp"
#include "arch/support/error.hpp"
#include "arch/support/half.hpp"
#include "models/analog/normal.hpp"
#include "models/analog/threefry.hpp"

namespace xw::analog {
namespace {

constexpr std::size_t kChunk = 256;
constexpr float kCellMax = static_cast<float>(arch::kCellMax);
constexpr float kRoundToInteger = 12582912.0F;  // 1.5 * 2^23: adding it rounds half to even to an integer

/// Programming draws use 20 rounds under a key derived with this tag; the read noise uses 13 under the plain key.
constexpr std::uint32_t kProgrammingDomain = 0x474F5250U;  // 'PROG'

/// Cell codes clamp(rne(w' * g_unit), -127, 127); `values` are the w' in fp32.
void store_cells(const float* values, std::size_t count, float g_unit, std::int8_t* cells) {
  for (std::size_t i = 0; i < count; ++i) {
    const float code = values[i] * g_unit;
    const float above = code > -kCellMax ? code : -kCellMax;
    const float clamped = above < kCellMax ? above : kCellMax;
    cells[i] = static_cast<std::int8_t>((clamped + kRoundToInteger) - kRoundToInteger);
  }
}

/// Normalised weights: target / target_max in fp32; targets beyond full scale count as full scale.
template <typename Target>
void normalize(const Target* targets, std::size_t count, int target_max, float* weights) {
  const auto full_scale = static_cast<float>(target_max);
  for (std::size_t i = 0; i < count; ++i) {
    weights[i] = static_cast<float>(std::clamp<int>(targets[i], -target_max, target_max)) / full_scale;
  }
}

/// Normal deviates of the cells (row, col0 ..+count) of a tile.
class CellDeviates {
 public:
  explicit CellDeviates(std::uint32_t chip_seed) : chip_seed_(chip_seed), table_(NormalTable::instance()) {}

  void draw(std::uint32_t tile_uid, std::uint32_t row, std::uint32_t col0, std::size_t count, float* deviates) const {
    assert(count <= kChunk && "callers work in chunks");
    const auto key = threefry2x32<20>(chip_seed_, tile_uid, kProgrammingDomain, 0);
    // One call of threefry serves an even column and the odd one after it.
    const std::uint32_t first_pair = col0 / 2;
    const std::size_t pairs = (col0 + count - 1) / 2 - first_pair + 1;
    std::uint32_t even[kChunk / 2 + 1];
    std::uint32_t odd[kChunk / 2 + 1];
    for (std::size_t i = 0; i < pairs; ++i) {
      const auto random = threefry2x32<20>(key[0], key[1], row, first_pair + static_cast<std::uint32_t>(i));
      even[i] = random[0];
      odd[i] = random[1];
    }
    const std::size_t skipped = col0 % 2;
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t position = i + skipped;
      deviates[i] = table_(position % 2 == 0 ? even[position / 2] : odd[position / 2]);
    }
  }

 private:
  std::uint32_t chip_seed_;
  const NormalTable& table_;
};

/// Calls body(offset, count) for chunks of [0, total).
template <typename Body>
void for_chunks(std::size_t total, const Body& body) {
  for (std::size_t offset = 0; offset < total; offset += kChunk) body(offset, std::min(kChunk, total - offset));
}

/// Both widths of targets through one template, `Derived::program(tile, row, col0, targets, target_max, cells)`.
template <typename Derived>
class ModelBase : public ProgrammingModel {
 public:
  void program_row(std::uint32_t tile_uid, std::uint32_t row, std::uint32_t col0, std::span<const std::int16_t> targets,
                   int target_max, std::span<std::int8_t> cells) const final {
    dispatch(tile_uid, row, col0, targets, target_max, cells);
  }
  void program_row(std::uint32_t tile_uid, std::uint32_t row, std::uint32_t col0, std::span<const std::int8_t> targets,
                   int target_max, std::span<std::int8_t> cells) const final {
    dispatch(tile_uid, row, col0, targets, target_max, cells);
  }

 private:
  template <typename Target>
  void dispatch(std::uint32_t tile_uid, std::uint32_t row, std::uint32_t col0, std::span<const Target> targets,
                int target_max, std::span<std::int8_t> cells) const {
    assert(targets.size() == cells.size() && target_max >= 1 && target_max <= arch::kTargetMax &&
           "checked by the program reader");
    for_chunks(targets.size(), [&](std::size_t offset, std::size_t count) {
      static_cast<const Derived*>(this)->program(tile_uid, row, col0 + static_cast<std::uint32_t>(offset),
                                                 targets.data() + offset, count, target_max, cells.data() + offset);
    });
  }
};

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
  return {"ideal", "gaussian", "pcm-afm"};
}

std::unique_ptr<ProgrammingModel> make_programming_model(const ProgrammingOptions& options) {
  if (options.g_unit < 1 || options.g_unit > arch::kCellMax) {
    throw Error(ErrorCode::kInvalidArgument,
                "programming: g_unit is " + std::to_string(options.g_unit) + ", must be 1..127");
  }
  if (!(options.gamma >= 0.0) || options.gamma > 10.0) {
    throw Error(ErrorCode::kInvalidArgument,
                "programming: gamma is " + std::to_string(options.gamma) + ", must be 0..10");
  }
  if (options.model == "ideal") return std::make_unique<IdealModel>(options);
  if (options.model == "gaussian") return std::make_unique<GaussianModel>(options);
  if (options.model == "pcm-afm") return std::make_unique<PcmAfmModel>(options);
  std::string known;
  for (const std::string& name : programming_models()) known += (known.empty() ? "" : ", ") + name;
  throw Error(ErrorCode::kInvalidArgument, "programming model '" + options.model + "' is unknown; known: " + known);
}

}  // namespace xw::analog
