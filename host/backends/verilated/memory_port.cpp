// Device memory behind AXI4: what an accelerator's bus masters talk to, with time, back-pressure and faults.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/backends/verilated/memory_port.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <utility>

#include "arch/support/error.hpp"
#include "arch/support/split_mix.hpp"

namespace xw::verilated {
namespace {

constexpr std::uint64_t kPageBytes = 4096;
constexpr std::uint8_t kIncrementing = 1;
constexpr std::uint8_t kOkay = 0, kSlverr = 2, kDecerr = 3;

[[nodiscard]] std::uint64_t burst_bytes(const BurstRequest& request, std::uint32_t beat_bytes) {
  return (std::uint64_t{request.length} + 1) * beat_bytes;
}

[[nodiscard]] std::string hex(Address address) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (Address rest = address; rest != 0 || text.empty(); rest >>= 4) text += kDigits[rest & 15U];
  return "0x" + std::string(text.rbegin(), text.rend());
}

}  // namespace

StallCoin::StallCoin(double probability, std::uint64_t seed)
    : threshold_(static_cast<std::uint64_t>(std::llround(std::clamp(probability, 0.0, 1.0) * 0x1p32))), state_(seed) {}

std::uint32_t StallCoin::next() {
  state_ += kSplitMixStep;
  return static_cast<std::uint32_t>(split_mix(state_) >> 32U);
}

RequestRules::RequestRules(std::string channel, std::uint32_t beat_bytes, std::uint32_t num_ids)
    : channel_(std::move(channel)),
      beat_bytes_(beat_bytes),
      num_ids_(num_ids),
      size_(static_cast<std::uint8_t>(std::countr_zero(beat_bytes))) {}

void RequestRules::violated(std::uint64_t cycle, const std::string& what) const {
  throw Error(ErrorCode::kInternal,
              "AXI protocol violated on " + channel_ + " in cycle " + std::to_string(cycle) + ": " + what);
}

void RequestRules::check(const BurstRequest& request, bool ready, std::uint64_t cycle) {
  if (pending_.valid && request != pending_) {
    violated(cycle, request.valid ? "the request changed before it was accepted" : "the request was withdrawn");
  }
  if (!request.valid) return;
  if (!pending_.valid) {
    if (request.size != size_) {
      violated(cycle, "size " + std::to_string(request.size) + ", expected " + std::to_string(size_));
    }
    if (request.burst != kIncrementing) {
      violated(cycle, "burst type " + std::to_string(request.burst) + ", expected INCR (1)");
    }
    if (request.id >= num_ids_) {
      violated(cycle, "id " + std::to_string(request.id) + ", expected below " + std::to_string(num_ids_));
    }
    if (request.address % beat_bytes_ != 0) violated(cycle, "misaligned address " + hex(request.address));
    if (request.address % kPageBytes + burst_bytes(request, beat_bytes_) > kPageBytes) {
      violated(cycle, "a burst of " + std::to_string(request.length + 1) + " beats at " + hex(request.address) +
                          " crosses a 4 KiB boundary");
    }
  }
  pending_ = request;
  pending_.valid = !ready;
}

ReadPort::ReadPort(const device::DeviceMemory& memory, const MemoryFaults& faults, const PortOptions& options,
                   std::string name, std::uint32_t beat_bytes, std::uint32_t num_ids)
    : memory_(memory),
      faults_(faults),
      options_(options),
      beat_bytes_(beat_bytes),
      rules_(std::move(name), beat_bytes, num_ids),
      coin_(options.backpressure, options.seed),
      beats_(options.bytes_per_cycle, beat_bytes) {
  reset();
}

void ReadPort::reset() {
  for (auto& queue : bursts_) queue.clear();
  num_bursts_ = 0;
  current_ = nullptr;
  rules_.reset();
  outputs_ = {};
  outputs_.ar_ready = true;
}

void ReadPort::accept(const BurstRequest& request, std::uint64_t cycle) {
  Burst burst;
  burst.address = request.address;
  burst.beats = request.length + 1U;
  burst.due = cycle + options_.latency_cycles;
  burst.order = order_++;
  burst.id = request.id;
  const std::uint64_t bytes = burst_bytes(request, beat_bytes_);
  burst.data = memory_.find(request.address, bytes);  // pages are memory or not, and bursts do not cross them
  burst.range = {request.address, request.address + bytes};
  auto& queue = bursts_[request.id];
  queue.push_back(burst);
  ++num_bursts_;
  ++transfers_;
  if (options_.promised_bursts != 0 && queue.size() > options_.promised_bursts) {
    rules_.violated(cycle, std::to_string(queue.size()) + " bursts of id " + std::to_string(request.id) +
                               " under way, expected at most " + std::to_string(options_.promised_bursts));
  }
}

ReadPort::Burst* ReadPort::choose(std::uint64_t cycle) {
  Burst* chosen = nullptr;
  for (auto& queue : bursts_) {
    if (queue.empty() || hangs(queue.front().range) || queue.front().due > cycle + 1) continue;
    Burst* burst = &queue.front();
    if (coin_.random()) {
      if (chosen == nullptr || (coin_.next() & 1U) != 0) chosen = burst;
    } else if (burst == current_) {
      return burst;  // a burst that has begun is finished first
    } else if (chosen == nullptr || burst->order < chosen->order) {
      chosen = burst;
    }
  }
  return chosen;
}

bool ReadPort::clock(const BurstRequest& request, bool r_ready, std::uint64_t cycle) {
  rules_.check(request, outputs_.ar_ready, cycle);
  const Outputs before = outputs_;
  if (outputs_.r_valid && r_ready) {
    outputs_.r_valid = false;
    ++transfers_;
    current_->address += beat_bytes_;
    if (current_->data != nullptr) current_->data += beat_bytes_;
    if (--current_->beats == 0) {
      bursts_[current_->id].pop_front();
      --num_bursts_;
      current_ = nullptr;
    }
  }
  if (request.valid && outputs_.ar_ready) accept(request, cycle);
  if (!outputs_.r_valid && num_bursts_ != 0 && beats_.due(cycle + 1) && !coin_.stall()) {
    if (Burst* burst = choose(cycle); burst != nullptr) {
      beats_.take(cycle + 1);
      current_ = burst;
      outputs_.r_valid = true;
      outputs_.r_last = burst->beats == 1;
      outputs_.r_id = burst->id;
      outputs_.r_data = burst->data;
      const bool slverr = faults_.read_slverr.overlaps(burst->address, burst->address + beat_bytes_);
      outputs_.r_response = burst->data == nullptr ? kDecerr : slverr ? kSlverr : kOkay;
    }
  }
  outputs_.ar_ready = !coin_.stall();
  if (options_.max_outstanding != 0) {
    for (const auto& queue : bursts_) outputs_.ar_ready = outputs_.ar_ready && queue.size() < options_.max_outstanding;
  }
  return outputs_.r_valid || before.r_valid || outputs_.ar_ready != before.ar_ready;
}

WritePort::WritePort(const device::DeviceMemory& memory, const MemoryFaults& faults, const PortOptions& options,
                     std::string name, std::uint32_t beat_bytes)
    : memory_(memory),
      faults_(faults),
      options_(options),
      beat_bytes_(beat_bytes),
      rules_(std::move(name), beat_bytes, 1),
      coin_(options.backpressure, options.seed),
      beats_(options.bytes_per_cycle, beat_bytes),
      held_data_(beat_bytes),
      held_strobes_((beat_bytes + 7) / 8) {
  reset();
}

void WritePort::reset() {
  bursts_.clear();
  filling_ = 0;
  held_beat_ = false;
  rules_.reset();
  outputs_ = {};
  outputs_.aw_ready = true;
}

void WritePort::accept(const BurstRequest& request) {
  Burst burst;
  burst.address = request.address;
  burst.beats = request.length + 1U;
  const std::uint64_t bytes = burst_bytes(request, beat_bytes_);
  burst.data = memory_.find(request.address, bytes);
  burst.range = {request.address, request.address + bytes};
  if (faults_.write_slverr.overlaps(request.address, request.address + bytes)) burst.response = kSlverr;
  if (burst.data == nullptr) burst.response = kDecerr;
  bursts_.push_back(burst);
  ++transfers_;
}

void WritePort::take_beat(const Beat& beat, std::uint64_t cycle) {
  Burst& burst = bursts_[filling_];
  if (beat.last != (burst.beats == 1)) {
    rules_.violated(cycle, std::string("the last beat is ") + (beat.last ? "too early, " : "not marked, ") +
                               std::to_string(burst.beats) + " beats were to come");
  }
  if (burst.response == kOkay) {
    for (std::uint32_t i = 0; i < beat_bytes_; ++i) {
      if ((beat.strobes[i / 8] >> (i % 8) & 1U) != 0) burst.data[i] = beat.data[i];
    }
  }
  if (burst.data != nullptr) burst.data += beat_bytes_;
  ++transfers_;
  beats_.take(cycle);
  if (--burst.beats == 0) {
    burst.due = cycle + options_.latency_cycles;
    ++filling_;
  }
}

void WritePort::check_held(const Beat& beat, std::uint64_t cycle) {
  const std::size_t strobe_bytes = held_strobes_.size();
  if (held_beat_) {
    if (!beat.valid) rules_.violated(cycle, "a beat was withdrawn");
    if (beat.last != held_last_ || std::memcmp(beat.data, held_data_.data(), beat_bytes_) != 0 ||
        std::memcmp(beat.strobes, held_strobes_.data(), strobe_bytes) != 0) {
      rules_.violated(cycle, "a beat changed before it was accepted");
    }
  }
  held_beat_ = beat.valid && !outputs_.w_ready;
  if (!held_beat_) return;
  held_last_ = beat.last;
  std::memcpy(held_data_.data(), beat.data, beat_bytes_);
  std::memcpy(held_strobes_.data(), beat.strobes, strobe_bytes);
}

bool WritePort::clock(const BurstRequest& request, const Beat& beat, bool b_ready, std::uint64_t cycle) {
  rules_.check(request, outputs_.aw_ready, cycle);
  check_held(beat, cycle);
  const Outputs before = outputs_;
  if (outputs_.b_valid && b_ready) {
    outputs_.b_valid = false;
    bursts_.pop_front();
    --filling_;
    ++transfers_;
  }
  if (beat.valid && outputs_.w_ready) take_beat(beat, cycle);
  if (request.valid && outputs_.aw_ready) accept(request);
  if (options_.promised_bursts != 0 && bursts_.size() > options_.promised_bursts) {
    rules_.violated(cycle, std::to_string(bursts_.size()) + " bursts under way, expected at most " +
                               std::to_string(options_.promised_bursts));
  }
  if (!outputs_.b_valid && filling_ != 0 && !hangs(bursts_.front().range) && bursts_.front().due <= cycle + 1 &&
      !coin_.stall()) {
    outputs_.b_valid = true;
    outputs_.b_response = bursts_.front().response;
  }
  outputs_.w_ready = filling_ < bursts_.size() && beats_.due(cycle + 1) && !coin_.stall();
  outputs_.aw_ready = (options_.max_outstanding == 0 || bursts_.size() < options_.max_outstanding) && !coin_.stall();
  return outputs_.b_valid != before.b_valid || outputs_.w_ready != before.w_ready ||
         outputs_.aw_ready != before.aw_ready;
}

}  // namespace xw::verilated
