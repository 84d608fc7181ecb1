// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0

/// The sequencer: course of a run, instructions from memory to the queues of their units, semaphores, errors, watchdog.
///
/// Queues are numbered as in xw_dispatch. Executors of the units stand outside.
module xw_sequencer #(
  parameter int unsigned NumEngines     = 4,
  parameter int unsigned MaxBatch       = 64,
  parameter int unsigned DataWidth      = 512,
  parameter int unsigned MaxOutstanding = 16,
  parameter int unsigned WatchdogCycles = 1000000,
  localparam int unsigned Queues      = 2 + 2 * NumEngines,
  localparam int unsigned Fault       = xw_pkg::FAULT_BITS,
  localparam int unsigned Instruction = xw_pkg::INSTRUCTION_BITS
) (
  input  logic                          clk_i,
  input  logic                          control_clk_i,   // may stand still in cycles without needs_control_o
  input  logic                          rst_ni,
  output logic                          needs_control_o,
  // Run
  input  logic                          start_i,
  output logic                          idle_o,
  output logic                          done_o,
  input  xw_pkg::arguments_t            arguments_i,     // watchdog_cycles 0: WatchdogCycles
  output xw_pkg::error_report_t         report_o,        // of the first error in program order
  // Units
  output logic                          clear_o,         // one cycle: state of the last run is forgotten
  output logic                          abort_o,         // one cycle: all units drop what they do
  output logic [Queues-1:0]             cmd_valid_o,
  input  logic [Queues-1:0]             cmd_ready_i,
  output logic [Queues*Instruction-1:0] cmd_o,
  output logic [NumEngines*32-1:0]      load_index_o,    // of the commands of the loaders
  input  logic [Queues-1:0]             unit_done_i,
  input  logic [Queues-1:0]             unit_error_i,
  input  logic [Queues*Fault-1:0]       unit_fault_i,    // with unit_error_i
  input  logic [NumEngines-1:0]         load_active_i,   // an image is under way
  input  logic [NumEngines*32-1:0]      load_index_i,    // its instruction; with an error: that failed
  input  logic                          loads_idle_i,
  input  logic                          units_idle_i,    // no transfer of a unit is under way
  input  logic                          store_idle_i,    // the Y store does not use the write channel
  input  logic                          progress_i,      // a unit or the record moved on
  // What the counters count
  output logic                          count_o,         // cycles
  output logic                          header_read_o,
  output logic                          dispatched_o,
  output logic                          starved_o,       // dispatch waits for fetch
  output logic [Queues-1:0]             busy_o,          // the unit executes
  output logic [Queues-1:0]             stall_o,         // the queue waits for a semaphore
  output logic                          running_o,
  // Completion record
  output logic                          record_phase_o,  // it owns the write channel
  input  logic                          record_owns_i,   // memory owes answers to a record that was stopped
  output logic                          record_start_o,
  output logic                          record_stop_o,
  input  logic                          record_done_i,
  input  logic                          record_error_i,
  input  logic                          record_decerr_i,
  // Memory of the program
  output xw_pkg::axi_read_req_t         read_req_o,
  input  xw_pkg::axi_read_rsp_t         read_rsp_i,
  input  logic [DataWidth-1:0]          read_data_i
);
  localparam int unsigned SOURCES = Queues + 3;  // of errors: see xw_error_gather

  // Executors ask for the clock in cycles in which they take or answer a command.
  logic run_needs, fetch_needs, dispatch_needs, watchdog_needs, semaphores_need;
  logic [Queues-1:0]  queue_needs, held;
  logic [SOURCES-1:0] errors;
  logic sequencer_needs;
  always_comb begin
    sequencer_needs = 1'b0;
    if (run_needs || dispatch_needs || queue_needs != '0 || errors != '0) sequencer_needs = 1'b1;
  end
  assign needs_control_o = sequencer_needs || fetch_needs || watchdog_needs || semaphores_need;

  // --- course of the run --------------------------------------------------------------------------
  logic start_units, stop_fetch, stop_dispatch, halted, settled, fetch_idle, error_valid;
  logic control_error, watch, watch_restart, watch_fire, watch_error;
  logic [31:0]    control_error_index, dispatch_index;
  xw_pkg::fault_t control_fault;

  xw_run_control #(
    .NumEngines(NumEngines), .MaxBatch(MaxBatch)
  ) u_run_control (
    .clk_i(control_clk_i), .rst_ni, .needs_clock_o(run_needs), .start_i, .idle_o, .done_o, .arguments_i,
    .clear_o,
    .begin_o         (start_units),
    .run_o           (running_o),
    .stop_fetch_o    (stop_fetch),
    .stop_dispatch_o (stop_dispatch),
    .abort_o,
    .halted_i        (halted),
    .dispatch_index_i(dispatch_index),
    .settled_i       (settled),
    .units_idle_i,
    .store_idle_i,
    .fetch_idle_i    (fetch_idle),
    .error_valid_i   (error_valid),
    .error_o         (control_error),
    .error_index_o   (control_error_index),
    .fault_o         (control_fault),
    .watch_o         (watch),
    .watch_restart_o (watch_restart),
    .watch_fire_i    (watch_fire),
    .watch_error_o   (watch_error),
    .record_phase_o,
    .record_owns_i,
    .record_start_o,
    .record_stop_o,
    .record_done_i,
    .record_error_i,
    .record_decerr_i,
    .count_o
  );

  // --- fetch and dispatch -------------------------------------------------------------------------
  logic                  fetched, fetch_ready, fetch_error, fetch_beat;
  xw_pkg::instruction_t  fetched_instruction, push_instruction;
  logic [31:0]           fetched_index, push_index;
  xw_pkg::fault_t        fetch_fault, dispatch_fault;

  xw_fetch #(
    .DataWidth(DataWidth), .MaxOutstanding((MaxOutstanding < 4) ? MaxOutstanding : 4)
  ) u_fetch (
    .clk_i(control_clk_i), .rst_ni, .needs_clock_o(fetch_needs),
    .start_i       (start_units),
    .stop_i        (stop_fetch),
    .arguments_i,
    .idle_o        (fetch_idle),
    .valid_o       (fetched),
    .ready_i       (fetch_ready),
    .instruction_o (fetched_instruction),
    .index_o       (fetched_index),
    .error_o       (fetch_error),
    .fault_o       (fetch_fault),
    .header_read_o,
    .beat_o        (fetch_beat),
    .read_req_o, .read_rsp_i, .read_data_i
  );

  logic [Queues-1:0] push_valid, push_ready;
  logic              check, leftover, dispatch_error, checking;
  logic [xw_pkg::SEMAPHORE_ID_BITS-1:0] leftover_id;

  xw_dispatch #(
    .NumEngines(NumEngines)
  ) u_dispatch (
    .clk_i(control_clk_i), .rst_ni, .needs_clock_o(dispatch_needs),
    .start_i           (start_units),
    .entry_i           (arguments_i.entry),
    .stop_i            (stop_dispatch),
    .valid_i           (fetched),
    .ready_o           (fetch_ready),
    .instruction_i     (fetched_instruction),
    .index_i           (fetched_index),
    .error_i           (fetch_error),
    .fault_i           (fetch_fault),
    .push_valid_o      (push_valid),
    .push_ready_i      (push_ready),
    .push_instruction_o(push_instruction),
    .push_index_o      (push_index),
    .all_idle_i        (held == '0 && loads_idle_i && !checking),
    .check_o           (check),
    .leftover_i        (leftover),
    .leftover_id_i     (leftover_id),
    .dispatched_o,
    .starved_o,
    .index_o           (dispatch_index),
    .halted_o          (halted),
    .error_o           (dispatch_error),
    .fault_o           (dispatch_fault)
  );

  // --- queues and semaphores ----------------------------------------------------------------------
  logic [Queues-1:0]    waiting, granted, short0, signals, overflow;
  logic [Queues*32-1:0] queue_index;
  assign load_index_o = queue_index[64 +: 32*NumEngines];  // queues from 2 on

  for (genvar q = 0; q < Queues; q++) begin : g_queue
    xw_unit_queue u_queue (
      .clk_i(control_clk_i), .rst_ni, .needs_clock_o(queue_needs[q]),
      .abort_i           (abort_o),
      .limit_valid_i     (error_valid),
      .limit_i           (report_o.index),
      .hold_i            (checking),
      .push_valid_i      (push_valid[q]),
      .push_ready_o      (push_ready[q]),
      .push_instruction_i(push_instruction),
      .push_index_i      (push_index),
      .wait_o            (waiting[q]),
      .grant_i           (granted[q]),
      .signal_o          (signals[q]),
      .cmd_valid_o       (cmd_valid_o[q]),
      .cmd_ready_i       (cmd_ready_i[q]),
      .cmd_o             (cmd_o[Instruction*q +: Instruction]),
      .done_i            (unit_done_i[q]),
      .error_i           (unit_error_i[q]),
      .held_o            (held[q]),
      .index_o           (queue_index[32*q +: 32]),
      .busy_o            (busy_o[q])
    );
  end

  xw_semaphores #(
    .Units(Queues)
  ) u_semaphores (
    .clk_i(control_clk_i), .rst_ni, .needs_clock_o(semaphores_need),
    .clear_i      (clear_o),
    .cmd_i        (cmd_o),
    .wait_i       (waiting),
    .grant_o      (granted),
    .short0_o     (short0),
    .signal_i     (signals),
    .overflow_o   (overflow),
    .checking_o   (checking),
    .check_i      (check),
    .leftover_o   (leftover),
    .leftover_id_o(leftover_id)
  );

  // --- errors and watchdog ------------------------------------------------------------------------
  logic [SOURCES*xw_pkg::ERROR_REPORT_BITS-1:0] reports;
  xw_pkg::error_report_t watch_report;

  xw_error_gather #(
    .NumEngines(NumEngines)
  ) u_error_gather (
    .clk_i(control_clk_i),
    .failed_i        (unit_error_i),
    .signal_i        (signals),
    .checking_i      (checking),
    .overflow_i      (overflow),
    .fault_i         (unit_fault_i),
    .cmd_i           (cmd_o),
    .held_i          (held),
    .index_i         (queue_index),
    .load_active_i   (load_active_i),
    .load_index_i    (load_index_i),
    .dispatch_error_i(dispatch_error),
    .dispatch_index_i(dispatch_index),
    .dispatch_fault_i(dispatch_fault),
    .control_error_i (control_error),
    .control_index_i (control_error_index),
    .control_fault_i (control_fault),
    .watch_error_i   (watch_error),
    .watch_report_i  (watch_report),
    .error_o         (errors),
    .report_o        (reports),
    .valid_i         (error_valid),
    .valid_index_i   (report_o.index),
    .settled_o       (settled)
  );

  xw_error_unit #(
    .Sources(SOURCES)
  ) u_error_unit (
    .clk_i(control_clk_i), .rst_ni,
    .clear_i (clear_o),
    .error_i (errors),
    .report_i(reports),
    .valid_o (error_valid),
    .report_o
  );

  logic        progress_q;  // much of it is known late in a cycle: the watchdog sees it in the next
  logic [31:0] watch_limit;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) progress_q <= 1'b0;
    else         progress_q <= progress_i || unit_done_i != '0 || granted != '0 || fetch_beat || dispatched_o;
  end
  assign watch_limit = (arguments_i.watchdog_cycles == '0) ? 32'(WatchdogCycles) : arguments_i.watchdog_cycles;

  xw_watchdog #(
    .NumEngines(NumEngines)
  ) u_watchdog (
    .clk_i, .control_clk_i(control_clk_i), .rst_ni, .needs_control_o(watchdog_needs),
    .enable_i        (watch),
    .restart_i       (watch_restart),
    .progress_i      (progress_q),
    .limit_i         (watch_limit),
    .held_i          (held),
    .index_i         (queue_index),
    .wait_i          (waiting),
    .short0_i        (short0),
    .cmd_i           (cmd_o),
    .load_active_i   (load_active_i),
    .load_index_i    (load_index_i),
    .dispatch_index_i(dispatch_index),
    .fire_o          (watch_fire),
    .report_o        (watch_report)
  );

  assign stall_o = waiting & ~granted;
endmodule
