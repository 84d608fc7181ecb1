// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0

/// Ends a run in which nothing has moved for limit_i cycles, and says what stands still.
///
/// The culprit is the instruction that comes first in the program: a waiting one that gets no tokens
/// (detail: the semaphore), or one whose memory does not answer (detail: 0). The verdict is found in the last
/// of these cycles and told in the next. Queues are numbered as in xw_dispatch.
module xw_watchdog #(
  parameter int unsigned NumEngines = 4,
  localparam int unsigned Queues = 2 + 2 * NumEngines
) (
  input  logic                      clk_i,
  input  logic                      control_clk_i,  // may stand still in cycles without needs_control_o
  input  logic                      rst_ni,
  output logic                      needs_control_o,
  input  logic                      enable_i,
  input  logic                      restart_i,      // a new phase begins
  input  logic                      progress_i,
  input  logic [31:0]               limit_i,        // at least 1
  // What may stand still
  input  logic [Queues-1:0]         held_i,         // the queue holds an instruction
  input  logic [Queues*32-1:0]      index_i,
  input  logic [Queues-1:0]         wait_i,         // it waits for tokens
  input  logic [Queues-1:0]         short0_i,       // of its first semaphore
  input  logic [Queues*32-1:0]      word_i,         // first word of its instruction
  input  logic [NumEngines-1:0]     load_active_i,  // an image is under way
  input  logic [NumEngines*32-1:0]  load_index_i,
  input  logic [31:0]               dispatch_index_i,
  // The verdict, with fire_o
  output logic                      fire_o,         // one cycle
  output logic [7:0]                unit_o,
  output logic [31:0]               index_o,
  output logic [63:0]               detail_o
);
  logic [31:0] count_q;                         // cycles without progress, with the one under way
  logic        counts, expires, expired_q;
  assign counts  = enable_i && !restart_i && !progress_i && !fire_o;
  assign expires = counts && count_q >= limit_i;
  assign fire_o  = enable_i && expired_q;

  // Who may stand still: dispatch, the loaders' images, the queues. Of one instruction in two places the former counts.
  localparam int unsigned LOADS   = 1;
  localparam int unsigned QUEUES  = 1 + NumEngines;
  localparam int unsigned SOURCES = QUEUES + Queues;
  logic [SOURCES-1:0]    valid, first;
  logic [SOURCES*32-1:0] indices;
  always_comb begin
    valid   = '0;
    indices = '0;
    if (expires) begin
      valid   = {held_i, load_active_i, 1'b1};
      indices = {index_i, load_index_i, dispatch_index_i};
    end
  end
  xw_first #(
    .Sources(SOURCES)
  ) u_first (
    .valid_i(valid),
    .index_i(indices),
    .first_o(first)
  );

  localparam int unsigned WIDTH = 8 + 32 + 6;  // unit, index, semaphore
  logic [SOURCES*WIDTH-1:0] verdicts;
  logic [7:0]  unit;
  logic [5:0]  waits_for;
  logic [WIDTH-1:0] verdict;
  always_comb begin
    verdicts  = '0;
    unit      = '0;
    waits_for = '0;
    if (expires) begin
      verdicts[0 +: WIDTH] = {xw_pkg::UNIT_DISPATCH[7:0], dispatch_index_i, 6'd0};
      for (int unsigned e = 0; e < NumEngines; e++) begin
        unit = xw_pkg::UNIT_BLOCK_LOAD[7:0] + 8'(e);
        verdicts[WIDTH*(LOADS+e) +: WIDTH] = {unit, load_index_i[32*e +: 32], 6'd0};
      end
      for (int unsigned q = 0; q < Queues; q++) begin
        if (q == 0)                  unit = xw_pkg::UNIT_X_LOAD[7:0];
        else if (q == 1)             unit = xw_pkg::UNIT_Y_STORE[7:0];
        else if (q < 2 + NumEngines) unit = xw_pkg::UNIT_BLOCK_LOAD[7:0] + 8'(q - 2);
        else                         unit = xw_pkg::UNIT_MVM[7:0] + 8'(q - 2 - NumEngines);
        waits_for = short0_i[q] ? word_i[32*q + xw_pkg::INST_WAIT0_ID_LSB +: 6] : word_i[32*q + xw_pkg::INST_WAIT1_ID_LSB +: 6];
        verdicts[WIDTH*(QUEUES+q) +: WIDTH] = {unit, index_i[32*q +: 32], waits_for & {6{wait_i[q]}}};
      end
    end
  end
  xw_select #(
    .Sources(SOURCES), .Width(WIDTH)
  ) u_select (
    .select_i(first),
    .data_i  (verdicts),
    .data_o  (verdict)
  );

  always_ff @(posedge clk_i) begin
    if (!rst_ni || !counts) count_q <= 32'd1;
    else                    count_q <= count_q + 32'd1;
  end
  always_ff @(posedge control_clk_i) begin
    if (!rst_ni) begin
      expired_q <= 1'b0;
      unit_o    <= '0;
      index_o   <= '0;
      detail_o  <= '0;
    end else begin
      expired_q <= expires;
      if (expires) begin
        unit_o   <= verdict[38 +: 8];
        index_o  <= verdict[6 +: 32];
        detail_o <= 64'(verdict[5:0]);
      end
    end
  end
  assign needs_control_o = expires || expired_q;
endmodule
