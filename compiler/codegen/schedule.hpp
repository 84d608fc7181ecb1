// From a partition to images, stores and their order in the program. Private to compiler/codegen.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "compiler/codegen/layout.hpp"
#include "compiler/codegen/partition.hpp"

namespace xw::codegen {

/// A run of columns of a panel whose sums are stored together by one STORE_Y.
struct Chunk {
  std::uint32_t panel = 0;
  std::uint32_t col_begin = 0, cols = 0;  ///< in the panel
  std::uint32_t engine_mask = 0;
  std::uint32_t store = 0;       ///< position among the stores of the call
  std::uint32_t steps_left = 0;  ///< images that are not scheduled yet
  std::uint64_t done = 0;        ///< cycle at which the last of them is computed
};

/// One image and the MVM that uses it.
struct Step {
  std::uint32_t chunk = 0;
  std::uint32_t row = 0;  ///< index in the panel's row set
  bool is_first = false;  ///< of the chunk on this engine: overwrites YBUF
  bool is_last = false;   ///< of the chunk on this engine
  std::uint64_t cost = 0;
  std::uint64_t start = 0, end = 0;         ///< estimated cycles
  std::vector<std::uint32_t> after_chunks;  ///< must be stored before: they used the same YBUF words
};

/// What stands in the program, in program order.
struct Event {
  enum class Kind : std::uint8_t { kFirstLoadX, kStore, kLoadBlock, kLoadX, kMvm };  // order at equal time
  std::uint64_t time = 0;
  Kind kind = Kind::kMvm;
  std::uint32_t engine = 0;
  std::uint32_t index = 0;  ///< of the step, chunk or slice
};

struct Schedule {
  std::vector<Chunk> chunks;
  std::vector<std::vector<Step>> steps;   ///< per engine, in order
  std::vector<std::uint32_t> slice_ends;  ///< X is loaded in slices that end here
  std::vector<Event> events;
};

/// Orders everything by estimated time. No engine waits for another in a circle for YBUF words: an engine computes the group it
/// shares with the next engine first of all, so it can wait only for engines behind it, and the last one waits for nobody.
[[nodiscard]] Schedule make_schedule(const Layout& layout, const Partition& partition,
                                     const arch::EmulatorDescription& emulator);

}  // namespace xw::codegen
