// Lets the tokens of a pass go through the rounds of a plan together.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "systemc/chip/round_gate.hpp"

namespace xw::systemc {

void RoundGate::configure(const ChipPlan& plan) {
  borders_ = plan.borders();
  border_.clear();
  num_borders_ = 0;
  for (const bool is_border : borders_) {
    num_borders_ += is_border ? 1U : 0U;
    border_.push_back(num_borders_);
  }
}

void RoundGate::start(const ChipWorkload& workload) {
  workload_ = workload;
  loaded_ = kNoRound;
  writing_ = false;
  arrived_.clear();
}

std::uint64_t RoundGate::tokens_of(std::uint32_t pass) const {
  const bool is_prompt = workload_.prompt_tokens != 0 && pass == 0;
  return std::uint64_t{workload_.num_sequences} * (is_prompt ? workload_.prompt_tokens : 1);
}

void RoundGate::arrive(std::uint32_t pass, std::uint32_t step) {
  const std::uint32_t border = border_[step] - 1;
  if (++arrived_.try_emplace(pass, num_borders_, 0).first->second[border] != tokens_of(pass)) return;
  if (border == 0 && pass != 0) arrived_.erase(pass - 1);  // a sequence's next token comes when the one before has gone
  changed_.notify();
}

bool RoundGate::enter(std::uint32_t pass, std::uint32_t step, std::uint32_t round) {
  // Who is at the last border, or behind it, has done with what was in the tiles before.
  const std::uint64_t& arrived = arrived_.at(pass)[border_[step] - 1];
  while (arrived != tokens_of(pass) || writing_) sc_core::wait(changed_);
  if (loaded_ == round) return false;
  loaded_ = round;
  writing_ = true;
  return true;
}

void RoundGate::written() {
  writing_ = false;
  changed_.notify();
}

}  // namespace xw::systemc
