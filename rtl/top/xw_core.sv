// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0

/// The accelerator without its registers: sequencer, DMA units and engines.
///
/// Queues are numbered as in xw_dispatch: X load, Y store, block loaders, MVM units.
module xw_core #(
  parameter int unsigned NumEngines     = 4,
  parameter int unsigned Lanes          = 64,
  parameter int unsigned BlockRows      = 512,
  parameter int unsigned BlockCols      = 512,
  parameter int unsigned Contexts       = 4,
  parameter int unsigned XbufBytes      = 16384,
  parameter int unsigned YbufWords      = 2048,
  parameter int unsigned MaxBatch       = 64,
  parameter int unsigned AdcCols        = 4,
  parameter int unsigned MaxOutstanding = 16,
  parameter int unsigned WatchdogCycles = 1000000,
  localparam int unsigned DataWidth = 8 * Lanes,
  localparam int unsigned Queues    = 2 + 2 * NumEngines
) (
  input  logic                            clk_i,
  input  logic                            rst_ni,
  output logic                            control_clk_o,  // clk_i in cycles in which the sequencer or its user needs it
  input  logic                            needs_control_i,
  // Run
  input  logic                            start_i,
  output logic                            idle_o,
  output logic                            done_o,
  input  xw_pkg::arguments_t              arguments_i,    // watchdog_cycles 0: WatchdogCycles
  output xw_pkg::error_report_t           report_o,       // of the first error in program order; code ERROR_OK: none
  output xw_pkg::counters_t               counters_o,
  // Memory of program, X, Y and record, AXI4
  output xw_pkg::axi_write_req_t          write_req_o,
  output logic [DataWidth-1:0]            write_data_o,
  output logic [DataWidth/8-1:0]          write_strb_o,
  input  xw_pkg::axi_write_rsp_t          write_rsp_i,
  output xw_pkg::axi_read_req_t           read_req_o,
  output logic                            read_id_o,
  input  xw_pkg::axi_read_rsp_t           read_rsp_i,
  input  logic                            read_id_i,
  input  logic [DataWidth-1:0]            read_data_i,
  // Memory of block images, AXI4, one axi_read_req_t and axi_read_rsp_t per engine
  output logic [NumEngines*xw_pkg::AXI_READ_REQ_BITS-1:0] engine_req_o,
  input  logic [NumEngines*xw_pkg::AXI_READ_RSP_BITS-1:0] engine_rsp_i,
  input  logic [NumEngines*DataWidth-1:0] engine_data_i
);
  localparam int unsigned LOAD            = 2;               // first queue of the loaders
  localparam int unsigned MVM             = 2 + NumEngines;  // first queue of the MVM units
  localparam int unsigned XBUF_ADDR_WIDTH = $clog2(MaxBatch * XbufBytes / Lanes);
  localparam int unsigned YBUF_ADDR_WIDTH = $clog2(MaxBatch * YbufWords * 4 / Lanes);
  localparam int unsigned FAULT           = xw_pkg::FAULT_BITS;
  localparam int unsigned INSTRUCTION     = xw_pkg::INSTRUCTION_BITS;
  localparam int unsigned REQ             = xw_pkg::AXI_READ_REQ_BITS;
  localparam int unsigned RSP             = xw_pkg::AXI_READ_RSP_BITS;

  logic [xw_pkg::BATCH_BITS-1:0] num_vectors;
  assign num_vectors = arguments_i.num_vectors[xw_pkg::BATCH_BITS-1:0];

  // --- clocks -------------------------------------------------------------------------------------
  // What happens once per instruction, beats of block images, and conversions: registers behind these clocks change
  // in few cycles.
  logic control_clk, load_clk, convert_clk;
  logic sequencer_needs, x_load_needs, y_store_needs, completion_needs, counters_need_control, counters_need_convert;
  logic [NumEngines-1:0] engine_needs_control, engine_needs_load, engine_needs_convert;
  xw_clock_gate u_control_clock (
    .clk_i, .rst_ni,
    .enable_i(sequencer_needs || needs_control_i || counters_need_control || x_load_needs || y_store_needs ||
              completion_needs || engine_needs_control != '0),
    .clk_o   (control_clk)
  );
  xw_clock_gate u_load_clock (
    .clk_i, .rst_ni, .enable_i(engine_needs_load != '0), .clk_o(load_clk)
  );
  xw_clock_gate u_convert_clock (
    .clk_i, .rst_ni, .enable_i(counters_need_convert || engine_needs_convert != '0), .clk_o(convert_clk)
  );
  assign control_clk_o = control_clk;

  // --- sequencer ----------------------------------------------------------------------------------
  logic [Queues-1:0]             cmd_valid, cmd_ready, done, failed, busy, semaphore_stall, memory_stall, beats;
  logic [Queues*INSTRUCTION-1:0] cmd;
  logic [Queues*FAULT-1:0]       faults;
  logic [NumEngines-1:0]         load_active, load_idle;
  logic [NumEngines*32-1:0]      load_cmd_index, load_index;
  logic clear, abort, running, count, dispatched, starved, header_read, x_idle, store_idle, progress;
  logic record_phase, record_owns, record_start, record_stop, record_done, record_error, record_decerr;
  xw_pkg::axi_read_req_t fetch_req, x_req;
  xw_pkg::axi_read_rsp_t fetch_rsp, x_rsp;

  xw_sequencer #(
    .NumEngines(NumEngines), .MaxBatch(MaxBatch), .DataWidth(DataWidth), .MaxOutstanding(MaxOutstanding),
    .WatchdogCycles(WatchdogCycles)
  ) u_sequencer (
    .clk_i, .control_clk_i(control_clk), .rst_ni, .needs_control_o(sequencer_needs),
    .start_i, .idle_o, .done_o, .arguments_i, .report_o,
    .clear_o        (clear),
    .abort_o        (abort),
    .cmd_valid_o    (cmd_valid),
    .cmd_ready_i    (cmd_ready),
    .cmd_o          (cmd),
    .load_index_o   (load_cmd_index),
    .unit_done_i    (done),
    .unit_error_i   (failed),
    .unit_fault_i   (faults),
    .load_active_i  (load_active),
    .load_index_i   (load_index),
    .loads_idle_i   (&load_idle),
    .units_idle_i   (x_idle && store_idle && (&load_idle)),
    .store_idle_i   (store_idle),
    .progress_i     (progress),
    .count_o        (count),
    .header_read_o  (header_read),
    .dispatched_o   (dispatched),
    .starved_o      (starved),
    .busy_o         (busy),
    .stall_o        (semaphore_stall),
    .running_o      (running),
    .record_phase_o (record_phase),
    .record_owns_i  (record_owns),
    .record_start_o (record_start),
    .record_stop_o  (record_stop),
    .record_done_i  (record_done),
    .record_error_i (record_error),
    .record_decerr_i(record_decerr),
    .read_req_o     (fetch_req),
    .read_rsp_i     (fetch_rsp),
    .read_data_i
  );

  // --- X load, Y store ----------------------------------------------------------------------------
  logic                       xbuf_write;
  logic [XBUF_ADDR_WIDTH-1:0] xbuf_addr;
  logic [Lanes-1:0]           xbuf_enable;
  logic [DataWidth-1:0]       xbuf_data;

  xw_x_load #(
    .Lanes(Lanes), .XbufBytes(XbufBytes), .MaxBatch(MaxBatch), .MaxOutstanding(MaxOutstanding)
  ) u_x_load (
    .clk_i(control_clk), .rst_ni, .needs_clock_o(x_load_needs),
    .abort_i       (abort),
    .num_vectors_i (num_vectors),
    .x_base_i      (arguments_i.x_base),
    .cmd_valid_i   (cmd_valid[0]),
    .cmd_ready_o   (cmd_ready[0]),
    .cmd_i         (cmd[0 +: INSTRUCTION]),
    .done_o        (done[0]),
    .error_o       (failed[0]),
    .fault_o       (faults[0 +: FAULT]),
    .idle_o        (x_idle),
    .memory_stall_o(memory_stall[0]),
    .beat_o        (beats[0]),
    .xbuf_write_o  (xbuf_write),
    .xbuf_addr_o   (xbuf_addr),
    .xbuf_enable_o (xbuf_enable),
    .xbuf_data_o   (xbuf_data),
    .read_req_o    (x_req),
    .read_rsp_i    (x_rsp),
    .read_data_i
  );

  xw_read_mux u_read_mux (
    .clk_i, .rst_ni,
    .reader0_req_i(fetch_req),
    .reader0_rsp_o(fetch_rsp),
    .reader1_req_i(x_req),
    .reader1_rsp_o(x_rsp),
    .read_req_o, .read_id_o, .read_rsp_i, .read_id_i
  );

  logic                            y_beat, y_memory_stall;
  logic [NumEngines-1:0]           ybuf_request, ybuf_taken, ybuf_answer;
  logic [YBUF_ADDR_WIDTH-1:0]      ybuf_addr;
  logic [NumEngines*DataWidth-1:0] ybuf_data;
  xw_pkg::axi_write_req_t          y_req, record_req;
  xw_pkg::axi_write_rsp_t          y_rsp, record_rsp;
  logic [DataWidth-1:0]            y_write_data, record_data;
  logic [DataWidth/8-1:0]          y_write_strb, record_strb;

  xw_y_store #(
    .NumEngines(NumEngines), .Lanes(Lanes), .YbufWords(YbufWords), .MaxBatch(MaxBatch), .MaxOutstanding(MaxOutstanding)
  ) u_y_store (
    .clk_i(control_clk), .rst_ni, .needs_clock_o(y_store_needs),
    .abort_i       (abort),
    .num_vectors_i (num_vectors),
    .y_base_i      (arguments_i.y_base),
    .cmd_valid_i   (cmd_valid[1]),
    .cmd_ready_o   (cmd_ready[1]),
    .cmd_i         (cmd[INSTRUCTION +: INSTRUCTION]),
    .done_o        (done[1]),
    .error_o       (failed[1]),
    .fault_o       (faults[FAULT +: FAULT]),
    .idle_o        (store_idle),
    .memory_stall_o(y_memory_stall),
    .beat_o        (y_beat),
    .ybuf_valid_o  (ybuf_request),
    .ybuf_ready_i  (ybuf_taken),
    .ybuf_addr_o   (ybuf_addr),
    .ybuf_valid_i  (ybuf_answer),
    .ybuf_data_i   (ybuf_data),
    .write_req_o   (y_req),
    .write_data_o  (y_write_data),
    .write_strb_o  (y_write_strb),
    .write_rsp_i   (y_rsp)
  );

  xw_write_mux #(
    .DataWidth(DataWidth)
  ) u_write_mux (
    .completion_i  (record_phase),
    .writer0_req_i (y_req),
    .writer0_data_i(y_write_data),
    .writer0_strb_i(y_write_strb),
    .writer0_rsp_o (y_rsp),
    .writer1_req_i (record_req),
    .writer1_data_i(record_data),
    .writer1_strb_i(record_strb),
    .writer1_rsp_o (record_rsp),
    .write_req_o, .write_data_o, .write_strb_o, .write_rsp_i
  );

  // --- engines ------------------------------------------------------------------------------------
  logic [NumEngines*8-1:0] saturations;

  for (genvar e = 0; e < NumEngines; e++) begin : g_engine
    xw_engine #(
      .Lanes(Lanes), .BlockRows(BlockRows), .BlockCols(BlockCols), .Contexts(Contexts), .XbufBytes(XbufBytes),
      .YbufWords(YbufWords), .MaxBatch(MaxBatch), .AdcCols(AdcCols), .MaxOutstanding(MaxOutstanding)
    ) u_engine (
      .clk_i, .rst_ni,
      .control_clk_i(control_clk), .load_clk_i(load_clk), .convert_clk_i(convert_clk),
      .needs_control_o(engine_needs_control[e]), .needs_load_o(engine_needs_load[e]), .needs_convert_o(engine_needs_convert[e]),
      .clear_i            (clear),
      .abort_i            (abort),
      .num_vectors_i      (num_vectors),
      .vector_base_i      (arguments_i.vector_base),
      .chip_seed_i        (arguments_i.chip_seed),
      .image_base_i       (arguments_i.image_base[64*e +: 64]),
      .load_valid_i       (cmd_valid[LOAD + e]),
      .load_ready_o       (cmd_ready[LOAD + e]),
      .load_cmd_i         (cmd[INSTRUCTION*(LOAD + e) +: INSTRUCTION]),
      .load_index_i       (load_cmd_index[32*e +: 32]),
      .load_done_o        (done[LOAD + e]),
      .load_error_o       (failed[LOAD + e]),
      .load_fault_o       (faults[FAULT*(LOAD + e) +: FAULT]),
      .load_active_o      (load_active[e]),
      .load_index_o       (load_index[32*e +: 32]),
      .load_idle_o        (load_idle[e]),
      .load_memory_stall_o(memory_stall[LOAD + e]),
      .load_beat_o        (beats[LOAD + e]),
      .mvm_valid_i        (cmd_valid[MVM + e]),
      .mvm_ready_o        (cmd_ready[MVM + e]),
      .mvm_cmd_i          (cmd[INSTRUCTION*(MVM + e) +: INSTRUCTION]),
      .mvm_done_o         (done[MVM + e]),
      .mvm_error_o        (failed[MVM + e]),
      .mvm_fault_o        (faults[FAULT*(MVM + e) +: FAULT]),
      .mvm_memory_stall_o (memory_stall[MVM + e]),
      .mvm_beat_o         (beats[MVM + e]),
      .saturations_o      (saturations[8*e +: 8]),
      .xbuf_write_i       (xbuf_write),
      .xbuf_addr_i        (xbuf_addr),
      .xbuf_enable_i      (xbuf_enable),
      .xbuf_data_i        (xbuf_data),
      .ybuf_valid_i       (ybuf_request[e]),
      .ybuf_ready_o       (ybuf_taken[e]),
      .ybuf_addr_i        (ybuf_addr),
      .ybuf_valid_o       (ybuf_answer[e]),
      .ybuf_data_o        (ybuf_data[DataWidth*e +: DataWidth]),
      .read_req_o         (engine_req_o[REQ*e +: REQ]),
      .read_rsp_i         (engine_rsp_i[RSP*e +: RSP]),
      .read_data_i        (engine_data_i[DataWidth*e +: DataWidth])
    );
  end

  // --- progress -----------------------------------------------------------------------------------
  // Bits that depend on ready inputs pass through a register: the clock edge is soon enough for them.
  logic record_beat, record_beat_q, y_beat_q, y_memory_stall_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      y_beat_q         <= 1'b0;
      y_memory_stall_q <= 1'b0;
      record_beat_q    <= 1'b0;
    end else begin
      y_beat_q         <= y_beat;
      y_memory_stall_q <= y_memory_stall;
      record_beat_q    <= record_beat;
    end
  end
  assign beats[1]        = y_beat_q;
  assign memory_stall[1] = y_memory_stall_q;
  assign progress        = beats != '0 || record_beat_q;

  // --- counters and record --------------------------------------------------------------------------
  // A loader is at work from an image's header to its last cell, also while its queue waits.
  logic [Queues-1:0] at_work, busy_event, semaphore_event, memory_event;
  assign at_work         = {busy[MVM +: NumEngines], load_active, busy[1:0]};
  assign busy_event      = running ? at_work & ~memory_stall : '0;
  assign memory_event    = running ? at_work & memory_stall : '0;
  assign semaphore_event = running ? semaphore_stall & ~at_work : '0;

  logic [63:0]              dispatch_stall;
  logic [NumEngines*64-1:0] block_bytes;
  logic [Queues*64-1:0]     busy_cycles, semaphore_cycles, memory_cycles;
  logic                     unused_record_active;

  xw_counters #(
    .NumEngines(NumEngines)
  ) u_counters (
    .clk_i, .control_clk_i(control_clk), .convert_clk_i(convert_clk), .rst_ni,
    .needs_control_o(counters_need_control), .needs_convert_o(counters_need_convert),
    .clear_i          (clear),
    .run_i            (count),
    .read_i           (record_phase),
    .num_vectors_i    (num_vectors),
    .header_read_i    (header_read),
    .dispatched_i     (dispatched),
    .starved_i        (starved && running),
    .done_i           (done),
    .cmd_i            (cmd),
    .busy_i           (busy_event),
    .semaphore_stall_i(semaphore_event),
    .memory_stall_i   (memory_event),
    .saturations_i    (saturations),
    .counters_o,
    .block_bytes_o    (block_bytes),
    .dispatch_stall_o (dispatch_stall),
    .busy_o           (busy_cycles),
    .semaphore_stall_o(semaphore_cycles),
    .memory_stall_o   (memory_cycles)
  );

  xw_completion #(
    .DataWidth(DataWidth), .MaxOutstanding((MaxOutstanding < 4) ? MaxOutstanding : 4), .NumEngines(NumEngines)
  ) u_completion (
    .clk_i(control_clk), .rst_ni, .needs_clock_o(completion_needs),
    .start_i          (record_start),
    .stop_i           (record_stop),
    .done_o           (record_done),
    .error_o          (record_error),
    .decerr_o         (record_decerr),
    .beat_o           (record_beat),
    .active_o         (unused_record_active),
    .owns_o           (record_owns),
    .arguments_i,
    .report_i         (report_o),
    .counters_i       (counters_o),
    .block_bytes_i    (block_bytes),
    .dispatch_stall_i (dispatch_stall),
    .busy_i           (busy_cycles),
    .semaphore_stall_i(semaphore_cycles),
    .memory_stall_i   (memory_cycles),
    .write_req_o      (record_req),
    .write_data_o     (record_data),
    .write_strb_o     (record_strb),
    .write_rsp_i      (record_rsp)
  );
endmodule
