// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0

/// Writes the completion record of a run (record `completion` of the contract) to memory.
///
/// Queues are numbered as in xw_dispatch. Counters must not change while active.
module xw_completion #(
  parameter int unsigned DataWidth      = 512,
  parameter int unsigned NumEngines     = 4,
  parameter int unsigned MaxOutstanding = 4,
  localparam int unsigned Queues = 2 + 2 * NumEngines
) (
  input  logic                     clk_i,
  input  logic                     rst_ni,
  output logic                     needs_clock_o,  // clk_i may stand still in cycles without
  input  logic                     start_i,
  input  logic                     stop_i,         // gives up
  output logic                     done_o,         // one cycle: the record is written, or could not be
  output logic                     error_o,        // with done_o
  output logic                     decerr_o,       // with error_o: DECERR, otherwise SLVERR
  output logic                     beat_o,         // a beat was taken
  output logic                     active_o,
  output logic                     owns_o,         // memory owes answers to a record that was stopped
  // Contents
  input  xw_pkg::arguments_t       arguments_i,
  input  xw_pkg::error_report_t    report_i,
  input  xw_pkg::counters_t        counters_i,
  input  logic [NumEngines*64-1:0] block_bytes_i,
  input  logic [63:0]              dispatch_stall_i,
  input  logic [Queues*64-1:0]     busy_i,
  input  logic [Queues*64-1:0]     semaphore_stall_i,
  input  logic [Queues*64-1:0]     memory_stall_i,
  // AXI4 write channels
  output xw_pkg::axi_write_req_t   write_req_o,
  output logic [DataWidth-1:0]     write_data_o,
  output logic [DataWidth/8-1:0]   write_strb_o,
  input  xw_pkg::axi_write_rsp_t   write_rsp_i
);
  localparam int unsigned BITS  = xw_pkg::COMPLETION_BITS;
  localparam int unsigned BEATS = BITS / DataWidth;

  typedef enum logic [1:0] {
    StIdle,    // nothing to write
    StStream,  // hands over the beats
    StAnswer   // waits for the responses
  } state_e;
  state_e state_q;

  // --- the record -------------------------------------------------------------------------------
  xw_pkg::completion_t  record;
  logic [BITS-1:0]      record_bits;
  logic [6:0]           beat_q;
  logic                 load, loaded_q, beat_ready;
  logic [DataWidth-1:0] data_q;
  assign load = state_q == StStream && 32'(beat_q) < BEATS && (!loaded_q || beat_ready);
  // Times of the queues in the order of the units; dispatch has none of its own.
  logic [64*xw_pkg::NUM_UNITS-1:0] unit_busy, unit_semaphore_stall, unit_memory_stall;
  always_comb begin
    unit_busy            = '0;
    unit_semaphore_stall = '0;
    unit_memory_stall    = '0;
    if (load) begin
      unit_busy[64*xw_pkg::UNIT_DISPATCH +: 64]         = counters_i.instructions;
      unit_memory_stall[64*xw_pkg::UNIT_DISPATCH +: 64] = dispatch_stall_i;
      for (int unsigned q = 0; q < Queues; q++) begin
        unit_busy[64*xw_pkg::queue_unit(q, NumEngines) +: 64]            = busy_i[64*q +: 64];
        unit_semaphore_stall[64*xw_pkg::queue_unit(q, NumEngines) +: 64] = semaphore_stall_i[64*q +: 64];
        unit_memory_stall[64*xw_pkg::queue_unit(q, NumEngines) +: 64]    = memory_stall_i[64*q +: 64];
      end
    end
  end
  // Put together in place when a beat is taken from it; nothing else reads it.
  always_ff @(posedge clk_i) begin
    if (load) begin
      record                    = '0;
      record.magic              = xw_pkg::COMPLETION_MAGIC;
      record.status             = 32'(report_i.code);
      record.error_unit         = 32'(report_i.unit);
      record.error_instruction  = report_i.index;
      record.error_detail       = report_i.detail;
      record.entry              = arguments_i.entry;
      record.num_vectors        = arguments_i.num_vectors;
      record.total_cycles       = counters_i.total_cycles;
      record.instructions       = counters_i.instructions;
      record.mvms               = counters_i.mvms;
      record.macs               = counters_i.macs;
      record.dac_conversions    = counters_i.dac_conversions;
      record.adc_conversions    = counters_i.adc_conversions;
      record.adc_saturations    = counters_i.adc_saturations;
      record.program_bytes_read = counters_i.program_bytes_read;
      record.x_bytes_read       = counters_i.x_bytes_read;
      record.y_bytes_written    = counters_i.y_bytes_written;
      record.contract_hash      = xw_pkg::CONTRACT_HASH;
      record.block_bytes_read[64*NumEngines-1:0] = block_bytes_i;
      record.busy_cycles            = unit_busy;
      record.semaphore_stall_cycles = unit_semaphore_stall;
      record.memory_stall_cycles    = unit_memory_stall;
      record_bits = record;
      for (int unsigned b = 0; b < BEATS; b++) begin
        if (32'(beat_q) == b) data_q <= record_bits[DataWidth*b +: DataWidth];
      end
    end
  end

  // --- writer -----------------------------------------------------------------------------------
  logic req_ready, busy, writer_needs_clock, write_error, write_decerr, failed_q, decerr_q;
  logic stopped_q;  // the writer takes nothing until memory has answered, and the cycle after
  logic [63:0] unused_error_addr;
  xw_axi_write #(
    .DataWidth(DataWidth), .MaxOutstanding(MaxOutstanding)
  ) u_write (
    .clk_i, .rst_ni,
    .needs_clock_o(writer_needs_clock),
    .req_valid_i (start_i && state_q == StIdle),
    .req_ready_o (req_ready),
    .req_addr_i  (arguments_i.completion_base),
    .req_beats_i (32'(BEATS)),
    .stop_i,
    .busy_o      (busy),
    .valid_i     (loaded_q),
    .ready_o     (beat_ready),
    .data_i      (data_q),
    .strb_i      ('1),
    .error_o     (write_error),
    .decerr_o    (write_decerr),
    .error_addr_o(unused_error_addr),
    .write_req_o, .write_data_o, .write_strb_o, .write_rsp_i
  );

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q   <= StIdle;
      beat_q    <= '0;
      loaded_q  <= 1'b0;
      failed_q  <= 1'b0;
      decerr_q  <= 1'b0;
      done_o    <= 1'b0;
      stopped_q <= 1'b0;
    end else begin
      done_o <= 1'b0;
      if (load)            loaded_q <= 1'b1;
      else if (beat_ready) loaded_q <= 1'b0;
      if (load)            beat_q   <= beat_q + 7'd1;
      if (write_error) begin
        failed_q <= 1'b1;
        decerr_q <= write_decerr;
      end
      unique case (state_q)
        StIdle: if (start_i && req_ready) begin
          state_q  <= StStream;
          beat_q   <= '0;
          loaded_q <= 1'b0;
          failed_q <= 1'b0;
        end
        StStream: if (32'(beat_q) == BEATS && loaded_q && beat_ready) state_q <= StAnswer;
        StAnswer: if (!busy && !write_error) begin
          done_o  <= 1'b1;
          state_q <= StIdle;
        end
        default: state_q <= StIdle;
      endcase
      if (stop_i) begin
        state_q   <= StIdle;
        loaded_q  <= 1'b0;
        stopped_q <= 1'b1;
      end else if (!busy) begin
        stopped_q <= 1'b0;
      end
    end
  end

  assign error_o  = failed_q;
  assign decerr_o = decerr_q;
  assign active_o = state_q != StIdle;
  assign owns_o   = stopped_q;
  assign beat_o   = loaded_q && beat_ready;

  assign needs_clock_o = start_i || stop_i || stopped_q || done_o || writer_needs_clock || state_q == StStream ||
                         (state_q == StAnswer && !busy);
endmodule
