// What a call must give, from targets and the contract's reference functions alone: no images, engines, instructions.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/conformance/reference.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>

#include "arch/description/description.hpp"
#include "models/analog/numerics.hpp"
#include "models/cells/programming.hpp"

namespace xw::test {
namespace {

/// Cells of a block, [row][col]: one physical column segment at a time, one column wide.
[[nodiscard]] std::vector<std::int8_t> program_cells(const program::Program& program, const program::BlockRecord& block,
                                                     const cells::ProgrammingModel& model) {
  const program::WeightMode mode = program.manifest().weight_mode;
  std::vector<std::int8_t> cells(std::size_t{block.rows} * block.cols);
  for (std::uint32_t row = 0; row < block.rows; ++row) {
    for (std::uint32_t col = 0; col < block.cols; ++col) {
      const std::size_t i = std::size_t{row} * block.cols + col;
      if (program.columns()[block.column_offset + col].w_max == 0) continue;
      const std::span<std::int8_t> cell(&cells[i], 1);
      if (mode == program::WeightMode::kAnalog) {
        model.program_row(block.tile, block.row0 + row, block.col0 + col, program.targets16(block).subspan(i, 1),
                          program::target_max(mode), cell);
      } else {
        model.program_row(block.tile, block.row0 + row, block.col0 + col, program.targets8(block).subspan(i, 1),
                          program::target_max(mode), cell);
      }
    }
  }
  return cells;
}

}  // namespace

ReferenceResult reference_call(const program::Program& program, std::uint32_t call, const runtime::ChipOptions& options,
                               std::span<const std::int8_t> codes, std::uint32_t num_vectors,
                               std::uint32_t vector_base) {
  const program::Manifest& manifest = program.manifest();
  const program::CallInfo& info = manifest.calls[call];
  const arch::ChipDescription chip = arch::parse_chip(manifest.chip_toml, "chip");
  const std::unique_ptr<cells::ProgrammingModel> model =
      cells::make_programming_model({options.noise, options.chip_seed, chip.g_unit});
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
    const std::vector<std::int8_t> cells = program_cells(program, block, *model);
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
        const std::int32_t code =
            analog::adc_convert(sum, block.adc_gain, block.adc_shift, (1 << (block.adc_bits - 1)) - 1, saturated);
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
