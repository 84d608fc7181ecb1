// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0

/// Gathers what units, dispatch, run control and watchdog report, and tells when a found error is the run's.
///
/// A queue reports the fault of its executor, or that its last signal was lost: overflow_i comes up to two cycles after
/// signal_i, and nothing is settled before (checking_i). A loader may fail behind its queue's back: then the
/// instruction is that of its image. Queues are numbered as in xw_dispatch.
module xw_error_gather #(
  parameter int unsigned NumEngines = 4,
  localparam int unsigned Queues  = 2 + 2 * NumEngines,
  localparam int unsigned Sources = Queues + 3  // queues, dispatch, run control, watchdog
) (
  input  logic                     clk_i,                         // may stand still in cycles without signal_i
  // Queues and executors
  input  logic [Queues-1:0]        failed_i,
  input  logic [Queues-1:0]        signal_i,                      // the command in cmd_i signals
  input  logic                     checking_i,                    // overflow_i may follow, or is there
  input  logic [Queues-1:0]        overflow_i,                    // the last signal of the queue is lost
  input  logic [Queues*xw_pkg::FAULT_BITS-1:0] fault_i,           // with failed_i
  input  logic [Queues*xw_pkg::INSTRUCTION_BITS-1:0] cmd_i,
  input  logic [Queues-1:0]        held_i,
  input  logic [Queues*32-1:0]     index_i,
  input  logic [NumEngines-1:0]    load_active_i,
  input  logic [NumEngines*32-1:0] load_index_i,
  // Dispatch, run control, watchdog
  input  logic                     dispatch_error_i,
  input  logic [31:0]              dispatch_index_i,
  input  xw_pkg::fault_t           dispatch_fault_i,
  input  logic                     control_error_i,
  input  logic [31:0]              control_index_i,
  input  xw_pkg::fault_t           control_fault_i,
  input  logic                     watch_error_i,
  input  xw_pkg::error_report_t    watch_report_i,
  // To xw_error_unit
  output logic [Sources-1:0]       error_o,
  output logic [Sources*xw_pkg::ERROR_REPORT_BITS-1:0] report_o,  // with error_o
  // The error found so far
  input  logic                     valid_i,
  input  logic [31:0]              valid_index_i,
  output logic                     settled_o                      // nothing before its instruction is left
);
  localparam int unsigned LOAD = 2;               // first queue of the loaders
  localparam int unsigned MVM  = 2 + NumEngines;  // first queue of the MVM units
  localparam int unsigned ID   = xw_pkg::SEMAPHORE_ID_BITS;
  localparam int unsigned BITS = xw_pkg::ERROR_REPORT_BITS;

  assign error_o = {watch_error_i, control_error_i, dispatch_error_i, failed_i | overflow_i};

  // Who signalled last, and what: the command itself is gone when the signal turns out to be lost.
  logic [Queues*32-1:0] signal_index_q;
  logic [Queues*ID-1:0] signal_ids, signal_id_q;
  xw_pkg::instruction_t signalling;
  always_comb begin
    signal_ids = '0;
    signalling = '0;
    if (signal_i != '0) begin
      for (int unsigned q = 0; q < Queues; q++) begin
        signalling           = cmd_i[xw_pkg::INSTRUCTION_BITS*q +: xw_pkg::INSTRUCTION_BITS];
        signal_ids[ID*q +: ID] = signalling.common.signal_id;
      end
    end
  end
  for (genvar q = 0; q < Queues; q++) begin : g_signal
    always_ff @(posedge clk_i) begin
      if (signal_i[q]) begin
        signal_index_q[32*q +: 32] <= index_i[32*q +: 32];
        signal_id_q[ID*q +: ID]    <= signal_ids[ID*q +: ID];
      end
    end
  end

  xw_pkg::error_report_t report;
  xw_pkg::fault_t        fault;
  always_comb begin
    report_o = '0;
    report   = '0;
    fault    = '0;
    if (error_o != '0) begin
      for (int unsigned q = 0; q < Queues; q++) begin
        fault = fault_i[xw_pkg::FAULT_BITS*q +: xw_pkg::FAULT_BITS];
        report.unit = xw_pkg::queue_unit(q, NumEngines);
        report.code   = xw_pkg::ERROR_SEMAPHORE_OVERFLOW;
        report.detail = 64'(signal_id_q[ID*q +: ID]);
        report.index  = signal_index_q[32*q +: 32];
        // Both at once: only a loader can fail then, whose image is not behind what its queue has signalled.
        if (failed_i[q]) begin
          report.code   = fault.code;
          report.detail = fault.detail;
          report.index  = (q >= LOAD && q < MVM) ? load_index_i[32*(q - LOAD) +: 32] : index_i[32*q +: 32];
        end
        report_o[BITS*q +: BITS] = report;
      end
      report.unit   = xw_pkg::UNIT_DISPATCH;
      report.index  = dispatch_index_i;
      report.code   = dispatch_fault_i.code;
      report.detail = dispatch_fault_i.detail;
      report_o[BITS*Queues +: BITS] = report;
      report.index  = control_index_i;
      report.code   = control_fault_i.code;
      report.detail = control_fault_i.detail;
      report_o[BITS*(Queues + 1) +: BITS] = report;
      report_o[BITS*(Queues + 2) +: BITS] = watch_report_i;
    end
  end

  always_comb begin
    settled_o = 1'b0;
    if (valid_i && !checking_i) begin
      settled_o = 1'b1;
      for (int unsigned q = 0; q < Queues; q++) begin
        if (held_i[q] && index_i[32*q +: 32] < valid_index_i) settled_o = 1'b0;
      end
      for (int unsigned e = 0; e < NumEngines; e++) begin
        if (load_active_i[e] && load_index_i[32*e +: 32] < valid_index_i) settled_o = 1'b0;
      end
    end
  end
endmodule
