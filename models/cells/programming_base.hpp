// What cell models share: normalised targets, tables per target, deviates per cell, rounding to cell codes. Private to the models.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "arch/generated/xw_arch.hpp"
#include "models/analog/threefry.hpp"
#include "models/cells/cell_kernels.hpp"
#include "models/cells/cell_model.hpp"
#include "models/cells/model_list.hpp"
#include "models/cells/normal.hpp"
#include "models/cells/programming.hpp"

namespace xw::cells::programming {

/// Programming draws use 20 rounds under a key derived with this tag; the read noise uses 13 under the plain key.
inline constexpr std::uint32_t kProgrammingDomain = 0x474F5250U;  // 'PROG'
/// The domain of read noise of cells at a time is derived with this tag.
inline constexpr std::uint32_t kReadDomain = 0x44414552U;  // 'READ'

/// The domain of what is drawn anew for every time at which a chip is read: that of programming at 0 seconds, else a function of the
/// bits of `seconds`.
[[nodiscard]] inline std::uint32_t read_domain(double seconds) {
  if (!(seconds > 0)) return kProgrammingDomain;
  const auto bits = std::bit_cast<std::uint64_t>(seconds);
  return analog::threefry2x32<20>(static_cast<std::uint32_t>(bits), static_cast<std::uint32_t>(bits >> 32U),
                                  kReadDomain, 0)[0];
}

/// Normalised weights of either width of targets: target / target_max in fp32.
inline void normalize(const std::int16_t* targets, std::size_t count, int target_max, float* weights) {
  cell_kernels().normalize_i16(targets, count, target_max, weights);
}
inline void normalize(const std::int8_t* targets, std::size_t count, int target_max, float* weights) {
  cell_kernels().normalize_i8(targets, count, target_max, weights);
}

/// CellKernels::magnitudes of either width of targets.
inline void find_magnitudes(const std::int16_t* targets, std::size_t count, int target_max, std::int32_t* magnitudes,
                            std::int32_t* negative) {
  cell_kernels().magnitudes_i16(targets, count, target_max, magnitudes, negative);
}
inline void find_magnitudes(const std::int8_t* targets, std::size_t count, int target_max, std::int32_t* magnitudes,
                            std::int32_t* negative) {
  cell_kernels().magnitudes_i8(targets, count, target_max, magnitudes, negative);
}

/// Cell codes clamp(rne(w' * g_unit), -127, 127); `weights` are the w' in fp32.
inline void store_cells(const float* weights, std::size_t count, float g_unit, std::int8_t* cells) {
  cell_kernels().store_cells(weights, count, g_unit, cells);
}

/// A value for every magnitude 0..target_max of a target. Tables of the full scales that programs store are made once, others
/// when they are asked for, which is slow.
template <typename Value>
class MagnitudeTables {
 public:
  using Make = std::function<Value(int magnitude, int target_max)>;
  explicit MagnitudeTables(Make make) : make_(std::move(make)) {
    for (std::size_t i = 0; i < kFullScales.size(); ++i) tables_[i] = table(kFullScales[i]);
  }

  /// Calls body(const std::vector<Value>&) with the table of a full scale.
  template <typename Body>
  void with(int target_max, const Body& body) const {
    const auto known = std::find(kFullScales.begin(), kFullScales.end(), target_max);
    if (known == kFullScales.end()) {
      body(table(target_max));
    } else {
      body(tables_[static_cast<std::size_t>(known - kFullScales.begin())]);
    }
  }

 private:
  static constexpr std::array<int, 3> kFullScales = {32767, 127, 7};

  [[nodiscard]] std::vector<Value> table(int target_max) const {
    std::vector<Value> values;
    values.reserve(static_cast<std::size_t>(target_max) + 1);
    for (int magnitude = 0; magnitude <= target_max; ++magnitude) values.push_back(make_(magnitude, target_max));
    return values;
  }

  Make make_;
  std::array<std::vector<Value>, kFullScales.size()> tables_;
};

/// Deviates of at most kChunk cells, and what the kernels write besides.
class Deviates {
 public:
  [[nodiscard]] const float* data() const { return values_ + first_; }

 private:
  friend class CellDeviates;
  alignas(64) float values_[kChunk + kSingleColumns];
  std::size_t first_ = 0;
};

/// Numbers of the draws of one cell: version 1 of the deviates has `kFirst` alone, version 2 the others.
enum class Draw : std::uint32_t { kFirst = 0, kProgramming = 16, kDrift = 17, kRead = 18 };

/// The key of Threefry for one draw of a tile.
using DrawKey = std::array<std::uint32_t, 2>;
/// Those of a model's draws, made once for all cells of a row.
struct DrawKeys {
  DrawKey programming{}, drift{}, read{};
};

/// Normal deviates of the cells (row, col0 ..+count) of a tile; docs/numerics.md#random-numbers-of-programming.
class CellDeviates {
 public:
  /// For a chip that is read `seconds` after programming.
  CellDeviates(std::uint32_t chip_seed, Stream stream, double seconds = 0)
      : chip_seed_(chip_seed),
        stream_(static_cast<std::uint32_t>(stream) << 8U),
        read_domain_(read_domain(seconds)),
        cubics_(NormalTable::instance().coefficients()) {}

  [[nodiscard]] DrawKey key(std::uint32_t tile_uid, std::uint32_t draw) const {
    return key(tile_uid, draw, kProgrammingDomain);
  }
  /// `programming` for the version of its deviates; drift and read noise are of version 2.
  [[nodiscard]] DrawKeys keys(std::uint32_t tile_uid, Draw programming) const {
    return {key(tile_uid, static_cast<std::uint32_t>(programming)),
            key(tile_uid, static_cast<std::uint32_t>(Draw::kDrift)),
            key(tile_uid, static_cast<std::uint32_t>(Draw::kRead), read_domain_)};
  }

  /// Version 1: a word of Threefry for each, and the table of the inverse distribution function.
  void draw(const DrawKey& key, std::uint32_t row, std::uint32_t col0, std::size_t count, Deviates& deviates) const {
    assert(count <= kChunk && "callers work in chunks");
    // One call of threefry serves an even column and the odd one after it.
    deviates.first_ = col0 % 2;
    const std::size_t pairs = (deviates.first_ + count + 1) / 2;
    cell_kernels().deviates({key[0], key[1], row, col0 / 2, cubics_}, pairs, deviates.values_);
  }

  /// Version 2, two deviates for each cell: of its loaded and of its idle device.
  static void draw_pairs(const DrawKey& key, std::uint32_t row, std::uint32_t col0, std::size_t count, Deviates& loaded,
                         Deviates& idle) {
    assert(count <= kChunk && "callers work in chunks");
    loaded.first_ = idle.first_ = col0 % kPairColumns;
    const std::size_t groups = (loaded.first_ + count + kPairColumns - 1) / kPairColumns;
    cell_kernels().deviate_pairs({key[0], key[1], row, first_call(col0, kPairColumns), nullptr}, groups, loaded.values_,
                                 idle.values_);
  }

  /// Version 2, a deviate for each cell.
  static void draw_singles(const DrawKey& key, std::uint32_t row, std::uint32_t col0, std::size_t count,
                           Deviates& deviates) {
    assert(count <= kChunk && "callers work in chunks");
    deviates.first_ = col0 % kSingleColumns;
    const std::size_t groups = (deviates.first_ + count + kSingleColumns - 1) / kSingleColumns;
    cell_kernels().deviate_singles({key[0], key[1], row, first_call(col0, kSingleColumns), nullptr}, groups,
                                   deviates.values_);
  }

 private:
  [[nodiscard]] static std::uint32_t first_call(std::uint32_t col0, std::size_t group_columns) {
    return col0 / static_cast<std::uint32_t>(group_columns) * static_cast<std::uint32_t>(kCallGroup);
  }
  [[nodiscard]] DrawKey key(std::uint32_t tile_uid, std::uint32_t draw, std::uint32_t domain) const {
    return analog::threefry2x32<20>(chip_seed_, tile_uid, domain, stream_ | draw);
  }

  std::uint32_t chip_seed_;
  std::uint32_t stream_;
  std::uint32_t read_domain_;
  const float* cubics_;
};

/// Calls body(offset, count) for chunks of [0, total).
template <typename Body>
void for_chunks(std::size_t total, const Body& body) {
  for (std::size_t offset = 0; offset < total; offset += kChunk) body(offset, std::min(kChunk, total - offset));
}

/// Both widths of targets through one template, `Derived::program(keys, row, col0, targets, target_max, cells)`
/// with the keys that `Derived::keys(tile)` gives.
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
    const auto& derived = static_cast<const Derived&>(*this);
    const DrawKeys keys = derived.keys(tile_uid);
    for_chunks(targets.size(), [&](std::size_t offset, std::size_t count) {
      derived.program(keys, row, col0 + static_cast<std::uint32_t>(offset), targets.data() + offset, count, target_max,
                      cells.data() + offset);
    });
  }
};

/// `CellModel::make` of a model.
template <typename Model>
std::unique_ptr<ProgrammingModel> make(const ModelSettings& settings) {
  return std::make_unique<Model>(settings);
}

}  // namespace xw::cells::programming
