// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0

/// The instruction queue of one unit: waits for semaphores, hands commands to the executor, signals.
///
/// Instructions run in order, one at a time. SYNC never reaches the executor. The executor answers a
/// command by one pulse of done_i or error_i; the first signals. After an error anywhere, instructions
/// behind the failing one are not begun (limit_i).
module xw_unit_queue #(
  parameter int unsigned Depth = 16  // power of two
) (
  input  logic                 clk_i,
  input  logic                 rst_ni,
  output logic                 needs_clock_o,  // clk_i may stand still in cycles without and without a command taken
  input  logic                 abort_i,        // forgets everything
  input  logic                 limit_valid_i,  // instructions with an index above limit_i are not begun
  input  logic [31:0]          limit_i,
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
    StRun     // waits for done
  } state_e;
  state_e state_q;

  localparam int unsigned ENTRY_BITS = 32 + xw_pkg::INSTRUCTION_BITS;

  logic [ENTRY_BITS-1:0] fifo [0:Depth-1];
  logic [POINTER_BITS:0] write_q, read_q;
  logic full, empty, push;
  assign full  = write_q == {~read_q[POINTER_BITS], read_q[POINTER_BITS-1:0]};
  assign empty = write_q == read_q;
  assign push_ready_o = !full;
  assign push         = push_valid_i && !full;

  logic [ENTRY_BITS-1:0] front;
  xw_pkg::instruction_t  head;
  assign front   = fifo[read_q[POINTER_BITS-1:0]];
  assign head    = front[xw_pkg::INSTRUCTION_BITS-1:0];
  assign index_o = front[ENTRY_BITS-1 -: 32];

  logic may_begin, waits, is_sync, take, complete;
  assign may_begin     = state_q == StWait && !empty && !(limit_valid_i && index_o > limit_i);
  assign waits         = head.common.wait0_count != '0 || head.common.wait1_count != '0;
  assign is_sync       = head.common.opcode == xw_pkg::OPCODE_SYNC;
  assign wait_o        = may_begin && waits;
  assign take          = may_begin && (!waits || grant_i);
  assign complete      = (take && is_sync) || (state_q == StRun && done_i);
  assign signal_o      = complete && head.common.signal;
  assign cmd_valid_o   = state_q == StIssue;
  assign cmd_o         = head;

  always_ff @(posedge clk_i) begin
    if (push) fifo[write_q[POINTER_BITS-1:0]] <= {push_index_i, push_instruction_i};
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q <= StWait;
      write_q <= '0;
      read_q  <= '0;
    end else if (abort_i) begin
      state_q <= StWait;
      read_q  <= write_q;
    end else begin
      if (push) write_q <= write_q + 1'b1;
      if (complete || (state_q == StRun && error_i)) read_q <= read_q + 1'b1;
      unique case (state_q)
        StWait: if (take && !is_sync) state_q <= StIssue;
        StIssue: if (cmd_ready_i) state_q <= StRun;
        StRun: if (done_i || error_i) state_q <= StWait;
        default: state_q <= StWait;
      endcase
    end
  end

  assign held_o = !empty;
  assign busy_o = state_q != StWait;
  assign needs_clock_o = push_valid_i || abort_i || take || (state_q == StRun && (done_i || error_i));
endmodule
