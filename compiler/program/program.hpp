// The program: everything that runs a model on a chip, in one memory-mappable file (docs/program-format.md).
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "compiler/program/instruction.hpp"
#include "compiler/program/tile_rounds.hpp"

namespace xw::program {

/// How targets are stored. kAnalog: int16 rne(w * 32767). kW8, kW4: int8 rne(w * 127), rne(w * 7).
enum class WeightMode : std::uint8_t { kAnalog = 0, kW8 = 1, kW4 = 2 };
[[nodiscard]] const char* name(WeightMode mode);  ///< "analog", "w8", "w4"
[[nodiscard]] WeightMode weight_mode_from(const std::string& name);
[[nodiscard]] constexpr int target_max(WeightMode mode) {
  return mode == WeightMode::kAnalog ? 32767 : mode == WeightMode::kW8 ? 127 : 7;
}
[[nodiscard]] constexpr std::size_t target_bytes(WeightMode mode) {
  return mode == WeightMode::kAnalog ? 2 : 1;
}

/// One block: a rectangle of one weight matrix in one rectangle of a physical tile. 64 bytes, little endian, as stored.
struct BlockRecord {
  std::uint32_t matrix = 0;          ///< index into Manifest::matrices
  std::uint32_t tile = 0;            ///< tile of the program (tile_uid): Manifest::num_tiles
  std::uint32_t in_begin = 0;        ///< first input of the matrix
  std::uint32_t out_begin = 0;       ///< first output of the matrix
  std::uint16_t rows = 0, cols = 0;  ///< inputs, outputs
  std::uint16_t row0 = 0, col0 = 0;  ///< place in the tile
  std::uint64_t target_offset = 0;   ///< bytes in the bulk section; layout [row][col] (row = input), 64-byte aligned
  std::uint32_t column_offset = 0;   ///< first entry in the column tables
  std::uint32_t target_crc = 0;      ///< CRC-32 of the targets
  std::uint16_t adc_gain = 0;        ///< ideal gain of every column
  std::uint8_t adc_shift = 0, adc_bits = 0;
  std::uint32_t input_slice = 0;  ///< index into MatrixInfo::input_ranges
  std::uint32_t replica = 0;      ///< which copy of the weights, below MatrixInfo::replicas
  std::uint32_t reserved[3] = {};
  friend bool operator==(const BlockRecord&, const BlockRecord&) = default;
};
static_assert(sizeof(BlockRecord) == 64);

/// One block image to be built at load: columns [col_begin, col_begin + cols) of a block, for one engine. 24 bytes.
/// Splitting a block over engines changes no result: noise and converters are per physical column.
struct ImageRecord {
  std::uint32_t block = 0;
  std::uint16_t col_begin = 0, cols = 0;
  std::uint32_t engine = 0;
  std::uint32_t image_offset = 0;  ///< in that engine's image memory, units of 64 bytes (as LOAD_BLOCK)
  std::uint32_t image_length = 0;  ///< units of 64 bytes
  std::uint32_t call = 0;
  friend bool operator==(const ImageRecord&, const ImageRecord&) = default;
};
static_assert(sizeof(ImageRecord) == 24);

/// Digital parameters of one output column of one block, as stored. 8 bytes.
struct ColumnRecord {
  float w_max = 0;  ///< largest abs weight of the column in this block
  std::uint16_t out_scale = 0;
  std::uint16_t reserved = 0;
  friend bool operator==(const ColumnRecord&, const ColumnRecord&) = default;
};
static_assert(sizeof(ColumnRecord) == 8);

/// Input range of inputs [begin, end) of a matrix.
struct InputRange {
  std::uint32_t begin = 0, end = 0;
  float beta = 0;
  friend bool operator==(const InputRange&, const InputRange&) = default;
};

/// Most chips that a program may be spread over.
inline constexpr std::uint32_t kMaxChips = 65536;
/// Most copies of a matrix.
inline constexpr std::uint32_t kMaxReplicas = 64;

struct MatrixInfo {
  std::string name;         ///< "model.layers.0.self_attn.q_proj"
  std::uint32_t layer = 0;  ///< transformer layer, for reports; num_layers for lm_head
  std::uint32_t in_features = 0, out_features = 0;
  std::uint32_t call = 0;
  float lambda = 0;                      ///< ADC full scale in units of beta * w_max
  float unit = 0;                        ///< y_real = Y * unit + bias, if there are no `units`
  std::string units;                     ///< constant tensor: the unit of every output; empty: `unit` for all
  std::string bias;                      ///< constant tensor, empty: none
  std::vector<InputRange> input_ranges;  ///< a partition of the inputs; equal for all matrices of a call
  std::uint32_t replicas = 1;            ///< copies on the chip: Y is the sum of all, a unit the mean's
  friend bool operator==(const MatrixInfo&, const MatrixInfo&) = default;
};

/// Where outputs of a matrix stand in a vector of Y: words [y_word, y_word + length) are outputs [out_begin, ...).
struct OutputSegment {
  std::uint32_t matrix = 0, out_begin = 0, y_word = 0, length = 0;
  friend bool operator==(const OutputSegment&, const OutputSegment&) = default;
};

/// One entry point: matrices with the same input.
struct CallInfo {
  std::string name;         ///< "layers.0.qkv"
  std::uint32_t entry = 0;  ///< index of the first instruction
  std::uint32_t num_instructions = 0;
  std::uint32_t in_features = 0;
  std::uint32_t x_stride_bytes = 0;  ///< multiple of 64
  std::uint32_t y_stride_bytes = 0;  ///< multiple of 64
  std::vector<std::uint32_t> matrices;
  std::vector<OutputSegment> outputs;
  std::optional<std::uint32_t>
      copy_of;  ///< the call whose weights this one holds once more, for other vectors of it (call_copies.hpp)
  friend bool operator==(const CallInfo&, const CallInfo&) = default;
};

/// Everything small, stored as JSON.
struct Manifest {
  std::string model_name, model_format, source_path_name;  ///< file name only, no directories
  std::string tool_version;
  std::string chip_toml, emulator_toml;  ///< full texts of the descriptions
  WeightMode weight_mode = WeightMode::kAnalog;
  bool lm_head_analog = false;
  std::string calibration;      ///< human-readable: "percentile 99.99 on 612 tokens of ...", "checkpoint"
  std::uint32_t num_tiles = 0;  ///< of all chips, or all rounds, together
  std::uint32_t tiles_per_chip =
      0;              ///< tile t is tile t % tiles_per_chip of chip t / tiles_per_chip; 0: there is one chip
  TileRounds rounds;  ///< tiles that are written anew between calls; only of one chip
  std::uint32_t tiles_lower_bound = 0;
  std::string lower_bound_reason;
  std::vector<std::uint64_t> engine_image_bytes;  ///< image memory per engine
  std::vector<MatrixInfo> matrices;
  std::vector<CallInfo> calls;
  friend bool operator==(const Manifest&, const Manifest&) = default;
};

/// Constant tensors of the host: embeddings, norms, biases, digital linear layers.
enum class ConstantType : std::uint8_t { kF32 = 0, kF16 = 1, kBF16 = 2 };
struct Constant {
  ConstantType type = ConstantType::kF32;
  std::vector<std::uint64_t> shape;  ///< row-major
  std::span<const std::byte> data;   ///< 64-byte aligned in the file
};

/// A program file, mapped. Immutable, thread safe. All spans live as long as it.
class Program {
 public:
  /// Maps and checks: magic, version, contract hash, section table, section bounds and CRCs (targets: per block, when
  /// used), JSON, instruction decoding, table cross references; the graph text is left to ir::parse. Throws
  /// Error{kFormat | kContractMismatch} naming path, place, expected, found.
  [[nodiscard]] static std::shared_ptr<const Program> open(const std::filesystem::path& path);
  /// Same for bytes in memory (fuzzing, tests); `origin` is used in messages.
  [[nodiscard]] static std::shared_ptr<const Program> from_bytes(std::vector<std::byte> bytes,
                                                                 const std::string& origin);
  ~Program();

  [[nodiscard]] const Manifest& manifest() const;
  [[nodiscard]] const std::string& graph_text() const;
  [[nodiscard]] std::span<const EncodedInstruction> code() const;
  [[nodiscard]] std::span<const BlockRecord> blocks() const;
  [[nodiscard]] std::span<const ImageRecord> images() const;
  [[nodiscard]] std::span<const ColumnRecord> columns() const;
  /// Targets of a block, [row][col]; one of them is empty, by weight mode. Checks nothing.
  [[nodiscard]] std::span<const std::int16_t> targets16(const BlockRecord& block) const;
  [[nodiscard]] std::span<const std::int8_t> targets8(const BlockRecord& block) const;
  /// Throws Error{kFormat} if a block's targets do not have their CRC.
  void check_targets(std::uint32_t block) const;
  /// Tells the kernel that a block's targets are not needed any more (keeps resident memory low). They stay readable.
  void release_targets(std::uint32_t block) const;
  [[nodiscard]] const std::map<std::string, Constant>& constants() const;
  [[nodiscard]] std::span<const std::byte> tokenizer() const;  ///< empty if none
  [[nodiscard]] const std::string& path() const;               ///< for messages
  [[nodiscard]] std::uint64_t file_bytes() const;
  /// CRC-32 over the header, which holds the checksums of everything else: two programs that differ have different ones
  /// (up to chance).
  [[nodiscard]] std::uint32_t identity() const;
  struct Section {
    std::string name;
    std::uint64_t offset = 0, bytes = 0;
  };
  [[nodiscard]] const std::vector<Section>& sections() const;

 private:
  Program();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// The unit of every output of a matrix, y_real = Y * unit + bias. Throws Error{kFormat} if its constant is missing, not fp32 or
/// of another size, or holds anything but normal positive numbers.
[[nodiscard]] std::vector<float> output_units(const Program& program, const MatrixInfo& matrix);

/// Writes a program file: bulk data streams straight to disk while it is made, tables follow, then the file is renamed.
/// Order of calls: targets and constants in any order, then finish(). Throws Error{kIo}.
class ProgramWriter {
 public:
  explicit ProgramWriter(const std::filesystem::path& target);
  ~ProgramWriter();
  /// Appends the targets of one block ([row][col]) and returns {target_offset, target_crc}.
  struct Stored {
    std::uint64_t offset = 0;
    std::uint32_t crc = 0;
  };
  [[nodiscard]] Stored add_targets(std::span<const std::int16_t> targets);
  [[nodiscard]] Stored add_targets(std::span<const std::int8_t> targets);
  /// Begins a constant of known size; rows are appended by add_constant_data until complete.
  void begin_constant(const std::string& name, ConstantType type, std::vector<std::uint64_t> shape);
  void add_constant_data(std::span<const std::byte> data);
  void finish(const Manifest& manifest, const std::string& graph_text, std::span<const EncodedInstruction> code,
              std::span<const BlockRecord> blocks, std::span<const ImageRecord> images,
              std::span<const ColumnRecord> columns, std::span<const std::byte> tokenizer);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace xw::program
