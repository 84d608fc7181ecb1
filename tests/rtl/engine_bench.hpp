// Drives one Verilated engine: commands, XBUF writes, YBUF reads, memory of block images.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstring>
#include <memory>
#include <random>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

#include "Vengine_16.h"
#include "Vengine_64.h"
#include "arch/generated/xw_arch.hpp"
#include "host/backends/verilated/finish.hpp"
#include "models/analog/block_image.hpp"
#include "tests/rtl/axi_read_memory.hpp"
#include "tests/rtl/clocked.hpp"
#include "tests/rtl/members.hpp"
#include "tests/rtl/unit_events.hpp"

namespace xw::test {

/// Parameters as tests/rtl/CMakeLists.txt gives them to the model.
struct Engine16 {
  using Model = Vengine_16;
  static constexpr std::uint32_t kLanes = 16, kRows = 64, kCols = 64, kContexts = 2, kXbufBytes = 192, kYbufWords = 96,
                                 kMaxBatch = 4, kMaxOutstanding = 4;
};
struct Engine64 {
  using Model = Vengine_64;
  static constexpr std::uint32_t kLanes = 64, kRows = 96, kCols = 192, kContexts = 3, kXbufBytes = 320,
                                 kYbufWords = 256, kMaxBatch = 5, kMaxOutstanding = 16;
};

struct LoadCommand {
  std::uint32_t context = 0, image_offset = 0, image_length = 0;
};
struct MvmCommand {
  std::uint32_t context = 0, xbuf_offset = 0, ybuf_offset = 0, rows = 0, cols = 0;
  bool accumulate = false;
};

/// A random block with everything that its image holds.
[[nodiscard]] inline std::vector<std::byte> random_image(std::mt19937& random, analog::ImageHeader header) {
  std::vector<std::byte> image(analog::image_bytes(header.rows, header.cols, header.lanes));
  // Cells and tables are any bytes; unused lanes too: they must not matter.
  for (std::size_t i = arch::kBlockImageHeaderBytes; i < image.size(); ++i) image[i] = std::byte(random() & 0xFFU);
  // Offsets are all bits of their field in every other image; in the rest they are small enough for other codes than the ends.
  if (random() % 2 == 0) {
    for (std::uint32_t col = 0; col < header.cols; ++col) {
      const auto offset = static_cast<std::int32_t>(random()) >> 14;
      std::memcpy(image.data() + analog::adc_offsets_offset(header.cols) + std::size_t{4} * col, &offset, 4);
    }
  }
  analog::seal_image(image, header);
  return image;
}

template <typename Config>
class EngineBench {
 public:
  using Model = typename Config::Model;
  static constexpr std::uint32_t kBeatWords = Config::kLanes / 4;
  static constexpr std::size_t kMemoryBytes = 1U << 18U;

  explicit EngineBench(unsigned seed) : random(seed), memory(kMemoryBytes, Config::kLanes) {
    top->image_base_i = AxiReadMemory::kBase;
    top->num_vectors_i = 1;
    reset();
  }
  ~EngineBench() { verilated::finish(*top); }
  EngineBench(const EngineBench&) = delete;
  EngineBench& operator=(const EngineBench&) = delete;

  void reset() {
    top->rst_ni = 0;
    memory.reset();
    for (int i = 0; i < 3; ++i) tick();
    top->rst_ni = 1;
    tick();
    load_events = mvm_events = {};
  }

  /// One cycle; inputs must be set.
  void tick() {
    memory.drive(*top, random);
    clocks_low(*top);
    if (top->rst_ni != 0) {
      memory.sample(*top, random);
      load_taken = top->load_valid_i != 0 && top->load_ready_o != 0;
      mvm_taken = top->mvm_valid_i != 0 && top->mvm_ready_o != 0;
      load_events.note(top->load_done_o != 0, top->load_error_o != 0, member(top->load_fault_o, rtl::Fault::code),
                       member(top->load_fault_o, rtl::Fault::detail));
      mvm_events.note(top->mvm_done_o != 0, top->mvm_error_o != 0, member(top->mvm_fault_o, rtl::Fault::code),
                      member(top->mvm_fault_o, rtl::Fault::detail));
      saturations += top->saturations_o;
      stalls += top->mvm_memory_stall_o;
    }
    clock_edge(*top);
    ++cycles;
  }

  void start_load(const LoadCommand& command) {
    std::uint32_t words[4] = {arch::opcode_value(arch::Opcode::kLoadBlock), command.context << 8U, command.image_offset,
                              command.image_length};
    std::memcpy(&top->load_cmd_i, words, sizeof words);
    top->load_valid_i = 1;
    wait("load command", [&] { return load_taken; });
    top->load_valid_i = 0;
  }
  void start_mvm(const MvmCommand& command) {
    std::uint32_t words[4] = {arch::opcode_value(arch::Opcode::kMvm),
                              command.context << 8U | static_cast<std::uint32_t>(command.accumulate) << 16U,
                              command.xbuf_offset | command.ybuf_offset << 16U, command.rows | command.cols << 16U};
    std::memcpy(&top->mvm_cmd_i, words, sizeof words);
    top->mvm_valid_i = 1;
    wait("MVM command", [&] { return mvm_taken; });
    top->mvm_valid_i = 0;
  }
  /// Ticks until `condition`; throws after many cycles.
  template <typename Condition>
  void wait(const char* what, Condition condition) {
    for (int i = 0; i < 200000; ++i) {
      tick();
      if (condition()) return;
    }
    throw std::runtime_error(std::string("engine does not answer: ") + what);
  }

  /// Runs a load to the end of its cells (or its error) and returns what happened.
  UnitEvents load(const LoadCommand& command) {
    load_events = {};
    start_load(command);
    wait("end of load", [&] { return top->load_idle_o != 0 && top->load_done_o == 0 && top->load_error_o == 0; });
    return load_events;
  }
  UnitEvents mvm(const MvmCommand& command) {
    mvm_events = {};
    start_mvm(command);
    wait("end of MVM", [&] { return mvm_events.done + mvm_events.errors != 0; });
    return mvm_events;
  }

  /// Places an image in memory at a multiple of 64 bytes and returns the command that loads it.
  LoadCommand place(std::span<const std::byte> image, std::uint32_t context, std::uint32_t offset) {
    std::memcpy(memory.bytes.data() + std::size_t{offset} * 64, image.data(), image.size());
    return {context, offset, static_cast<std::uint32_t>(image.size() / 64)};
  }

  /// Fills all XBUF rows with random codes through the write port, unaligned pieces included.
  void fill_xbuf() {
    x.resize(std::size_t{Config::kMaxBatch} * Config::kXbufBytes);
    const std::size_t num_beats = x.size() / Config::kLanes;
    for (std::size_t beat = 0; beat < num_beats; ++beat) {
      const std::uint64_t enable = (std::uint64_t{random()} << 32U | random()) | (beat % 2 == 0 ? ~0ULL : 0ULL);
      write_xbuf(beat, enable);
      write_xbuf(beat, ~enable);
    }
  }
  void write_xbuf(std::size_t beat, std::uint64_t enable) {
    std::int8_t codes[Config::kLanes];
    for (std::uint32_t i = 0; i < Config::kLanes; ++i) {
      codes[i] = static_cast<std::int8_t>(random());
      if ((enable >> i & 1U) != 0) x[beat * Config::kLanes + i] = codes[i];
    }
    std::memcpy(&top->xbuf_data_i, codes, sizeof codes);
    top->xbuf_addr_i = narrow<decltype(top->xbuf_addr_i)>(beat);
    top->xbuf_enable_i = narrow<decltype(top->xbuf_enable_i)>(enable);
    top->xbuf_write_i = 1;
    tick();
    top->xbuf_write_i = 0;
  }

  /// All words of the YBUF, [kMaxBatch][kYbufWords].
  std::vector<std::int32_t> read_ybuf() {
    std::vector<std::int32_t> y(std::size_t{Config::kMaxBatch} * Config::kYbufWords);
    for (std::size_t row = 0; row < y.size() / kBeatWords; ++row) {
      top->ybuf_addr_i = narrow<decltype(top->ybuf_addr_i)>(row);
      top->ybuf_valid_i = 1;
      bool accepted = false;
      while (!accepted) {
        top->eval();
        accepted = top->ybuf_ready_o != 0;
        tick();
      }
      top->ybuf_valid_i = 0;
      if (top->ybuf_valid_o == 0) throw std::runtime_error("YBUF read without data");
      std::memcpy(y.data() + row * kBeatWords, &top->ybuf_data_o, kBeatWords * 4);
    }
    return y;
  }

  std::mt19937 random;
  AxiReadMemory memory;
  std::unique_ptr<Model> top = std::make_unique<Model>();
  std::vector<std::int8_t> x;  ///< what XBUF holds
  UnitEvents load_events, mvm_events;
  bool load_taken = false, mvm_taken = false;
  std::uint64_t saturations = 0, stalls = 0, cycles = 0;

 private:
  /// Value of a port; `Port` is a reference.
  template <typename Port>
  static std::remove_reference_t<Port> narrow(std::uint64_t value) {
    return static_cast<std::remove_reference_t<Port>>(value);
  }
};

}  // namespace xw::test
