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
  input  logic [63:0]                     program_base_i,
  input  logic [31:0]                     entry_i,
  input  logic [31:0]                     num_vectors_i,
  input  logic [63:0]                     x_base_i,
  input  logic [63:0]                     y_base_i,
  input  logic [63:0]                     completion_base_i,
  input  logic [31:0]                     vector_base_i,
  input  logic [31:0]                     chip_seed_i,
  input  logic [31:0]                     watchdog_cycles_i,  // 0: WatchdogCycles
  input  logic [NumEngines*64-1:0]        image_base_i,
  output logic [7:0]                      error_code_o,
  output logic [7:0]                      error_unit_o,
  output logic [31:0]                     error_index_o,
  output logic [63:0]                     error_detail_o,
  output logic [63:0]                     cycles_o,
  output logic [31:0]                     instructions_o,
  output logic [31:0]                     mvms_o,
  // AXI4: program, X, Y, record
  output logic                            gmem_awvalid_o,
  input  logic                            gmem_awready_i,
  output logic [63:0]                     gmem_awaddr_o,
  output logic [7:0]                      gmem_awlen_o,
  output logic                            gmem_wvalid_o,
  input  logic                            gmem_wready_i,
  output logic [DataWidth-1:0]            gmem_wdata_o,
  output logic [DataWidth/8-1:0]          gmem_wstrb_o,
  output logic                            gmem_wlast_o,
  input  logic                            gmem_bvalid_i,
  output logic                            gmem_bready_o,
  input  logic [1:0]                      gmem_bresp_i,
  output logic                            gmem_arvalid_o,
  input  logic                            gmem_arready_i,
  output logic [63:0]                     gmem_araddr_o,
  output logic [7:0]                      gmem_arlen_o,
  output logic                            gmem_arid_o,
  input  logic                            gmem_rvalid_i,
  output logic                            gmem_rready_o,
  input  logic [DataWidth-1:0]            gmem_rdata_i,
  input  logic [1:0]                      gmem_rresp_i,
  input  logic                            gmem_rlast_i,
  input  logic                            gmem_rid_i,
  // AXI4 read channels: block images, one port per engine
  output logic [NumEngines-1:0]           engine_arvalid_o,
  input  logic [NumEngines-1:0]           engine_arready_i,
  output logic [NumEngines*64-1:0]        engine_araddr_o,
  output logic [NumEngines*8-1:0]         engine_arlen_o,
  input  logic [NumEngines-1:0]           engine_rvalid_i,
  output logic [NumEngines-1:0]           engine_rready_o,
  input  logic [NumEngines*DataWidth-1:0] engine_rdata_i,
  input  logic [NumEngines*2-1:0]         engine_rresp_i,
  input  logic [NumEngines-1:0]           engine_rlast_i
);
  localparam int unsigned LOAD            = 2;               // first queue of the loaders
  localparam int unsigned MVM             = 2 + NumEngines;  // first queue of the MVM units
  localparam int unsigned XBUF_ADDR_WIDTH = $clog2(MaxBatch * XbufBytes / Lanes);
  localparam int unsigned YBUF_ADDR_WIDTH = $clog2(MaxBatch * YbufWords * 4 / Lanes);
  localparam int unsigned SOURCES         = Queues + 3;      // queues, dispatch, run control, watchdog

  logic [8:0] num_vectors;
  assign num_vectors = num_vectors_i[8:0];

  // --- clocks -------------------------------------------------------------------------------------
  // What happens once per instruction, beats of block images, and conversions: registers behind these clocks change
  // in few cycles.
  logic control_clk, load_clk, convert_clk;
  logic run_needs, fetch_needs, dispatch_needs, x_load_needs, y_store_needs, completion_needs, watchdog_needs, semaphores_need;
  logic counters_need_control, counters_need_convert;
  logic [Queues-1:0]     queue_needs;
  logic [NumEngines-1:0] engine_needs_control, engine_needs_load, engine_needs_convert;
  logic [SOURCES-1:0]    errors;
  // Executors ask for it in cycles in which they take or answer a command.
  logic sequencer_needs;
  always_comb begin
    sequencer_needs = 1'b0;
    if (run_needs || dispatch_needs || counters_need_control || queue_needs != '0 || errors != '0) sequencer_needs = 1'b1;
  end
  xw_clock_gate u_control_clock (
    .clk_i, .rst_ni,
    .enable_i(sequencer_needs || needs_control_i || fetch_needs || x_load_needs || y_store_needs || completion_needs ||
              watchdog_needs || semaphores_need || engine_needs_control != '0),
    .clk_o   (control_clk)
  );
  xw_clock_gate u_load_clock (
    .clk_i, .rst_ni, .enable_i(engine_needs_load != '0), .clk_o(load_clk)
  );
  xw_clock_gate u_convert_clock (
    .clk_i, .rst_ni, .enable_i(counters_need_convert || engine_needs_convert != '0), .clk_o(convert_clk)
  );
  assign control_clk_o = control_clk;

  // --- course of the run --------------------------------------------------------------------------
  logic clear, start_units, running, stop_fetch, stop_dispatch, abort, halted, settled;
  logic units_idle, store_idle, fetch_idle, error_valid, count;
  logic control_error, watch, watch_restart, watch_fire, watch_error;
  logic record_phase, record_start, record_stop, record_done, record_error, record_decerr;
  logic [31:0] control_error_index, dispatch_index;
  logic [7:0]  control_error_code;
  logic [63:0] control_error_detail;

  xw_run_control #(
    .NumEngines(NumEngines), .MaxBatch(MaxBatch)
  ) u_run_control (
    .clk_i(control_clk), .rst_ni, .needs_clock_o(run_needs), .start_i, .idle_o, .done_o,
    .entry_i, .num_vectors_i, .program_base_i, .x_base_i, .y_base_i, .completion_base_i, .image_base_i,
    .clear_o         (clear),
    .begin_o         (start_units),
    .run_o           (running),
    .stop_fetch_o    (stop_fetch),
    .stop_dispatch_o (stop_dispatch),
    .abort_o         (abort),
    .halted_i        (halted),
    .dispatch_index_i(dispatch_index),
    .settled_i       (settled),
    .units_idle_i    (units_idle),
    .store_idle_i    (store_idle),
    .fetch_idle_i    (fetch_idle),
    .error_valid_i   (error_valid),
    .error_o         (control_error),
    .error_index_o   (control_error_index),
    .error_code_o    (control_error_code),
    .error_detail_o  (control_error_detail),
    .watch_o         (watch),
    .watch_restart_o (watch_restart),
    .watch_fire_i    (watch_fire),
    .watch_error_o   (watch_error),
    .record_phase_o  (record_phase),
    .record_start_o  (record_start),
    .record_stop_o   (record_stop),
    .record_done_i   (record_done),
    .record_error_i  (record_error),
    .record_decerr_i (record_decerr),
    .count_o         (count)
  );

  // --- fetch and dispatch -------------------------------------------------------------------------
  logic [1:0]           reader_arvalid, reader_arready, reader_rvalid, reader_rready, reader_rresp;
  logic [127:0]         reader_araddr;
  logic [15:0]          reader_arlen;
  logic [DataWidth-1:0] reader_rdata;
  logic                 reader_rlast;
  logic fetched, fetch_ready, fetch_fault, header_read, fetch_beat;
  logic [127:0] fetched_instruction;
  logic [31:0]  fetched_index;
  logic [7:0]   fetch_fault_code;
  logic [63:0]  fetch_fault_detail;

  xw_fetch #(
    .DataWidth(DataWidth), .MaxOutstanding((MaxOutstanding < 4) ? MaxOutstanding : 4)
  ) u_fetch (
    .clk_i(control_clk), .rst_ni, .needs_clock_o(fetch_needs),
    .start_i       (start_units),
    .stop_i        (stop_fetch),
    .program_base_i, .entry_i,
    .idle_o        (fetch_idle),
    .valid_o       (fetched),
    .ready_i       (fetch_ready),
    .instruction_o (fetched_instruction),
    .index_o       (fetched_index),
    .fault_o       (fetch_fault),
    .fault_code_o  (fetch_fault_code),
    .fault_detail_o(fetch_fault_detail),
    .header_read_o (header_read),
    .beat_o        (fetch_beat),
    .arvalid_o     (reader_arvalid[0]),
    .arready_i     (reader_arready[0]),
    .araddr_o      (reader_araddr[63:0]),
    .arlen_o       (reader_arlen[7:0]),
    .rvalid_i      (reader_rvalid[0]),
    .rready_o      (reader_rready[0]),
    .rdata_i       (reader_rdata),
    .rresp_i       (reader_rresp),
    .rlast_i       (reader_rlast)
  );

  logic [Queues-1:0] push_valid, push_ready;
  logic [127:0]      push_instruction;
  logic [31:0]       push_index;
  logic              all_idle, check, leftover, dispatched, starved, dispatch_error;
  logic [5:0]        leftover_id;
  logic [7:0]        dispatch_error_code;
  logic [63:0]       dispatch_error_detail;

  xw_dispatch #(
    .NumEngines(NumEngines)
  ) u_dispatch (
    .clk_i(control_clk), .rst_ni, .needs_clock_o(dispatch_needs),
    .start_i           (start_units),
    .entry_i,
    .stop_i            (stop_dispatch),
    .valid_i           (fetched),
    .ready_o           (fetch_ready),
    .instruction_i     (fetched_instruction),
    .index_i           (fetched_index),
    .fault_i           (fetch_fault),
    .fault_code_i      (fetch_fault_code),
    .fault_detail_i    (fetch_fault_detail),
    .push_valid_o      (push_valid),
    .push_ready_i      (push_ready),
    .push_instruction_o(push_instruction),
    .push_index_o      (push_index),
    .all_idle_i        (all_idle),
    .check_o           (check),
    .leftover_i        (leftover),
    .leftover_id_i     (leftover_id),
    .dispatched_o      (dispatched),
    .starved_o         (starved),
    .index_o           (dispatch_index),
    .halted_o          (halted),
    .error_o           (dispatch_error),
    .error_code_o      (dispatch_error_code),
    .error_detail_o    (dispatch_error_detail)
  );

  // --- queues and semaphores ----------------------------------------------------------------------
  logic [Queues-1:0]     waiting, granted, short0, signals, overflow, cmd_valid, cmd_ready, done, failed, held, busy,
                         memory_stall, beats;
  logic [Queues*32-1:0]  words;
  logic [Queues*128-1:0] cmd;
  logic [Queues*32-1:0]  queue_index;

  for (genvar q = 0; q < Queues; q++) begin : g_queue
    xw_unit_queue u_queue (
      .clk_i(control_clk), .rst_ni, .needs_clock_o(queue_needs[q]),
      .abort_i           (abort),
      .limit_valid_i     (error_valid),
      .limit_i           (error_index_o),
      .push_valid_i      (push_valid[q]),
      .push_ready_o      (push_ready[q]),
      .push_instruction_i(push_instruction),
      .push_index_i      (push_index),
      .wait_o            (waiting[q]),
      .grant_i           (granted[q]),
      .signal_o          (signals[q]),
      .cmd_valid_o       (cmd_valid[q]),
      .cmd_ready_i       (cmd_ready[q]),
      .cmd_o             (cmd[128*q +: 128]),
      .done_i            (done[q]),
      .error_i           (failed[q]),
      .held_o            (held[q]),
      .index_o           (queue_index[32*q +: 32]),
      .busy_o            (busy[q])
    );
    assign words[32*q +: 32] = cmd[128*q +: 32];
  end

  xw_semaphores #(
    .Units(Queues)
  ) u_semaphores (
    .clk_i(control_clk), .rst_ni, .needs_clock_o(semaphores_need),
    .clear_i      (clear),
    .word_i       (words),
    .wait_i       (waiting),
    .grant_o      (granted),
    .short0_o     (short0),
    .signal_i     (signals),
    .overflow_o   (overflow),
    .check_i      (check),
    .leftover_o   (leftover),
    .leftover_id_o(leftover_id)
  );

  // --- X load, Y store ----------------------------------------------------------------------------
  logic                       x_idle, xbuf_write;
  logic [XBUF_ADDR_WIDTH-1:0] xbuf_addr;
  logic [Lanes-1:0]           xbuf_enable;
  logic [DataWidth-1:0]       xbuf_data;
  logic [Queues*8-1:0]        unit_error_code;
  logic [Queues*64-1:0]       unit_error_detail;

  xw_x_load #(
    .Lanes(Lanes), .XbufBytes(XbufBytes), .MaxBatch(MaxBatch), .MaxOutstanding(MaxOutstanding)
  ) u_x_load (
    .clk_i(control_clk), .rst_ni, .needs_clock_o(x_load_needs),
    .abort_i       (abort),
    .num_vectors_i (num_vectors),
    .x_base_i,
    .cmd_valid_i   (cmd_valid[0]),
    .cmd_ready_o   (cmd_ready[0]),
    .cmd_i         (cmd[0 +: 128]),
    .done_o        (done[0]),
    .error_o       (failed[0]),
    .error_code_o  (unit_error_code[0 +: 8]),
    .error_detail_o(unit_error_detail[0 +: 64]),
    .idle_o        (x_idle),
    .memory_stall_o(memory_stall[0]),
    .beat_o        (beats[0]),
    .xbuf_write_o  (xbuf_write),
    .xbuf_addr_o   (xbuf_addr),
    .xbuf_enable_o (xbuf_enable),
    .xbuf_data_o   (xbuf_data),
    .arvalid_o     (reader_arvalid[1]),
    .arready_i     (reader_arready[1]),
    .araddr_o      (reader_araddr[127:64]),
    .arlen_o       (reader_arlen[15:8]),
    .rvalid_i      (reader_rvalid[1]),
    .rready_o      (reader_rready[1]),
    .rdata_i       (reader_rdata),
    .rresp_i       (reader_rresp),
    .rlast_i       (reader_rlast)
  );

  xw_read_mux #(
    .DataWidth(DataWidth)
  ) u_read_mux (
    .clk_i, .rst_ni,
    .reader_arvalid_i(reader_arvalid),
    .reader_arready_o(reader_arready),
    .reader_araddr_i (reader_araddr),
    .reader_arlen_i  (reader_arlen),
    .reader_rvalid_o (reader_rvalid),
    .reader_rready_i (reader_rready),
    .reader_rdata_o  (reader_rdata),
    .reader_rresp_o  (reader_rresp),
    .reader_rlast_o  (reader_rlast),
    .arvalid_o       (gmem_arvalid_o),
    .arready_i       (gmem_arready_i),
    .araddr_o        (gmem_araddr_o),
    .arlen_o         (gmem_arlen_o),
    .arid_o          (gmem_arid_o),
    .rvalid_i        (gmem_rvalid_i),
    .rready_o        (gmem_rready_o),
    .rdata_i         (gmem_rdata_i),
    .rresp_i         (gmem_rresp_i),
    .rlast_i         (gmem_rlast_i),
    .rid_i           (gmem_rid_i)
  );

  logic                            y_beat, y_memory_stall;
  logic [NumEngines-1:0]           ybuf_request, ybuf_taken, ybuf_answer;
  logic [YBUF_ADDR_WIDTH-1:0]      ybuf_addr;
  logic [NumEngines*DataWidth-1:0] ybuf_data;
  logic [1:0]                      writer_awvalid, writer_awready, writer_wvalid, writer_wready, writer_wlast,
                                   writer_bvalid, writer_bready, writer_bresp;
  logic [127:0]                    writer_awaddr;
  logic [15:0]                     writer_awlen;
  logic [2*DataWidth-1:0]          writer_wdata;
  logic [2*DataWidth/8-1:0]        writer_wstrb;

  xw_y_store #(
    .NumEngines(NumEngines), .Lanes(Lanes), .YbufWords(YbufWords), .MaxBatch(MaxBatch), .MaxOutstanding(MaxOutstanding)
  ) u_y_store (
    .clk_i(control_clk), .rst_ni, .needs_clock_o(y_store_needs),
    .abort_i       (abort),
    .num_vectors_i (num_vectors),
    .y_base_i,
    .cmd_valid_i   (cmd_valid[1]),
    .cmd_ready_o   (cmd_ready[1]),
    .cmd_i         (cmd[128 +: 128]),
    .done_o        (done[1]),
    .error_o       (failed[1]),
    .error_code_o  (unit_error_code[8 +: 8]),
    .error_detail_o(unit_error_detail[64 +: 64]),
    .idle_o        (store_idle),
    .memory_stall_o(y_memory_stall),
    .beat_o        (y_beat),
    .ybuf_valid_o  (ybuf_request),
    .ybuf_ready_i  (ybuf_taken),
    .ybuf_addr_o   (ybuf_addr),
    .ybuf_valid_i  (ybuf_answer),
    .ybuf_data_i   (ybuf_data),
    .awvalid_o     (writer_awvalid[0]),
    .awready_i     (writer_awready[0]),
    .awaddr_o      (writer_awaddr[63:0]),
    .awlen_o       (writer_awlen[7:0]),
    .wvalid_o      (writer_wvalid[0]),
    .wready_i      (writer_wready[0]),
    .wdata_o       (writer_wdata[DataWidth-1:0]),
    .wstrb_o       (writer_wstrb[DataWidth/8-1:0]),
    .wlast_o       (writer_wlast[0]),
    .bvalid_i      (writer_bvalid[0]),
    .bready_o      (writer_bready[0]),
    .bresp_i       (writer_bresp)
  );

  xw_write_mux #(
    .DataWidth(DataWidth)
  ) u_write_mux (
    .completion_i    (record_phase),
    .writer_awvalid_i(writer_awvalid),
    .writer_awready_o(writer_awready),
    .writer_awaddr_i (writer_awaddr),
    .writer_awlen_i  (writer_awlen),
    .writer_wvalid_i (writer_wvalid),
    .writer_wready_o (writer_wready),
    .writer_wdata_i  (writer_wdata),
    .writer_wstrb_i  (writer_wstrb),
    .writer_wlast_i  (writer_wlast),
    .writer_bvalid_o (writer_bvalid),
    .writer_bready_i (writer_bready),
    .writer_bresp_o  (writer_bresp),
    .awvalid_o       (gmem_awvalid_o),
    .awready_i       (gmem_awready_i),
    .awaddr_o        (gmem_awaddr_o),
    .awlen_o         (gmem_awlen_o),
    .wvalid_o        (gmem_wvalid_o),
    .wready_i        (gmem_wready_i),
    .wdata_o         (gmem_wdata_o),
    .wstrb_o         (gmem_wstrb_o),
    .wlast_o         (gmem_wlast_o),
    .bvalid_i        (gmem_bvalid_i),
    .bready_o        (gmem_bready_o),
    .bresp_i         (gmem_bresp_i)
  );

  // --- engines ------------------------------------------------------------------------------------
  logic [NumEngines-1:0]    load_active, load_idle;
  logic [NumEngines*32-1:0] load_index;
  logic [NumEngines*8-1:0]  saturations;

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
      .vector_base_i, .chip_seed_i,
      .image_base_i       (image_base_i[64*e +: 64]),
      .load_valid_i       (cmd_valid[LOAD + e]),
      .load_ready_o       (cmd_ready[LOAD + e]),
      .load_cmd_i         (cmd[128*(LOAD + e) +: 128]),
      .load_index_i       (queue_index[32*(LOAD + e) +: 32]),
      .load_done_o        (done[LOAD + e]),
      .load_error_o       (failed[LOAD + e]),
      .load_error_code_o  (unit_error_code[8*(LOAD + e) +: 8]),
      .load_error_detail_o(unit_error_detail[64*(LOAD + e) +: 64]),
      .load_active_o      (load_active[e]),
      .load_index_o       (load_index[32*e +: 32]),
      .load_idle_o        (load_idle[e]),
      .load_memory_stall_o(memory_stall[LOAD + e]),
      .load_beat_o        (beats[LOAD + e]),
      .mvm_valid_i        (cmd_valid[MVM + e]),
      .mvm_ready_o        (cmd_ready[MVM + e]),
      .mvm_cmd_i          (cmd[128*(MVM + e) +: 128]),
      .mvm_done_o         (done[MVM + e]),
      .mvm_error_o        (failed[MVM + e]),
      .mvm_error_code_o   (unit_error_code[8*(MVM + e) +: 8]),
      .mvm_error_detail_o (unit_error_detail[64*(MVM + e) +: 64]),
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
      .arvalid_o          (engine_arvalid_o[e]),
      .arready_i          (engine_arready_i[e]),
      .araddr_o           (engine_araddr_o[64*e +: 64]),
      .arlen_o            (engine_arlen_o[8*e +: 8]),
      .rvalid_i           (engine_rvalid_i[e]),
      .rready_o           (engine_rready_o[e]),
      .rdata_i            (engine_rdata_i[DataWidth*e +: DataWidth]),
      .rresp_i            (engine_rresp_i[2*e +: 2]),
      .rlast_i            (engine_rlast_i[e])
    );
  end

  assign all_idle   = held == '0 && (&load_idle);
  assign units_idle = x_idle && store_idle && (&load_idle);

  // --- errors ---------------------------------------------------------------------------------------
  // Of an executor, or a signal that its queue could not deliver. A loader may fail behind its queue's back.
  logic [SOURCES*8-1:0]  error_units, error_codes;
  logic [SOURCES*32-1:0] error_indices;
  logic [SOURCES*64-1:0] error_details;
  logic [7:0]            watch_unit;
  logic [31:0]           watch_index;
  logic [63:0]           watch_detail;

  assign errors = {watch_error, control_error, dispatch_error, failed | overflow};
  always_comb begin
    error_units   = '0;
    error_codes   = '0;
    error_indices = '0;
    error_details = '0;
    if (errors != '0) begin
      for (int unsigned q = 0; q < Queues; q++) begin
        if (q == 0)        error_units[8*q +: 8] = xw_pkg::UNIT_X_LOAD[7:0];
        else if (q == 1)   error_units[8*q +: 8] = xw_pkg::UNIT_Y_STORE[7:0];
        else if (q < MVM)  error_units[8*q +: 8] = xw_pkg::UNIT_BLOCK_LOAD[7:0] + 8'(q - LOAD);
        else               error_units[8*q +: 8] = xw_pkg::UNIT_MVM[7:0] + 8'(q - MVM);
        error_codes[8*q +: 8]     = xw_pkg::ERROR_SEMAPHORE_OVERFLOW[7:0];
        error_indices[32*q +: 32] = queue_index[32*q +: 32];
        error_details[64*q +: 64] = 64'(words[32*q + xw_pkg::INST_SIGNAL_ID_LSB +: 6]);
        if (failed[q]) begin
          error_codes[8*q +: 8]     = unit_error_code[8*q +: 8];
          error_details[64*q +: 64] = unit_error_detail[64*q +: 64];
        end
      end
      for (int unsigned e = 0; e < NumEngines; e++) begin
        if (failed[LOAD + e]) error_indices[32*(LOAD + e) +: 32] = load_index[32*e +: 32];
      end
      error_units[8*Queues +: 24]     = {watch_unit, xw_pkg::UNIT_DISPATCH[7:0], xw_pkg::UNIT_DISPATCH[7:0]};
      error_indices[32*Queues +: 96]  = {watch_index, control_error_index, dispatch_index};
      error_codes[8*Queues +: 24]     = {xw_pkg::ERROR_WATCHDOG[7:0], control_error_code, dispatch_error_code};
      error_details[64*Queues +: 192] = {watch_detail, control_error_detail, dispatch_error_detail};
    end
  end

  xw_error_unit #(
    .Sources(SOURCES)
  ) u_error_unit (
    .clk_i(control_clk), .rst_ni,
    .clear_i (clear),
    .error_i (errors),
    .unit_i  (error_units),
    .index_i (error_indices),
    .code_i  (error_codes),
    .detail_i(error_details),
    .valid_o (error_valid),
    .unit_o  (error_unit_o),
    .index_o (error_index_o),
    .code_o  (error_code_o),
    .detail_o(error_detail_o)
  );

  always_comb begin
    settled = 1'b0;
    if (error_valid) begin
      settled = 1'b1;
      for (int unsigned q = 0; q < Queues; q++) begin
        if (held[q] && queue_index[32*q +: 32] < error_index_o) settled = 1'b0;
      end
      for (int unsigned e = 0; e < NumEngines; e++) begin
        if (load_active[e] && load_index[32*e +: 32] < error_index_o) settled = 1'b0;
      end
    end
  end

  logic        progress, record_beat, record_beat_q, y_beat_q, y_memory_stall_q;
  logic [31:0] watch_limit;
  // Bits that depend on ready inputs pass through a register: the clock edge is soon enough for them.
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
  assign progress    = beats != '0 || done != '0 || granted != '0 || fetch_beat || dispatched || record_beat_q;
  assign watch_limit = (watchdog_cycles_i == '0) ? 32'(WatchdogCycles) : watchdog_cycles_i;

  xw_watchdog #(
    .NumEngines(NumEngines)
  ) u_watchdog (
    .clk_i, .control_clk_i(control_clk), .rst_ni, .needs_control_o(watchdog_needs),
    .enable_i        (watch),
    .restart_i       (watch_restart),
    .progress_i      (progress),
    .limit_i         (watch_limit),
    .held_i          (held),
    .index_i         (queue_index),
    .wait_i          (waiting),
    .short0_i        (short0),
    .word_i          (words),
    .load_active_i   (load_active),
    .load_index_i    (load_index),
    .dispatch_index_i(dispatch_index),
    .fire_o          (watch_fire),
    .unit_o          (watch_unit),
    .index_o         (watch_index),
    .detail_o        (watch_detail)
  );

  // --- counters and record --------------------------------------------------------------------------
  // A loader is at work from an image's header to its last cell, also while its queue waits.
  logic [Queues-1:0] at_work, busy_event, semaphore_event, memory_event;
  assign at_work         = {busy[MVM +: NumEngines], load_active, busy[1:0]};
  assign busy_event      = running ? at_work & ~memory_stall : '0;
  assign memory_event    = running ? at_work & memory_stall : '0;
  assign semaphore_event = running ? waiting & ~granted & ~at_work : '0;

  logic [63:0] instructions, mvms, macs, dac, adc, saturated, x_bytes, y_bytes, dispatch_busy, dispatch_stall;
  logic [NumEngines*64-1:0] block_bytes;
  logic [Queues*64-1:0]     busy_cycles, semaphore_cycles, memory_cycles;
  logic                     unused_record_active;

  xw_counters #(
    .NumEngines(NumEngines)
  ) u_counters (
    .clk_i, .control_clk_i(control_clk), .convert_clk_i(convert_clk), .rst_ni, .needs_control_o(counters_need_control), .needs_convert_o(counters_need_convert),
    .clear_i          (clear),
    .run_i            (count),
    .read_i           (record_phase),
    .num_vectors_i    (num_vectors),
    .dispatched_i     (dispatched),
    .starved_i        (starved && running),
    .done_i           (done),
    .cmd_i            (cmd),
    .busy_i           (busy_event),
    .semaphore_stall_i(semaphore_event),
    .memory_stall_i   (memory_event),
    .saturations_i    (saturations),
    .cycles_o,
    .instructions_o   (instructions),
    .mvms_o           (mvms),
    .macs_o           (macs),
    .dac_o            (dac),
    .adc_o            (adc),
    .saturations_o    (saturated),
    .x_bytes_o        (x_bytes),
    .y_bytes_o        (y_bytes),
    .block_bytes_o    (block_bytes),
    .dispatch_busy_o  (dispatch_busy),
    .dispatch_stall_o (dispatch_stall),
    .busy_o           (busy_cycles),
    .semaphore_stall_o(semaphore_cycles),
    .memory_stall_o   (memory_cycles)
  );
  assign instructions_o = instructions[31:0];
  assign mvms_o         = mvms[31:0];

  xw_completion #(
    .DataWidth(DataWidth), .MaxOutstanding((MaxOutstanding < 4) ? MaxOutstanding : 4), .NumEngines(NumEngines)
  ) u_completion (
    .clk_i(control_clk), .rst_ni, .needs_clock_o(completion_needs),
    .start_i          (record_start),
    .stop_i           (record_stop),
    .base_i           (completion_base_i),
    .done_o           (record_done),
    .error_o          (record_error),
    .decerr_o         (record_decerr),
    .beat_o           (record_beat),
    .active_o         (unused_record_active),
    .error_code_i     (error_code_o),
    .error_unit_i     (error_unit_o),
    .error_index_i    (error_index_o),
    .error_detail_i   (error_detail_o),
    .entry_i, .num_vectors_i,
    .header_read_i    (header_read),
    .cycles_i         (cycles_o),
    .instructions_i   (instructions),
    .mvms_i           (mvms),
    .macs_i           (macs),
    .dac_i            (dac),
    .adc_i            (adc),
    .saturations_i    (saturated),
    .x_bytes_i        (x_bytes),
    .y_bytes_i        (y_bytes),
    .block_bytes_i    (block_bytes),
    .dispatch_busy_i  (dispatch_busy),
    .dispatch_stall_i (dispatch_stall),
    .busy_i           (busy_cycles),
    .semaphore_stall_i(semaphore_cycles),
    .memory_stall_i   (memory_cycles),
    .awvalid_o        (writer_awvalid[1]),
    .awready_i        (writer_awready[1]),
    .awaddr_o         (writer_awaddr[127:64]),
    .awlen_o          (writer_awlen[15:8]),
    .wvalid_o         (writer_wvalid[1]),
    .wready_i         (writer_wready[1]),
    .wdata_o          (writer_wdata[DataWidth +: DataWidth]),
    .wstrb_o          (writer_wstrb[DataWidth/8 +: DataWidth/8]),
    .wlast_o          (writer_wlast[1]),
    .bvalid_i         (writer_bvalid[1]),
    .bready_o         (writer_bready[1]),
    .bresp_i          (writer_bresp)
  );
endmodule
