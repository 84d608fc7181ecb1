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
  input  logic                     clk_i,
  input  logic                     control_clk_i,            // may stand still in cycles without needs_control_o
  input  logic                     rst_ni,
  output logic                     needs_control_o,
  input  logic                     enable_i,
  input  logic                     restart_i,                // a new phase begins
  input  logic                     progress_i,
  input  logic [31:0]              limit_i,                  // at least 1
  // What may stand still
  input  logic [Queues-1:0]        held_i,                   // the queue holds an instruction
  input  logic [Queues*32-1:0]     index_i,
  input  logic [Queues-1:0]        wait_i,                   // it waits for tokens
  input  logic [Queues-1:0]        short0_i,                 // of its first semaphore
  input  logic [Queues*xw_pkg::INSTRUCTION_BITS-1:0] cmd_i,  // the instructions
  input  logic [NumEngines-1:0]    load_active_i,            // an image is under way
  input  logic [NumEngines*32-1:0] load_index_i,
  input  logic [31:0]              dispatch_index_i,
  // The verdict, with fire_o
  output logic                     fire_o,                   // one cycle
  output xw_pkg::error_report_t    report_o
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

  localparam int unsigned BITS = xw_pkg::ERROR_REPORT_BITS;
  logic [SOURCES*BITS-1:0] reports;
  xw_pkg::error_report_t   report;
  xw_pkg::instruction_t    command;
  logic [BITS-1:0]         verdict;
  always_comb begin
    reports = '0;
    report  = '0;
    command = '0;
    if (expires) begin
      report.code  = xw_pkg::ERROR_WATCHDOG;
      report.unit  = xw_pkg::UNIT_DISPATCH;
      report.index = dispatch_index_i;
      reports[0 +: BITS] = report;
      for (int unsigned e = 0; e < NumEngines; e++) begin
        report.unit  = xw_pkg::queue_unit(2 + e, NumEngines);
        report.index = load_index_i[32*e +: 32];
        reports[BITS*(LOADS+e) +: BITS] = report;
      end
      for (int unsigned q = 0; q < Queues; q++) begin
        report.unit = xw_pkg::queue_unit(q, NumEngines);
        report.index  = index_i[32*q +: 32];
        report.detail = '0;
        command       = cmd_i[xw_pkg::INSTRUCTION_BITS*q +: xw_pkg::INSTRUCTION_BITS];
        if (wait_i[q]) report.detail = short0_i[q] ? 64'(command.common.wait0_id) : 64'(command.common.wait1_id);
        reports[BITS*(QUEUES+q) +: BITS] = report;
      end
    end
  end
  xw_select #(
    .Sources(SOURCES), .Width(BITS)
  ) u_select (
    .select_i(first),
    .data_i  (reports),
    .data_o  (verdict)
  );

  always_ff @(posedge clk_i) begin
    if (!rst_ni || !counts) count_q <= 32'd1;
    else                    count_q <= count_q + 32'd1;
  end
  always_ff @(posedge control_clk_i) begin
    if (!rst_ni) begin
      expired_q <= 1'b0;
      report_o  <= '0;
    end else begin
      expired_q <= expires;
      if (expires) report_o <= verdict;
    end
  end
  assign needs_control_o = expires || expired_q;
endmodule
