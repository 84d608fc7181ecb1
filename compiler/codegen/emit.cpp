// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/codegen/emit.hpp"

#include <algorithm>
#include <map>

#include "arch/generated/xw_arch.hpp"
#include "arch/support/error.hpp"
#include "compiler/program/image_layout.hpp"

namespace xw::codegen {
namespace {

using program::Instruction;
using program::Opcode;

/// The semaphores of an engine; each has one producing and one consuming unit.
enum class Purpose : std::uint8_t {
  kLoaded,  ///< block_load -> mvm: a context may be read
  kFreed,   ///< mvm -> block_load: a context may be loaded again
  kXReady,  ///< x_load -> mvm: more of X is in XBUF
  kYReady,  ///< mvm -> y_store: a chunk is complete
  kYFree,   ///< y_store -> mvm: words of YBUF may be overwritten
};
constexpr std::uint32_t kNumPurposes = 5;
static_assert(kNumPurposes * arch::kMaxEngines <= arch::kNumSemaphores);

std::uint8_t semaphore(Purpose purpose, std::uint32_t engine) {
  return static_cast<std::uint8_t>(static_cast<std::uint32_t>(purpose) * arch::kMaxEngines + engine);
}

struct Wait {
  std::uint8_t id = 0;
  std::uint32_t count = 0;
};

class CallEmitter {
 public:
  CallEmitter(const Layout& layout, const Schedule& schedule, const Input& input, std::uint32_t call,
              const arch::EmulatorDescription& emulator, Output& output)
      : layout_(layout), schedule_(schedule), input_(input), call_(call), emulator_(emulator), output_(output) {}

  void emit();

 private:
  void plan_x();
  void plan_y_reuse();
  void load_x(std::uint32_t slice);
  void load_block(std::uint32_t engine, std::uint32_t index);
  void mvm(std::uint32_t engine, std::uint32_t index);
  void store(std::uint32_t chunk_index);
  void append(const Instruction& instruction) { output_.code.push_back(program::encode(instruction)); }
  void append_synced(Instruction instruction, const std::vector<Wait>& waits, const std::vector<std::uint8_t>& signals);

  [[nodiscard]] const RowBlock& row_of(const Step& step) const {
    return layout_.row_sets[layout_.panels[schedule_.chunks[step.chunk].panel].row_set][step.row];
  }
  [[nodiscard]] std::uint32_t y_word(const Chunk& chunk) const {
    return layout_.panels[chunk.panel].y_word + chunk.col_begin;
  }

  const Layout& layout_;
  const Schedule& schedule_;
  const Input& input_;
  std::uint32_t call_;
  const arch::EmulatorDescription& emulator_;
  Output& output_;
  std::vector<std::vector<bool>> waits_x_;             // per engine and step: waits for one token of X
  std::vector<std::vector<std::uint32_t>> x_readers_;  // per slice: engines that wait for it
  std::vector<std::vector<bool>> waits_y_;             // per engine and step: waits for one token of free YBUF
  std::vector<std::vector<std::uint32_t>> y_waiters_;  // per chunk: engines that wait for its store
  std::vector<std::uint32_t> chunks_taken_;            // per engine: tokens of them that stores have taken
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t>
      chunk_rank_;  // (chunk, engine) -> chunks ready up to it
};

/// Puts SYNCs of the same unit around an instruction that has more waits or signals than fit into it.
void CallEmitter::append_synced(Instruction instruction, const std::vector<Wait>& waits,
                                const std::vector<std::uint8_t>& signals) {
  std::vector<Wait> pieces;
  for (const Wait& wait : waits) {
    for (std::uint32_t left = wait.count; left > 0; left -= pieces.back().count) {
      pieces.push_back({wait.id, std::min(left, arch::kMaxWaitCount)});
    }
  }
  Instruction sync;
  sync.opcode = Opcode::kSync;
  sync.unit = program::unit_of(instruction);
  const auto set_waits = [&pieces](Instruction& target, std::size_t at) {
    if (at < pieces.size()) {
      target.wait0_id = pieces[at].id;
      target.wait0_count = static_cast<std::uint8_t>(pieces[at].count);
    }
    if (at + 1 < pieces.size()) {
      target.wait1_id = pieces[at + 1].id;
      target.wait1_count = static_cast<std::uint8_t>(pieces[at + 1].count);
    }
  };
  std::size_t at = 0;
  for (; pieces.size() - at > 2; at += 2) {
    Instruction waiting = sync;
    set_waits(waiting, at);
    append(waiting);
  }
  set_waits(instruction, at);
  for (std::size_t i = 0; i < std::max<std::size_t>(signals.size(), 1); ++i) {
    Instruction& signalling = i == 0 ? instruction : sync;
    if (i < signals.size()) {
      signalling.signal = true;
      signalling.signal_id = signals[i];
    }
    append(signalling);
  }
}

/// An engine waits for X where it first reads a slice; only those slices signal it.
void CallEmitter::plan_x() {
  x_readers_.resize(schedule_.slice_ends.size());
  for (std::uint32_t engine = 0; engine < schedule_.steps.size(); ++engine) {
    std::uint32_t known_end = 0;
    waits_x_.emplace_back();
    for (const Step& step : schedule_.steps[engine]) {
      const std::uint32_t in_end = row_of(step).in_begin + row_of(step).rows;
      const bool waits = in_end > known_end;
      waits_x_.back().push_back(waits);
      if (!waits) continue;
      const auto slice = std::lower_bound(schedule_.slice_ends.begin(), schedule_.slice_ends.end(), in_end);
      x_readers_[static_cast<std::size_t>(slice - schedule_.slice_ends.begin())].push_back(engine);
      known_end = *slice;
    }
  }
}

/// Stores run in order, so waiting for the last of the stores that an engine depends on is enough, and waiting for one that
/// is not later than an earlier wait is not needed.
void CallEmitter::plan_y_reuse() {
  y_waiters_.resize(schedule_.chunks.size());
  for (std::uint32_t engine = 0; engine < schedule_.steps.size(); ++engine) {
    std::int64_t known_store = -1;
    std::uint32_t ready = 0;
    waits_y_.emplace_back();
    for (const Step& step : schedule_.steps[engine]) {
      std::int64_t last_store = -1;
      std::uint32_t last_chunk = 0;
      for (const std::uint32_t chunk : step.after_chunks) {
        if (schedule_.chunks[chunk].store > last_store) {
          last_store = schedule_.chunks[chunk].store;
          last_chunk = chunk;
        }
      }
      const bool waits = last_store > known_store;
      waits_y_.back().push_back(waits);
      if (waits) {
        y_waiters_[last_chunk].push_back(engine);
        known_store = last_store;
      }
      if (step.is_last) chunk_rank_[{step.chunk, engine}] = ++ready;
    }
  }
  chunks_taken_.assign(schedule_.steps.size(), 0);
}

void CallEmitter::load_x(std::uint32_t slice) {
  const std::uint32_t begin = slice == 0 ? 0 : schedule_.slice_ends[slice - 1];
  Instruction load;
  load.opcode = Opcode::kLoadX;
  load.xbuf_offset = static_cast<std::uint16_t>(begin);
  load.x_offset = begin;
  load.length = static_cast<std::uint16_t>(schedule_.slice_ends[slice] - begin);
  load.stride =
      static_cast<std::uint16_t>(align_up(layout_.in_features, arch::kMemoryAlignment) / arch::kMemoryAlignment);
  std::vector<std::uint8_t> signals;
  for (const std::uint32_t engine : x_readers_[slice]) signals.push_back(semaphore(Purpose::kXReady, engine));
  append_synced(load, {}, signals);
}

void CallEmitter::load_block(std::uint32_t engine, std::uint32_t index) {
  const Step& step = schedule_.steps[engine][index];
  const Chunk& chunk = schedule_.chunks[step.chunk];
  const RowBlock& row = row_of(step);
  const std::uint64_t units = program::image_units(row.rows, chunk.cols, emulator_.lanes);
  const std::uint64_t offset = output_.engine_image_bytes[engine] / arch::kMemoryAlignment;
  if (offset + units > UINT32_MAX) {
    throw Error(ErrorCode::kCapacity, "call " + input_.call_names[call_] + ": images of engine " +
                                          std::to_string(engine) +
                                          " need more than the 256 GiB that LOAD_BLOCK reaches");
  }
  program::ImageRecord image;
  image.block = row.block;
  image.col_begin = static_cast<std::uint16_t>(layout_.panels[chunk.panel].col_begin + chunk.col_begin);
  image.cols = static_cast<std::uint16_t>(chunk.cols);
  image.engine = engine;
  image.image_offset = static_cast<std::uint32_t>(offset);
  image.image_length = static_cast<std::uint32_t>(units);
  image.call = call_;
  output_.images.push_back(image);
  output_.engine_image_bytes[engine] += units * arch::kMemoryAlignment;
  Instruction load;
  load.opcode = Opcode::kLoadBlock;
  load.engine = static_cast<std::uint8_t>(engine);
  load.context = static_cast<std::uint8_t>(index % emulator_.contexts);
  load.image_offset = image.image_offset;
  load.image_length = image.image_length;
  std::vector<Wait> waits;
  if (index >= emulator_.contexts) waits.push_back({semaphore(Purpose::kFreed, engine), 1});
  append_synced(load, waits, {semaphore(Purpose::kLoaded, engine)});
}

void CallEmitter::mvm(std::uint32_t engine, std::uint32_t index) {
  const auto& steps = schedule_.steps[engine];
  const Step& step = steps[index];
  const Chunk& chunk = schedule_.chunks[step.chunk];
  const RowBlock& row = row_of(step);
  Instruction mvm;
  mvm.opcode = Opcode::kMvm;
  mvm.engine = static_cast<std::uint8_t>(engine);
  mvm.context = static_cast<std::uint8_t>(index % emulator_.contexts);
  mvm.accumulate = !step.is_first;
  mvm.xbuf_offset = static_cast<std::uint16_t>(row.in_begin);
  mvm.ybuf_offset = static_cast<std::uint16_t>(y_word(chunk) % layout_.ring_words);
  mvm.rows = static_cast<std::uint16_t>(row.rows);
  mvm.cols = static_cast<std::uint16_t>(chunk.cols);
  std::vector<Wait> waits = {{semaphore(Purpose::kLoaded, engine), 1}};
  if (waits_x_[engine][index]) waits.push_back({semaphore(Purpose::kXReady, engine), 1});
  if (waits_y_[engine][index]) waits.push_back({semaphore(Purpose::kYFree, engine), 1});
  std::vector<std::uint8_t> signals;
  if (step.is_last) signals.push_back(semaphore(Purpose::kYReady, engine));
  if (index + emulator_.contexts < steps.size()) signals.push_back(semaphore(Purpose::kFreed, engine));
  append_synced(mvm, waits, signals);
}

void CallEmitter::store(std::uint32_t chunk_index) {
  const Chunk& chunk = schedule_.chunks[chunk_index];
  Instruction store;
  store.opcode = Opcode::kStoreY;
  store.engine_mask = static_cast<std::uint16_t>(chunk.engine_mask);
  store.ybuf_offset = static_cast<std::uint16_t>(y_word(chunk) % layout_.ring_words);
  store.y_offset = y_word(chunk) * 4;
  store.length = static_cast<std::uint16_t>(chunk.cols);
  store.stride = static_cast<std::uint16_t>(layout_.y_words * 4 / arch::kMemoryAlignment);
  std::vector<Wait> waits;
  for (std::uint32_t engine = 0; engine < schedule_.steps.size(); ++engine) {
    if ((chunk.engine_mask >> engine & 1U) == 0) continue;
    // Tokens say how many chunks of the engine are ready, in the engine's order; stores may go in another one.
    const std::uint32_t rank = chunk_rank_.at({chunk_index, engine});
    if (rank <= chunks_taken_[engine]) continue;
    waits.push_back({semaphore(Purpose::kYReady, engine), rank - chunks_taken_[engine]});
    chunks_taken_[engine] = rank;
  }
  std::vector<std::uint8_t> signals;
  for (const std::uint32_t engine : y_waiters_[chunk_index]) signals.push_back(semaphore(Purpose::kYFree, engine));
  append_synced(store, waits, signals);
}

void CallEmitter::emit() {
  plan_x();
  plan_y_reuse();
  for (const Event& event : schedule_.events) {
    switch (event.kind) {
      case Event::Kind::kFirstLoadX:
      case Event::Kind::kLoadX:
        load_x(event.index);
        break;
      case Event::Kind::kStore:
        store(event.index);
        break;
      case Event::Kind::kLoadBlock:
        load_block(event.engine, event.index);
        break;
      case Event::Kind::kMvm:
        mvm(event.engine, event.index);
        break;
    }
  }
  Instruction halt;
  halt.opcode = Opcode::kHalt;
  append(halt);
}

}  // namespace

void emit_call(const Layout& layout, const Schedule& schedule, const Input& input, std::uint32_t call,
               const arch::EmulatorDescription& emulator, Output& output) {
  CallEmitter(layout, schedule, input, call, emulator, output).emit();
}

}  // namespace xw::codegen
