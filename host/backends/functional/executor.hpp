// XBUF, YBUF and the units that work on them.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>

#include "arch/description/description.hpp"
#include "arch/support/parallel.hpp"
#include "host/backends/functional/linked_call.hpp"
#include "host/backends/functional/study.hpp"
#include "host/device/device_memory.hpp"

namespace xw::functional {

/// Executes calls whose every instruction has been checked.
class Executor {
 public:
  Executor(const arch::EmulatorDescription& emulator, const device::DeviceMemory& memory, ThreadPool& pool,
           const Study& study);

  /// Executes the first `count` instructions (at most call.valid). Returns the number of saturated conversions. Small
  /// batches are distributed over threads by engines, large ones by vectors; the result is that of program order.
  /// `aliased`: what STORE_Y writes may be what LOAD_X reads, so that only program order itself will do.
  [[nodiscard]] std::uint64_t execute(const CallPlan& plan, const LinkedCall& call, std::size_t count, bool aliased,
                                      const device::RunArguments& arguments);

 private:
  template <typename T>
  struct Free {
    void operator()(T* data) const { std::free(data); }
  };
  template <typename T>
  using Buffer = std::unique_ptr<T[], Free<T>>;
  template <typename T>
  [[nodiscard]] static Buffer<T> make_buffer(std::size_t count);

  /// All instructions in program order, for vectors [begin, end).
  [[nodiscard]] std::uint64_t execute_in_order(const CallPlan& plan, const LinkedCall& call, std::size_t count,
                                               const device::RunArguments& arguments, std::uint32_t begin,
                                               std::uint32_t end);
  [[nodiscard]] std::uint64_t execute_groups(const LinkedCall& call, const device::RunArguments& arguments);
  [[nodiscard]] std::uint64_t multiply(const MvmStep& step, const device::RunArguments& arguments, std::uint32_t begin,
                                       std::uint32_t end);
  void load(const program::Instruction& load, const device::RunArguments& arguments, std::uint32_t begin,
            std::uint32_t end);
  void store(const program::Instruction& store, const device::RunArguments& arguments, std::uint32_t begin,
             std::uint32_t end);

  const arch::EmulatorDescription& emulator_;
  const device::DeviceMemory& memory_;
  ThreadPool& pool_;
  Study study_;
  std::size_t x_stride_, y_stride_, bank_words_;  ///< bytes, words, words
  Buffer<std::int8_t> xbuf_;                      ///< [max_batch][x_stride_]
  Buffer<std::int32_t> ybuf_;                     ///< [engine][max_batch][y_stride_]
};

/// Address of vector v's row.
[[nodiscard]] device::Address load_address(const program::Instruction& load, const device::RunArguments& arguments,
                                           std::uint32_t vector);
[[nodiscard]] device::Address store_address(const program::Instruction& store, const device::RunArguments& arguments,
                                            std::uint32_t vector);

}  // namespace xw::functional
