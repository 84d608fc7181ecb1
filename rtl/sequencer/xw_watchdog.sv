// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0

/// Ends a run in which nothing has moved for limit_i cycles, and says what stands still.
///
/// The culprit is the instruction that comes first in the program: a waiting one that gets no tokens
/// (detail: the semaphore), or one whose memory does not answer (detail: 0). Queues are numbered as in
/// xw_dispatch.
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
  // The verdict
  output logic                      fire_o,         // one cycle
  output logic [7:0]                unit_o,
  output logic [31:0]               index_o,
  output logic [63:0]               detail_o
);
  logic [31:0] count_q;                         // cycles without progress, but the one under way
  logic        counts, expires, expired_q;
  assign counts  = enable_i && !restart_i && !progress_i && !fire_o;
  assign expires = counts && count_q >= limit_i - 32'd1;
  assign fire_o  = enable_i && expired_q;

  always_comb begin
    unit_o   = xw_pkg::UNIT_DISPATCH[7:0];
    index_o  = dispatch_index_i;
    detail_o = '0;
    if (fire_o) begin
      for (int unsigned e = 0; e < NumEngines; e++) begin
        if (load_active_i[e] && load_index_i[32*e +: 32] < index_o) begin
          unit_o   = xw_pkg::UNIT_BLOCK_LOAD[7:0] + 8'(e);
          index_o  = load_index_i[32*e +: 32];
        end
      end
      for (int unsigned q = 0; q < Queues; q++) begin
        if (held_i[q] && index_i[32*q +: 32] < index_o) begin
          if (q == 0)                  unit_o = xw_pkg::UNIT_X_LOAD[7:0];
          else if (q == 1)             unit_o = xw_pkg::UNIT_Y_STORE[7:0];
          else if (q < 2 + NumEngines) unit_o = xw_pkg::UNIT_BLOCK_LOAD[7:0] + 8'(q - 2);
          else                         unit_o = xw_pkg::UNIT_MVM[7:0] + 8'(q - 2 - NumEngines);
          index_o  = index_i[32*q +: 32];
          detail_o = '0;
          if (wait_i[q]) detail_o[5:0] = word_i[32*q + (short0_i[q] ? xw_pkg::INST_WAIT0_ID_LSB : xw_pkg::INST_WAIT1_ID_LSB) +: 6];
        end
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni || !counts) count_q <= '0;
    else                    count_q <= count_q + 32'd1;
  end
  always_ff @(posedge control_clk_i) begin
    if (!rst_ni) expired_q <= 1'b0;
    else         expired_q <= expires;
  end
  assign needs_control_o = expires || expired_q;
endmodule
