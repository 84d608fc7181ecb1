// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0

/// The counting semaphores of all units.
///
/// A wait takes its tokens of one or two semaphores at once, in the cycle of grant_o, which is
/// combinational; the lowest requesting unit whose tokens are there is served, one per cycle. Any number
/// of units may signal in a cycle. A token signalled in a cycle can be taken in the next. A count of zero
/// needs nothing. Two waits for the same semaphore add up.
module xw_semaphores #(
  parameter int unsigned Units = 4
) (
  input  logic                clk_i,
  input  logic                rst_ni,
  input  logic                clear_i,        // start of a run
  input  logic [Units*32-1:0] word_i,        // first word of the units' instructions: what to wait for and signal
  // Waits
  input  logic [Units-1:0]    wait_i,
  output logic [Units-1:0]    grant_o,        // one-hot or zero
  output logic [Units-1:0]    short0_o,       // the tokens of the first wait are not there
  // Signals
  input  logic [Units-1:0]    signal_i,
  output logic [Units-1:0]    overflow_o,     // the signal finds a full counter and is dropped
  // State
  input  logic                check_i,        // asks for leftovers
  output logic                leftover_o,     // with check_i: some counter is not zero
  output logic [5:0]          leftover_id_o   // the lowest such
);
  localparam int unsigned COUNT = xw_pkg::NUM_SEMAPHORES;
  localparam int unsigned BITS  = xw_pkg::SEMAPHORE_BITS;
  localparam int unsigned NEAR  = 5;  // bits of the saturated numbers below

  logic [COUNT*BITS-1:0] count_q, count_d;
  logic                  change;

  // Tokens and room for signals of every semaphore, cut at 31: no cycle asks for more (two waits of at
  // most 7, one signal of each unit). Selecting these is much smaller than selecting whole counters.
  logic [COUNT*NEAR-1:0] tokens_q, room_q, tokens_d, room_d;
  always_comb begin
    tokens_d = '0;
    room_d   = '0;
    if (change) begin
      for (int unsigned s = 0; s < COUNT; s++) begin
        tokens_d[NEAR*s +: NEAR] = count_d[BITS*s +: NEAR];
        room_d[NEAR*s +: NEAR]   = ~count_d[BITS*s +: NEAR];
        if (count_d[BITS*s + NEAR +: BITS - NEAR] != '0) tokens_d[NEAR*s +: NEAR] = '1;
        if (count_d[BITS*s + NEAR +: BITS - NEAR] != '1) room_d[NEAR*s +: NEAR] = '1;
      end
    end
  end

  // Who may take.
  logic [NEAR-1:0] need0, need1;
  always_comb begin
    grant_o  = '0;
    short0_o = '0;
    need0    = '0;
    need1    = '0;
    for (int unsigned u = 0; u < Units; u++) begin
      if (wait_i[u]) begin
        need0 = NEAR'(word_i[32*u + xw_pkg::INST_WAIT0_COUNT_LSB +: 3]);
        need1 = NEAR'(word_i[32*u + xw_pkg::INST_WAIT1_COUNT_LSB +: 3]);
        short0_o[u] = tokens_q[NEAR * 32'(word_i[32*u + xw_pkg::INST_WAIT0_ID_LSB +: 6]) +: NEAR] < need0;
        if (word_i[32*u + xw_pkg::INST_WAIT0_ID_LSB +: 6] == word_i[32*u + xw_pkg::INST_WAIT1_ID_LSB +: 6]) need1 = need0 + need1;
        grant_o[u] = grant_o == '0 && !short0_o[u] &&
                     tokens_q[NEAR * 32'(word_i[32*u + xw_pkg::INST_WAIT1_ID_LSB +: 6]) +: NEAR] >= need1;
      end
    end
  end

  // What the granted unit takes.
  logic [5:0] take0_id, take1_id;
  logic [2:0] take0, take1;
  always_comb begin
    take0_id = '0;
    take1_id = '0;
    take0    = '0;
    take1    = '0;
    for (int unsigned u = 0; u < Units; u++) begin
      if (grant_o[u]) begin
        take0_id = word_i[32*u + xw_pkg::INST_WAIT0_ID_LSB +: 6];
        take1_id = word_i[32*u + xw_pkg::INST_WAIT1_ID_LSB +: 6];
        take0    = word_i[32*u + xw_pkg::INST_WAIT0_COUNT_LSB +: 3];
        take1    = word_i[32*u + xw_pkg::INST_WAIT1_COUNT_LSB +: 3];
      end
    end
  end

  // A unit's signal is lost if the signals of lower units use up the room and what is taken adds to it.
  logic [NEAR:0] free, ahead;
  assign change = grant_o != '0 || signal_i != '0;
  always_comb begin
    overflow_o = '0;
    free       = '0;
    ahead      = '0;
    if (signal_i != '0) begin
      for (int unsigned u = 0; u < Units; u++) begin
        if (signal_i[u]) begin
          free  = {1'b0, room_q[NEAR * 32'(word_i[32*u + xw_pkg::INST_SIGNAL_ID_LSB +: 6]) +: NEAR]};
          ahead = '0;
          if (take0_id == word_i[32*u + xw_pkg::INST_SIGNAL_ID_LSB +: 6]) free = free + (NEAR + 1)'(take0);
          if (take1_id == word_i[32*u + xw_pkg::INST_SIGNAL_ID_LSB +: 6]) free = free + (NEAR + 1)'(take1);
          for (int unsigned l = 0; l < u; l++) begin
            if (signal_i[l] && word_i[32*l + xw_pkg::INST_SIGNAL_ID_LSB +: 6] == word_i[32*u + xw_pkg::INST_SIGNAL_ID_LSB +: 6]) ahead = ahead + 1'b1;
          end
          overflow_o[u] = ahead >= free;
        end
      end
    end
  end

  // The next counts; full ones stay full.
  logic [NEAR:0] change_by;  // signed
  logic [BITS:0] next;
  always_comb begin
    count_d   = '0;
    change_by = '0;
    next      = '0;
    if (change) begin
      for (int unsigned s = 0; s < COUNT; s++) begin
        change_by = '0;
        for (int unsigned u = 0; u < Units; u++) begin
          if (signal_i[u] && word_i[32*u + xw_pkg::INST_SIGNAL_ID_LSB +: 6] == 6'(s)) change_by = change_by + 1'b1;
        end
        if (take0_id == 6'(s)) change_by = change_by - (NEAR + 1)'(take0);
        if (take1_id == 6'(s)) change_by = change_by - (NEAR + 1)'(take1);
        next = {1'b0, count_q[BITS*s +: BITS]} + {{(BITS - NEAR){change_by[NEAR]}}, change_by};
        count_d[BITS*s +: BITS] = (next[BITS] && !change_by[NEAR]) ? '1 : next[BITS-1:0];
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      count_q  <= '0;
      tokens_q <= '0;
      room_q   <= '1;
    end else if (clear_i) begin
      count_q  <= '0;
      tokens_q <= '0;
      room_q   <= '1;
    end else if (change) begin
      count_q  <= count_d;
      tokens_q <= tokens_d;
      room_q   <= room_d;
    end
  end

  always_comb begin
    leftover_o    = 1'b0;
    leftover_id_o = '0;
    if (check_i) begin
      for (int unsigned s = 0; s < COUNT; s++) begin
        if (!leftover_o && count_q[BITS * s +: BITS] != '0) begin
          leftover_o    = 1'b1;
          leftover_id_o = 6'(s);
        end
      end
    end
  end
endmodule
