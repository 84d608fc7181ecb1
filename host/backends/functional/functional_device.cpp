// The functional device: what every device computes, as fast as this host can, without time.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/backends/functional/functional_device.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <map>
#include <string>
#include <unordered_map>

#include "arch/generated/xw_arch.hpp"
#include "arch/support/error.hpp"
#include "arch/support/parallel.hpp"
#include "host/backends/functional/call_plan.hpp"
#include "host/backends/functional/executor.hpp"
#include "host/backends/functional/image_cache.hpp"
#include "host/backends/functional/linked_call.hpp"
#include "host/device/device_memory.hpp"
#include "host/device/emulator_limits.hpp"

namespace xw::functional {
namespace {

using arch::DeviceError;
using device::Address;
using device::RunArguments;
using device::RunStats;
using program::Instruction;
using program::Opcode;

static_assert(sizeof(program::EncodedInstruction) == arch::kInstructionBytes);

[[nodiscard]] std::uint32_t word_at(const std::byte* data, std::uint32_t offset) {
  std::uint32_t value = 0;
  std::memcpy(&value, data + offset, sizeof value);
  return value;
}

}  // namespace

struct FunctionalDevice::Impl {
  /// Bytes that a run touches.
  struct Hull {
    Address begin = ~Address{0}, end = 0;
    void include(Address first, Address last) {
      begin = std::min(begin, first);
      end = std::max(end, last);
    }
  };
  /// What the LOAD_Xs and STORE_Ys of a run need.
  struct MemoryUse {
    Hull x, y;
    std::size_t valid = 0;  ///< instructions before the first that finds no memory
  };
  /// One entry of a program.
  struct Call {
    CallPlan plan;
    LinkedCall linked;
  };
  /// A program whose header is good.
  struct LoadedProgram {
    ProgramText text;
    std::unordered_map<std::uint32_t, Call> calls;
  };

  Impl(const device::DeviceInfo& the_info, const device::DeviceMemory& the_memory, ThreadPool& thread_pool,
       const Study& study)
      : info(the_info),
        pool(thread_pool),
        memory(the_memory),
        images(info.emulator),
        executor(info.emulator, memory, thread_pool, study) {}

  /// Forgets what was derived from [address, address + bytes).
  void invalidate(Address address, std::uint64_t bytes) {
    if (bytes == 0) return;
    for (auto it = programs.begin(); it != programs.end();) {
      const std::uint64_t size = arch::kProgramHeaderBytes + it->second.text.mapped.size_bytes();
      const bool touched = address < it->first + size && it->first < address + bytes;
      it = touched ? programs.erase(it) : std::next(it);
    }
    if (images.invalidate(address, bytes)) ++generation;
  }

  [[nodiscard]] Failure check_arguments(const RunArguments& arguments) const;
  [[nodiscard]] LoadedProgram* find_program(const RunArguments& arguments, RunStats& stats, Failure& failure);
  [[nodiscard]] Call& find_call(LoadedProgram& program, const RunArguments& arguments);
  [[nodiscard]] MemoryUse check_memory(const Call& call, const RunArguments& arguments, Failure& failure) const;
  void execute(Call& call, const RunArguments& arguments, RunStats& stats, Failure& failure);
  void complete(std::byte* record, const RunArguments& arguments, RunStats& stats, Failure& failure);

  const device::DeviceInfo& info;
  ThreadPool& pool;
  const device::DeviceMemory& memory;
  ImageCache images;
  Executor executor;
  std::map<Address, LoadedProgram> programs;
  std::uint64_t generation = 1;  ///< counts changes of images
};

Failure FunctionalDevice::Impl::check_arguments(const RunArguments& arguments) const {
  Failure failure;
  failure.instruction = arguments.entry;
  if (arguments.num_vectors == 0 || arguments.num_vectors > info.emulator.max_batch) {
    failure.code = DeviceError::kBadNumVectors;
    failure.detail = arguments.num_vectors;
    return failure;
  }
  std::array<Address, 4 + arch::kMaxEngines> bases = {arguments.program_base, arguments.x_base, arguments.y_base,
                                                      arguments.completion_base};
  std::copy_n(arguments.image_base.begin(), info.emulator.num_engines, bases.begin() + 4);
  const auto misaligned =
      std::find_if(bases.begin(), bases.end(), [](Address a) { return a % arch::kMemoryAlignment != 0; });
  if (misaligned != bases.end()) {
    failure.code = DeviceError::kMisaligned;
    failure.detail = *misaligned;
  }
  return failure;
}

FunctionalDevice::Impl::LoadedProgram* FunctionalDevice::Impl::find_program(const RunArguments& arguments,
                                                                            RunStats& stats, Failure& failure) {
  const Address base = arguments.program_base;
  auto known = programs.find(base);
  if (known == programs.end()) {
    const auto fail = [&](DeviceError code, std::uint64_t detail) {
      failure = {code, arch::kUnitDispatch, arguments.entry, detail};
      return nullptr;
    };
    const std::byte* header = memory.find(base, arch::kProgramHeaderBytes);
    if (header == nullptr) return fail(DeviceError::kMemoryDecerr, base);
    stats.program_bytes_read = arch::kProgramHeaderBytes;
    const std::uint32_t magic = word_at(header, arch::kProgramHeaderMagicOffset);
    if (magic != arch::kProgramHeaderMagic) return fail(DeviceError::kProgramHeader, magic);
    const std::uint32_t version = word_at(header, arch::kProgramHeaderIsaVersionOffset);
    if (version != arch::kIsaVersion) return fail(DeviceError::kProgramHeader, version);
    if (std::memcmp(header + arch::kProgramHeaderContractHashOffset, arch::kContractHash.data(),
                    arch::kContractHash.size()) != 0) {
      return fail(DeviceError::kContractMismatch, word_at(header, arch::kProgramHeaderContractHashOffset));
    }
    LoadedProgram program;
    program.text.base = base;
    program.text.num_instructions = word_at(header, arch::kProgramHeaderNumInstructionsOffset);
    const std::uint64_t mapped = (memory.mapped_from(base) - arch::kProgramHeaderBytes) / arch::kInstructionBytes;
    program.text.mapped = {reinterpret_cast<const program::EncodedInstruction*>(header + arch::kProgramHeaderBytes),
                           static_cast<std::size_t>(std::min<std::uint64_t>(mapped, program.text.num_instructions))};
    known = programs.emplace(base, std::move(program)).first;
  }
  stats.program_bytes_read = arch::kProgramHeaderBytes;
  if (arguments.entry >= known->second.text.num_instructions) {
    failure = {DeviceError::kEntryRange, arch::kUnitDispatch, arguments.entry, arguments.entry};
    return nullptr;
  }
  return &known->second;
}

FunctionalDevice::Impl::Call& FunctionalDevice::Impl::find_call(LoadedProgram& program, const RunArguments& arguments) {
  auto known = program.calls.find(arguments.entry);
  if (known == program.calls.end()) {
    Call call;
    call.plan = plan_call(program.text, arguments.entry, info.emulator);
    known = program.calls.emplace(arguments.entry, std::move(call)).first;
  }
  Call& call = known->second;
  if (call.linked.generation != generation || call.linked.image_base != arguments.image_base) {
    call.linked = link_call(call.plan, arguments.image_base, generation, memory, images, info.emulator.num_engines,
                            pool.num_threads());
  }
  return call;
}

FunctionalDevice::Impl::MemoryUse FunctionalDevice::Impl::check_memory(const Call& call, const RunArguments& arguments,
                                                                       Failure& failure) const {
  MemoryUse use;
  use.valid = call.linked.valid;
  for (const std::uint32_t i : call.plan.transfers) {
    if (i >= call.linked.valid) break;
    const Instruction& instruction = call.plan.instructions[i];
    const bool is_load = instruction.opcode == Opcode::kLoadX;
    const auto address = is_load ? load_address : store_address;
    const std::uint64_t bytes = is_load ? instruction.length : std::uint64_t{4} * instruction.length;
    const Address begin = address(instruction, arguments, 0);
    const Address end = address(instruction, arguments, arguments.num_vectors - 1) + bytes;
    // Mostly all vectors lie in one allocation; otherwise they are looked at one by one.
    for (std::uint32_t v = 0; memory.find(begin, end - begin) == nullptr && v < arguments.num_vectors; ++v) {
      const Address row = address(instruction, arguments, v);
      if (memory.find(row, bytes) != nullptr) continue;
      const Address line = (row + memory.mapped_from(row)) / arch::kMemoryAlignment * arch::kMemoryAlignment;
      failure = {DeviceError::kMemoryDecerr, program::unit_of(instruction), call.plan.entry + i, line};
      use.valid = i;
      return use;
    }
    (is_load ? use.x : use.y).include(begin, end);
  }
  return use;
}

void FunctionalDevice::Impl::execute(Call& call, const RunArguments& arguments, RunStats& stats, Failure& failure) {
  failure = call.linked.failure;
  const MemoryUse use = check_memory(call, arguments, failure);
  const bool aliased = use.x.begin < use.y.end && use.y.begin < use.x.end;
  stats.adc_saturations = executor.execute(call.plan, call.linked, use.valid, aliased, arguments);
  const CallTotals totals = use.valid == call.linked.valid
                                ? call.linked.totals
                                : sum_events(std::span(call.plan.instructions).first(use.valid));
  count_events(totals, arguments.num_vectors, stats);
  // The failing instruction counts as dispatched unless it could not be fetched.
  stats.instructions = std::min<std::uint64_t>(use.valid + (failure ? 1 : 0), call.plan.dispatched);
  stats.program_bytes_read = arch::kProgramHeaderBytes + stats.instructions * arch::kInstructionBytes;
  if (use.y.end > use.y.begin) invalidate(use.y.begin, use.y.end - use.y.begin);  // `call` may be gone
}

void FunctionalDevice::Impl::complete(std::byte* record, const RunArguments& arguments, RunStats& stats,
                                      Failure& failure) {
  if (record == nullptr && !failure) {
    const auto halt = arguments.entry + static_cast<std::uint32_t>(stats.instructions) - 1;
    failure = {DeviceError::kMemoryDecerr, arch::kUnitDispatch, halt, arguments.completion_base};
  }
  stats.status = static_cast<std::uint32_t>(failure.code);
  stats.error_unit = failure ? failure.unit : 0;
  stats.error_instruction = failure ? failure.instruction : 0;
  stats.error_detail = failure ? failure.detail : 0;
  if (record == nullptr) return;
  const std::vector<std::byte> bytes = device::encode_completion(stats, arguments, info.contract_hash);
  std::copy(bytes.begin(), bytes.end(), record);
  invalidate(arguments.completion_base, bytes.size());
}

FunctionalDevice::FunctionalDevice(const arch::EmulatorDescription& emulator, ThreadPool& pool, const Study& study)
    : HostMemoryDevice({study.device_name(), emulator, arch::kContractHash, false}) {
  device::check_emulator("functional", emulator);
  impl_ = std::make_unique<Impl>(info(), memory(), pool, study);
}
FunctionalDevice::~FunctionalDevice() = default;

void FunctionalDevice::memory_changed(Address address, std::uint64_t bytes) {
  impl_->invalidate(address, bytes);
}

RunStats FunctionalDevice::run(const RunArguments& arguments) {
  RunStats stats;
  Failure failure = impl_->check_arguments(arguments);
  if (!failure) {
    if (Impl::LoadedProgram* program = impl_->find_program(arguments, stats, failure); program != nullptr) {
      impl_->execute(impl_->find_call(*program, arguments), arguments, stats, failure);
    }
  }
  impl_->complete(completion_record(arguments), arguments, stats, failure);
  last_run_ = stats;
  if (failure) throw Error(ErrorCode::kDeviceFault, info().name + ": " + device::describe_failure(stats));
  return stats;
}

}  // namespace xw::functional
