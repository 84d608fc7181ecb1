// A call together with the block images it finds in device memory.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/backends/functional/linked_call.hpp"

namespace xw::functional {
namespace {

using arch::DeviceError;
using program::Instruction;
using program::Opcode;

/// First 64-byte line of [address, address + bytes) that has no memory.
[[nodiscard]] device::Address first_unmapped(const device::DeviceMemory& memory, device::Address address,
                                             std::uint64_t bytes) {
  const std::uint64_t mapped = memory.mapped_from(address);
  return mapped >= bytes ? address : (address + mapped) / arch::kMemoryAlignment * arch::kMemoryAlignment;
}

}  // namespace

LinkedCall link_call(const CallPlan& plan, const std::array<device::Address, arch::kMaxEngines>& image_base,
                     std::uint64_t generation, const device::DeviceMemory& memory, ImageCache& images,
                     std::uint32_t num_engines, unsigned num_threads) {
  LinkedCall call;
  call.image_base = image_base;
  call.generation = generation;
  call.blocks.resize(plan.instructions.size());
  call.failure = plan.failure;
  call.valid = plan.instructions.size();
  for (std::size_t i = 0; i < plan.instructions.size(); ++i) {
    const Instruction& instruction = plan.instructions[i];
    Failure failure;
    if (instruction.opcode == Opcode::kLoadBlock) {
      const device::Address address =
          image_base[instruction.engine] + std::uint64_t{instruction.image_offset} * arch::kMemoryAlignment;
      const std::uint64_t bytes = std::uint64_t{instruction.image_length} * arch::kMemoryAlignment;
      const ImageCache::Image& image = images.open(memory, address, bytes);
      failure.code = DeviceError{image.error};
      failure.detail = failure.code == DeviceError::kMemoryDecerr ? first_unmapped(memory, address, bytes) : address;
      call.blocks[i] = image.block;
      call.packed.push_back(image.packed);
    } else if (instruction.opcode == Opcode::kMvm) {
      const analog::BlockView& block = call.blocks[plan.block_source[i]];
      if (instruction.rows != block.rows || instruction.cols != block.cols) {
        failure.code = DeviceError::kContextShape;
        failure.detail = block.rows | std::uint64_t{block.cols} << 16U;
      }
    }
    if (failure) {
      failure.unit = program::unit_of(instruction);
      failure.instruction = plan.entry + static_cast<std::uint32_t>(i);
      call.failure = failure;
      call.valid = i;
      break;
    }
  }
  const std::span<const Instruction> valid = std::span(plan.instructions).first(call.valid);
  call.totals = sum_events(valid);
  if (num_threads > 1) call.schedule = make_schedule(valid, plan.block_source, call.blocks, num_engines, num_threads);
  return call;
}

}  // namespace xw::functional
