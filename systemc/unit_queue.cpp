// The instruction queue of one unit.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "systemc/unit_queue.hpp"

#include <algorithm>

#include "systemc/rtl_timing.hpp"

namespace xw::systemc {

using program::Opcode;

UnitQueue::UnitQueue(const sc_core::sc_module_name& name, std::uint32_t unit, RunControl& control)
    : sc_core::sc_module(name), unit_(unit), control_(control) {
  SC_HAS_PROCESS(UnitQueue);
  SC_THREAD(run);
  payload_.set_command(tlm::TLM_WRITE_COMMAND);
  payload_.set_address(0);
  payload_.set_data_length(sizeof(program::EncodedInstruction));
  payload_.set_streaming_width(sizeof(program::EncodedInstruction));
  payload_.set_extension(&command_);
}

UnitQueue::~UnitQueue() {
  payload_.clear_extension(&command_);
}

bool UnitQueue::full() const {
  return entries_.size() >= rtl::kQueueDepth;
}

bool UnitQueue::blocked() const {
  return !executing_ && !entries_.empty() && control_.semaphores.missing(entries_.front().instruction).has_value();
}

bool UnitQueue::quiet() const {
  return !executing_ && (entries_.empty() || !control_.may_begin(entries_.front().index) || blocked());
}

RunFault UnitQueue::starved() const {
  const Entry& entry = entries_.front();
  const std::uint32_t missing = *control_.semaphores.missing(entry.instruction);
  return {{arch::DeviceError::kWatchdog, missing}, unit_, entry.index};
}

void UnitQueue::push(const program::Instruction& instruction, const program::EncodedInstruction& words,
                     std::uint32_t index) {
  entries_.push_back({instruction, words, index, control_.clock.now() + rtl::kPushToTake});
  if (entries_.size() == 1) pushed_.notify(control_.clock.span(rtl::kPushToTake));
}

void UnitQueue::abort() {
  entries_.clear();
  pushed_.cancel();
  aborted_.notify();
}

void UnitQueue::run() {
  for (;;) {
    if (entries_.empty()) {
      wait(pushed_);
    } else if (const Cycles now = control_.clock.now(); now < entries_.front().visible) {
      wait(control_.clock.span(entries_.front().visible - now), aborted_);
    } else if (!control_.may_begin(entries_.front().index)) {
      control_.progress.notify();
      wait(aborted_);
    } else if (control_.semaphores.missing(entries_.front().instruction)) {
      wait_for_tokens(entries_.front());
    } else {
      execute(entries_.front());
      control_.progress.notify();
    }
  }
}

void UnitQueue::wait_for_tokens(const Entry& entry) {
  const Cycles begin = control_.clock.now();
  const std::uint32_t missing = *control_.semaphores.missing(entry.instruction);
  control_.progress.notify();
  wait(control_.semaphores.signalled(missing) | aborted_);
  // After an abort the run, and with it the clock, may be another one.
  if (!entries_.empty()) control_.counters.semaphore_stall_cycles[unit_] += control_.clock.now() - begin;
}

void UnitQueue::execute(Entry& entry) {
  control_.semaphores.take(entry.instruction);
  executing_ = true;
  if (entry.instruction.opcode == Opcode::kSync) {
    const bool waited = entry.instruction.wait0_count != 0 || entry.instruction.wait1_count != 0;
    wait(control_.clock.span(rtl::kDoneToTake + (waited && entry.instruction.signal ? rtl::kTakeToSignal : 0)));
  } else {
    command_.instruction = entry.instruction;
    command_.run = &control_.arguments;
    command_.fault = {};
    command_.memory_stall = 0;
    command_.at_work.reset();
    payload_.set_data_ptr(reinterpret_cast<unsigned char*>(entry.words.data()));
    payload_.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
    const Cycles begin = control_.clock.now();
    sc_core::sc_time delay = control_.clock.span(rtl::kTakeToIssue);
    executor->b_transport(payload_, delay);
    wait(delay);
    if (!payload_.is_response_ok() && !command_.fault) {
      SC_REPORT_FATAL(name(), "the executor answered a command with neither success nor a fault");
    }
    const Cycles at_work = command_.at_work.value_or(control_.clock.now() - begin);
    control_.counters.busy_cycles[unit_] += at_work - std::min(at_work, command_.memory_stall);
    control_.counters.memory_stall_cycles[unit_] += command_.memory_stall;
    if (command_.fault) {
      control_.report({command_.fault, unit_, entry.index});
      executing_ = false;
      return;
    }
    wait(control_.clock.span(rtl::kDoneToTake));
  }
  executing_ = false;
  signal(entry);
  entries_.pop_front();
}

void UnitQueue::signal(const Entry& entry) {
  if (!entry.instruction.signal) return;
  const std::uint32_t id = entry.instruction.signal_id;
  if (!control_.semaphores.signal(id)) {
    control_.report({{arch::DeviceError::kSemaphoreOverflow, id}, unit_, entry.index});
  }
}

}  // namespace xw::systemc
