// A call decoded once: its instructions up to HALT, checked against the device as far as memory contents are not
// needed.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/backends/functional/call_plan.hpp"

#include <array>
#include <bit>

#include "models/analog/block_image.hpp"

namespace xw::functional {
namespace {

using arch::DeviceError;
using program::Instruction;
using program::Opcode;

constexpr std::uint32_t kNoBlock = 0xFFFFFFFFU;
constexpr std::uint32_t kNoStride = 0xFFFFFFFFU;
constexpr std::uint32_t kSemaphoreMax = (1U << arch::kSemaphoreBits) - 1U;
constexpr std::uint32_t kYbufOffsetMultiple = arch::kMemoryAlignment / 4;

/// First problem of one instruction: code and offending value.
struct Problem {
  DeviceError code = DeviceError::kOk;
  std::uint64_t detail = 0;
};

class Planner {
 public:
  Planner(const ProgramText& text, const arch::EmulatorDescription& emulator)
      : text_(text),
        emulator_(emulator),
        context_block_(std::size_t{arch::kMaxEngines} * emulator.contexts, kNoBlock) {}

  [[nodiscard]] CallPlan plan(std::uint32_t entry) {
    plan_.entry = entry;
    for (std::uint32_t index = entry;; ++index) {
      if (index >= text_.num_instructions) {
        fail(arch::kUnitDispatch, index, {DeviceError::kEntryRange, index});
        break;
      }
      if (index >= text_.mapped.size()) {
        const device::Address address =
            text_.base + arch::kProgramHeaderBytes + std::uint64_t{index} * arch::kInstructionBytes;
        fail(arch::kUnitDispatch, index, {DeviceError::kMemoryDecerr, address});
        break;
      }
      ++plan_.dispatched;
      if (!add(index)) break;
    }
    return std::move(plan_);
  }

 private:
  /// Returns false after the last instruction.
  [[nodiscard]] bool add(std::uint32_t index) {
    const program::EncodedInstruction& words = text_.mapped[index];
    const program::Decoded decoded = program::decode(words);
    if (decoded.error != 0) return fail(arch::kUnitDispatch, index, {DeviceError{decoded.error}, words[0]});
    const Instruction& instruction = decoded.instruction;
    const std::uint32_t unit = program::unit_of(instruction);
    // Dispatch checks engine numbers, because they choose the queue; a unit takes its tokens before it looks at the
    // rest.
    if (const Problem p = check_engine(instruction, unit); p.code != DeviceError::kOk) {
      return fail(arch::kUnitDispatch, index, p);
    }
    Problem p = wait(instruction);
    if (p.code == DeviceError::kOk) p = check_operands(instruction);
    if (p.code == DeviceError::kOk) p = signal(instruction);
    if (p.code == DeviceError::kOk && instruction.opcode == Opcode::kHalt) p = check_leftover();
    if (p.code != DeviceError::kOk) return fail(unit, index, p);
    const auto position = static_cast<std::uint32_t>(plan_.instructions.size());
    std::uint32_t source = kNoBlock;
    if (instruction.opcode == Opcode::kLoadBlock) {
      context_of(instruction) = position;
    } else if (instruction.opcode == Opcode::kMvm) {
      source = context_of(instruction);
    } else if (instruction.opcode == Opcode::kLoadX) {
      plan_.transfers.push_back(position);
    } else if (instruction.opcode == Opcode::kStoreY) {
      plan_.transfers.push_back(position);
      note_store(instruction);
    }
    plan_.instructions.push_back(instruction);
    plan_.block_source.push_back(source);
    return instruction.opcode != Opcode::kHalt;
  }

  bool fail(std::uint32_t unit, std::uint32_t index, const Problem& problem) {
    plan_.failure = {problem.code, unit, index, problem.detail};
    return false;
  }

  [[nodiscard]] std::uint32_t& context_of(const Instruction& instruction) {
    return context_block_[std::size_t{instruction.engine} * emulator_.contexts + instruction.context];
  }

  /// Vectors are certainly disjoint if all stores have the same stride and stay inside it.
  void note_store(const Instruction& store) {
    if (store_stride_ == kNoStride) store_stride_ = store.stride;
    const std::uint64_t end = store.y_offset + std::uint64_t{4} * store.length;
    if (store.stride != store_stride_ || end > std::uint64_t{store.stride} * arch::kMemoryAlignment) {
      plan_.vectors_disjoint = false;
    }
  }

  [[nodiscard]] Problem check_engine(const Instruction& instruction, std::uint32_t unit) const {
    switch (instruction.opcode) {
      case Opcode::kSync:
        if (arch::unit_engine(unit) >= emulator_.num_engines) return {DeviceError::kBadEngine, unit};
        return {};
      case Opcode::kLoadBlock:
      case Opcode::kMvm:
        if (instruction.engine >= emulator_.num_engines) return {DeviceError::kBadEngine, instruction.engine};
        return {};
      default:
        return {};
    }
  }

  [[nodiscard]] Problem wait(const Instruction& instruction) {
    std::uint32_t& first = semaphores_[instruction.wait0_id];
    if (first < instruction.wait0_count) return {DeviceError::kWatchdog, instruction.wait0_id};
    first -= instruction.wait0_count;
    std::uint32_t& second = semaphores_[instruction.wait1_id];
    if (second < instruction.wait1_count) return {DeviceError::kWatchdog, instruction.wait1_id};
    second -= instruction.wait1_count;
    return {};
  }

  [[nodiscard]] Problem signal(const Instruction& instruction) {
    if (!instruction.signal) return {};
    std::uint32_t& tokens = semaphores_[instruction.signal_id];
    if (tokens == kSemaphoreMax) return {DeviceError::kSemaphoreOverflow, instruction.signal_id};
    ++tokens;
    return {};
  }

  [[nodiscard]] Problem check_leftover() const {
    for (std::uint32_t s = 0; s < semaphores_.size(); ++s) {
      if (semaphores_[s] != 0) return {DeviceError::kSemaphoreLeftover, s};
    }
    return {};
  }

  [[nodiscard]] Problem check_operands(const Instruction& instruction) {
    switch (instruction.opcode) {
      case Opcode::kLoadX:
        return check_load_x(instruction);
      case Opcode::kLoadBlock:
        return check_load_block(instruction);
      case Opcode::kMvm:
        return check_mvm(instruction);
      case Opcode::kStoreY:
        return check_store_y(instruction);
      default:
        return {};
    }
  }

  [[nodiscard]] Problem check_load_x(const Instruction& instruction) const {
    if (instruction.length == 0) return {DeviceError::kBadLength, 0};
    const std::uint32_t end = std::uint32_t{instruction.xbuf_offset} + instruction.length;
    if (end > emulator_.xbuf_bytes) return {DeviceError::kXbufRange, end};
    if (instruction.x_offset % arch::kMemoryAlignment != 0) return {DeviceError::kMisaligned, instruction.x_offset};
    return {};
  }

  [[nodiscard]] Problem check_load_block(const Instruction& instruction) const {
    if (instruction.context >= emulator_.contexts) return {DeviceError::kBadContext, instruction.context};
    const std::uint64_t largest = analog::image_bytes(emulator_.block_rows, emulator_.block_cols, emulator_.lanes);
    if (instruction.image_length == 0 || instruction.image_length > largest / arch::kMemoryAlignment) {
      return {DeviceError::kBadLength, instruction.image_length};
    }
    return {};
  }

  [[nodiscard]] Problem check_mvm(const Instruction& instruction) {
    if (instruction.context >= emulator_.contexts) return {DeviceError::kBadContext, instruction.context};
    const std::uint32_t x_end = std::uint32_t{instruction.xbuf_offset} + instruction.rows;
    if (x_end > emulator_.xbuf_bytes) return {DeviceError::kXbufRange, x_end};
    if (instruction.ybuf_offset % kYbufOffsetMultiple != 0) return {DeviceError::kMisaligned, instruction.ybuf_offset};
    const std::uint32_t y_end = std::uint32_t{instruction.ybuf_offset} + instruction.cols;
    if (y_end > emulator_.ybuf_words) return {DeviceError::kYbufRange, y_end};
    if (context_of(instruction) == kNoBlock) return {DeviceError::kContextEmpty, instruction.context};
    return {};
  }

  [[nodiscard]] Problem check_store_y(const Instruction& instruction) const {
    const std::uint32_t engines = (1U << emulator_.num_engines) - 1U;
    if (instruction.engine_mask == 0 || (instruction.engine_mask & ~engines) != 0) {
      return {DeviceError::kBadEngine, instruction.engine_mask};
    }
    if (instruction.length == 0) return {DeviceError::kBadLength, 0};
    if (instruction.ybuf_offset % kYbufOffsetMultiple != 0) return {DeviceError::kMisaligned, instruction.ybuf_offset};
    const std::uint32_t end = std::uint32_t{instruction.ybuf_offset} + instruction.length;
    if (end > emulator_.ybuf_words) return {DeviceError::kYbufRange, end};
    if (instruction.y_offset % arch::kMemoryAlignment != 0) return {DeviceError::kMisaligned, instruction.y_offset};
    return {};
  }

  const ProgramText& text_;
  const arch::EmulatorDescription& emulator_;
  std::vector<std::uint32_t> context_block_;
  std::array<std::uint32_t, arch::kNumSemaphores> semaphores_{};
  std::uint32_t store_stride_ = kNoStride;
  CallPlan plan_;
};

}  // namespace

CallPlan plan_call(const ProgramText& text, std::uint32_t entry, const arch::EmulatorDescription& emulator) {
  return Planner(text, emulator).plan(entry);
}

}  // namespace xw::functional
