// The memories of an engine: contexts, its copy of XBUF, its bank of YBUF.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <vector>

#include "models/analog/numerics.hpp"
#include "systemc/clock.hpp"
#include "systemc/settings.hpp"

namespace xw::systemc {

/// Zeroed memory on a cache line; pages that nobody uses are never touched.
template <typename T>
class LineArray {
 public:
  void resize(std::size_t count) {
    constexpr std::size_t kLine = 64;
    auto* raw = static_cast<std::byte*>(std::calloc(count * sizeof(T) + kLine, 1));
    if (raw == nullptr) throw std::bad_alloc();
    raw_.reset(raw);
    void* start = raw;
    std::size_t space = count * sizeof(T) + kLine;
    data_ = static_cast<T*>(std::align(kLine, count * sizeof(T), start, space));
    count_ = count;
  }
  [[nodiscard]] T* data() { return data_; }
  [[nodiscard]] std::size_t size() const { return count_; }

 private:
  struct Free {
    void operator()(std::byte* data) const { std::free(data); }
  };
  std::unique_ptr<std::byte[], Free> raw_;
  T* data_ = nullptr;
  std::size_t count_ = 0;
};

/// A block in context memory.
struct Context {
  /// From cycle `at` on, `beats` beats of cells are in.
  struct Arrival {
    std::uint32_t beats = 0;
    Cycles at = 0;
  };
  bool valid = false;
  LineArray<std::byte> image;
  analog::BlockView block;
  std::vector<Arrival> arrivals;  ///< rising; evenly spaced beats between two entries
  Cycles loaded = 0;              ///< all cells are in and checked
};

/// Cycles [begin, end) in which results of a pass take the port of YBUF.
struct BusySpan {
  Cycles begin = 0, end = 0;
};

struct EngineState {
  std::vector<Context> contexts;
  LineArray<std::int8_t> xbuf;   ///< [max_batch][x_stride]
  LineArray<std::int32_t> ybuf;  ///< [max_batch][y_stride]
  std::size_t x_stride = 0, y_stride = 0;
  std::vector<BusySpan> updates;  ///< of the MVM that runs or ran last, rising

  /// The cycle in which the last of `rows` rows of YBUF is read, one per cycle from `first` on where the port is free.
  [[nodiscard]] Cycles last_read(Cycles first, std::uint32_t rows) const;
  void configure(const arch::EmulatorDescription& emulator);
  void start() {
    for (Context& context : contexts) context.valid = false;
    updates.clear();
  }
};

}  // namespace xw::systemc
