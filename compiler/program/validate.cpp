// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/program/validate.hpp"

#include <algorithm>
#include <map>
#include <vector>

#include "arch/generated/xw_arch.hpp"
#include "compiler/program/call_copies.hpp"
#include "compiler/program/container.hpp"
#include "compiler/program/rectangles.hpp"

namespace xw::program {
namespace {

/// begin + length <= limit without overflow.
constexpr bool inside(std::uint64_t begin, std::uint64_t length, std::uint64_t limit) {
  return begin <= limit && length <= limit - begin;
}

/// One entry of one table, for messages.
class Entry {
 public:
  Entry(const std::string& origin, const char* table, std::size_t index)
      : origin_(origin), table_(table), index_(index) {}
  void require(bool condition, const char* what) const {
    if (!condition) fail(what);
  }
  [[noreturn]] void fail(const std::string& what) const {
    throw_format(origin_, std::string(table_) + " " + std::to_string(index_), what);
  }

 private:
  const std::string& origin_;
  const char* table_;
  std::size_t index_;
};

void validate_matrices(const Tables& tables, const std::string& origin) {
  const auto& manifest = tables.manifest;
  for (std::size_t i = 0; i < manifest.matrices.size(); ++i) {
    const Entry entry(origin, "matrix", i);
    const MatrixInfo& matrix = manifest.matrices[i];
    entry.require(matrix.in_features > 0 && matrix.out_features > 0, "has no inputs or outputs");
    entry.require(matrix.replicas >= 1 && matrix.replicas <= kMaxReplicas, "its number of copies is impossible");
    entry.require(matrix.call < manifest.calls.size(), "its call does not exist");
    const auto& listed = manifest.calls[matrix.call].matrices;
    entry.require(std::count(listed.begin(), listed.end(), i) == 1, "its call does not list it exactly once");
    std::uint32_t end = 0;
    for (const InputRange& range : matrix.input_ranges) {
      entry.require(range.begin == end && range.end > range.begin, "input ranges are not a partition of the inputs");
      entry.require(range.beta > 0, "an input range is not positive");
      end = range.end;
    }
    entry.require(end == matrix.in_features, "input ranges do not end with the inputs");
  }
}

void validate_outputs(const Tables& tables, const CallInfo& call, const Entry& entry) {
  const std::uint64_t words = call.y_stride_bytes / sizeof(std::int32_t);
  std::map<std::uint32_t, std::uint64_t> covered;  // outputs per matrix
  std::vector<Rectangle> outputs, places;          // of all segments: what they give, where it stands in Y
  for (const OutputSegment& segment : call.outputs) {
    entry.require(std::find(call.matrices.begin(), call.matrices.end(), segment.matrix) != call.matrices.end(),
                  "an output segment names a matrix of another call");
    const MatrixInfo& matrix = tables.manifest.matrices[segment.matrix];
    entry.require(segment.length > 0 && inside(segment.out_begin, segment.length, matrix.out_features),
                  "an output segment is beyond the outputs of its matrix");
    entry.require(inside(segment.y_word, segment.length, words), "an output segment is beyond the Y vector");
    covered[segment.matrix] += segment.length;
    outputs.push_back({segment.matrix, segment.out_begin, 1, segment.length, outputs.size()});
    places.push_back({0, segment.y_word, 1, segment.length, places.size()});
  }
  bool is_whole = !find_overlap(outputs);
  for (const std::uint32_t matrix : call.matrices) {
    is_whole = is_whole && covered[matrix] == tables.manifest.matrices[matrix].out_features;
  }
  entry.require(is_whole, "output segments do not give every output once");
  entry.require(!find_overlap(places), "two output segments stand in the same words of Y");
}

void validate_calls(const Tables& tables, const std::string& origin) {
  const auto& manifest = tables.manifest;
  std::uint64_t next = 0;
  for (std::size_t i = 0; i < manifest.calls.size(); ++i) {
    const Entry entry(origin, "call", i);
    const CallInfo& call = manifest.calls[i];
    entry.require(call.entry == next && call.num_instructions > 0,
                  "the code of the calls does not follow call by call");
    entry.require(inside(call.entry, call.num_instructions, tables.code.size()),
                  "its code is beyond the end of the code");
    next += call.num_instructions;
    const auto code = tables.code.subspan(call.entry, call.num_instructions);
    for (std::size_t k = 0; k < code.size(); ++k) {
      const bool is_halt = arch::kCommonOpcode.get(code[k]) == arch::opcode_value(arch::Opcode::kHalt);
      entry.require(is_halt == (k + 1 == code.size()), "its code does not end with its only HALT");
    }
    entry.require(
        call.x_stride_bytes % arch::kMemoryAlignment == 0 && call.y_stride_bytes % arch::kMemoryAlignment == 0,
        "a stride is not a multiple of 64");
    entry.require(call.x_stride_bytes >= call.in_features, "the X stride is shorter than the inputs");
    entry.require(!call.matrices.empty(), "it has no matrix");
    for (const std::uint32_t index : call.matrices) {
      entry.require(index < manifest.matrices.size(), "it names a matrix that does not exist");
      const MatrixInfo& matrix = manifest.matrices[index];
      entry.require(matrix.call == i, "it names a matrix of another call");
      entry.require(matrix.in_features == call.in_features, "a matrix has other inputs than the call");
    }
    validate_outputs(tables, call, entry);
  }
  if (next != tables.code.size()) {
    throw_format(
        origin, "calls",
        "expected code of " + std::to_string(next) + " instructions, found " + std::to_string(tables.code.size()));
  }
}

/// Copies of a block follow it: the same weights with the same scales at other places.
bool is_copy(const Tables& tables, const BlockRecord& block, const BlockRecord& before) {
  BlockRecord expected = before;
  expected.tile = block.tile;
  expected.row0 = block.row0;
  expected.col0 = block.col0;
  expected.column_offset = block.column_offset;
  ++expected.replica;
  if (!(block == expected)) return false;
  const auto columns = tables.columns.subspan(block.column_offset, block.cols);
  const auto copied = tables.columns.subspan(before.column_offset, before.cols);
  return std::equal(columns.begin(), columns.end(), copied.begin(), copied.end());
}

void validate_blocks(const Tables& tables, const std::string& origin) {
  const auto& manifest = tables.manifest;
  const std::uint64_t element = target_bytes(manifest.weight_mode);
  for (std::size_t i = 0; i < tables.blocks.size(); ++i) {
    const Entry entry(origin, "block", i);
    const BlockRecord& block = tables.blocks[i];
    entry.require(block.matrix < manifest.matrices.size(), "its matrix does not exist");
    const MatrixInfo& matrix = manifest.matrices[block.matrix];
    entry.require(block.rows >= 1 && block.cols >= 1, "it is empty");
    entry.require(inside(block.row0, block.rows, arch::kMaxRows) && inside(block.col0, block.cols, arch::kMaxCols),
                  "it is beyond the largest tile");
    entry.require(inside(block.in_begin, block.rows, matrix.in_features),
                  "its rows are beyond the inputs of its matrix");
    entry.require(inside(block.out_begin, block.cols, matrix.out_features),
                  "its columns are beyond the outputs of its matrix");
    entry.require(block.tile < manifest.num_tiles, "its tile does not exist");
    entry.require(block.input_slice < matrix.input_ranges.size(), "its input range does not exist");
    const InputRange& range = matrix.input_ranges[block.input_slice];
    entry.require(block.in_begin >= range.begin && block.in_begin + block.rows <= range.end,
                  "it is not inside its input range");
    entry.require(block.target_offset % kSectionAlignment == 0, "its targets are not aligned to 64 bytes");
    entry.require(inside(block.target_offset, std::uint64_t{block.rows} * block.cols * element, tables.bulk_bytes),
                  "its targets are beyond the bulk section");
    entry.require(inside(block.column_offset, block.cols, tables.columns.size()),
                  "its columns are beyond the column table");
    entry.require(block.adc_shift >= arch::kMinAdcShift && block.adc_shift <= arch::kMaxAdcShift,
                  "its ADC shift is impossible");
    entry.require(block.adc_bits >= arch::kMinAdcBits && block.adc_bits <= arch::kMaxAdcBits,
                  "its ADC resolution is impossible");
    entry.require(
        std::all_of(std::begin(block.reserved), std::end(block.reserved), [](auto word) { return word == 0; }),
        "reserved words are not zero");
    entry.require(block.replica < matrix.replicas, "it is a copy beyond those of its matrix");
    entry.require(block.replica == 0 || (i > 0 && is_copy(tables, block, tables.blocks[i - 1])),
                  "it is no copy of the block before it");
  }
  for (std::size_t i = 0; i < tables.columns.size(); ++i) {
    const Entry entry(origin, "column", i);
    entry.require(tables.columns[i].w_max >= 0 && tables.columns[i].w_max <= 3.402823466e+38F,
                  "its w_max is not a finite positive number");
    entry.require(tables.columns[i].reserved == 0, "reserved bits are not zero");
  }
}

/// Every weight of a matrix stands in one block of every copy, and every cell of a tile belongs to one block at most.
void validate_partition(const Tables& tables, const std::string& origin) {
  std::vector<std::vector<Rectangle>> of_matrix(tables.manifest.matrices.size());  // rows of copies follow each other
  std::map<std::uint32_t, std::vector<Rectangle>> of_tile;
  std::vector<std::uint64_t> weights(of_matrix.size(), 0);
  for (std::size_t i = 0; i < tables.blocks.size(); ++i) {
    const BlockRecord& block = tables.blocks[i];
    const std::uint64_t first_row =
        std::uint64_t{block.replica} * tables.manifest.matrices[block.matrix].in_features + block.in_begin;
    of_matrix[block.matrix].push_back({first_row, block.out_begin, block.rows, block.cols, i});
    of_tile[block.tile].push_back({block.row0, block.col0, block.rows, block.cols, i});
    weights[block.matrix] += std::uint64_t{block.rows} * block.cols;
  }
  const auto together = [](const std::pair<std::size_t, std::size_t>& blocks) {
    return "blocks " + std::to_string(blocks.first) + " and " + std::to_string(blocks.second);
  };
  for (std::size_t i = 0; i < of_matrix.size(); ++i) {
    const MatrixInfo& matrix = tables.manifest.matrices[i];
    const Entry entry(origin, "matrix", i);
    if (const auto blocks = find_overlap(of_matrix[i])) entry.fail(together(*blocks) + " hold the same weights");
    const std::uint64_t all = std::uint64_t{matrix.in_features} * matrix.out_features * matrix.replicas;
    if (weights[i] != all) {
      entry.fail("its blocks hold " + std::to_string(weights[i]) + " of " + std::to_string(all) + " weights");
    }
  }
  for (const auto& [tile, blocks_of_tile] : of_tile) {
    if (const auto blocks = find_overlap(blocks_of_tile)) {
      Entry(origin, "tile", tile).fail(together(*blocks) + " stand in the same cells");
    }
  }
}

/// The images of a block are its columns, each once.
void validate_image_columns(const Tables& tables, const std::string& origin) {
  std::vector<Rectangle> columns;
  std::vector<std::uint64_t> imaged(tables.blocks.size(), 0);
  for (std::size_t i = 0; i < tables.images.size(); ++i) {
    const ImageRecord& image = tables.images[i];
    columns.push_back({image.block, image.col_begin, 1, image.cols, i});
    imaged[image.block] += image.cols;
  }
  if (const auto images = find_overlap(columns)) {
    Entry(origin, "image", images->second)
        .fail("has columns of its block that image " + std::to_string(images->first) + " has too");
  }
  for (std::size_t i = 0; i < imaged.size(); ++i) {
    if (imaged[i] != tables.blocks[i].cols) {
      Entry(origin, "block", i)
          .fail("images hold " + std::to_string(imaged[i]) + " of its " + std::to_string(tables.blocks[i].cols) +
                " columns");
    }
  }
}

void validate_images(const Tables& tables, const std::string& origin) {
  const auto& manifest = tables.manifest;
  const auto& engines = manifest.engine_image_bytes;
  if (engines.size() > arch::kMaxEngines) throw_format(origin, "manifest", "more engines than instructions can name");
  for (std::size_t i = 0; i < tables.images.size(); ++i) {
    const Entry entry(origin, "image", i);
    const ImageRecord& image = tables.images[i];
    entry.require(image.block < tables.blocks.size(), "its block does not exist");
    const BlockRecord& block = tables.blocks[image.block];
    entry.require(image.cols >= 1 && inside(image.col_begin, image.cols, block.cols),
                  "its columns are beyond its block");
    entry.require(image.call == manifest.matrices[block.matrix].call, "its call is not that of its matrix");
    entry.require(image.engine < engines.size(), "its engine does not exist");
    entry.require(image.image_length >= 1 &&
                      inside(image.image_offset, image.image_length, engines[image.engine] / arch::kMemoryAlignment),
                  "it is beyond the image memory of its engine");
  }
}

/// Fewer areas than rounds, and every call in one round.
void validate_rounds(const Tables& tables, const std::string& origin) {
  const auto& manifest = tables.manifest;
  const TileRounds& rounds = manifest.rounds;
  if (!rounds.any()) return;
  if (manifest.tiles_per_chip != 0) {
    throw_format(origin, "manifest",
                 "tiles_per_round: expected one chip, found tiles_per_chip " + std::to_string(manifest.tiles_per_chip));
  }
  const std::uint32_t count = rounds.count(manifest.num_tiles);
  if (count > kMaxRounds) {
    throw_format(origin, "manifest",
                 "tiles_per_round: expected at most " + std::to_string(kMaxRounds) + " rounds, found " +
                     std::to_string(count) + " of " + std::to_string(rounds.tiles_per_round) + " tiles");
  }
  if (rounds.areas == 0 || rounds.areas >= count) {
    throw_format(origin, "manifest",
                 "areas: expected at least 1 and fewer than the " + std::to_string(count) + " rounds, found " +
                     std::to_string(rounds.areas));
  }
  std::vector<std::size_t> first(manifest.calls.size(), tables.blocks.size());  // block of every call
  for (std::size_t i = 0; i < tables.blocks.size(); ++i) {
    std::size_t& of_call = first[manifest.matrices[tables.blocks[i].matrix].call];
    of_call = std::min(of_call, i);
    const std::uint32_t round = rounds.round_of(tables.blocks[i].tile);
    const std::uint32_t expected = rounds.round_of(tables.blocks[of_call].tile);
    if (round != expected) {
      Entry(origin, "block", i)
          .fail("it is in round " + std::to_string(round) + ", block " + std::to_string(of_call) +
                " of the same call in round " + std::to_string(expected));
    }
  }
}

}  // namespace

void validate(const Tables& tables, const std::string& origin) {
  for (std::size_t i = 0; i < tables.code.size(); ++i) {
    const Decoded decoded = decode(tables.code[i]);
    if (decoded.error != 0) Entry(origin, "instruction", i).fail(std::string(arch::error_name(decoded.error)));
  }
  const std::uint32_t per_chip = tables.manifest.tiles_per_chip;
  if (per_chip != 0 &&
      (per_chip >= tables.manifest.num_tiles || (tables.manifest.num_tiles - 1) / per_chip >= kMaxChips)) {
    throw_format(origin, "manifest",
                 "tiles_per_chip: expected fewer than the " + std::to_string(tables.manifest.num_tiles) +
                     " tiles and at most " + std::to_string(kMaxChips) + " chips, found " + std::to_string(per_chip));
  }
  validate_matrices(tables, origin);
  validate_calls(tables, origin);
  validate_copies(tables.manifest, origin);
  validate_blocks(tables, origin);
  validate_images(tables, origin);
  validate_partition(tables, origin);
  validate_image_columns(tables, origin);
  validate_rounds(tables, origin);
}

}  // namespace xw::program
