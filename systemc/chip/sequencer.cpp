// Drives tokens through the plan.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "systemc/chip/sequencer.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "systemc/chip/chip_links.hpp"

namespace xw::systemc {
namespace {

constexpr std::uint32_t kToHost = 1;  // address of this direction of the host link

}  // namespace

struct Sequencer::Token {
  std::uint32_t sequence = 0, position = 0;
  std::uint32_t pass = 0;  ///< tokens of one pass go through the rounds together
  bool prompt = false, logits = true;
  Token* before = nullptr;                   ///< in the same prompt
  std::uint32_t started = 0, completed = 0;  ///< steps
  std::uint32_t step = 0;
  std::uint32_t chip = 0;                   ///< where its activations are
  std::uint64_t resident = 0, spilled = 0;  ///< bytes of its activations in the buffer and in memory
  sc_core::sc_event advanced;
};

struct Sequencer::Scratch {
  tlm::tlm_generic_payload payload;
  Work work;
  std::vector<sc_core::sc_time> arrivals, ends;
  std::vector<Breakdown> transfers, mvms;
  std::vector<std::uint32_t> order;
  struct Arrival {
    sc_core::sc_time at;
    Breakdown path;  ///< since the inputs were ready
  };
  std::vector<std::vector<Arrival>> packets;  ///< by packet and hop
  struct Returned {
    sc_core::sc_time ready;  ///< the last sum of the chip
    std::uint32_t last = 0;
    Breakdown output;
  };
  std::vector<Returned> returned;  ///< by return

  Scratch() {
    payload.set_command(tlm::TLM_IGNORE_COMMAND);
    payload.set_extension(&work);
  }
  ~Scratch() { payload.clear_extension(&work); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
};

Sequencer::Sequencer(const sc_core::sc_module_name& name) : sc_core::sc_module(name) {
  SC_HAS_PROCESS(Sequencer);
  SC_THREAD(run);
}

void Sequencer::configure(const ChipPlan& plan, const arch::ChipDescription& chip, const ChipCosts& costs) {
  plan_ = &plan;
  has_accumulators_ = costs.has_accumulator;
  has_buffer_ = costs.has_buffer;
  buffer_bytes_ = chip.buffer_bytes;
  sum_bytes_ = costs.sum_bytes;
  calls_.clear();
  host_calls_.clear();
  paths_.clear();
  // A token without logits leaves out steps: from any chip that has steps to any that has some behind it.
  for (std::size_t s = 0; plan.num_chips > 1 && s < plan.steps.size(); ++s) {
    for (std::size_t before = 0; before < s; ++before) {
      const std::uint32_t from = plan.steps[before].chip, to = plan.steps[s].chip;
      if (from != to && !paths_.contains({from, to}))
        paths_[{from, to}] = chip_path(chip.links, plan.num_chips, from, to);
    }
  }
  rounds_.clear();
  for (const RoundWork& round : plan.rounds) {
    PreparedRound& prepared = rounds_.emplace_back();
    prepared.rows_ns = arch::write_rows_ns(chip, round.writing);
    for (const std::uint32_t tile : round.tiles) prepared.stacks.push_back(chip.stack_of(tile, plan.num_tiles));
    std::sort(prepared.stacks.begin(), prepared.stacks.end());
    prepared.stacks.erase(std::unique(prepared.stacks.begin(), prepared.stacks.end()), prepared.stacks.end());
  }
  write_cell_pj_ = arch::write_cell_pj(chip);
  gate_.configure(plan);
  for (const CallWork& call : plan.calls) {
    std::vector<PreparedCall>& copies = calls_.emplace_back();
    for (std::uint32_t copy = 0; copy < call.num_copies(); ++copy) {
      CallWork one = call;
      one.blocks = call.blocks_of(copy);
      copies.push_back(prepare(one, chip, costs));
      if (plan.num_chips == 1) continue;
      if (copy == 0) host_calls_.emplace_back();
      one.chip = 0;
      host_calls_.back().push_back(prepare(one, chip, costs));
    }
  }
}

Sequencer::PreparedCall Sequencer::prepare(const CallWork& call, const arch::ChipDescription& chip,
                                           const ChipCosts& costs) const {
  RoutedCall routed = route(call, chip, *plan_);
  PreparedCall prepared;
  prepared.chip = routed.chip;
  prepared.transfers = std::move(routed.transfers);
  prepared.packets = std::move(routed.packets);
  prepared.returns = std::move(routed.returns);
  for (const RoutedBlock& block : routed.blocks) {
    const double hop_ns = block.hops * costs.hop_latency_ns;
    const auto found = std::find_if(prepared.returns.begin(), prepared.returns.end(),
                                    [&](const ChipReturn& sums) { return sums.chip == block.chip; });
    prepared.blocks.push_back(
        {block, hop_ns, nanoseconds(hop_ns), static_cast<std::size_t>(found - prepared.returns.begin())});
  }
  return prepared;
}

void Sequencer::start(const ChipWorkload& workload, bool activities) {
  workload_ = workload;
  activities_ = activities;
  start_.notify(sc_core::SC_ZERO_TIME);
}

void Sequencer::run() {
  for (;;) {
    wait(start_);
    origin_ = sc_core::sc_time_stamp();
    result_ = {};
    result_.steps.resize(plan_->steps.size());
    result_.buffer_capacity_bytes = buffer_bytes_;
    resident_.assign(plan_->num_chips, 0);
    live_ = 0;
    gate_.start(workload_);
    running_ = workload_.num_sequences;
    for (std::uint32_t s = 0; s < workload_.num_sequences; ++s) {
      processes_.start([this, s] { run_sequence(s); });
    }
    while (running_ != 0) wait(sequence_done_);
    result_.total_ns = in_nanoseconds(sc_core::sc_time_stamp() - origin_);
    result_.layers.resize(plan_->num_layers + 1);
    for (std::size_t index = 0; index < result_.steps.size(); ++index) {
      const Share& share = result_.steps[index];
      Share& layer = result_.layers[std::min(plan_->steps[index].layer, plan_->num_layers)];
      layer.energy_pj += share.energy_pj;
      layer.critical_path_ns += share.critical_path_ns;
      result_.energy_pj += share.energy_pj;
      result_.critical_path_ns += share.critical_path_ns;
    }
    done_.notify(sc_core::SC_ZERO_TIME);
  }
}

void Sequencer::run_sequence(std::uint32_t sequence) {
  std::uint32_t position = workload_.first_position;
  std::uint32_t to_generate = workload_.generated_tokens;
  if (workload_.prompt_tokens != 0) {
    std::vector<std::unique_ptr<Token>> prompt;
    for (std::uint32_t t = 0; t < workload_.prompt_tokens; ++t) {
      auto token = std::make_unique<Token>();
      token->sequence = sequence;
      token->position = position++;
      token->prompt = true;
      token->logits = t + 1 == workload_.prompt_tokens;
      token->before = prompt.empty() ? nullptr : prompt.back().get();
      prompt.push_back(std::move(token));
    }
    for (const auto& token : prompt) {
      // A token enters when the one before has left the first step, or waits there for the others of its round.
      const auto may_enter = [&](const Token& before) {
        return before.completed != 0 || (gate_.is_border(0) && before.started != 0);
      };
      while (token->before != nullptr && !may_enter(*token->before)) wait(token->before->advanced);
      processes_.start([this, &token] { run_token(*token); });
    }
    for (const auto& token : prompt) {
      while (token->completed != plan_->steps.size()) wait(token->advanced);
    }
    if (to_generate != 0) --to_generate;
  }
  const std::uint32_t first_pass = workload_.prompt_tokens != 0 ? 1 : 0;
  for (std::uint32_t t = 0; t < to_generate; ++t) {
    Token token;
    token.sequence = sequence;
    token.position = position++;
    token.pass = first_pass + t;
    run_token(token);
  }
  --running_;
  sequence_done_.notify(sc_core::SC_ZERO_TIME);
}

void Sequencer::run_token(Token& token) {
  TokenTime time{token.sequence, token.position, token.prompt, in_nanoseconds(sc_core::sc_time_stamp() - origin_), 0};
  Scratch scratch;
  token.chip = workload_.digital_on_host ? 0 : plan_->steps.front().chip;
  for (std::uint32_t index = 0; index < plan_->steps.size(); ++index) {
    const Step& step = plan_->steps[index];
    token.step = index;
    wait_for_order(step, index, token);
    token.started = index + 1;
    token.advanced.notify();
    if (gate_.any()) enter_round(step, index, token, scratch);
    const bool skipped = step.logits && !token.logits;
    if (!skipped && !workload_.digital_on_host && step.chip != token.chip) carry(step, token, scratch);
    occupy_buffer(skipped || workload_.digital_on_host ? 0 : step.live.bytes(sum_bytes_), token, scratch);
    if (!skipped) {
      if (step.in_tiles(std::uint64_t{token.position} + 1)) {
        run_call(step, token, scratch);
      } else if (!workload_.digital_on_host) {
        run_digital(step, token, scratch);
      }
    }
    if (index + 1 == plan_->steps.size()) {
      occupy_buffer(0, token, scratch);
      time.end_ns = in_nanoseconds(sc_core::sc_time_stamp() - origin_);
      result_.tokens.push_back(time);
    }
    token.completed = index + 1;
    token.advanced.notify();
  }
}

void Sequencer::wait_for_order(const Step& step, std::uint32_t index, Token& token) {
  if (token.before == nullptr) return;
  const sc_core::sc_time begin = sc_core::sc_time_stamp();
  const auto ready = [&] {
    const Token& before = *token.before;
    return step.kind == StepKind::kAttention ? before.completed > index : before.started > index;
  };
  while (!ready()) wait(token.before->advanced);
  Breakdown path;
  path[Component::kOrderWait] = in_nanoseconds(sc_core::sc_time_stamp() - begin);
  charge(token, path);
}

void Sequencer::enter_round(const Step& step, std::uint32_t index, Token& token, Scratch& scratch) {
  if (gate_.is_border(index)) gate_.arrive(token.pass, index);
  if (step.kind != StepKind::kCall) return;
  const std::uint32_t round = plan_->calls[step.call].round;
  const bool skipped = step.logits && !token.logits;
  if (round == kNoRound || skipped || !step.in_tiles(std::uint64_t{token.position} + 1)) return;
  const sc_core::sc_time begin = sc_core::sc_time_stamp();
  const bool has_to_write = gate_.enter(token.pass, index, round);
  Breakdown path;
  path[Component::kRoundWait] = in_nanoseconds(sc_core::sc_time_stamp() - begin);
  charge(token, path);
  if (!has_to_write) return;
  write_round(round, token, scratch);
  gate_.written();
}

void Sequencer::write_round(std::uint32_t round, Token& token, Scratch& scratch) {
  const PreparedRound& prepared = rounds_[round];
  const std::uint64_t cells = plan_->rounds[round].writing.cells;
  const sc_core::sc_time begin = sc_core::sc_time_stamp();
  scratch.work.bytes = cells;
  scratch.work.hop_bytes = 0;
  sc_core::sc_time finish = transact(memory, Track::kMemory, token.chip, sc_core::SC_ZERO_TIME, token, scratch);
  Breakdown path = scratch.work.time_ns;
  const sc_core::sc_time written = begin + nanoseconds(prepared.rows_ns);
  if (written >= finish) {
    finish = written;
    path = {};
    path[Component::kWrite] = prepared.rows_ns;
  }
  const double energy_pj = static_cast<double>(cells) * write_cell_pj_;
  result_.steps[token.step].energy_pj[Component::kWrite] += energy_pj;
  ++result_.rounds_written;
  result_.cells_written += cells;
  if (activities_ && written != begin) {
    for (const std::uint32_t stack : prepared.stacks) {
      result_.activities.push_back({Track::kTile, stack, token.step, token.sequence, token.position,
                                    in_nanoseconds(begin - origin_), in_nanoseconds(written - origin_),
                                    energy_pj / static_cast<double>(prepared.stacks.size())});
    }
  }
  charge(token, path);
  wait(finish - begin);
}

void Sequencer::charge(const Token& token, const Breakdown& path) {
  result_.steps[token.step].critical_path_ns += path;
}

sc_core::sc_time Sequencer::transact(Port& port, Track track, std::uint32_t address, sc_core::sc_time delay,
                                     const Token& token, Scratch& scratch) {
  scratch.payload.set_address(address);
  scratch.payload.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
  port->b_transport(scratch.payload, delay);
  if (!scratch.payload.is_response_ok()) {
    SC_REPORT_FATAL(name(), ("work refused: " + scratch.payload.get_response_string()).c_str());
  }
  result_.steps[token.step].energy_pj += scratch.work.energy_pj;
  if (activities_ && scratch.work.begin != scratch.work.end) {
    result_.activities.push_back({track, address, token.step, token.sequence, token.position,
                                  in_nanoseconds(scratch.work.begin - origin_),
                                  in_nanoseconds(scratch.work.end - origin_), scratch.work.energy_pj.total()});
  }
  return sc_core::sc_time_stamp() + delay;
}

void Sequencer::carry(const Step& step, Token& token, Scratch& scratch) {
  occupy_buffer(0, token, scratch);
  const sc_core::sc_time now = sc_core::sc_time_stamp();
  sc_core::sc_time arrival = now;
  Breakdown path;
  for (const std::uint32_t link : paths_.at({token.chip, step.chip})) {
    scratch.work.bytes = step.carried.bytes(sum_bytes_);
    scratch.work.hop_bytes = 0;
    result_.chip_link_bytes += scratch.work.bytes;
    arrival = transact(chip_links, Track::kChipLink, link, arrival - now, token, scratch);
    path += scratch.work.time_ns;
  }
  token.chip = step.chip;
  charge(token, path);
  wait(arrival - now);
}

void Sequencer::send_packets(const PreparedCall& call, const sc_core::sc_time& inputs_ready, const Token& token,
                             Scratch& scratch) {
  scratch.packets.resize(call.packets.size());
  for (std::size_t p = 0; p < call.packets.size(); ++p) {
    std::vector<Scratch::Arrival>& arrivals = scratch.packets[p];
    arrivals.clear();
    for (const ChipHop& hop : call.packets[p].hops) {
      const Scratch::Arrival before = hop.after == kNoHop ? Scratch::Arrival{inputs_ready, {}} : arrivals[hop.after];
      scratch.work.bytes = call.packets[p].bytes;
      scratch.work.hop_bytes = 0;
      result_.chip_link_bytes += scratch.work.bytes;
      Scratch::Arrival& arrival = arrivals.emplace_back();
      arrival.at =
          transact(chip_links, Track::kChipLink, hop.link, before.at - sc_core::sc_time_stamp(), token, scratch);
      arrival.path = before.path;
      arrival.path += scratch.work.time_ns;
    }
  }
}

void Sequencer::run_call(const Step& step, Token& token, Scratch& scratch) {
  const std::vector<PreparedCall>& copies =
      (workload_.digital_on_host && !host_calls_.empty() ? host_calls_ : calls_)[step.call];
  const PreparedCall& call = copies[(std::uint64_t{token.position} + token.sequence) % copies.size()];
  Breakdown path;
  sc_core::sc_time inputs_ready = sc_core::sc_time_stamp();
  const auto move_inputs = [&](Port& port, Track track, std::uint32_t address) {
    scratch.work.bytes = plan_->calls[step.call].in_features;
    inputs_ready = transact(port, track, address, inputs_ready - sc_core::sc_time_stamp(), token, scratch);
    path += scratch.work.time_ns;
  };
  if (workload_.digital_on_host) move_inputs(host_link, Track::kHostLink, 0);
  if (has_buffer_) move_inputs(buffer, Track::kBuffer, call.chip);
  send_packets(call, inputs_ready, token, scratch);
  scratch.arrivals.clear();
  scratch.transfers.clear();
  for (const Transfer& transfer : call.transfers) {
    scratch.work.bytes = transfer.bytes;
    scratch.work.hop_bytes = std::uint64_t{transfer.bytes} * transfer.hops;
    result_.link_bytes += scratch.work.bytes;
    result_.hop_bytes += scratch.work.hop_bytes;
    const Scratch::Arrival ready = transfer.arrival == kNoHop ? Scratch::Arrival{inputs_ready, {}}
                                                              : scratch.packets[transfer.packet][transfer.arrival];
    scratch.arrivals.push_back(
        transact(input_links, Track::kInputLink, transfer.link, ready.at - sc_core::sc_time_stamp(), token, scratch));
    scratch.transfers.push_back(ready.path);
    scratch.transfers.back() += scratch.work.time_ns;
  }
  scratch.ends.clear();
  scratch.mvms.clear();
  for (const PreparedBlock& block : call.blocks) {
    scratch.work.rows = block.rows;
    scratch.work.cols = block.cols;
    scratch.ends.push_back(transact(tiles, Track::kTile, block.tile,
                                    scratch.arrivals[block.transfer] + block.hop_time - sc_core::sc_time_stamp(), token,
                                    scratch));
    scratch.mvms.push_back(scratch.work.time_ns);
    ++result_.block_mvms;
    result_.cell_macs += std::uint64_t{block.rows} * block.cols;
  }
  // Outputs leave in the order in which they are ready.
  scratch.order.resize(call.blocks.size());
  std::iota(scratch.order.begin(), scratch.order.end(), 0U);
  std::stable_sort(scratch.order.begin(), scratch.order.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return scratch.ends[a] < scratch.ends[b]; });
  if (scratch.order.empty()) return;
  wait(scratch.ends[scratch.order.front()] - sc_core::sc_time_stamp());
  sc_core::sc_time finish = sc_core::sc_time_stamp();
  std::uint32_t last = scratch.order.front();
  Breakdown last_output;
  scratch.returned.assign(call.returns.size(), {});
  for (const std::uint32_t index : scratch.order) {
    const PreparedBlock& block = call.blocks[index];
    scratch.work.bytes = std::uint64_t{block.cols} * sum_bytes_;
    scratch.work.hop_bytes = scratch.work.bytes * block.hops;
    result_.link_bytes += scratch.work.bytes;
    result_.hop_bytes += scratch.work.hop_bytes;
    sc_core::sc_time end = transact(output_links, Track::kOutputLink, block.output_link,
                                    scratch.ends[index] - sc_core::sc_time_stamp(), token, scratch);
    end += block.hop_time;
    Breakdown output = scratch.work.time_ns;
    output[Component::kHop] = block.hop_ns;
    if (has_accumulators_) {
      end = transact(accumulators, Track::kAccumulator, block.chip, end - sc_core::sc_time_stamp(), token, scratch);
      output += scratch.work.time_ns;
    }
    if (block.returned != call.returns.size()) {
      Scratch::Returned& returned = scratch.returned[block.returned];
      if (end >= returned.ready) returned = {end, index, output};
      continue;
    }
    if (end < finish) continue;
    finish = end;
    last = index;
    last_output = output;
  }
  for (std::size_t r = 0; r < call.returns.size(); ++r) {
    Scratch::Returned& returned = scratch.returned[r];
    scratch.work.bytes = call.returns[r].bytes;
    scratch.work.hop_bytes = 0;
    sc_core::sc_time end = returned.ready;
    for (const std::uint32_t link : call.returns[r].links) {
      result_.chip_link_bytes += scratch.work.bytes;
      end = transact(chip_links, Track::kChipLink, link, end - sc_core::sc_time_stamp(), token, scratch);
      returned.output += scratch.work.time_ns;
    }
    if (has_accumulators_) {
      end = transact(accumulators, Track::kAccumulator, call.chip, end - sc_core::sc_time_stamp(), token, scratch);
      returned.output += scratch.work.time_ns;
    }
    if (end < finish) continue;
    finish = end;
    last = returned.last;
    last_output = returned.output;
  }
  const auto move_outputs = [&](Port& port, Track track, std::uint32_t address) {
    scratch.work.bytes = std::uint64_t{plan_->calls[step.call].out_features} * sum_bytes_;
    finish = transact(port, track, address, finish - sc_core::sc_time_stamp(), token, scratch);
    last_output += scratch.work.time_ns;
  };
  if (has_buffer_) move_outputs(buffer, Track::kBuffer, call.chip);
  if (workload_.digital_on_host) move_outputs(host_link, Track::kHostLink, kToHost);
  path += scratch.transfers[call.blocks[last].transfer];
  path[Component::kHop] += call.blocks[last].hop_ns;
  path += scratch.mvms[last];
  path += last_output;
  charge(token, path);
  wait(finish - sc_core::sc_time_stamp());
}

void Sequencer::occupy_buffer(std::uint64_t live_bytes, Token& token, Scratch& scratch) {
  live_ += live_bytes - (token.resident + token.spilled);
  result_.buffer_peak_bytes = std::max(result_.buffer_peak_bytes, live_);
  if (activities_) result_.buffer_levels.push_back({in_nanoseconds(sc_core::sc_time_stamp() - origin_), live_});
  std::uint64_t& resident = resident_[token.chip];
  resident -= token.resident;
  token.resident = buffer_bytes_ == 0 ? live_bytes : std::min(live_bytes, buffer_bytes_ - resident);
  resident += token.resident;
  const std::uint64_t spilled = live_bytes - token.resident;
  const std::uint64_t moved = spilled > token.spilled ? spilled - token.spilled : token.spilled - spilled;
  token.spilled = spilled;
  if (moved == 0) return;
  result_.spilled_bytes += moved;
  scratch.work.bytes = moved;
  const sc_core::sc_time now = sc_core::sc_time_stamp();
  const sc_core::sc_time finish = transact(memory, Track::kMemory, token.chip, sc_core::SC_ZERO_TIME, token, scratch);
  charge(token, scratch.work.time_ns);
  wait(finish - now);
}

void Sequencer::run_digital(const Step& step, Token& token, Scratch& scratch) {
  const DigitalWork work = step.digital(std::uint64_t{token.position} + 1);
  scratch.work.digital = work;
  const sc_core::sc_time now = sc_core::sc_time_stamp();
  sc_core::sc_time finish = transact(digital, Track::kDigital, token.chip, sc_core::SC_ZERO_TIME, token, scratch);
  Breakdown path = scratch.work.time_ns;
  result_.digital_macs += work.macs;
  scratch.work.bytes = work.memory_bytes;
  if (work.memory_bytes != 0) {
    const sc_core::sc_time moved = transact(memory, Track::kMemory, token.chip, sc_core::SC_ZERO_TIME, token, scratch);
    if (moved > finish) {
      finish = moved;
      path = scratch.work.time_ns;
    }
  }
  charge(token, path);
  wait(finish - now);
}

}  // namespace xw::systemc
