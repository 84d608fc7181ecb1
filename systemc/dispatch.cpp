// Fetch, dispatch and completion: one run from start to done.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "systemc/dispatch.hpp"

#include <algorithm>
#include <cstring>

#include "systemc/completion.hpp"
#include "systemc/rtl_timing.hpp"

namespace xw::systemc {
namespace {

using arch::DeviceError;
using program::Opcode;

[[nodiscard]] std::uint32_t word_at(const std::byte* data, std::uint32_t offset) {
  std::uint32_t value = 0;
  std::memcpy(&value, data + offset, sizeof value);
  return value;
}

}  // namespace

Dispatch::Dispatch(const sc_core::sc_module_name& name, RunControl& run_control)
    : sc_core::sc_module(name), control_(run_control), registers_(run_control), reader_(run_control, rtl::kReadMux) {
  SC_HAS_PROCESS(Dispatch);
  SC_THREAD(run);
  control.register_b_transport(this, &Dispatch::access_registers);
}

void Dispatch::access_registers(tlm::tlm_generic_payload& payload, sc_core::sc_time&) {
  const std::uint64_t address = payload.get_address();
  if (payload.get_data_length() != 4 || payload.get_byte_enable_ptr() != nullptr) {
    payload.set_response_status(tlm::TLM_BURST_ERROR_RESPONSE);
    return;
  }
  if (address % 4 != 0 || address >= arch::kRegisterWindowBytes) {
    payload.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
    return;
  }
  std::uint32_t value = 0;
  if (payload.is_read()) {
    value = registers_.read(static_cast<std::uint32_t>(address));
    std::memcpy(payload.get_data_ptr(), &value, sizeof value);
  } else if (payload.is_write()) {
    std::memcpy(&value, payload.get_data_ptr(), sizeof value);
    if (registers_.write(static_cast<std::uint32_t>(address), value)) {
      registers_.run_started();
      start_.notify(sc_core::SC_ZERO_TIME);
    }
  }
  payload.set_response_status(tlm::TLM_OK_RESPONSE);
}

void Dispatch::run() {
  for (;;) {
    wait(start_);
    do {
      registers_.run_started();
      execute();
    } while (registers_.run_ended(total_cycles_));
    done_.notify(sc_core::SC_ZERO_TIME);
  }
}

void Dispatch::report(std::uint32_t instruction, const Fault& fault) {
  control_.report({fault, arch::kUnitDispatch, instruction});
}

void Dispatch::execute() {
  control_.clock.restart();
  control_.arguments = registers_.arguments();
  control_.counters = {};
  control_.inputs.clear();
  control_.fault.reset();
  control_.semaphores.clear();
  reader_.restart();
  if (reset_) reset_();
  if (begin_) begin_();
  current_ = next_ = {};
  Fault fault = check_arguments();
  if (!fault) fault = read_header();
  if (fault) {
    report(control_.arguments.entry, fault);
  } else {
    dispatch_all();
  }
  complete();
}

Fault Dispatch::check_arguments() const {
  const RunArguments& run = control_.arguments;
  const arch::EmulatorDescription& emulator = control_.settings.emulator;
  if (run.num_vectors == 0 || run.num_vectors > emulator.max_batch) {
    return {DeviceError::kBadNumVectors, run.num_vectors};
  }
  std::array<std::uint64_t, 4 + arch::kMaxEngines> bases = {run.program_base, run.x_base, run.y_base,
                                                            run.completion_base};
  std::copy_n(run.image_base.begin(), emulator.num_engines, bases.begin() + 4);
  for (const std::uint64_t base : bases) {
    if (base % arch::kMemoryAlignment != 0) return {DeviceError::kMisaligned, base};
  }
  return {};
}

Fault Dispatch::read_header() {
  const RunArguments& run = control_.arguments;
  std::array<std::byte, arch::kProgramHeaderBytes> header{};
  Cycles last = 0;
  const auto consume = [&](const Burst& burst) { return last = burst.last; };
  const Fault fault = reader_.read(*memory.operator->(), rtl::kHeaderRequest, run.program_base, header.data(),
                                   header.size(), header.size(), consume);
  if (fault) return fault;
  // The first instructions are requested behind the header, before it is known how many there are.
  num_instructions_ = word_at(header.data(), arch::kProgramHeaderNumInstructionsOffset);
  fetch(current_, run.entry, rtl::kHeaderRequest + 1);
  wait(control_.clock.span(last + rtl::kHeaderToStream));
  control_.counters.program_bytes_read = arch::kProgramHeaderBytes;
  const std::uint32_t magic = word_at(header.data(), arch::kProgramHeaderMagicOffset);
  if (magic != arch::kProgramHeaderMagic) return {DeviceError::kProgramHeader, magic};
  const std::uint32_t version = word_at(header.data(), arch::kProgramHeaderIsaVersionOffset);
  if (version != arch::kIsaVersion) return {DeviceError::kProgramHeader, version};
  if (std::memcmp(header.data() + arch::kProgramHeaderContractHashOffset, arch::kContractHash.data(),
                  arch::kContractHash.size()) != 0) {
    return {DeviceError::kContractMismatch, word_at(header.data(), arch::kProgramHeaderContractHashOffset)};
  }
  if (run.entry >= num_instructions_) return {DeviceError::kEntryRange, run.entry};
  fetch(next_, current_.begin + current_.count, control_.clock.now());
  return {};
}

void Dispatch::fetch(Chunk& chunk, std::uint32_t index, Cycles request) {
  constexpr std::uint32_t kPerLine = arch::kMemoryAlignment / arch::kInstructionBytes;
  chunk.begin = index - index % kPerLine;
  chunk.count = 0;
  chunk.fault = {};
  if (index >= num_instructions_) return;
  const std::uint64_t address = control_.arguments.program_base + arch::kProgramHeaderBytes +
                                std::uint64_t{chunk.begin} * arch::kInstructionBytes;
  const std::uint64_t to_border = rtl::kFetchBytes - address % rtl::kFetchBytes;
  // Before the header is in, it is not known where the program ends.
  const std::uint64_t known = index == control_.arguments.entry ? ~std::uint64_t{0} : num_instructions_ - chunk.begin;
  const std::uint64_t lines = known == ~std::uint64_t{0} ? known : (known + kPerLine - 1) / kPerLine;
  const std::uint64_t bytes = std::min(to_border / arch::kMemoryAlignment, lines) * arch::kMemoryAlignment;
  const auto count = static_cast<std::uint32_t>(bytes / arch::kInstructionBytes);
  chunk.words.resize(count);
  const auto consume = [&](const Burst& burst) {
    chunk.first = burst.first;
    return burst.last;
  };
  chunk.fault = reader_.read(*memory.operator->(), request, address, reinterpret_cast<std::byte*>(chunk.words.data()),
                             bytes, bytes, consume);
  if (!chunk.fault) chunk.count = count;
}

Cycles Dispatch::advance(std::uint32_t index) {
  if (index >= current_.begin + current_.count && !current_.fault) {
    std::swap(current_, next_);
    fetch(next_, current_.begin + current_.count, control_.clock.now());
  }
  const std::uint32_t per_beat = std::max(1U, control_.settings.beat_bytes() / arch::kInstructionBytes);
  return current_.first + (index - current_.begin) / per_beat + rtl::kFetchToDispatch;
}

void Dispatch::dispatch_all() {
  Cycles last = rtl::kHeaderRequest;  // cycle of the last dispatch
  for (std::uint32_t index = control_.arguments.entry; control_.may_begin(index); ++index) {
    if (index >= num_instructions_) return report(index, {DeviceError::kEntryRange, index});
    const Cycles arrival = advance(index);
    if (current_.fault) return report(index, current_.fault);
    const Cycles now = control_.clock.now();
    wait(control_.clock.span(arrival > now ? arrival - now : 1));
    // Waiting for fetch, not for a queue.
    if (arrival > now) control_.counters.memory_stall_cycles[arch::kUnitDispatch] += arrival - last - 1;
    last = control_.clock.now();
    ++control_.counters.instructions;
    ++control_.counters.busy_cycles[arch::kUnitDispatch];
    if (!dispatch(index)) return;
  }
}

Fault Dispatch::check_engine(const program::Instruction& instruction, std::uint32_t unit) const {
  const std::uint32_t engines = control_.settings.emulator.num_engines;
  if (instruction.opcode == Opcode::kSync && arch::unit_engine(unit) >= engines) return {DeviceError::kBadEngine, unit};
  const bool has_engine = instruction.opcode == Opcode::kLoadBlock || instruction.opcode == Opcode::kMvm;
  if (has_engine && instruction.engine >= engines) return {DeviceError::kBadEngine, instruction.engine};
  return {};
}

bool Dispatch::dispatch(std::uint32_t index) {
  const program::EncodedInstruction& words = current_.words[index - current_.begin];
  const program::Decoded decoded = program::decode(words);
  const program::Instruction& instruction = decoded.instruction;
  if (decoded.error != 0) {
    report(index, {DeviceError{decoded.error}, words[0]});
    return false;
  }
  const std::uint32_t unit = program::unit_of(instruction);
  if (const Fault fault = check_engine(instruction, unit)) {
    report(index, fault);
    return false;
  }
  switch (instruction.opcode) {
    case Opcode::kNop:
      return true;
    case Opcode::kFence:
      if (!wait_until([&] { return all_idle(); })) return false;
      wait(control_.clock.span(rtl::kFenceToDispatch));
      return true;
    case Opcode::kHalt:
      if (!wait_until([&] { return all_idle(); })) return false;
      if (const auto leftover = control_.semaphores.leftover(); leftover && !control_.fault) {
        report(index, {DeviceError::kSemaphoreLeftover, *leftover});
      }
      return false;
    default: {
      UnitQueue& queue = *queues_[unit];
      if (!wait_until([&] { return !queue.full(); })) return false;
      queue.push(instruction, words, index);
      return true;
    }
  }
}

bool Dispatch::all_idle() const {
  return std::all_of(queues_.begin(), queues_.end(), [](const UnitQueue* q) { return q == nullptr || q->idle(); });
}

bool Dispatch::all_quiet() const {
  return std::all_of(queues_.begin(), queues_.end(), [](const UnitQueue* q) { return q == nullptr || q->quiet(); });
}

template <typename Condition>
bool Dispatch::wait_until(Condition&& condition) {
  while (!condition()) {
    if (all_quiet()) return false;  // an error stopped the units, or they wait for each other
    wait(control_.progress);
  }
  return true;
}

void Dispatch::complete() {
  // Instructions before a failed one run to their end; those that wait for tokens will never get them.
  while (!all_quiet()) wait(control_.progress);
  bool starved = false;
  for (const UnitQueue* queue : queues_) {
    if (queue == nullptr || !queue->blocked()) continue;
    const RunFault fault = queue->starved();
    if (!control_.may_begin(fault.instruction)) continue;
    control_.report(fault);
    starved = true;
  }
  if (starved) {
    const std::uint32_t cycles = control_.arguments.watchdog_cycles;
    wait(control_.clock.span(cycles == 0 ? rtl::kDefaultWatchdog : cycles));
  }
  for (UnitQueue* queue : queues_) {
    if (queue != nullptr) queue->abort();
  }
  Counters& counters = control_.counters;
  if (counters.program_bytes_read != 0) {
    counters.program_bytes_read += counters.instructions * arch::kInstructionBytes;
  }
  if (halt_) {
    if (!control_.fault) halt_();
    total_cycles_ = 0;
    counters.busy_cycles = counters.semaphore_stall_cycles = counters.memory_stall_cycles = {};
  } else {
    total_cycles_ = control_.clock.now() + rtl::kIdleToEnd;
  }
  const Cycles begin = control_.clock.now() + rtl::kIdleToEnd + rtl::kEndToRecord;
  const Cycles beats = (arch::kCompletionBytes + control_.settings.beat_bytes() - 1) / control_.settings.beat_bytes();
  Cycles end = begin + beats;
  std::vector<std::byte> record = encode_completion(control_, total_cycles_);
  tlm::tlm_generic_payload payload;
  payload.set_command(tlm::TLM_WRITE_COMMAND);
  payload.set_address(control_.arguments.completion_base);
  payload.set_data_ptr(reinterpret_cast<unsigned char*>(record.data()));
  payload.set_data_length(static_cast<unsigned>(record.size()));
  payload.set_streaming_width(static_cast<unsigned>(record.size()));
  if (control_.arguments.completion_base % arch::kMemoryAlignment == 0) {
    sc_core::sc_time delay = control_.clock.span(end - 1 - control_.clock.now());
    memory->b_transport(payload, delay);
    const Fault fault = fault_of(payload);
    if (fault && !control_.fault) {
      const std::uint32_t halt = control_.arguments.entry + static_cast<std::uint32_t>(counters.instructions) - 1;
      report(halt, fault);
    }
    end = control_.clock.now() + control_.clock.count(delay);
  }
  wait(control_.clock.span(end + rtl::kRecordToDone - control_.clock.now()));
}

}  // namespace xw::systemc
