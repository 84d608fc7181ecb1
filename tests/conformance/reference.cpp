// What a call must give, from targets and the contract's reference functions alone: no images, engines, instructions.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/conformance/reference.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <memory>
#include <span>
#include <string>

#include "arch/description/description.hpp"
#include "arch/support/checksum.hpp"
#include "host/runtime/placement.hpp"
#include "models/analog/numerics.hpp"
#include "models/analog/threefry.hpp"
#include "models/cells/faults.hpp"
#include "models/cells/normal.hpp"
#include "models/cells/programming.hpp"

namespace xw::test {
namespace {

/// What is broken in the chip, and where the program is on it.
struct Broken {
  Broken(const program::Program& program, const runtime::ChipOptions& options)
      : chip(arch::parse_chip(program.manifest().chip_toml, "chip")),
        faults(cells::parse_faults(options.faults), options.chip_seed),
        placement(program, chip.cols, faults, runtime::parse_spares(options.spares)) {}
  /// A programmed cell of a place of the chip.
  [[nodiscard]] int code(std::uint32_t tile, std::uint32_t row, std::uint32_t column, int programmed) const {
    if (faults.tile(tile) || faults.row(tile, row) || faults.column(tile, column)) return 0;
    return cells::stuck_code(faults.cell(tile, row, column), programmed, chip.g_unit);
  }
  arch::ChipDescription chip;
  cells::Faults faults;
  runtime::Placement placement;
};

/// Cells of a block, [row][col]: one physical column segment at a time, one column wide.
[[nodiscard]] std::vector<std::int8_t> program_cells(const program::Program& program, const program::BlockRecord& block,
                                                     const cells::ProgrammingModel& model, const Broken& broken) {
  const program::WeightMode mode = program.manifest().weight_mode;
  std::vector<std::int8_t> cells(std::size_t{block.rows} * block.cols);
  const std::uint32_t tile = broken.placement.tile(block.tile);
  for (std::uint32_t row = 0; row < block.rows; ++row) {
    for (std::uint32_t col = 0; col < block.cols; ++col) {
      const std::size_t i = std::size_t{row} * block.cols + col;
      if (program.columns()[block.column_offset + col].w_max == 0) continue;
      const std::span<std::int8_t> cell(&cells[i], 1);
      const auto moved = broken.placement.moved(block.tile, block.col0 + col, 1);
      const std::uint32_t column = moved.empty() ? block.col0 + col : moved[0].second;
      if (mode == program::WeightMode::kAnalog) {
        model.program_row(tile, block.row0 + row, column, program.targets16(block).subspan(i, 1),
                          program::target_max(mode), cell);
      } else {
        model.program_row(tile, block.row0 + row, column, program.targets8(block).subspan(i, 1),
                          program::target_max(mode), cell);
      }
      cells[i] = static_cast<std::int8_t>(broken.code(tile, block.row0 + row, column, cells[i]));
    }
  }
  return cells;
}

using Model = std::unique_ptr<cells::ProgrammingModel>;

/// The cells of the chip `seconds` after programming.
[[nodiscard]] Model model_at(const program::Program& program, const runtime::ChipOptions& options, double seconds) {
  const arch::ChipDescription chip = arch::parse_chip(program.manifest().chip_toml, "chip");
  return cells::make_programming_model({options.noise, options.chip_seed, chip.g_unit, seconds});
}

/// What the converters of a block have.
struct Converters {
  std::vector<std::uint16_t> gains;
  std::uint32_t shift = 0;
  std::vector<std::int64_t> offsets;  ///< of the chip and of its calibration, added
};

/// Gains as 16-bit integers with the largest shift that allows them.
[[nodiscard]] Converters fitted(std::vector<double> gains, std::uint32_t shift) {
  while (std::nearbyint(*std::max_element(gains.begin(), gains.end())) > 65535) {
    for (double& gain : gains) gain /= 2;
    --shift;
  }
  Converters result{{}, shift, std::vector<std::int64_t>(gains.size())};
  for (const double gain : gains) result.gains.push_back(static_cast<std::uint16_t>(std::nearbyint(gain)));
  return result;
}

/// A deviate for every column of a block where it is on the chip: of its gain ('G') or of its offset ('O').
[[nodiscard]] std::vector<double> deviates(const program::BlockRecord& block, const runtime::ChipOptions& options,
                                           const Broken& broken, char what) {
  std::vector<double> all;
  for (std::uint32_t col = block.col0; col < std::uint32_t{block.col0} + block.cols; ++col) {
    const auto moved = broken.placement.moved(block.tile, col, 1);
    const std::uint32_t column = moved.empty() ? col : moved[0].second;
    const std::uint32_t domain = 0x00434441U | static_cast<std::uint32_t>(what) << 24U;
    const auto key = analog::threefry2x32<20>(options.chip_seed, broken.placement.tile(block.tile), domain, 0);
    const auto words = analog::threefry2x32<20>(key[0], key[1], 0, column / 2);
    all.push_back(static_cast<double>(cells::NormalTable::instance()(words[column % 2])));
  }
  return all;
}

/// Factors of the gains of a block's converters; empty if they are alike.
[[nodiscard]] std::vector<double> converter_mismatch(const program::BlockRecord& block,
                                                     const runtime::ChipOptions& options, const Broken& broken) {
  std::vector<double> factors;
  if (options.adc_mismatch.gain == 0) return factors;
  for (const double xi : deviates(block, options, broken, 'G'))
    factors.push_back(std::clamp(1 + options.adc_mismatch.gain * xi, 0.5, 2.0));
  return factors;
}

/// `codes` of a converter's offset, within its range, in units of the sum.
[[nodiscard]] std::int64_t in_sums(const program::BlockRecord& block, double codes) {
  const double adc_max = (1 << (block.adc_bits - 1)) - 1;
  return std::llrint(std::clamp(codes, -adc_max, adc_max) * std::pow(2.0, block.adc_shift) / block.adc_gain);
}

/// Offsets of a block's converters before any calibration.
[[nodiscard]] std::vector<std::int64_t> converter_offsets(const program::BlockRecord& block,
                                                          const runtime::ChipOptions& options, const Broken& broken) {
  std::vector<std::int64_t> offsets;
  for (const double xi : deviates(block, options, broken, 'O'))
    offsets.push_back(in_sums(block, options.adc_mismatch.offset * xi));
  return offsets;
}

/// The ADC code of a sum in a converter of a block.
[[nodiscard]] int code_of(const program::BlockRecord& block, const Converters& converters, std::uint32_t col,
                          std::int64_t sum) {
  bool saturated = false;
  return analog::adc_convert(sum + converters.offsets[col], converters.gains[col], converters.shift,
                             (1 << (block.adc_bits - 1)) - 1, saturated);
}

/// Sums over the known inputs of the magnitudes of the ADC codes of a block's columns; with `pairs`, of the codes themselves over every
/// known input and its negative.
[[nodiscard]] std::vector<double> answers(const program::Program& program, const program::BlockRecord& block,
                                          const runtime::ChipOptions& options, const Broken& broken,
                                          const std::vector<double>& mismatch, const std::vector<std::int64_t>& offsets,
                                          double seconds, std::uint32_t num_vectors, std::uint32_t vector_base,
                                          bool pairs = false) {
  const arch::ChipDescription chip = arch::parse_chip(program.manifest().chip_toml, "chip");
  const std::vector<std::int8_t> cells = program_cells(program, block, *model_at(program, options, seconds), broken);
  const std::uint32_t sigma_q = analog::quantize_read_sigma(options.read_sigma * chip.dac_max() * chip.g_unit);
  int amplitude = chip.dac_max();
  for (const program::BlockRecord& other : program.blocks()) {
    if (program.manifest().matrices[other.matrix].call != program.manifest().matrices[block.matrix].call) continue;
    const double full_scale = ((1 << (other.adc_bits - 1)) - 1) * std::ldexp(1.0, other.adc_shift) / other.adc_gain;
    amplitude = std::min(amplitude, static_cast<int>(full_scale / (1.6 * chip.g_unit * std::sqrt(other.rows))));
  }
  amplitude = std::max(amplitude, 1);
  Converters converter{std::vector<std::uint16_t>(block.cols, block.adc_gain), block.adc_shift, {}};
  if (!mismatch.empty()) {
    std::vector<double> gains;
    for (const double factor : mismatch) gains.push_back(block.adc_gain * factor);
    converter = fitted(std::move(gains), block.adc_shift);
  }
  converter.offsets = offsets;
  std::vector<double> sums(block.cols);
  const std::uint32_t num_inputs = pairs ? (num_vectors + 1) / 2 * 2 : num_vectors;
  for (std::uint32_t i = 0; i < num_inputs; ++i) {
    const std::uint32_t v = pairs ? i / 2 : i;
    const int drive = pairs && i % 2 == 1 ? -amplitude : amplitude;
    for (std::uint32_t col = 0; col < block.cols; ++col) {
      std::int64_t sum = analog::read_noise(
          sigma_q, analog::noise_h(options.chip_seed, block.tile, vector_base + i, block.row0, block.col0 + col));
      for (std::uint32_t row = 0; row < block.rows; ++row) {
        // +-1: a bit of the input's number and the product of the bits that vector and input share (docs/chip-life.md).
        const std::uint32_t input = block.in_begin + row;
        int sign = (analog::threefry2x32<20>(0x4E474953U, 0, input, 0)[0] & 1U) == 0 ? 1 : -1;
        for (std::uint32_t bit = 0; bit < 32; ++bit) {
          if ((v >> bit & input >> bit & 1U) != 0) sign = -sign;
        }
        sum += cells[std::size_t{row} * block.cols + col] * sign * drive;
      }
      const int code = code_of(block, converter, col, sum);
      sums[col] += pairs ? code : std::abs(code);
    }
  }
  return sums;
}

/// What the converters of every block have, compensated as the options say: plain loops over the definitions of docs/chip-life.md.
[[nodiscard]] std::vector<Converters> converters(const program::Program& program, const runtime::ChipOptions& options,
                                                 const Broken& broken) {
  std::vector<Converters> all;
  const bool global = options.compensation.starts_with("global");
  const double last = options.recalibrate > 0 ? std::floor(options.seconds / options.recalibrate) * options.recalibrate
                                              : options.seconds;
  const bool exact = options.compensation.ends_with("exact");
  const bool calibrated = options.compensation != "none";
  const bool none = !calibrated || (last == 0 && !exact);
  // "global:vectors=" has 15 characters.
  const auto num_vectors = calibrated ? static_cast<std::uint32_t>(std::stoul(options.compensation.substr(15))) : 0U;
  const std::uint32_t base = 0xC0000000U | (crc32(std::as_bytes(std::span(&last, 1))) & 0x3FFFF000U);
  std::vector<std::vector<double>> then, now;
  std::map<std::uint32_t, std::pair<double, double>> tiles;
  runtime::ChipOptions ideal;
  ideal.noise = "ideal";
  ideal.read_sigma = 0;
  const Broken whole(program, ideal);
  for (const program::BlockRecord& block : program.blocks()) {
    const std::vector<double> mismatch = converter_mismatch(block, options, broken);
    std::vector<std::int64_t> offsets = converter_offsets(block, options, broken);
    if (calibrated && options.adc_mismatch.offset > 0) {
      const std::vector<double> found =
          answers(program, block, options, broken, mismatch, offsets, 0, num_vectors, 0xA0000000U, true);
      for (std::uint32_t col = 0; col < block.cols; ++col) {
        if (program.columns()[block.column_offset + col].w_max == 0) continue;
        offsets[col] += in_sums(block, -found[col] / ((num_vectors + 1) / 2 * 2));
      }
    }
    all.push_back({{}, 0, offsets});
    const std::vector<std::int64_t> zeros(block.cols);
    then.push_back(exact ? answers(program, block, ideal, whole, {}, zeros, 0, num_vectors, 0)
                         : answers(program, block, options, broken, mismatch, offsets, 0, num_vectors, 0x80000000U));
    now.push_back(answers(program, block, options, broken, mismatch, offsets, last, num_vectors, base));
    for (std::uint32_t col = 0; col < block.cols; ++col) {
      if (program.columns()[block.column_offset + col].w_max == 0) continue;
      tiles[block.tile].first += then.back()[col] * std::ldexp(1.0, block.adc_shift) / block.adc_gain;
      tiles[block.tile].second += now.back()[col] * std::ldexp(1.0, block.adc_shift) / block.adc_gain;
    }
  }
  for (std::size_t b = 0; b < all.size(); ++b) {
    const program::BlockRecord& block = program.blocks()[b];
    const auto& [tile_then, tile_now] = tiles[block.tile];
    const std::vector<double> mismatch = converter_mismatch(block, options, broken);
    std::vector<double> gains;
    for (std::uint32_t col = 0; col < block.cols; ++col) {
      double factor = tile_then > 0 && tile_now > 0 ? tile_then / tile_now : 1;
      if (!global && then[b][col] >= num_vectors && now[b][col] >= num_vectors) factor = then[b][col] / now[b][col];
      if (program.columns()[block.column_offset + col].w_max == 0) factor = 1;
      if (none) factor = 1;
      gains.push_back(block.adc_gain * ((mismatch.empty() ? 1 : mismatch[col]) * std::clamp(factor, 0.125, 8.0)));
    }
    std::vector<std::int64_t> offsets = std::move(all[b].offsets);
    all[b] = fitted(std::move(gains), block.adc_shift);
    all[b].offsets = std::move(offsets);
  }
  return all;
}

}  // namespace

ReferenceResult reference_call(const program::Program& program, std::uint32_t call, const runtime::ChipOptions& options,
                               std::span<const std::int8_t> codes, std::uint32_t num_vectors,
                               std::uint32_t vector_base) {
  const program::Manifest& manifest = program.manifest();
  const program::CallInfo& info = manifest.calls[call];
  const arch::ChipDescription chip = arch::parse_chip(manifest.chip_toml, "chip");
  const Broken broken(program, options);
  const Model model = model_at(program, options, options.seconds);
  const std::vector<Converters> settings = converters(program, options, broken);
  const std::uint32_t sigma_q = analog::quantize_read_sigma(options.read_sigma * chip.dac_max() * chip.g_unit);

  ReferenceResult result;
  for (const std::uint32_t matrix : info.matrices) {
    result.matrices.emplace_back();
    result.matrices.back().words.resize(std::size_t{num_vectors} * manifest.matrices[matrix].out_features);
  }
  for (const program::BlockRecord& block : program.blocks()) {
    const auto place = std::find(info.matrices.begin(), info.matrices.end(), block.matrix);
    if (place == info.matrices.end()) continue;
    ReferenceOutput& output = result.matrices[static_cast<std::size_t>(place - info.matrices.begin())];
    const std::uint32_t out_features = manifest.matrices[block.matrix].out_features;
    const std::vector<std::int8_t> cells = program_cells(program, block, *model, broken);
    const Converters& converter = settings[static_cast<std::size_t>(&block - program.blocks().data())];
    for (std::uint32_t v = 0; v < num_vectors; ++v) {
      for (std::uint32_t col = 0; col < block.cols; ++col) {
        std::int64_t sum = 0;
        for (std::uint32_t row = 0; row < block.rows; ++row) {
          sum += cells[std::size_t{row} * block.cols + col] *
                 codes[std::size_t{v} * info.in_features + block.in_begin + row];
        }
        sum += analog::read_noise(
            sigma_q, analog::noise_h(options.chip_seed, block.tile, vector_base + v, block.row0, block.col0 + col));
        bool saturated = false;
        const std::int32_t code = analog::adc_convert(sum + converter.offsets[col], converter.gains[col],
                                                      converter.shift, (1 << (block.adc_bits - 1)) - 1, saturated);
        result.adc_saturations += saturated ? 1 : 0;
        output.words[std::size_t{v} * out_features + block.out_begin + col] +=
            code * program.columns()[block.column_offset + col].out_scale;
      }
    }
    result.macs += std::uint64_t{block.rows} * block.cols * num_vectors;
  }
  for (std::size_t k = 0; k < result.matrices.size(); ++k) {
    const program::MatrixInfo& matrix = manifest.matrices[info.matrices[k]];
    std::vector<float> bias(matrix.out_features);
    if (!matrix.bias.empty()) {
      std::memcpy(bias.data(), program.constants().at(matrix.bias).data.data(), bias.size() * sizeof(float));
    }
    ReferenceOutput& output = result.matrices[k];
    for (std::size_t i = 0; i < output.words.size(); ++i) {
      const float scaled = static_cast<float>(output.words[i]) * matrix.unit;
      output.reals.push_back(matrix.bias.empty() ? scaled : scaled + bias[i % matrix.out_features]);
    }
  }
  return result;
}

std::vector<std::int8_t> reference_codes(const program::Program& program, std::uint32_t call, std::span<const float> x,
                                         std::uint32_t num_vectors) {
  const program::Manifest& manifest = program.manifest();
  const program::CallInfo& info = manifest.calls[call];
  const auto dac_max = static_cast<float>(arch::parse_chip(manifest.chip_toml, "chip").dac_max());
  std::vector<std::int8_t> codes;
  for (std::uint32_t v = 0; v < num_vectors; ++v) {
    for (const program::InputRange& range : manifest.matrices[info.matrices[0]].input_ranges) {
      for (std::uint32_t i = range.begin; i < range.end; ++i) {
        const float scaled = x[std::size_t{v} * info.in_features + i] * dac_max / range.beta;
        codes.push_back(static_cast<std::int8_t>(std::clamp(std::nearbyintf(scaled), -dac_max, dac_max)));
      }
    }
  }
  return codes;
}

}  // namespace xw::test
