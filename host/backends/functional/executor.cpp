// XBUF, YBUF and the units that work on them.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/backends/functional/executor.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <new>

#include "arch/generated/xw_arch.hpp"
#include "host/backends/functional/ir_drop.hpp"

namespace xw::functional {
namespace {

using program::Instruction;
using program::Opcode;

/// Vectors per thread from which on threads divide the vectors; each thread then reads all cells.
constexpr std::uint32_t kVectorsPerThread = 16;
/// Multiple of vectors per thread that suits the kernels.
constexpr std::uint32_t kVectorGranularity = 16;
/// Multiply-accumulates that are worth waking other threads for.
constexpr std::uint64_t kParallelMacs = 100'000;
/// Rows of the buffers are padded so that the same word of different vectors falls into different cache sets.
constexpr std::size_t kPadBytes = 64;

[[nodiscard]] std::size_t padded(std::size_t bytes) {
  return (bytes + kPadBytes - 1) / kPadBytes * kPadBytes + kPadBytes;
}

}  // namespace

device::Address load_address(const Instruction& load, const device::RunArguments& arguments, std::uint32_t vector) {
  return arguments.x_base + load.x_offset + std::uint64_t{vector} * load.stride * arch::kMemoryAlignment;
}

device::Address store_address(const Instruction& store, const device::RunArguments& arguments, std::uint32_t vector) {
  return arguments.y_base + store.y_offset + std::uint64_t{vector} * store.stride * arch::kMemoryAlignment;
}

template <typename T>
Executor::Buffer<T> Executor::make_buffer(std::size_t count) {
  // calloc: pages that no call uses are never touched.
  auto* data = static_cast<T*>(std::calloc(count, sizeof(T)));
  if (data == nullptr) throw std::bad_alloc();
  return Buffer<T>(data);
}

Executor::Executor(const arch::EmulatorDescription& emulator, const device::DeviceMemory& memory, ThreadPool& pool,
                   const Study& study)
    : emulator_(emulator),
      memory_(memory),
      pool_(pool),
      study_(study),
      x_stride_(padded(emulator.xbuf_bytes)),
      y_stride_(padded(std::size_t{4} * emulator.ybuf_words) / 4),
      bank_words_(y_stride_ * emulator.max_batch),
      xbuf_(make_buffer<std::int8_t>(x_stride_ * emulator.max_batch)),
      ybuf_(make_buffer<std::int32_t>(bank_words_ * emulator.num_engines)) {}

std::uint64_t Executor::execute(const CallPlan& plan, const LinkedCall& call, std::size_t count, bool aliased,
                                const device::RunArguments& arguments) {
  const std::uint32_t vectors = arguments.num_vectors;
  const unsigned threads = pool_.num_threads();
  // The schedule is that of all valid instructions.
  const bool in_order = threads == 1 || count != call.valid || call.totals.macs * vectors < kParallelMacs || aliased ||
                        (vectors > 1 && !plan.vectors_disjoint);
  if (in_order) return execute_in_order(plan, call, count, arguments, 0, vectors);
  if (vectors < kVectorsPerThread * threads) return execute_groups(call, arguments);
  std::atomic<std::uint64_t> saturations = 0;
  pool_.for_ranges(vectors, kVectorGranularity, [&](std::size_t begin, std::size_t end) {
    saturations += execute_in_order(plan, call, count, arguments, static_cast<std::uint32_t>(begin),
                                    static_cast<std::uint32_t>(end));
  });
  return saturations;
}

std::uint64_t Executor::execute_in_order(const CallPlan& plan, const LinkedCall& call, std::size_t count,
                                         const device::RunArguments& arguments, std::uint32_t begin,
                                         std::uint32_t end) {
  std::uint64_t saturations = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const Instruction& instruction = plan.instructions[i];
    switch (instruction.opcode) {
      case Opcode::kLoadX:
        load(instruction, arguments, begin, end);
        break;
      case Opcode::kMvm:
        saturations += multiply({call.blocks[plan.block_source[i]], instruction.engine, instruction.xbuf_offset,
                                 instruction.ybuf_offset, instruction.accumulate},
                                arguments, begin, end);
        break;
      case Opcode::kStoreY:
        store(instruction, arguments, begin, end);
        break;
      default:
        break;
    }
  }
  return saturations;
}

std::uint64_t Executor::execute_groups(const LinkedCall& call, const device::RunArguments& arguments) {
  const std::uint32_t vectors = arguments.num_vectors;
  std::atomic<std::uint64_t> saturations = 0;
  for (const Group& group : call.schedule) {
    for (const Instruction& instruction : group.loads) load(instruction, arguments, 0, vectors);
    const auto run_task = [&](std::size_t task) {
      std::uint64_t sum = 0;
      for (const MvmStep& step : group.tasks[task]) sum += multiply(step, arguments, 0, vectors);
      saturations.fetch_add(sum, std::memory_order_relaxed);
    };
    if (group.tasks.size() > 1 && group.macs * vectors >= kParallelMacs) {
      pool_.for_each(group.tasks.size(), run_task);
    } else {
      for (std::size_t task = 0; task < group.tasks.size(); ++task) run_task(task);
    }
    for (const Instruction& instruction : group.stores) store(instruction, arguments, 0, vectors);
  }
  return saturations;
}

std::uint64_t Executor::multiply(const MvmStep& step, const device::RunArguments& arguments, std::uint32_t begin,
                                 std::uint32_t end) {
  analog::MvmBatch batch;
  batch.x = xbuf_.get() + begin * x_stride_ + step.xbuf_offset;
  batch.x_stride = x_stride_;
  batch.y = ybuf_.get() + step.engine * bank_words_ + begin * y_stride_ + step.ybuf_offset;
  batch.y_stride = y_stride_;
  batch.num_vectors = end - begin;
  batch.vector_base = arguments.vector_base + begin;
  batch.chip_seed = arguments.chip_seed;
  batch.accumulate = step.accumulate;
  if (study_.ir_drop > 0) return tile_mvm_with_ir_drop(step.block, batch, study_.ir_drop);
  if (study_.cells_range > 0) return tile_mvm_with_cells_range(step.block, batch, study_.cells_range);
  return analog::tile_mvm(step.block, batch);
}

void Executor::load(const Instruction& load, const device::RunArguments& arguments, std::uint32_t begin,
                    std::uint32_t end) {
  for (std::uint32_t v = begin; v < end; ++v) {
    const std::byte* source = memory_.find(load_address(load, arguments, v), load.length);
    std::memcpy(xbuf_.get() + v * x_stride_ + load.xbuf_offset, source, load.length);
  }
}

void Executor::store(const Instruction& store, const device::RunArguments& arguments, std::uint32_t begin,
                     std::uint32_t end) {
  for (std::uint32_t v = begin; v < end; ++v) {
    // Device memory is 4096-byte aligned on the host and y addresses are multiples of 64: words are aligned.
    auto* destination = reinterpret_cast<std::int32_t*>(
        memory_.find(store_address(store, arguments, v), std::uint64_t{4} * store.length));
    bool first = true;
    for (std::uint32_t engine = 0; engine < emulator_.num_engines; ++engine) {
      if (((store.engine_mask >> engine) & 1U) == 0) continue;
      const std::int32_t* bank = ybuf_.get() + engine * bank_words_ + v * y_stride_ + store.ybuf_offset;
      if (first) {
        std::memcpy(destination, bank, std::size_t{4} * store.length);
      } else {
        // Unsigned: sums wrap as adders do.
        for (std::uint32_t i = 0; i < store.length; ++i) {
          destination[i] = static_cast<std::int32_t>(static_cast<std::uint32_t>(destination[i]) +
                                                     static_cast<std::uint32_t>(bank[i]));
        }
      }
      first = false;
    }
  }
}

}  // namespace xw::functional
