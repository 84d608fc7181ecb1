// Drives tokens through the plan: one process per token under way.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tlm_utils/simple_initiator_socket.h>
#include <cstdint>
#include <map>
#include <memory>
#include <systemc>
#include <tlm>
#include <utility>
#include <vector>

#include "arch/description/description.hpp"
#include "systemc/chip/call_routes.hpp"
#include "systemc/chip/costs.hpp"
#include "systemc/chip/process_pool.hpp"
#include "systemc/chip/round_gate.hpp"
#include "systemc/chip/work.hpp"

namespace xw::systemc {

/// A call: its inputs go over the input links to the tiles, all tiles work in parallel, outputs come over the output links
/// and are added up; it ends with the last output. A digital step occupies the digital units and, at the same time, the
/// memory; with the digital side on the host it takes no time here. On several chips inputs go to the others packet by packet, their sums
/// come back when all their blocks are done, and activations move to the chip of the next step; the host is at chip 0. Tokens of a prompt follow each other through the
/// steps; attention waits until the token before has written its keys and values. Of a call that the chip holds several times, tokens that follow each other, in a sequence and
/// from sequence to sequence, take the copies in turn. Tokens of a pass (the prompts of all sequences, then one generated token of each) go through the rounds of a
/// plan together: in front of the first call of a round they wait for each other, and one that needs it has it written.
class Sequencer final : public sc_core::sc_module {
 public:
  using Port = tlm_utils::simple_initiator_socket<Sequencer>;
  explicit Sequencer(const sc_core::sc_module_name& name);

  Port tiles{"tiles"}, input_links{"input_links"}, output_links{"output_links"}, accumulators{"accumulators"},
      buffer{"buffer"}, digital{"digital"}, memory{"memory"}, host_link{"host_link"}, chip_links{"chip_links"};

  /// Only while nothing runs. `plan` must outlive the run.
  void configure(const ChipPlan& plan, const arch::ChipDescription& chip, const ChipCosts& costs);
  void start(const ChipWorkload& workload, bool activities);
  [[nodiscard]] const sc_core::sc_event& done() const { return done_; }
  /// Of the run that is done; without the servers' busy times and static power.
  [[nodiscard]] ChipResult& result() { return result_; }

 private:
  struct Token;
  struct PreparedBlock : RoutedBlock {
    double hop_ns = 0;          ///< on all routers between the tile and its links
    sc_core::sc_time hop_time;  ///< the same
    std::size_t returned = 0;   ///< with which of the call's returns; their number: it is on the call's own chip
  };
  struct PreparedCall {
    std::vector<Transfer> transfers;
    std::vector<PreparedBlock> blocks;
    std::vector<ChipPacket> packets;
    std::vector<ChipReturn> returns;
    std::uint32_t chip = 0;
  };
  /// What a token's process works with.
  struct Scratch;

  void run();
  void run_sequence(std::uint32_t sequence);
  void run_token(Token& token);
  void run_call(const Step& step, Token& token, Scratch& scratch);
  /// When the call's packets are where; into the scratch.
  void send_packets(const PreparedCall& call, const sc_core::sc_time& inputs_ready, const Token& token,
                    Scratch& scratch);
  /// Moves the token's activations to the chip of the step. Waits for them.
  void carry(const Step& step, Token& token, Scratch& scratch);
  [[nodiscard]] PreparedCall prepare(const CallWork& call, const arch::ChipDescription& chip,
                                     const ChipCosts& costs) const;
  void run_digital(const Step& step, Token& token, Scratch& scratch);
  /// The token stands in front of the step: waits until what it needs is in the tiles, and writes that if nobody else does.
  void enter_round(const Step& step, std::uint32_t index, Token& token, Scratch& scratch);
  /// Waits until the tiles are written.
  void write_round(std::uint32_t round, Token& token, Scratch& scratch);
  void wait_for_order(const Step& step, std::uint32_t index, Token& token);
  /// One piece of work at a server, requested `delay` from now; returns the time of completion.
  sc_core::sc_time transact(Port& port, Track track, std::uint32_t address, sc_core::sc_time delay, const Token& token,
                            Scratch& scratch);
  void charge(const Token& token, const Breakdown& path);
  /// The token's activations in the buffer become those of `step` (0 bytes: it has left the chip). What does not fit goes
  /// to memory; what was there and fits now, or is not needed any more, comes back. Waits for the memory.
  void occupy_buffer(std::uint64_t live_bytes, Token& token, Scratch& scratch);

  const ChipPlan* plan_ = nullptr;
  std::vector<std::vector<PreparedCall>> calls_;  ///< by call, then by copy
  std::vector<std::vector<PreparedCall>>
      host_calls_;  ///< with inputs from chip 0, where the host is; only for several chips
  bool has_accumulators_ = false, has_buffer_ = false;
  std::uint64_t buffer_bytes_ = 0;  ///< capacity; 0: unlimited
  std::uint32_t sum_bytes_ = 4;
  std::vector<std::uint64_t> resident_;  ///< activations of all tokens in the buffer of each chip
  std::uint64_t live_ = 0;               ///< activations of all tokens in buffers and memories
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::vector<std::uint32_t>>
      paths_;  ///< of activations from chip to chip
  struct PreparedRound {
    double rows_ns = 0;                 ///< writing the tiles, if the memory is fast enough
    std::vector<std::uint32_t> stacks;  ///< servers of its tiles
  };
  std::vector<PreparedRound> rounds_;
  double write_cell_pj_ = 0;
  RoundGate gate_;
  ChipWorkload workload_;
  bool activities_ = false;
  sc_core::sc_time origin_;
  std::uint32_t running_ = 0;  ///< sequences
  ChipResult result_;
  sc_core::sc_event start_, sequence_done_, done_;
  ProcessPool processes_;
};

}  // namespace xw::systemc
