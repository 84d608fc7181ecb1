// Random programs: matrices with known targets, mapped and compiled by the compiler's own stages.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/conformance/made_program.hpp"

#include <unistd.h>
#include <map>

#include <algorithm>
#include <filesystem>
#include <regex>
#include <span>

#include "compiler/codegen/codegen.hpp"
#include "compiler/mapping/duplicates.hpp"
#include "compiler/mapping/plan.hpp"
#include "compiler/mapping/rounds.hpp"
#include "models/analog/numerics.hpp"

namespace xw::test {
namespace {

/// Replaces the value of a key that occurs once in the text.
void set_key(std::string& text, const std::string& key, const std::string& value) {
  text = std::regex_replace(text, std::regex("(^|\n)" + key + " = [^\n]*"), "$1" + key + " = " + value);
}

/// Bytes of a temporary file, which is removed.
class TemporaryPath {
 public:
  explicit TemporaryPath(std::uint32_t seed)
      : path_(std::filesystem::temp_directory_path() /
              ("xw-conformance-" + std::to_string(getpid()) + "-" + std::to_string(seed) + ".xwp")) {}
  ~TemporaryPath() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
  TemporaryPath(const TemporaryPath&) = delete;
  TemporaryPath& operator=(const TemporaryPath&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

class Maker {
 public:
  Maker(const ProgramShape& shape, const Hardware& hardware, std::uint32_t seed)
      : shape_(shape), hardware_(hardware), random_(seed), file_(seed), writer_(file_.path()) {}

  [[nodiscard]] std::shared_ptr<const program::Program> make() {
    add_matrices();
    add_blocks();
    codegen::Input input;
    input.blocks = blocks_;
    input.matrices = manifest_.matrices;
    input.calls = calls_;
    for (std::size_t call = 0; call < calls_.size(); ++call) input.call_names.push_back("call." + std::to_string(call));
    const codegen::Output output = codegen::generate(input, hardware_.emulator());
    manifest_.model_name = "random";
    manifest_.chip_toml = hardware_.text();
    manifest_.emulator_toml = hardware_.text();
    manifest_.weight_mode = shape_.mode;
    manifest_.engine_image_bytes = output.engine_image_bytes;
    manifest_.calls = output.calls;
    for (std::size_t copy = 0; copy < copy_of_.size(); ++copy)
      manifest_.calls[shape_.calls.size() + copy].copy_of = copy_of_[copy];
    writer_.finish(manifest_, "", output.code, blocks_, output.images, columns_, {});
    return program::Program::open(file_.path());
  }

 private:
  [[nodiscard]] std::uint32_t uniform(std::uint32_t low, std::uint32_t high) {
    return std::uniform_int_distribution<std::uint32_t>(low, high)(random_);
  }

  void add_matrices() {
    for (std::uint32_t call = 0; call < shape_.calls.size(); ++call) {
      const ProgramShape::Call& made = shape_.calls[call];
      std::vector<program::InputRange> ranges;
      std::vector<std::uint32_t> ends = made.input_cuts;
      ends.push_back(made.in_features);
      for (std::uint32_t begin = 0; const std::uint32_t end : ends) {
        ranges.push_back({begin, end, 0.5F + static_cast<float>(uniform(0, 100)) / 16.0F});
        begin = end;
      }
      calls_.emplace_back();
      for (const std::uint32_t out_features : made.out_features) {
        const auto index = static_cast<std::uint32_t>(manifest_.matrices.size());
        program::MatrixInfo matrix;
        matrix.name = "matrix." + std::to_string(index);
        matrix.layer = call;
        matrix.in_features = made.in_features;
        matrix.out_features = out_features;
        matrix.call = call;
        matrix.lambda = static_cast<float>(hardware_.lambda);
        matrix.unit = 1.0F / static_cast<float>(1 + uniform(1, 1000));
        matrix.input_ranges = ranges;
        matrix.replicas = made.replicas;
        if (shape_.with_bias) {
          matrix.bias = matrix.name + ".bias";
          add_bias(matrix.bias, out_features);
        }
        manifest_.matrices.push_back(matrix);
        calls_.back().push_back(index);
      }
    }
  }

  void add_bias(const std::string& name, std::uint32_t out_features) {
    std::vector<float> bias(out_features);
    for (float& value : bias) value = static_cast<float>(uniform(0, 2000)) / 256.0F - 4.0F;
    writer_.begin_constant(name, program::ConstantType::kF32, {out_features});
    writer_.add_constant_data(std::as_bytes(std::span(bias)));
  }

  void add_blocks() {
    std::vector<mapping::MatrixShape> shapes;
    for (const program::MatrixInfo& matrix : manifest_.matrices) {
      mapping::MatrixShape made;
      made.name = matrix.name;
      made.in_features = matrix.in_features;
      made.out_features = matrix.out_features;
      made.input_cuts = shape_.calls[matrix.call].input_cuts;
      made.replicas = matrix.replicas;
      if (shape_.chip_tiles != 0) made.group = matrix.call + 1;
      shapes.push_back(made);
    }
    mapping::TileShape tile;
    tile.rows = hardware_.tile_rows;
    tile.cols = hardware_.tile_cols;
    tile.block_rows = hardware_.emulator().block_rows;
    tile.block_cols = hardware_.emulator().block_cols;
    tile.max_tiles = shape_.chip_tiles;
    mapping::Plan plan = shape_.chip_tiles == 0 ? mapping::make_plan(shapes, tile)
                                                : mapping::make_rounds_plan(shapes, tile, shape_.areas).value();
    const std::size_t own_blocks = plan.blocks.size();
    add_copies(plan, shapes);
    manifest_.num_tiles = plan.num_tiles;
    if (!shape_.enough_tiles) manifest_.rounds = {plan.tiles_per_round, plan.areas};
    const arch::ChipDescription chip = hardware_.chip();
    const analog::AdcSetting adc =
        analog::ideal_adc(hardware_.lambda, chip.dac_max(), chip.g_unit, static_cast<int>(chip.adc_bits));
    for (const mapping::PlacedBlock& placed : plan.blocks) {
      program::BlockRecord block;
      block.matrix = placed.matrix;
      block.tile = placed.tile;
      block.in_begin = placed.in_begin;
      block.out_begin = placed.out_begin;
      block.rows = static_cast<std::uint16_t>(placed.rows);
      block.cols = static_cast<std::uint16_t>(placed.cols);
      block.row0 = static_cast<std::uint16_t>(placed.row0);
      block.col0 = static_cast<std::uint16_t>(placed.col0);
      block.column_offset = static_cast<std::uint32_t>(columns_.size());
      block.adc_gain = adc.gain;
      block.adc_shift = adc.shift;
      block.adc_bits = static_cast<std::uint8_t>(chip.adc_bits);
      block.input_slice = slice_of(placed.matrix, placed.in_begin);
      block.replica = placed.replica;
      if (blocks_.size() >= own_blocks) {  // the targets and columns of the original
        const auto is_original = [&](const program::BlockRecord& one) {
          return one.matrix == original_.at(placed.matrix) && one.in_begin == placed.in_begin &&
                 one.out_begin == placed.out_begin && one.replica == placed.replica;
        };
        add_as(*std::find_if(blocks_.begin(), blocks_.end(), is_original), block);
        continue;
      }
      if (placed.replica != 0) {  // the targets and columns of the first copy
        add_as(blocks_.back(), block);
        continue;
      }
      const program::ProgramWriter::Stored stored = add_targets(placed.rows, placed.cols);
      block.target_offset = stored.offset;
      block.target_crc = stored.crc;
      blocks_.push_back(block);
    }
  }

  /// A block with the targets and columns of one that is there.
  void add_as(const program::BlockRecord& original, program::BlockRecord block) {
    block.target_offset = original.target_offset;
    block.target_crc = original.target_crc;
    for (std::uint32_t col = 0; col < original.cols; ++col) {
      const program::ColumnRecord record = columns_[original.column_offset + col];
      columns_.push_back(record);
    }
    blocks_.push_back(block);
  }

  /// Copies of calls, as calls behind all others.
  void add_copies(mapping::Plan& plan, std::vector<mapping::MatrixShape>& shapes) {
    for (std::uint32_t call = 0; call < shape_.calls.size(); ++call) {
      for (std::uint32_t copy = 1; copy < shape_.calls[call].duplicates; ++copy) {
        const std::vector<std::uint32_t> originals = calls_[call];
        const auto number = static_cast<std::uint32_t>(calls_.size());
        mapping::append_copy(plan, shapes, originals, number + 1);
        calls_.emplace_back();
        copy_of_.push_back(call);
        for (const std::uint32_t original : originals) {
          const auto index = static_cast<std::uint32_t>(manifest_.matrices.size());
          program::MatrixInfo matrix = manifest_.matrices[original];
          matrix.name += "#" + std::to_string(copy + 1);
          matrix.call = number;
          manifest_.matrices.push_back(std::move(matrix));
          calls_.back().push_back(index);
          original_[index] = original;
        }
      }
    }
  }

  [[nodiscard]] std::uint32_t slice_of(std::uint32_t matrix, std::uint32_t input) const {
    const auto& ranges = manifest_.matrices[matrix].input_ranges;
    const auto range = std::find_if(ranges.begin(), ranges.end(), [&](const auto& r) { return input < r.end; });
    return static_cast<std::uint32_t>(range - ranges.begin());
  }

  /// Random targets and column records; the sum of adc_max * out_scale over all blocks of an output stays below 2^31.
  [[nodiscard]] program::ProgramWriter::Stored add_targets(std::uint32_t rows, std::uint32_t cols) {
    const int target_max = program::target_max(shape_.mode);
    std::vector<bool> is_zero(cols);
    for (std::uint32_t col = 0; col < cols; ++col) {
      is_zero[col] = uniform(0, 19) == 0;
      program::ColumnRecord record;
      record.w_max = is_zero[col] ? 0.0F : static_cast<float>(uniform(1, 1000)) / 512.0F;
      record.out_scale = is_zero[col] ? std::uint16_t{0} : static_cast<std::uint16_t>(uniform(0, 0xFFFF));
      columns_.push_back(record);
    }
    std::vector<std::int16_t> targets(std::size_t{rows} * cols);
    for (std::size_t i = 0; i < targets.size(); ++i) {
      const int target = static_cast<int>(uniform(0, static_cast<std::uint32_t>(2 * target_max))) - target_max;
      targets[i] = is_zero[i % cols] ? std::int16_t{0} : static_cast<std::int16_t>(target);
    }
    if (shape_.mode == program::WeightMode::kAnalog) return writer_.add_targets(std::span<const std::int16_t>(targets));
    const std::vector<std::int8_t> narrow(targets.begin(), targets.end());
    return writer_.add_targets(std::span<const std::int8_t>(narrow));
  }

  const ProgramShape& shape_;
  const Hardware& hardware_;
  std::mt19937 random_;
  TemporaryPath file_;
  program::ProgramWriter writer_;
  program::Manifest manifest_;
  std::vector<std::vector<std::uint32_t>> calls_;
  std::vector<std::uint32_t> copy_of_;               ///< by copy of a call
  std::map<std::uint32_t, std::uint32_t> original_;  ///< of a copy's matrix
  std::vector<program::BlockRecord> blocks_;
  std::vector<program::ColumnRecord> columns_;
};

}  // namespace

Hardware Hardware::of(const arch::EmulatorDescription& emulator, std::uint32_t tile_rows, std::uint32_t tile_cols) {
  Hardware hardware;
  hardware.tile_rows = tile_rows;
  hardware.tile_cols = tile_cols;
  hardware.num_engines = emulator.num_engines;
  hardware.lanes = emulator.lanes;
  hardware.contexts = emulator.contexts;
  hardware.xbuf_bytes = emulator.xbuf_bytes;
  hardware.ybuf_words = emulator.ybuf_words;
  hardware.max_batch = emulator.max_batch;
  hardware.adc_columns_per_cycle = emulator.adc_columns_per_cycle;
  hardware.max_outstanding = emulator.max_outstanding;
  hardware.memory_latency_cycles = emulator.memory_latency_cycles;
  hardware.memory_bytes_per_cycle = emulator.memory_bytes_per_cycle;
  hardware.block_rows = emulator.block_rows;
  hardware.block_cols = emulator.block_cols;
  return hardware;
}

std::string Hardware::text() const {
  const std::uint32_t rows = block_rows != 0 ? block_rows : std::min(tile_rows, xbuf_bytes);
  const std::uint32_t cols =
      block_cols != 0 ? block_cols : (std::min(tile_cols, ybuf_words) + lanes - 1) / lanes * lanes;
  std::string text = arch::load_chip("tiny-64").text;
  const auto set = [&](const char* key, auto value) { set_key(text, key, std::to_string(value)); };
  set_key(text, "noise", '"' + noise + '"');
  set("rows", tile_rows);
  set("cols", tile_cols);
  set("adcs_per_tile", tile_cols);
  set("dac_bits", dac_bits);
  set("adc_bits", adc_bits);
  set("g_unit", g_unit);
  set("lambda", lambda);
  set("num_engines", num_engines);
  set("lanes", lanes);
  set("data_width_bits", 8 * lanes);
  set("memory_bytes_per_cycle", memory_bytes_per_cycle > 0 ? memory_bytes_per_cycle : static_cast<double>(lanes));
  set("memory_latency_cycles", memory_latency_cycles);
  set("contexts", contexts);
  set("xbuf_bytes", xbuf_bytes);
  set("ybuf_words", ybuf_words);
  set("max_batch", max_batch);
  set("adc_columns_per_cycle", adc_columns_per_cycle);
  set("max_outstanding", max_outstanding);
  set("block_rows", rows);
  set("block_cols", cols);
  return text;
}

arch::ChipDescription Hardware::chip() const {
  return arch::parse_chip(text(), "made chip");
}
arch::EmulatorDescription Hardware::emulator() const {
  return arch::parse_emulator(text(), "made emulator");
}

std::shared_ptr<const program::Program> make_program(const ProgramShape& shape, const Hardware& hardware,
                                                     std::uint32_t seed) {
  return Maker(shape, hardware, seed).make();
}

}  // namespace xw::test
