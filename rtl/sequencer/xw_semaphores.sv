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
  input  logic               clk_i,
  input  logic               rst_ni,
  input  logic               clear_i,        // start of a run
  // Waits
  input  logic [Units-1:0]   wait_i,
  input  logic [Units*6-1:0] wait0_id_i,
  input  logic [Units*3-1:0] wait0_count_i,
  input  logic [Units*6-1:0] wait1_id_i,
  input  logic [Units*3-1:0] wait1_count_i,
  output logic [Units-1:0]   grant_o,        // one-hot or zero
  output logic [Units-1:0]   short0_o,       // the tokens of the first wait are not there
  // Signals
  input  logic [Units-1:0]   signal_i,
  input  logic [Units*6-1:0] signal_id_i,
  output logic [Units-1:0]   overflow_o,     // the signal finds a full counter and is dropped
  // State
  input  logic               check_i,        // asks for leftovers
  output logic               leftover_o,     // with check_i: some counter is not zero
  output logic [5:0]         leftover_id_o   // the lowest such
);
  localparam int unsigned COUNT = xw_pkg::NUM_SEMAPHORES;
  localparam int unsigned BITS  = xw_pkg::SEMAPHORE_BITS;

  logic [COUNT*BITS-1:0] count_q, count_d;
  logic                  change;

  // Who may take.
  logic [BITS:0] need0, need1;
  always_comb begin
    grant_o  = '0;
    short0_o = '0;
    need0    = '0;
    need1    = '0;
    for (int unsigned u = 0; u < Units; u++) begin
      if (wait_i[u]) begin
        need0 = (BITS + 1)'(wait0_count_i[3*u +: 3]);
        need1 = (BITS + 1)'(wait1_count_i[3*u +: 3]);
        short0_o[u] = {1'b0, count_q[BITS * 32'(wait0_id_i[6*u +: 6]) +: BITS]} < need0;
        if (wait0_id_i[6*u +: 6] == wait1_id_i[6*u +: 6]) need1 = need0 + need1;
        grant_o[u] = grant_o == '0 && !short0_o[u] &&
                     {1'b0, count_q[BITS * 32'(wait1_id_i[6*u +: 6]) +: BITS]} >= need1;
      end
    end
  end

  // One unit after the other, so that signals to the same semaphore add up.
  assign change = grant_o != '0 || signal_i != '0;
  always_comb begin
    count_d    = '0;
    overflow_o = '0;
    if (change) begin
      count_d = count_q;
      for (int unsigned u = 0; u < Units; u++) begin
        if (grant_o[u]) begin
          count_d[BITS * 32'(wait0_id_i[6*u +: 6]) +: BITS] =
              count_d[BITS * 32'(wait0_id_i[6*u +: 6]) +: BITS] - BITS'(wait0_count_i[3*u +: 3]);
          count_d[BITS * 32'(wait1_id_i[6*u +: 6]) +: BITS] =
              count_d[BITS * 32'(wait1_id_i[6*u +: 6]) +: BITS] - BITS'(wait1_count_i[3*u +: 3]);
        end
      end
      for (int unsigned u = 0; u < Units; u++) begin
        if (signal_i[u]) begin
          if (count_d[BITS * 32'(signal_id_i[6*u +: 6]) +: BITS] == '1) begin
            overflow_o[u] = 1'b1;
          end else begin
            count_d[BITS * 32'(signal_id_i[6*u +: 6]) +: BITS] =
                count_d[BITS * 32'(signal_id_i[6*u +: 6]) +: BITS] + 1'b1;
          end
        end
      end
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni)      count_q <= '0;
    else if (clear_i) count_q <= '0;
    else if (change)  count_q <= count_d;
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
