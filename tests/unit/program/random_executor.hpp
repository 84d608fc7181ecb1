// Executes a call with random interleavings of its units: an oracle for deadlock freedom and ordering that knows nothing of
// vector clocks. Every instruction starts and finishes at random moments; its reads and writes happen at either end.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "arch/description/description.hpp"
#include "arch/generated/xw_arch.hpp"
#include "compiler/program/instruction.hpp"

namespace xw::test {

/// A block image as the oracle sees it: weights [row][col].
struct OracleImage {
  std::uint32_t rows = 0, cols = 0;
  std::vector<std::uint64_t> weights;
};

/// One vector's memory and buffers; words hold integers modulo 2^64, unwritten ones hold an odd poison that no product hides.
class RandomExecutor {
 public:
  static constexpr std::uint64_t kPoison = 0x5DEECE66D1234567ULL;

  RandomExecutor(const arch::EmulatorDescription& emulator, std::vector<std::uint64_t> x, std::size_t y_words,
                 std::map<std::pair<std::uint32_t, std::uint32_t>, OracleImage> images, std::uint64_t seed,
                 std::size_t queue_depth)
      : x_(std::move(x)),
        y_(y_words, kPoison),
        images_(std::move(images)),
        random_(seed),
        queue_depth_(queue_depth),
        xbuf_(emulator.xbuf_bytes, kPoison),
        ybuf_(emulator.num_engines, std::vector<std::uint64_t>(emulator.ybuf_words, kPoison)),
        contexts_(emulator.num_engines, std::vector<std::optional<OracleImage>>(emulator.contexts)) {}

  /// Runs from `entry` to HALT. Returns an empty text, or what went wrong.
  std::string run(const std::vector<program::EncodedInstruction>& code, std::uint32_t entry) {
    try {
      return run_checked(code, entry);
    } catch (const std::out_of_range& error) {
      return error.what();
    }
  }

  [[nodiscard]] const std::vector<std::uint64_t>& y() const { return y_; }

 private:
  std::string run_checked(const std::vector<program::EncodedInstruction>& code, std::uint32_t entry) {
    std::size_t pc = entry;
    while (true) {
      std::vector<std::function<void()>> moves;
      bool idle = true;
      for (Unit& unit : units_) idle = idle && unit.queue.empty() && !unit.running;
      const program::Instruction next = program::decode(code.at(pc)).instruction;
      if (next.opcode == program::Opcode::kHalt && idle) return leftovers();
      if (next.opcode == program::Opcode::kFence) {
        if (idle) moves.emplace_back([&pc] { ++pc; });
      } else if (next.opcode == program::Opcode::kNop) {
        moves.emplace_back([&pc] { ++pc; });
      } else if (next.opcode != program::Opcode::kHalt) {
        Unit& unit = units_.at(program::unit_of(next));
        if (unit.queue.size() < queue_depth_) {
          moves.emplace_back([&unit, &pc, next] {
            unit.queue.push_back(next);
            ++pc;
          });
        }
      }
      for (Unit& unit : units_) {
        if (unit.running) {
          moves.emplace_back([this, &unit] { finish(unit); });
        } else if (!unit.queue.empty() && may_start(unit.queue.front())) {
          moves.emplace_back([this, &unit] { start(unit); });
        }
      }
      if (moves.empty()) return "deadlock at instruction " + std::to_string(pc);
      moves[random_() % moves.size()]();
      if (!failure_.empty()) return failure_;
    }
  }

  struct Unit {
    std::deque<program::Instruction> queue;
    std::optional<program::Instruction> running;
    std::function<void()> at_finish;
  };

  [[nodiscard]] bool may_start(const program::Instruction& instruction) const {
    auto left = tokens_;
    for (const auto& [id, count] : {std::pair(instruction.wait0_id, instruction.wait0_count),
                                    std::pair(instruction.wait1_id, instruction.wait1_count)}) {
      if (left[id] < count) return false;
      left[id] -= count;
    }
    return true;
  }

  void start(Unit& unit) {
    const program::Instruction instruction = unit.queue.front();
    unit.queue.pop_front();
    tokens_[instruction.wait0_id] -= instruction.wait0_count;
    tokens_[instruction.wait1_id] -= instruction.wait1_count;
    unit.running = instruction;
    unit.at_finish = {};
    const bool early_read = random_() % 2 == 0;
    const bool early_write = early_read && random_() % 2 == 0;
    switch (instruction.opcode) {
      case program::Opcode::kLoadX:
        load_x(unit, instruction, early_write);
        break;
      case program::Opcode::kLoadBlock:
        load_block(unit, instruction, early_write);
        break;
      case program::Opcode::kMvm:
        mvm(unit, instruction, early_read, early_write);
        break;
      case program::Opcode::kStoreY:
        store_y(unit, instruction, early_read);
        break;
      default:
        break;
    }
  }

  void finish(Unit& unit) {
    if (unit.at_finish) unit.at_finish();
    if (unit.running->signal) ++tokens_[unit.running->signal_id];
    unit.running.reset();
  }

  static void act(Unit& unit, bool early, std::function<void()> action) {
    if (early) {
      action();
    } else {
      unit.at_finish = std::move(action);
    }
  }

  void load_x(Unit& unit, const program::Instruction& i, bool early) {
    for (std::uint32_t k = 0; k < i.length; ++k) xbuf_.at(i.xbuf_offset + k) = kPoison;
    act(unit, early, [this, i] {
      for (std::uint32_t k = 0; k < i.length; ++k) xbuf_.at(i.xbuf_offset + k) = x_.at(i.x_offset + k);
    });
  }

  void load_block(Unit& unit, const program::Instruction& i, bool early) {
    auto& context = contexts_.at(i.engine).at(i.context);
    context.reset();
    const auto image = images_.find({i.engine, i.image_offset});
    if (image == images_.end()) {
      failure_ = "no image at " + std::to_string(i.image_offset);
      return;
    }
    act(unit, early, [&context, image] { context = image->second; });
  }

  void mvm(Unit& unit, const program::Instruction& i, bool early_read, bool early_write) {
    const auto compute = [this, i] {
      const auto& context = contexts_.at(i.engine).at(i.context);
      std::vector<std::uint64_t> sums(i.cols, kPoison);
      if (!context || context->rows != i.rows || context->cols != i.cols) {
        failure_ = "MVM on a context without its block";
        return sums;
      }
      for (std::uint32_t col = 0; col < i.cols; ++col) {
        sums[col] = 0;
        for (std::uint32_t row = 0; row < i.rows; ++row)
          sums[col] += context->weights[row * i.cols + col] * xbuf_.at(i.xbuf_offset + row);
      }
      return sums;
    };
    const auto put = [this, i](const std::vector<std::uint64_t>& sums) {
      for (std::uint32_t col = 0; col < i.cols; ++col) {
        std::uint64_t& word = ybuf_.at(i.engine).at(i.ybuf_offset + col);
        word = i.accumulate ? word + sums[col] : sums[col];
      }
    };
    if (early_read) {
      act(unit, early_write, [put, sums = compute()] { put(sums); });
    } else {
      act(unit, false, [put, compute] { put(compute()); });
    }
  }

  void store_y(Unit& unit, const program::Instruction& i, bool early) {
    act(unit, early, [this, i] {
      for (std::uint32_t k = 0; k < i.length; ++k) {
        std::uint64_t sum = 0;
        for (std::size_t engine = 0; engine < ybuf_.size(); ++engine) {
          if ((i.engine_mask >> engine & 1U) != 0) sum += ybuf_[engine].at(i.ybuf_offset + k);
        }
        if (y_.at(i.y_offset / 4 + k) != kPoison) failure_ = "a word of Y is stored twice";
        y_.at(i.y_offset / 4 + k) = sum;
      }
    });
  }

  [[nodiscard]] std::string leftovers() const {
    for (std::size_t id = 0; id < tokens_.size(); ++id) {
      if (tokens_[id] != 0) return "semaphore " + std::to_string(id) + " ends at " + std::to_string(tokens_[id]);
    }
    return {};
  }

  std::vector<std::uint64_t> x_;
  std::vector<std::uint64_t> y_;
  std::map<std::pair<std::uint32_t, std::uint32_t>, OracleImage> images_;
  std::mt19937_64 random_;
  std::size_t queue_depth_;
  std::vector<std::uint64_t> xbuf_;
  std::vector<std::vector<std::uint64_t>> ybuf_;
  std::vector<std::vector<std::optional<OracleImage>>> contexts_;
  std::array<Unit, arch::kNumUnits> units_;
  std::array<std::int64_t, arch::kNumSemaphores> tokens_{};
  std::string failure_;
};

}  // namespace xw::test
