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
///
/// Whether a signal is lost is found out in the two cycles after it, and only if its counter is almost full
/// (checking_o): overflow_o belongs to the signal of two cycles before.
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
  output logic [Units-1:0] overflow_o,     // the signal of two cycles before found a full counter and was dropped
  output logic             checking_o,     // signals of the last two cycles may have been
  // State
  input  logic             check_i,        // asks for leftovers
  output logic             leftover_o,     // with check_i: some counter is not zero
  output logic [xw_pkg::SEMAPHORE_ID_BITS-1:0] leftover_id_o   // the lowest such
);
  localparam int unsigned COUNT = xw_pkg::NUM_SEMAPHORES;
  localparam int unsigned BITS  = xw_pkg::SEMAPHORE_BITS;
  localparam int unsigned LOW   = 6;  // bits of the low part: holds more than all units signal and a grant takes
  localparam int unsigned HIGH  = BITS - LOW;
  localparam int unsigned ID    = xw_pkg::SEMAPHORE_ID_BITS;
  localparam int unsigned WAIT  = xw_pkg::WAIT_COUNT_BITS;
  localparam int unsigned TAKEN = WAIT + 1;  // two waits for one semaphore add up
  localparam int unsigned NEAR  = LOW + 2;

  // What the units' instructions wait for; looked at only where they do.
  xw_pkg::instruction_t command;
  logic [Units*ID-1:0]   wait0_ids, wait1_ids;
  logic [Units*WAIT-1:0] wait0_counts, wait1_counts;
  always_comb begin
    command     = '0;
    wait0_ids    = 'x;
    wait0_counts = 'x;
    wait1_ids    = 'x;
    wait1_counts = 'x;
    if (wait_i != '0) begin
      for (int unsigned u = 0; u < Units; u++) begin
        command = cmd_i[xw_pkg::INSTRUCTION_BITS*u +: xw_pkg::INSTRUCTION_BITS];
        wait0_ids[ID*u +: ID]        = command.common.wait0_id;
        wait0_counts[WAIT*u +: WAIT] = command.common.wait0_count;
        wait1_ids[ID*u +: ID]        = command.common.wait1_id;
        wait1_counts[WAIT*u +: WAIT] = command.common.wait1_count;
      end
    end
  end

  // What the units' instructions signal, likewise.
  xw_pkg::instruction_t signalling;
  logic [Units*ID-1:0] signal_ids;
  always_comb begin
    signalling   = '0;
    signal_ids = 'x;
    if (signal_i != '0) begin
      for (int unsigned u = 0; u < Units; u++) begin
        signalling = cmd_i[xw_pkg::INSTRUCTION_BITS*u +: xw_pkg::INSTRUCTION_BITS];
        signal_ids[ID*u +: ID] = signalling.common.signal_id;
      end
    end
  end

  // Of every semaphore: the low part; a carry or a borrow that the high part does not have yet; whether the high
  // part is more than zero. With one of these bits there is enough for any wait: a borrow leaves almost 64 in the low part.
  localparam int unsigned CARRY = LOW;
  logic [COUNT*NEAR-1:0] near_q, near_d;
  logic [COUNT-1:0]      borrow_q, borrow_d, full_q, full_d;  // full: the high part has all ones
  logic [COUNT-1:0]      pending_q, pending_d;                // the bits CARRY
  logic [COUNT*HIGH-1:0] high_q, high_d;
  // What the grant of the last cycle takes: from two semaphores, or the second count is zero.
  logic [ID-1:0]         take0_id_q, take1_id_q;
  logic [TAKEN-1:0]      take0_q, take1_q;

  // Who may take, and what.
  localparam int unsigned TAKE = 2 * (ID + TAKEN);
  logic [Units-1:0]      ready;
  logic [Units*TAKE-1:0] takes;
  logic [ID-1:0]         id0, id1;
  logic [TAKEN-1:0]      count0, count1;
  logic [NEAR-1:0]       near0, near1;
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
          id0     = wait0_ids[ID*u +: ID];
          id1     = wait1_ids[ID*u +: ID];
          count0  = TAKEN'(wait0_counts[WAIT*u +: WAIT]);
          count1  = TAKEN'(wait1_counts[WAIT*u +: WAIT]);
          same    = id0 == id1;
          if (same) begin
            count0 = count0 + count1;
            count1 = '0;
          end
          near0   = near_q[NEAR*32'(id0) +: NEAR];
          near1   = near_q[NEAR*32'(id1) +: NEAR];
          served0 = (take0_q != '0 && take0_id_q == id0) || (take1_q != '0 && take1_id_q == id0);
          served1 = (take0_q != '0 && take0_id_q == id1) || (take1_q != '0 && take1_id_q == id1);
          short0_o[u] = count0 != '0 && (served0 || near0 < NEAR'(count0));
          ready[u]    = !short0_o[u] && (count1 == '0 || (!served1 && near1 >= NEAR'(count1)));
          takes[TAKE*u +: TAKE] = {count1, id1, count0, id0};
        end
      end
    end
  end
  always_comb begin
    grant_o = '0;
    for (int unsigned u = 0; u < Units; u++) grant_o[u] = ready[u] && (ready << (Units - u)) == '0;
  end

  logic [ID-1:0]    take0_id, take1_id;
  logic [TAKEN-1:0] take0, take1;
  xw_select #(
    .Sources(Units), .Width(TAKE)
  ) u_take (
    .select_i(grant_o),
    .data_i  (takes),
    .data_o  ({take1, take1_id, take0, take0_id})
  );

  // Tokens that the grant of the last cycle takes from a semaphore.
  function automatic logic [TAKEN-1:0] taken(input logic [ID-1:0] id, input logic [ID-1:0] taken0_id, input logic [ID-1:0] taken1_id,
                                             input logic [TAKEN-1:0] taken0, input logic [TAKEN-1:0] taken1);
    taken = (taken0 & {TAKEN{taken0_id == id}}) | (taken1 & {TAKEN{taken1_id == id}});
  endfunction

  // A unit's signal is lost if the signals of lower units use up the room. A counter with a carry at the full high part
  // has just counted beyond its range: it stays full. In the cycle of the signals: what each of them finds.
  logic [ID-1:0]          signal_id;
  logic [NEAR-1:0]        signal_near;
  logic [Units-1:0]       close, close_q;      // the counter's high part is full
  logic                   checks_q;            // of some unit
  logic [Units*LOW-1:0]   found, found_q;      // its low part
  logic [Units*TAKEN-1:0] leaving, leaving_q;  // what the last grant takes of it
  logic [Units*Units-1:0] equal, equal_q;      // (u, l): unit l < u signals the same
  always_comb begin
    signal_id   = '0;
    signal_near = '0;
    close       = '0;
    found       = '0;
    leaving     = '0;
    equal       = '0;
    if (signal_i != '0 && full_q != '0) begin
      for (int unsigned u = 0; u < Units; u++) begin
        signal_id = signal_ids[ID*u +: ID];
        for (int unsigned l = 0; l < u; l++) equal[Units*u + l] = signal_i[l] && signal_ids[ID*l +: ID] == signal_id;
        signal_near               = near_q[NEAR*32'(signal_id) +: NEAR];
        close[u]                  = signal_i[u] && full_q[signal_id] && !borrow_q[signal_id];
        found[LOW*u +: LOW]       = signal_near[LOW-1:0] | {LOW{signal_near[CARRY]}};
        leaving[TAKEN*u +: TAKEN] = taken(signal_id, take0_id_q, take1_id_q, take0_q, take1_q);
      end
    end
  end
  // In the next cycle: whether there was room.
  logic [LOW:0]     below, limit;
  logic [Units-1:0] overflow;
  always_comb begin
    overflow = '0;
    below    = '0;
    limit    = '0;
    if (close_q != '0) begin
      for (int unsigned u = 0; u < Units; u++) begin
        below = (LOW + 1)'(found_q[LOW*u +: LOW]);
        for (int unsigned l = 0; l < u; l++) below = below + (LOW + 1)'(equal_q[Units*u + l]);
        limit       = (LOW + 1)'(2**LOW - 1) + (LOW + 1)'(leaving_q[TAKEN*u +: TAKEN]);
        overflow[u] = close_q[u] && below >= limit;
      end
    end
  end
  always_ff @(posedge clk_i) begin
    if (close != '0) begin
      found_q   <= found;
      leaving_q <= leaving;
      equal_q   <= equal;
    end
  end

  // The next counts; full ones stay full. Used only if they change.
  logic            change, signals;
  logic [LOW-1:0]  low;
  logic [NEAR-1:0] gone, sum;  // signed
  logic [HIGH-1:0] high;
  assign signals = signal_i != '0;
  assign change  = signals || take0_q != '0 || take1_q != '0 || pending_q != '0;
  always_comb begin
    near_d    = 'x;
    borrow_d  = 'x;
    pending_d = 'x;
    full_d    = 'x;
    high_d    = 'x;
    low       = '0;
    gone      = '0;
    sum       = '0;
    high      = '0;
    if (change) begin
      for (int unsigned s = 0; s < COUNT; s++) begin
        low  = near_q[NEAR*s +: LOW] | {LOW{near_q[NEAR*s+CARRY] && full_q[s] && !borrow_q[s]}};
        gone = NEAR'(taken(ID'(s), take0_id_q, take1_id_q, take0_q, take1_q));
        // The complement, so that all operands are added in one tree.
        sum  = NEAR'(low) + ~gone + NEAR'(1);
        if (signals) begin
          for (int unsigned u = 0; u < Units; u++) begin
            sum = sum + NEAR'(signal_i[u] && signal_ids[ID*u +: ID] == ID'(s));
          end
        end
        high = high_q[HIGH*s +: HIGH] + HIGH'(near_q[NEAR*s+CARRY] && !borrow_q[s] && !full_q[s]) - HIGH'(borrow_q[s]);
        near_d[NEAR*s +: NEAR] = {high != '0, sum[LOW:0]};
        borrow_d[s]            = sum[LOW+1];
        full_d[s]              = high == '1;
        high_d[HIGH*s +: HIGH] = high;
        pending_d[s]           = sum[LOW];
      end
    end
  end

  assign needs_clock_o = take0_q != '0 || take1_q != '0 || checking_o;
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
      close_q    <= '0;
      checks_q   <= 1'b0;
      checking_o <= 1'b0;
      overflow_o <= '0;
    end else begin
      close_q    <= close;
      checks_q   <= close != '0;
      checking_o <= close != '0 || checks_q;
      overflow_o <= overflow;
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
  logic [COUNT*ID-1:0] ids;
  always_comb begin
    left   = '0;
    lowest = '0;
    ids    = '0;
    if (check_i) begin
      for (int unsigned s = 0; s < COUNT; s++) begin
        left[s] = near_q[NEAR*s +: NEAR] != NEAR'(taken(ID'(s), take0_id_q, take1_id_q, take0_q, take1_q));
        ids[ID*s +: ID] = ID'(s);
      end
      for (int unsigned s = 0; s < COUNT; s++) lowest[s] = left[s] && (left << (COUNT - s)) == '0;
    end
  end
  xw_select #(
    .Sources(COUNT), .Width(ID)
  ) u_leftover (
    .select_i(lowest),
    .data_i  (ids),
    .data_o  (leftover_id_o)
  );
  assign leftover_o = left != '0;
endmodule
