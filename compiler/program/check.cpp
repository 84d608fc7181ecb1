// One pass in program order with vector clocks; docs/adr/0003-program-order-deadlock-freedom.md has the argument.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/program/check.hpp"

#include <algorithm>
#include <deque>
#include <unordered_map>

#include "arch/generated/xw_arch.hpp"
#include "compiler/program/access_map.hpp"
#include "compiler/program/image_layout.hpp"

namespace xw::program {
namespace {

/// Per unit: how many of its instructions are known to be complete.
using Clock = std::array<std::uint32_t, arch::kNumUnits>;

void join(Clock& clock, const Clock& other) {
  for (std::size_t i = 0; i < clock.size(); ++i) clock[i] = std::max(clock[i], other[i]);
}

constexpr std::uint32_t kNoUnit = arch::kNumUnits;
constexpr std::uint32_t kYbufOffsetMultiple = arch::kMemoryAlignment / 4;
constexpr std::uint64_t kMaxTokens = (std::uint64_t{1} << arch::kSemaphoreBits) - 1;

struct Semaphore {
  std::uint32_t producer = kNoUnit, consumer = kNoUnit;
  std::uint64_t signals = 0;
  std::deque<Clock> tokens;  // not yet taken: what their producer knew when it signalled
};

/// A context: its history and the image that was loaded last.
struct Context {
  AccessState state;
  std::uint64_t image_length = 0;
  const ImageShape* shape = nullptr;  // nullptr: not known
};

constexpr std::uint64_t image_key(std::uint32_t engine, std::uint32_t image_offset) {
  return std::uint64_t{engine} << 32 | image_offset;
}

/// A unit in a message.
struct Unit {
  std::uint32_t id;
};

std::string text_of(const char* text) {
  return text;
}
std::string text_of(std::uint64_t number) {
  return std::to_string(number);
}
std::string text_of(const Unit& unit) {
  return arch::unit_name(unit.id);
}

class CallChecker {
 public:
  CallChecker(const arch::EmulatorDescription& emulator, const CallMemory& memory)
      : emulator_(emulator),
        memory_(memory),
        num_engines_(std::min(emulator.num_engines, arch::kMaxEngines)),
        xbuf_(emulator.xbuf_bytes),
        ybuf_(num_engines_, AccessMap(emulator.ybuf_words)),
        contexts_(num_engines_, std::vector<Context>(emulator.contexts)) {
    for (const ImageShape& image : memory.images) images_[image_key(image.engine, image.image_offset)] = &image;
  }

  /// Returns false when the call is over.
  bool step(std::uint32_t index, const EncodedInstruction& words);
  void finish();
  void add(const std::string& what) { violations_.push_back({index_, what}); }
  std::vector<Violation> take() { return std::move(violations_); }
  void set_index(std::uint32_t index) { index_ = index; }

 private:
  /// Reports the parts as one text if the condition is false; texts are made only then.
  template <typename... Parts>
  bool require(bool condition, const Parts&... parts) {
    if (!condition) add((text_of(parts) + ...));
    return condition;
  }
  bool require_engine(const Instruction& instruction) {
    return require(instruction.engine < num_engines_, "engine ", instruction.engine, " is beyond the emulator's ",
                   num_engines_);
  }
  bool is_present(std::uint32_t unit) const;
  void take_tokens(std::uint32_t id, std::uint32_t count);
  void give_token(std::uint32_t id);
  void load_x(const Instruction& instruction);
  void load_block(const Instruction& instruction);
  void mvm(const Instruction& instruction);
  void store_y(const Instruction& instruction);

  void write(AccessMap& map, std::uint32_t begin, std::uint32_t end, std::uint32_t first_reader, const char* buffer);
  void read(AccessMap& map, std::uint32_t begin, std::uint32_t end, std::uint32_t writer, std::uint32_t reader_index,
            const char* buffer);
  bool all_readers_done(const AccessState& state, std::uint32_t first_reader) const;

  const arch::EmulatorDescription& emulator_;
  const CallMemory& memory_;
  std::uint32_t num_engines_;
  std::uint32_t index_ = 0;
  std::uint32_t unit_ = 0;  // of the current instruction
  std::array<Clock, arch::kNumUnits> clocks_{};
  std::array<Semaphore, arch::kNumSemaphores> semaphores_;
  AccessMap xbuf_;
  std::vector<AccessMap> ybuf_;
  std::vector<std::vector<Context>> contexts_;
  std::unordered_map<std::uint64_t, const ImageShape*> images_;
  std::vector<Violation> violations_;
};

bool CallChecker::is_present(std::uint32_t unit) const {
  return arch::unit_engine(unit) < num_engines_;
}

void CallChecker::take_tokens(std::uint32_t id, std::uint32_t count) {
  if (count == 0) return;
  Semaphore& semaphore = semaphores_[id];
  if (semaphore.consumer == kNoUnit) semaphore.consumer = unit_;
  require(semaphore.consumer == unit_, "semaphore ", id, " is taken by ", Unit{unit_}, " and ",
          Unit{semaphore.consumer});
  const std::size_t available = std::min<std::size_t>(count, semaphore.tokens.size());
  require(available == count, "would block: waits for ", count, " of semaphore ", id, ", which has ", available,
          " in program order");
  for (std::size_t i = 0; i < available; ++i) {
    join(clocks_[unit_], semaphore.tokens.front());
    semaphore.tokens.pop_front();
  }
}

void CallChecker::give_token(std::uint32_t id) {
  Semaphore& semaphore = semaphores_[id];
  if (semaphore.producer == kNoUnit) semaphore.producer = unit_;
  require(semaphore.producer == unit_, "semaphore ", id, " is signalled by ", Unit{unit_}, " and ",
          Unit{semaphore.producer});
  require(++semaphore.signals <= kMaxTokens, "semaphore ", id, " is signalled more often than its counter can hold, ",
          kMaxTokens);
  semaphore.tokens.push_back(clocks_[unit_]);
}

bool CallChecker::all_readers_done(const AccessState& state, std::uint32_t first_reader) const {
  for (std::uint32_t i = 0; i < state.read.size(); ++i) {
    if (state.read[i] > clocks_[unit_][first_reader + i]) return false;
  }
  return true;
}

void CallChecker::write(AccessMap& map, std::uint32_t begin, std::uint32_t end, std::uint32_t first_reader,
                        const char* buffer) {
  bool is_safe = true;
  map.for_each(begin, end,
               [&](const AccessState& state) { is_safe = is_safe && all_readers_done(state, first_reader); });
  require(is_safe, "hazard: overwrites ", buffer, " [", begin, ", ", end, ") without waiting for its readers");
  AccessState written;
  written.write = clocks_[unit_][unit_];
  map.assign(begin, end, written);
}

void CallChecker::read(AccessMap& map, std::uint32_t begin, std::uint32_t end, std::uint32_t writer,
                       std::uint32_t reader_index, const char* buffer) {
  const Clock& clock = clocks_[unit_];
  bool is_written = true;
  bool is_ordered = true;
  map.for_each(begin, end, [&](AccessState& state) {
    is_written = is_written && state.write != 0;
    is_ordered = is_ordered && state.write <= clock[writer];
    state.read[reader_index] = clock[unit_];
  });
  require(is_written, "reads ", buffer, " [", begin, ", ", end, ") before it is written");
  require(is_ordered, "hazard: reads ", buffer, " [", begin, ", ", end, ") without waiting for its writer");
}

void CallChecker::load_x(const Instruction& instruction) {
  const std::uint32_t end = std::uint32_t{instruction.xbuf_offset} + instruction.length;
  bool ok = require(instruction.length > 0, "length is zero");
  ok = require(end <= emulator_.xbuf_bytes, "XBUF bytes up to ", end, " are beyond its end, ", emulator_.xbuf_bytes) &&
       ok;
  require(instruction.x_offset % arch::kMemoryAlignment == 0, "x offset is not a multiple of 64");
  require(std::uint64_t{instruction.x_offset} + instruction.length <= memory_.x_stride_bytes,
          "reads beyond the x vector");
  require(std::uint64_t{instruction.stride} * arch::kMemoryAlignment == memory_.x_stride_bytes,
          "x stride is not that of the call");
  if (ok) write(xbuf_, instruction.xbuf_offset, end, arch::kUnitMvm, "XBUF bytes");
}

void CallChecker::load_block(const Instruction& instruction) {
  const std::uint64_t available =
      instruction.engine < memory_.image_bytes.size() ? memory_.image_bytes[instruction.engine] : 0;
  const std::uint64_t end =
      (std::uint64_t{instruction.image_offset} + instruction.image_length) * arch::kMemoryAlignment;
  require(instruction.image_length > 0, "image length is zero");
  require(end <= available, "reads beyond the image memory of the engine: up to byte ", end, " of ", available);
  if (!require(instruction.context < emulator_.contexts, "context ", instruction.context, " is beyond the emulator's ",
               emulator_.contexts)) {
    return;
  }
  Context& context = contexts_[instruction.engine][instruction.context];
  require(context.state.read[0] <= clocks_[unit_][arch::kUnitMvm + instruction.engine], "hazard: overwrites context ",
          instruction.context, " without waiting for its readers");
  context.state = {};
  context.state.write = clocks_[unit_][unit_];
  context.image_length = instruction.image_length;
  context.shape = nullptr;
  if (images_.empty()) return;
  const auto image = images_.find(image_key(instruction.engine, instruction.image_offset));
  if (!require(image != images_.end(), "there is no image at ", instruction.image_offset)) return;
  context.shape = image->second;
  const std::uint64_t units = image_units(context.shape->rows, context.shape->cols, emulator_.lanes);
  require(instruction.image_length == units, "image length is ", instruction.image_length, ", the image has ", units);
}

void CallChecker::mvm(const Instruction& instruction) {
  const Clock& clock = clocks_[unit_];
  const bool has_shape = require(instruction.rows >= 1 && instruction.rows <= emulator_.block_rows &&
                                     instruction.cols >= 1 && instruction.cols <= emulator_.block_cols,
                                 "shape ", instruction.rows, " x ", instruction.cols, " does not fit a context");
  if (require(instruction.context < emulator_.contexts, "context ", instruction.context, " is beyond the emulator's ",
              emulator_.contexts)) {
    Context& context = contexts_[instruction.engine][instruction.context];
    if (require(context.state.write != 0, "reads context ", instruction.context, " before it is loaded")) {
      require(context.state.write <= clock[arch::kUnitBlockLoad + instruction.engine], "hazard: reads context ",
              instruction.context, " without waiting for its load");
      const bool fits = context.shape != nullptr
                            ? context.shape->rows == instruction.rows && context.shape->cols == instruction.cols
                            : context.image_length == image_units(instruction.rows, instruction.cols, emulator_.lanes);
      require(!has_shape || fits, "shape ", instruction.rows, " x ", instruction.cols,
              " is not that of the image in context ", instruction.context);
    }
    context.state.read[0] = clock[unit_];
  }
  const std::uint32_t x_end = std::uint32_t{instruction.xbuf_offset} + instruction.rows;
  const std::uint32_t y_end = std::uint32_t{instruction.ybuf_offset} + instruction.cols;
  if (require(x_end <= emulator_.xbuf_bytes, "XBUF bytes up to ", x_end, " are beyond its end") && has_shape) {
    read(xbuf_, instruction.xbuf_offset, x_end, arch::kUnitXLoad, instruction.engine, "XBUF bytes");
  }
  require(instruction.ybuf_offset % kYbufOffsetMultiple == 0, "YBUF offset is not a multiple of ", kYbufOffsetMultiple);
  if (require(y_end <= emulator_.ybuf_words, "YBUF words up to ", y_end, " are beyond its end") && has_shape) {
    AccessMap& bank = ybuf_[instruction.engine];
    if (instruction.accumulate) {
      bool is_written = true;
      bank.for_each(instruction.ybuf_offset, y_end,
                    [&](const AccessState& state) { is_written = is_written && state.write != 0; });
      require(is_written, "accumulates to YBUF words [", instruction.ybuf_offset, ", ", y_end,
              ") before they are written");
    }
    write(bank, instruction.ybuf_offset, y_end, arch::kUnitYStore, "YBUF words");
  }
}

void CallChecker::store_y(const Instruction& instruction) {
  bool ok = require(instruction.engine_mask != 0 && instruction.engine_mask >> num_engines_ == 0,
                    "engine mask is empty or names engines beyond the emulator's ", num_engines_);
  ok = require(instruction.length > 0, "length is zero") && ok;
  const std::uint32_t end = std::uint32_t{instruction.ybuf_offset} + instruction.length;
  ok = require(end <= emulator_.ybuf_words, "YBUF words up to ", end, " are beyond its end") && ok;
  require(instruction.ybuf_offset % kYbufOffsetMultiple == 0, "YBUF offset is not a multiple of ", kYbufOffsetMultiple);
  require(instruction.y_offset % arch::kMemoryAlignment == 0, "y offset is not a multiple of 64");
  require(std::uint64_t{instruction.y_offset} + std::uint64_t{instruction.length} * 4 <= memory_.y_stride_bytes,
          "writes beyond the y vector");
  require(std::uint64_t{instruction.stride} * arch::kMemoryAlignment == memory_.y_stride_bytes,
          "y stride is not that of the call");
  if (!ok) return;
  for (std::uint32_t engine = 0; engine < num_engines_; ++engine) {
    if ((instruction.engine_mask >> engine & 1U) == 0) continue;
    read(ybuf_[engine], instruction.ybuf_offset, end, arch::kUnitMvm + engine, 0, "YBUF words");
  }
}

bool CallChecker::step(std::uint32_t index, const EncodedInstruction& words) {
  index_ = index;
  const Decoded decoded = decode(words);
  if (decoded.error != 0) {
    add("does not decode: " + std::string(arch::error_name(decoded.error)));
    return true;
  }
  const Instruction& instruction = decoded.instruction;
  if (instruction.opcode == Opcode::kHalt) return false;
  if (instruction.opcode == Opcode::kNop) return true;
  if (instruction.opcode == Opcode::kFence) {
    Clock all{};
    for (const Clock& clock : clocks_) join(all, clock);
    clocks_.fill(all);
    return true;
  }
  const bool has_engine = instruction.opcode == Opcode::kLoadBlock || instruction.opcode == Opcode::kMvm;
  if (has_engine && !require_engine(instruction)) return true;
  unit_ = unit_of(instruction);
  if (!require(is_present(unit_), Unit{unit_}, " is beyond the emulator's engines")) return true;
  take_tokens(instruction.wait0_id, instruction.wait0_count);
  take_tokens(instruction.wait1_id, instruction.wait1_count);
  ++clocks_[unit_][unit_];
  if (instruction.opcode == Opcode::kLoadX) load_x(instruction);
  if (instruction.opcode == Opcode::kLoadBlock) load_block(instruction);
  if (instruction.opcode == Opcode::kMvm) mvm(instruction);
  if (instruction.opcode == Opcode::kStoreY) store_y(instruction);
  if (instruction.signal) give_token(instruction.signal_id);
  return true;
}

void CallChecker::finish() {
  for (std::size_t id = 0; id < semaphores_.size(); ++id) {
    require(semaphores_[id].tokens.empty(), "semaphore ", id, " ends at ", semaphores_[id].tokens.size(),
            ", not at zero");
  }
}

}  // namespace

std::vector<Violation> check_call(std::span<const EncodedInstruction> code, std::uint32_t entry,
                                  const arch::EmulatorDescription& emulator, const CallMemory& memory) {
  CallChecker checker(emulator, memory);
  checker.set_index(entry);
  std::size_t index = entry;
  while (index < code.size() && checker.step(static_cast<std::uint32_t>(index), code[index])) ++index;
  if (index >= code.size()) checker.add("the call runs beyond the end of the code without HALT");
  checker.finish();
  return checker.take();
}

}  // namespace xw::program
