// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0

/// The instruction queue of one unit: waits for semaphores, hands commands to the executor, signals.
///
/// Instructions run in order, one at a time. SYNC never reaches the executor; it takes one cycle, and one more if it
/// both waits and signals. The executor answers a command by one pulse of done_i or error_i; the first signals.
/// After an error anywhere, instructions behind the failing one are not begun (limit_i); those before it begin a cycle
/// later than without.
module xw_unit_queue #(
  parameter int unsigned Depth = 16  // power of two
) (
  input  logic                 clk_i,
  input  logic                 rst_ni,
  output logic                 needs_clock_o,  // clk_i may stand still in cycles without and without a command taken
  input  logic                 abort_i,        // forgets everything
  input  logic                 limit_valid_i,  // instructions with an index above limit_i are not begun
  input  logic [31:0]          limit_i,
  input  logic                 hold_i,         // no instruction is begun
  // From dispatch
  input  logic                 push_valid_i,
  output logic                 push_ready_o,
  input  xw_pkg::instruction_t push_instruction_i,
  input  logic [31:0]          push_index_i,
  // To the semaphores
  output logic                 wait_o,         // for what cmd_o says
  input  logic                 grant_i,        // in the cycle of wait_o
  output logic                 signal_o,       // what cmd_o says
  // To the executor
  output logic                 cmd_valid_o,
  input  logic                 cmd_ready_i,
  output xw_pkg::instruction_t cmd_o,          // the first instruction held
  input  logic                 done_i,
  input  logic                 error_i,
  // State
  output logic                 held_o,         // an instruction waits or executes: that of index_o
  output logic [31:0]          index_o,
  output logic                 busy_o          // it executes
);
  localparam int unsigned POINTER_BITS = $clog2(Depth);

  typedef enum logic [1:0] {
    StWait,   // takes the tokens of the first instruction
    StIssue,  // offers it to the executor
    StRun,    // waits for done
    StSignal  // SYNC has its tokens and signals: not in the cycle of grant_i, which comes late in it
  } state_e;
  state_e state_q;

  // What is asked of every instruction is found out when it is pushed: tokens are granted late in a cycle.
  localparam int unsigned ENTRY_BITS = 2 + 32 + xw_pkg::INSTRUCTION_BITS;

  logic [ENTRY_BITS-1:0] fifo [0:Depth-1];
  logic [POINTER_BITS:0] write_q, read_q, second;
  logic full, empty_q, push, pop, single, push_waits, push_sync;
  assign full   = write_q == {~read_q[POINTER_BITS], read_q[POINTER_BITS-1:0]};
  assign second = read_q + 1'b1;
  assign single = write_q == second;
  assign push_waits   = push_instruction_i.common.wait0_count != '0 || push_instruction_i.common.wait1_count != '0;
  assign push_sync    = push_instruction_i.common.opcode == xw_pkg::OPCODE_SYNC;
  assign push_ready_o = !full;
  assign push         = push_valid_i && !full;

  logic [ENTRY_BITS-1:0] front;
  xw_pkg::instruction_t  head;
  assign front   = fifo[read_q[POINTER_BITS-1:0]];
  assign head    = front[xw_pkg::INSTRUCTION_BITS-1:0];
  assign index_o = front[xw_pkg::INSTRUCTION_BITS +: 32];

  logic may_begin, waits, is_sync, signals_later, take, complete;
  logic allowed, allowed_q;  // the first instruction is not behind the limit; as it was in the last cycle
  assign allowed       = !empty_q && !pop && index_o <= limit_i;
  assign may_begin     = state_q == StWait && !empty_q && !hold_i && (!limit_valid_i || allowed_q);
  assign waits         = front[ENTRY_BITS-1];
  assign is_sync       = front[ENTRY_BITS-2];
  assign wait_o        = may_begin && waits;
  assign take          = may_begin && (!waits || grant_i);
  assign signals_later = waits && head.common.signal;
  assign complete      = (take && is_sync && !signals_later) || state_q == StSignal || (state_q == StRun && done_i);
  assign signal_o      = head.common.signal &&
                         ((may_begin && is_sync && !waits) || state_q == StSignal || (state_q == StRun && done_i));
  assign cmd_valid_o   = state_q == StIssue;
  assign cmd_o         = head;

  always_ff @(posedge clk_i) begin
    if (push) fifo[write_q[POINTER_BITS-1:0]] <= {push_waits, push_sync, push_index_i, push_instruction_i};
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q  <= StWait;
      write_q  <= '0;
      read_q   <= '0;
      empty_q  <= 1'b1;
      allowed_q <= 1'b0;
    end else if (abort_i) begin
      state_q  <= StWait;
      read_q   <= write_q;
      empty_q  <= 1'b1;
      allowed_q <= 1'b0;
    end else begin
      allowed_q <= allowed;
      if (push) write_q <= write_q + 1'b1;
      if (pop)  read_q  <= second;
      empty_q <= !push && (empty_q || (pop && single));
      unique case (state_q)
        StWait: if (take) begin
          if (!is_sync)           state_q <= StIssue;
          else if (signals_later) state_q <= StSignal;
        end
        StIssue: if (cmd_ready_i) state_q <= StRun;
        StRun: if (done_i || error_i) state_q <= StWait;
        StSignal: state_q <= StWait;
        default: state_q <= StWait;
      endcase
    end
  end

  assign pop    = complete || (state_q == StRun && error_i);
  assign held_o = !empty_q;
  assign busy_o = state_q == StIssue || state_q == StRun;
  assign needs_clock_o = push_valid_i || abort_i || take || state_q == StSignal || (state_q == StRun && (done_i || error_i)) ||
                         (limit_valid_i && allowed != allowed_q);
endmodule
