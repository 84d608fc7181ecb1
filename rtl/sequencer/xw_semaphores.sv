// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0

/// The counting semaphores of all units.
///
/// A wait takes its tokens of one or two semaphores at once, in the cycle of grant_o, which is
/// combinational; the lowest requesting unit whose tokens are there is served, one per cycle. Any number
/// of units may signal in a cycle. A token signalled in a cycle can be taken in the next; what is taken in
/// a cycle makes room in the next. A count of zero needs nothing. Two waits for the same semaphore add up.
///
/// A counter has a low part, which is always up to date, and a high part, which gets the carries one cycle
/// later. What a grant takes is subtracted in the next cycle; its semaphores serve nobody in that one.
module xw_semaphores #(
  parameter int unsigned Units = 4
) (
  input  logic             clk_i,
  input  logic             rst_ni,
  output logic             needs_clock_o,  // clk_i may stand still in cycles without grant, signal or clear
  input  logic             clear_i,        // start of a run
  input  logic [Units*xw_pkg::INSTRUCTION_BITS-1:0] cmd_i,  // the units' instructions: what to wait for and signal
  // Waits
  input  logic [Units-1:0] wait_i,
  output logic [Units-1:0] grant_o,        // one-hot or zero
  output logic [Units-1:0] short0_o,       // the tokens of its first semaphore are not there
  // Signals
  input  logic [Units-1:0] signal_i,
  output logic [Units-1:0] overflow_o,     // the signal finds a full counter and is dropped
  // State
  input  logic             check_i,        // asks for leftovers
  output logic             leftover_o,     // with check_i: some counter is not zero
  output logic [5:0]       leftover_id_o   // the lowest such
);
  localparam int unsigned COUNT = xw_pkg::NUM_SEMAPHORES;
  localparam int unsigned BITS  = xw_pkg::SEMAPHORE_BITS;
  localparam int unsigned LOW  = 6;  // bits of the low part: holds more than all units signal and a grant takes
  localparam int unsigned HIGH = BITS - LOW;

  // What the units' instructions wait for.
  xw_pkg::instruction_t command;
  logic [Units*6-1:0] wait0_ids, wait1_ids;
  logic [Units*3-1:0] wait0_counts, wait1_counts;
  always_comb begin
    command     = '0;
    wait0_ids    = '0;
    wait0_counts = '0;
    wait1_ids    = '0;
    wait1_counts = '0;
    if (wait_i != '0) begin
      for (int unsigned u = 0; u < Units; u++) begin
        command = cmd_i[xw_pkg::INSTRUCTION_BITS*u +: xw_pkg::INSTRUCTION_BITS];
        wait0_ids[6*u +: 6]    = command.common.wait0_id;
        wait0_counts[3*u +: 3] = command.common.wait0_count;
        wait1_ids[6*u +: 6]    = command.common.wait1_id;
        wait1_counts[3*u +: 3] = command.common.wait1_count;
      end
    end
  end

  // What the units' instructions signal.
  xw_pkg::instruction_t signalling;
  logic [Units*6-1:0] signal_ids;
  always_comb begin
    signalling   = '0;
    signal_ids = '0;
    if (signal_i != '0) begin
      for (int unsigned u = 0; u < Units; u++) begin
        signalling = cmd_i[xw_pkg::INSTRUCTION_BITS*u +: xw_pkg::INSTRUCTION_BITS];
        signal_ids[6*u +: 6] = signalling.common.signal_id;
      end
    end
  end

  // Of every semaphore a byte: the low part; a carry or a borrow that the high part does not have yet; whether the high
  // part is more than zero. With one of these bits there is enough for any wait: a borrow leaves almost 64 in the low part.
  localparam int unsigned CARRY = 6;
  logic [COUNT*8-1:0]    near_q, near_d;
  logic [COUNT-1:0]      borrow_q, borrow_d, full_q, full_d;  // full: the high part has all ones
  logic [COUNT-1:0]      pending_q, pending_d;                // the bits CARRY
  logic [COUNT*HIGH-1:0] high_q, high_d;
  // What the grant of the last cycle takes: from two semaphores, or the second count is zero.
  logic [5:0]            take0_id_q, take1_id_q;
  logic [3:0]            take0_q, take1_q;

  // Who may take, and what.
  localparam int unsigned TAKE = 2 * (6 + 4);
  logic [Units-1:0]      ready;
  logic [Units*TAKE-1:0] takes;
  logic [5:0]            id0, id1;
  logic [3:0]            count0, count1;
  logic [7:0]            near0, near1;
  logic                  same, served0, served1;
  always_comb begin
    short0_o = '0;
    ready    = '0;
    takes    = '0;
    id0      = '0;
    id1      = '0;
    count0   = '0;
    count1   = '0;
    near0    = '0;
    near1    = '0;
    same     = 1'b0;
    served0  = 1'b0;
    served1  = 1'b0;
    if (wait_i != '0) begin
      for (int unsigned u = 0; u < Units; u++) begin
        if (wait_i[u]) begin
          id0     = wait0_ids[6*u +: 6];
          id1     = wait1_ids[6*u +: 6];
          count0  = 4'(wait0_counts[3*u +: 3]);
          count1  = 4'(wait1_counts[3*u +: 3]);
          same    = id0 == id1;
          if (same) begin
            count0 = count0 + count1;
            count1 = '0;
          end
          near0   = near_q[{id0, 3'd0} +: 8];
          near1   = near_q[{id1, 3'd0} +: 8];
          served0 = (take0_q != '0 && take0_id_q == id0) || (take1_q != '0 && take1_id_q == id0);
          served1 = (take0_q != '0 && take0_id_q == id1) || (take1_q != '0 && take1_id_q == id1);
          short0_o[u] = count0 != '0 && (served0 || near0 < 8'(count0));
          ready[u]    = !short0_o[u] && (count1 == '0 || (!served1 && near1 >= 8'(count1)));
          takes[TAKE*u +: TAKE] = {count1, id1, count0, id0};
        end
      end
    end
  end
  always_comb begin
    grant_o = '0;
    if (ready != '0) begin
      for (int unsigned u = 0; u < Units; u++) grant_o[u] = ready[u] && (ready << (Units - u)) == '0;
    end
  end

  logic [5:0] take0_id, take1_id;
  logic [3:0] take0, take1;
  xw_select #(
    .Sources(Units), .Width(TAKE)
  ) u_take (
    .select_i(grant_o),
    .data_i  (takes),
    .data_o  ({take1, take1_id, take0, take0_id})
  );

  // Tokens that the grant of the last cycle takes from a semaphore.
  function automatic logic [3:0] taken(input logic [5:0] id, input logic [5:0] taken0_id, input logic [5:0] taken1_id,
                                       input logic [3:0] taken0, input logic [3:0] taken1);
    taken = (taken0 & {4{taken0_id == id}}) | (taken1 & {4{taken1_id == id}});
  endfunction

  // A unit's signal is lost if the signals of lower units use up the room. A counter with a carry at the full high part
  // has just counted beyond its range: it stays full.
  logic [5:0]       signal_id;
  logic [7:0]       signal_near;
  logic [LOW:0]     below, limit;
  logic [Units-1:0] equal;
  always_comb begin
    overflow_o  = '0;
    signal_id   = '0;
    signal_near = '0;
    below       = '0;
    limit       = '0;
    equal       = '0;
    if (signal_i != '0 && full_q != '0) begin
      for (int unsigned u = 0; u < Units; u++) begin
        signal_id = signal_ids[6*u +: 6];
        equal     = '0;
        for (int unsigned l = 0; l < u; l++) equal[l] = signal_i[l] && signal_ids[6*l +: 6] == signal_id;
        signal_near = near_q[{signal_id, 3'd0} +: 8];
        below       = (LOW + 1)'(signal_near[LOW-1:0]);
        if (signal_near[CARRY]) below = (LOW + 1)'(2**LOW - 1);
        for (int unsigned l = 0; l < Units; l++) below = below + (LOW + 1)'(equal[l]);
        limit = (LOW + 1)'(2**LOW - 1) + (LOW + 1)'(taken(signal_id, take0_id_q, take1_id_q, take0_q, take1_q));
        overflow_o[u] = signal_i[u] && full_q[signal_id] && !borrow_q[signal_id] && below >= limit;
      end
    end
  end

  // The next counts; full ones stay full.
  logic            change, signals;
  logic [LOW-1:0]  low;
  logic [LOW+1:0]  sum;  // signed
  logic [HIGH-1:0] high;
  assign signals = signal_i != '0;
  assign change  = signals || take0_q != '0 || take1_q != '0 || pending_q != '0;
  always_comb begin
    near_d   = '0;
    borrow_d = '0;
    pending_d = '0;
    full_d   = '0;
    high_d   = '0;
    low      = '0;
    sum      = '0;
    high     = '0;
    if (change) begin
      for (int unsigned s = 0; s < COUNT; s++) begin
        low = near_q[8*s +: LOW] | {LOW{near_q[8*s+CARRY] && full_q[s] && !borrow_q[s]}};
        // The complement, so that all operands are added in one tree.
        sum = (LOW + 2)'(low) + {4'hF, ~taken(6'(s), take0_id_q, take1_id_q, take0_q, take1_q)} + (LOW + 2)'(1);
        if (signals) begin
          for (int unsigned u = 0; u < Units; u++) begin
            sum = sum + (LOW + 2)'(signal_i[u] && signal_ids[6*u +: 6] == 6'(s));
          end
        end
        high = high_q[HIGH*s +: HIGH] + HIGH'(near_q[8*s+CARRY] && !borrow_q[s] && !full_q[s]) - HIGH'(borrow_q[s]);
        near_d[8*s +: 8]       = {high != '0, sum[LOW:0]};
        borrow_d[s]            = sum[LOW+1];
        full_d[s]              = high == '1;
        high_d[HIGH*s +: HIGH] = high;
        pending_d[s]           = sum[LOW];
      end
    end
  end

  assign needs_clock_o = take0_q != '0 || take1_q != '0;
  always_ff @(posedge clk_i) begin
    if (!rst_ni || clear_i) begin
      near_q     <= '0;
      borrow_q   <= '0;
      full_q     <= '0;
      high_q     <= '0;
      pending_q  <= '0;
      take0_id_q <= '0;
      take1_id_q <= '0;
      take0_q    <= '0;
      take1_q    <= '0;
    end else begin
      take0_id_q <= take0_id;
      take1_id_q <= take1_id;
      take0_q    <= take0;
      take1_q    <= take1;
      if (change) begin
        near_q    <= near_d;
        borrow_q  <= borrow_d;
        full_q    <= full_d;
        high_q    <= high_d;
        pending_q <= pending_d;
      end
    end
  end

  // What is left when the last grant's tokens are gone.
  logic [COUNT-1:0] left, lowest;
  logic [COUNT*6-1:0] ids;
  always_comb begin
    left   = '0;
    lowest = '0;
    ids    = '0;
    if (check_i) begin
      for (int unsigned s = 0; s < COUNT; s++) begin
        left[s] = near_q[8*s +: 8] != 8'(taken(6'(s), take0_id_q, take1_id_q, take0_q, take1_q));
        ids[6*s +: 6] = 6'(s);
      end
      for (int unsigned s = 0; s < COUNT; s++) lowest[s] = left[s] && (left << (COUNT - s)) == '0;
    end
  end
  xw_select #(
    .Sources(COUNT), .Width(6)
  ) u_leftover (
    .select_i(lowest),
    .data_i  (ids),
    .data_o  (leftover_id_o)
  );
  assign leftover_o = left != '0;
endmodule
