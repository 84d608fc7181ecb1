// Follows the words of a call from X to Y.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/program/outputs.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <unordered_map>

#include "arch/generated/xw_arch.hpp"

namespace xw::program {
namespace {

constexpr std::uint32_t kNothing = std::numeric_limits<std::uint32_t>::max();
constexpr std::size_t kMostViolations = 100;

/// What a word of YBUF or Y holds: output `output` of a matrix, summed over `inputs` inputs.
struct Sum {
  std::uint32_t matrix = kNothing, output = 0;
  std::uint64_t inputs = 0;

  [[nodiscard]] bool same_output(const Sum& other) const { return matrix == other.matrix && output == other.output; }
};

class OutputChecker {
 public:
  OutputChecker(const arch::EmulatorDescription& emulator, const CallTables& tables)
      : tables_(tables),
        xbuf_(emulator.xbuf_bytes, kNothing),
        ybuf_(emulator.num_engines, std::vector<Sum>(emulator.ybuf_words)),
        contexts_(emulator.num_engines, std::vector<const ImageRecord*>(emulator.contexts, nullptr)),
        y_(tables.call.y_stride_bytes / sizeof(std::int32_t)) {
    for (const std::uint32_t index : tables.images_of_call) {
      const ImageRecord& image = tables.images[index];
      images_[key(image.engine, image.image_offset)] = &image;
    }
  }

  void step(std::uint32_t index, const Instruction& instruction);
  void finish(std::uint32_t index);
  std::vector<Violation> take() { return std::move(violations_); }

 private:
  static constexpr std::uint64_t key(std::uint32_t engine, std::uint32_t offset) {
    return std::uint64_t{engine} << 32 | offset;
  }
  void add(const std::string& what) {
    if (violations_.size() < kMostViolations) violations_.push_back({index_, what});
  }
  [[nodiscard]] std::string text(const Sum& sum) const {
    if (sum.matrix == kNothing) return "nothing";
    return "output " + std::to_string(sum.output) + " of " + tables_.matrices[sum.matrix].name;
  }
  void mvm(const Instruction& instruction);
  void store_y(const Instruction& instruction);

  const CallTables& tables_;
  std::uint32_t index_ = 0;
  std::vector<std::uint32_t> xbuf_;  // the input that each byte holds
  std::vector<std::vector<Sum>> ybuf_;
  std::vector<std::vector<const ImageRecord*>> contexts_;
  std::vector<Sum> y_;
  std::unordered_map<std::uint64_t, const ImageRecord*> images_;
  std::unordered_map<const ImageRecord*, std::uint32_t> uses_;
  std::vector<Violation> violations_;
};

void OutputChecker::mvm(const Instruction& instruction) {
  const ImageRecord* image = contexts_[instruction.engine][instruction.context];
  if (image == nullptr) return add("there is no image of the call in context " + std::to_string(instruction.context));
  if (++uses_[image] == 2) {
    add("multiplies with image " + std::to_string(image - tables_.images.data()) + " a second time");
  }
  const BlockRecord& block = tables_.blocks[image->block];
  for (std::uint32_t row = 0; row < instruction.rows; ++row) {
    const std::uint32_t found = xbuf_[std::uint32_t{instruction.xbuf_offset} + row];
    if (found == block.in_begin + row) continue;
    add("multiplies input " + std::to_string(block.in_begin + row) + " of block " + std::to_string(image->block) +
        " with " + (found == kNothing ? "nothing" : "input " + std::to_string(found)));
    break;
  }
  for (std::uint32_t col = 0; col < instruction.cols; ++col) {
    Sum sum{block.matrix, block.out_begin + image->col_begin + col, block.rows};
    Sum& word = ybuf_[instruction.engine][std::uint32_t{instruction.ybuf_offset} + col];
    if (instruction.accumulate) {
      if (!word.same_output(sum)) {
        add("adds " + text(sum) + " to " + text(word));
        break;
      }
      sum.inputs += word.inputs;
    }
    word = sum;
  }
}

void OutputChecker::store_y(const Instruction& instruction) {
  for (std::uint32_t i = 0; i < instruction.length; ++i) {
    Sum sum;
    for (std::uint32_t engine = 0; engine < ybuf_.size(); ++engine) {
      if ((instruction.engine_mask >> engine & 1U) == 0) continue;
      const Sum& word = ybuf_[engine][std::uint32_t{instruction.ybuf_offset} + i];
      if (sum.matrix != kNothing && !sum.same_output(word)) return add("adds " + text(word) + " to " + text(sum));
      sum = {word.matrix, word.output, sum.inputs + word.inputs};
    }
    const std::size_t place = instruction.y_offset / sizeof(std::int32_t) + i;
    if (y_[place].matrix != kNothing) return add("stores word " + std::to_string(place) + " of Y a second time");
    y_[place] = sum;
  }
}

void OutputChecker::step(std::uint32_t index, const Instruction& instruction) {
  index_ = index;
  if (instruction.opcode == Opcode::kLoadX) {
    for (std::uint32_t i = 0; i < instruction.length; ++i) {
      xbuf_[std::uint32_t{instruction.xbuf_offset} + i] = instruction.x_offset + i;
    }
  } else if (instruction.opcode == Opcode::kLoadBlock) {
    const auto image = images_.find(key(instruction.engine, instruction.image_offset));
    contexts_[instruction.engine][instruction.context] = image == images_.end() ? nullptr : image->second;
  } else if (instruction.opcode == Opcode::kMvm) {
    mvm(instruction);
  } else if (instruction.opcode == Opcode::kStoreY) {
    store_y(instruction);
  }
}

void OutputChecker::finish(std::uint32_t index) {
  index_ = index;
  for (const OutputSegment& segment : tables_.call.outputs) {
    const std::uint64_t inputs = std::uint64_t{tables_.call.in_features} * tables_.matrices[segment.matrix].replicas;
    for (std::uint32_t i = 0; i < segment.length; ++i) {
      const Sum expected{segment.matrix, segment.out_begin + i, inputs};
      const Sum& found = y_[std::size_t{segment.y_word} + i];
      const std::string word = "word " + std::to_string(segment.y_word + i) + " of Y";
      if (!found.same_output(expected)) {
        add(word + " is to be " + text(expected) + ", and is " + text(found));
        break;  // the rest of the segment is likely to be wrong in the same way
      }
      if (found.inputs != expected.inputs) {
        add(word + ", " + text(expected) + ", is a sum over " + std::to_string(found.inputs) + " inputs of " +
            std::to_string(expected.inputs));
        break;
      }
    }
  }
}

}  // namespace

std::vector<Violation> check_outputs(std::span<const EncodedInstruction> code,
                                     const arch::EmulatorDescription& emulator, const CallTables& tables) {
  OutputChecker checker(emulator, tables);
  const std::uint32_t end = tables.call.entry + tables.call.num_instructions;
  for (std::uint32_t i = tables.call.entry; i < end; ++i) checker.step(i, decode(code[i]).instruction);
  checker.finish(end - 1);
  return checker.take();
}

}  // namespace xw::program
