// The calibration entries of a program.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/codegen/calibration.hpp"

#include <algorithm>
#include <map>
#include <span>
#include <string>

#include "arch/generated/xw_arch.hpp"
#include "arch/support/error.hpp"
#include "compiler/program/check.hpp"

namespace xw::codegen {
namespace {

using program::ImageRecord;
using program::Instruction;
using program::Opcode;

constexpr std::uint32_t kWordsPerLine = arch::kMemoryAlignment / 4;

/// Words of Y that an image takes: whole lines, as STORE_Y begins at one.
std::uint32_t words_of(const ImageRecord& image) {
  return (image.cols + kWordsPerLine - 1) / kWordsPerLine * kWordsPerLine;
}

/// Images of one entry, cut into rounds in which every engine has at most one.
class EntryEmitter {
 public:
  EntryEmitter(const program::Program& program, CalibrationEntry& entry, CalibrationCode& output)
      : program_(program), call_(program.manifest().calls[entry.call]), entry_(entry), output_(output) {}

  void emit() {
    const std::size_t begin = output_.code.size();
    load_x();
    std::map<std::uint32_t, std::vector<CalibrationImage>> by_engine;
    for (const CalibrationImage& one : entry_.images) by_engine[record(one).engine].push_back(one);
    std::size_t rounds = 0;
    for (const auto& [engine, images] : by_engine) rounds = std::max(rounds, images.size());
    // Fences instead of semaphores: an entry runs seldom, and its cost on the chip is that of its MVMs.
    for (std::size_t round = 0; round < rounds; ++round) {
      std::vector<CalibrationImage> now;
      for (const auto& [engine, images] : by_engine) {
        if (round < images.size()) now.push_back(images[round]);
      }
      for (const CalibrationImage& one : now) load_block(one);
      append(Opcode::kFence);
      for (const CalibrationImage& one : now) mvm(one);
      append(Opcode::kFence);
      for (const CalibrationImage& one : now) store(one);
      append(Opcode::kFence);
    }
    append(Opcode::kHalt);
    entry_.num_instructions = static_cast<std::uint32_t>(output_.code.size() - begin);
  }

 private:
  [[nodiscard]] const ImageRecord& record(const CalibrationImage& one) const { return program_.images()[one.image]; }
  void append(const Instruction& instruction) { output_.code.push_back(program::encode(instruction)); }
  void append(Opcode opcode) {
    Instruction instruction;
    instruction.opcode = opcode;
    append(instruction);
  }

  void load_x() {
    constexpr std::uint32_t kMostBytes = 1U << 15U;  // of one instruction, a multiple of the alignment
    for (std::uint32_t begin = 0; begin < call_.in_features; begin += kMostBytes) {
      Instruction load;
      load.opcode = Opcode::kLoadX;
      load.xbuf_offset = static_cast<std::uint16_t>(begin);
      load.x_offset = begin;
      load.length = static_cast<std::uint16_t>(std::min(kMostBytes, call_.in_features - begin));
      load.stride = static_cast<std::uint16_t>(call_.x_stride_bytes / arch::kMemoryAlignment);
      append(load);
    }
  }
  void load_block(const CalibrationImage& one) {
    Instruction load;
    load.opcode = Opcode::kLoadBlock;
    load.engine = static_cast<std::uint8_t>(record(one).engine);
    load.image_offset = record(one).image_offset;
    load.image_length = record(one).image_length;
    append(load);
  }
  void mvm(const CalibrationImage& one) {
    const program::BlockRecord& block = program_.blocks()[record(one).block];
    Instruction mvm;
    mvm.opcode = Opcode::kMvm;
    mvm.engine = static_cast<std::uint8_t>(record(one).engine);
    mvm.xbuf_offset = static_cast<std::uint16_t>(block.in_begin);
    mvm.rows = block.rows;
    mvm.cols = record(one).cols;
    append(mvm);
  }
  void store(const CalibrationImage& one) {
    Instruction store;
    store.opcode = Opcode::kStoreY;
    store.engine_mask = static_cast<std::uint16_t>(1U << record(one).engine);
    store.y_offset = one.y_word * 4;
    store.length = record(one).cols;
    store.stride = static_cast<std::uint16_t>(entry_.y_stride_bytes / arch::kMemoryAlignment);
    append(store);
  }

  const program::Program& program_;
  const program::CallInfo& call_;
  CalibrationEntry& entry_;
  CalibrationCode& output_;
};

/// The images of every call in entries of at most `most_words`, without code.
std::vector<CalibrationEntry> plan_entries(const program::Program& program, std::uint32_t most_words) {
  std::vector<std::vector<std::uint32_t>> images_of(program.manifest().calls.size());
  for (std::uint32_t i = 0; i < program.images().size(); ++i) images_of[program.images()[i].call].push_back(i);
  std::vector<CalibrationEntry> entries;
  for (std::uint32_t call = 0; call < images_of.size(); ++call) {
    std::uint32_t words = 0;
    bool is_open = false;
    for (const std::uint32_t image : images_of[call]) {
      const std::uint32_t needed = words_of(program.images()[image]);
      if (!is_open || words + needed > most_words) {
        entries.emplace_back().call = call;
        words = 0;
        is_open = true;
      }
      entries.back().images.push_back({image, words});
      words += needed;
      entries.back().y_stride_bytes = words * 4;
    }
  }
  return entries;
}

void prove(const program::Program& program, const CalibrationEntry& entry, const CalibrationCode& output,
           const arch::EmulatorDescription& emulator) {
  program::CallMemory memory;
  memory.x_stride_bytes = program.manifest().calls[entry.call].x_stride_bytes;
  memory.y_stride_bytes = entry.y_stride_bytes;
  memory.image_bytes = program.manifest().engine_image_bytes;
  for (const CalibrationImage& one : entry.images) {
    const ImageRecord& image = program.images()[one.image];
    memory.images.push_back({image.engine, image.image_offset, program.blocks()[image.block].rows, image.cols});
  }
  const auto first = static_cast<std::uint32_t>(program.code().size());
  const std::vector<program::Violation> violations =
      program::check_call(output.code, entry.entry - first, emulator, memory);
  if (violations.empty()) return;
  throw Error(ErrorCode::kCapacity,
              program.path() + ": calibration of call \"" + program.manifest().calls[entry.call].name +
                  "\": instruction " + std::to_string(violations.front().instruction) + ": " + violations.front().what);
}

}  // namespace

CalibrationCode make_calibration(const program::Program& program, const arch::EmulatorDescription& emulator,
                                 std::uint32_t most_words) {
  CalibrationCode output;
  output.entries = plan_entries(program, most_words);
  const auto first = static_cast<std::uint32_t>(program.code().size());
  for (CalibrationEntry& entry : output.entries) {
    entry.entry = first + static_cast<std::uint32_t>(output.code.size());
    EntryEmitter(program, entry, output).emit();
    prove(program, entry, output, emulator);
  }
  return output;
}

}  // namespace xw::codegen
