// A small complete program for tests of the container.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "arch/support/file.hpp"
#include "compiler/codegen/codegen.hpp"
#include "compiler/program/program.hpp"
#include "tests/unit/codegen/model_fixture.hpp"

namespace xw::test {

/// A directory that is removed with the object.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::random_device device;
    path_ = std::filesystem::temp_directory_path() /
            ("xw-program-test-" + std::to_string(device()) + std::to_string(device()));
    std::filesystem::create_directories(path_);
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  [[nodiscard]] std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

inline std::vector<std::byte> read_bytes(const std::filesystem::path& path) {
  const MappedFile file(path);
  const auto bytes = file.bytes();
  return {bytes.begin(), bytes.end()};
}

/// Everything that goes into a program file.
struct ProgramParts {
  program::Manifest manifest;
  std::string graph_text = "graph \"small\"\n";
  std::vector<program::EncodedInstruction> code;
  std::vector<program::BlockRecord> blocks;
  std::vector<program::ImageRecord> images;
  std::vector<program::ColumnRecord> columns;
  std::vector<std::byte> tokenizer;
  std::vector<std::vector<std::int16_t>> targets16;  // per block, with analog weights
  std::vector<std::vector<std::int8_t>> targets8;    // with quantised ones
  std::vector<float> embedding;

  void write(const std::filesystem::path& path) {
    program::ProgramWriter writer(path);
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      const bool is_analog = manifest.weight_mode == program::WeightMode::kAnalog;
      const auto stored = is_analog ? writer.add_targets(targets16[i]) : writer.add_targets(targets8[i]);
      blocks[i].target_offset = stored.offset;
      blocks[i].target_crc = stored.crc;
      if (i == 0) {  // constants may come between targets
        writer.begin_constant("embedding", program::ConstantType::kF32, {4, embedding.size() / 4});
        const auto bytes = std::as_bytes(std::span(embedding));
        writer.add_constant_data(bytes.first(20));
        writer.add_constant_data(bytes.subspan(20));
      }
    }
    writer.begin_constant("empty", program::ConstantType::kBF16, {0, 7});
    writer.finish(manifest, graph_text, code, blocks, images, columns, tokenizer);
  }
};

inline ProgramParts make_parts(program::WeightMode mode = program::WeightMode::kAnalog) {
  Model model;
  model.add_call(40, {24, 10}, 32, 16);
  model.add_call(24, {40}, 32, 32);
  const auto emulator = make_emulator(2, 16, 32, 32, 2, 64, 64);
  codegen::Output output = codegen::generate(model.input(), emulator);
  ProgramParts parts;
  std::mt19937 random(7);
  program::Manifest& manifest = parts.manifest;
  manifest.model_name = "small \"model\"";
  manifest.model_format = "test";
  manifest.source_path_name = "model.bin";
  manifest.tool_version = "1.2.3";
  manifest.chip_toml = "[chip]\nname = \"x\"\n";
  manifest.emulator_toml = "[emulator]\nname = \"\xC3\xA9\"\n";
  manifest.weight_mode = mode;
  manifest.lm_head_analog = true;
  manifest.calibration = "percentile";
  manifest.num_tiles = 100;
  manifest.tiles_lower_bound = 3;
  manifest.lower_bound_reason = "area";
  manifest.engine_image_bytes = output.engine_image_bytes;
  manifest.calls = output.calls;
  manifest.matrices = model.matrices;
  for (auto& matrix : manifest.matrices) {
    matrix.lambda = 12.7F;
    matrix.unit = 1.2345678e-5F;
    matrix.bias = "bias";
    matrix.layer = 3;
    matrix.input_ranges = {{0, matrix.in_features, 0.1F}};
  }
  parts.code = output.code;
  parts.images = output.images;
  parts.blocks = model.blocks;
  for (auto& block : parts.blocks) {
    block.tile = static_cast<std::uint32_t>(99 - parts.targets16.size());  // one block a tile
    block.column_offset = static_cast<std::uint32_t>(parts.columns.size());
    block.adc_bits = 8;
    block.adc_shift = 20;
    block.adc_gain = 0x8123;
    for (std::uint32_t col = 0; col < block.cols; ++col) {
      parts.columns.push_back({static_cast<float>(random() % 1000) / 7.0F, static_cast<std::uint16_t>(random()), 0});
    }
    parts.targets16.emplace_back();
    parts.targets8.emplace_back();
    for (std::uint32_t i = 0; i < std::uint32_t{block.rows} * block.cols; ++i) {
      parts.targets16.back().push_back(static_cast<std::int16_t>(random()));
      parts.targets8.back().push_back(static_cast<std::int8_t>(random()));
    }
  }
  for (int i = 0; i < 36; ++i) parts.embedding.push_back(static_cast<float>(i) * 0.3F);
  for (int i = 0; i < 77; ++i) parts.tokenizer.push_back(static_cast<std::byte>(i * 3));
  return parts;
}

}  // namespace xw::test
