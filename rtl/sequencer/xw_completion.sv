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
  input  logic                      clk_i,
  input  logic                      rst_ni,
  output logic                      needs_clock_o,  // clk_i may stand still in cycles without
  input  logic                      start_i,
  input  logic                      stop_i,          // gives up
  input  logic [63:0]               base_i,          // multiple of 64
  output logic                      done_o,          // one cycle: the record is written, or could not be
  output logic                      error_o,         // with done_o
  output logic                      decerr_o,        // with error_o: DECERR, otherwise SLVERR
  output logic                      beat_o,          // a beat was taken
  output logic                      active_o,
  // Contents
  input  logic [7:0]                error_code_i,
  input  logic [7:0]                error_unit_i,
  input  logic [31:0]               error_index_i,
  input  logic [63:0]               error_detail_i,
  input  logic [31:0]               entry_i,
  input  logic [31:0]               num_vectors_i,
  input  logic                      header_read_i,
  input  logic [63:0]               cycles_i,
  input  logic [63:0]               instructions_i,
  input  logic [63:0]               mvms_i,
  input  logic [63:0]               macs_i,
  input  logic [63:0]               dac_i,
  input  logic [63:0]               adc_i,
  input  logic [63:0]               saturations_i,
  input  logic [63:0]               x_bytes_i,
  input  logic [63:0]               y_bytes_i,
  input  logic [NumEngines*64-1:0]  block_bytes_i,
  input  logic [63:0]               dispatch_busy_i,
  input  logic [63:0]               dispatch_stall_i,
  input  logic [Queues*64-1:0]      busy_i,
  input  logic [Queues*64-1:0]      semaphore_stall_i,
  input  logic [Queues*64-1:0]      memory_stall_i,
  // AXI4 write channels
  output logic                      awvalid_o,
  input  logic                      awready_i,
  output logic [63:0]               awaddr_o,
  output logic [7:0]                awlen_o,
  output logic                      wvalid_o,
  input  logic                      wready_i,
  output logic [DataWidth-1:0]      wdata_o,
  output logic [DataWidth/8-1:0]    wstrb_o,
  output logic                      wlast_o,
  input  logic                      bvalid_i,
  output logic                      bready_o,
  input  logic [1:0]                bresp_i
);
  localparam int unsigned BITS  = 8 * xw_pkg::COMPLETION_BYTES;
  localparam int unsigned BEATS = BITS / DataWidth;

  typedef enum logic [1:0] {
    StIdle,    // nothing to write
    StStream,  // hands over the beats
    StAnswer   // waits for the responses
  } state_e;
  state_e state_q;

  // --- the record -------------------------------------------------------------------------------
  logic [BITS-1:0]      record;
  logic [6:0]           beat_q;
  logic                 load, loaded_q, beat_ready;
  logic [DataWidth-1:0] data_q;
  assign load = state_q == StStream && 32'(beat_q) < BEATS && (!loaded_q || beat_ready);
  // Put together in place when a beat is taken from it; nothing else reads it.
  always_ff @(posedge clk_i) begin
    if (load) begin
      record = '0;
      record[8*xw_pkg::COMPLETION_MAGIC_OFFSET +: 32]              = xw_pkg::COMPLETION_MAGIC;
      record[8*xw_pkg::COMPLETION_STATUS_OFFSET +: 32]             = 32'(error_code_i);
      record[8*xw_pkg::COMPLETION_ERROR_UNIT_OFFSET +: 32]         = 32'(error_unit_i);
      record[8*xw_pkg::COMPLETION_ERROR_INSTRUCTION_OFFSET +: 32]  = error_index_i;
      record[8*xw_pkg::COMPLETION_ERROR_DETAIL_OFFSET +: 64]       = error_detail_i;
      record[8*xw_pkg::COMPLETION_ENTRY_OFFSET +: 32]              = entry_i;
      record[8*xw_pkg::COMPLETION_NUM_VECTORS_OFFSET +: 32]        = num_vectors_i;
      record[8*xw_pkg::COMPLETION_TOTAL_CYCLES_OFFSET +: 64]       = cycles_i;
      record[8*xw_pkg::COMPLETION_INSTRUCTIONS_OFFSET +: 64]       = instructions_i;
      record[8*xw_pkg::COMPLETION_MVMS_OFFSET +: 64]               = mvms_i;
      record[8*xw_pkg::COMPLETION_MACS_OFFSET +: 64]               = macs_i;
      record[8*xw_pkg::COMPLETION_DAC_CONVERSIONS_OFFSET +: 64]    = dac_i;
      record[8*xw_pkg::COMPLETION_ADC_CONVERSIONS_OFFSET +: 64]    = adc_i;
      record[8*xw_pkg::COMPLETION_ADC_SATURATIONS_OFFSET +: 64]    = saturations_i;
      record[8*xw_pkg::COMPLETION_PROGRAM_BYTES_READ_OFFSET +: 64] =
          header_read_i ? 64'(xw_pkg::PROGRAM_HEADER_BYTES) + (instructions_i << 4) : '0;
      record[8*xw_pkg::COMPLETION_X_BYTES_READ_OFFSET +: 64]       = x_bytes_i;
      record[8*xw_pkg::COMPLETION_Y_BYTES_WRITTEN_OFFSET +: 64]    = y_bytes_i;
      record[8*xw_pkg::COMPLETION_CONTRACT_HASH_OFFSET +: 128]     = xw_pkg::CONTRACT_HASH;
      record[8*xw_pkg::COMPLETION_BLOCK_BYTES_READ_OFFSET +: 64*NumEngines] = block_bytes_i;
      record[8*xw_pkg::COMPLETION_BUSY_CYCLES_OFFSET +: 64]         = dispatch_busy_i;
      record[8*xw_pkg::COMPLETION_MEMORY_STALL_CYCLES_OFFSET +: 64] = dispatch_stall_i;
      record[8*xw_pkg::COMPLETION_BUSY_CYCLES_OFFSET + 64*xw_pkg::UNIT_X_LOAD +: 128]            = busy_i[127:0];
      record[8*xw_pkg::COMPLETION_SEMAPHORE_STALL_CYCLES_OFFSET + 64*xw_pkg::UNIT_X_LOAD +: 128] =
          semaphore_stall_i[127:0];
      record[8*xw_pkg::COMPLETION_MEMORY_STALL_CYCLES_OFFSET + 64*xw_pkg::UNIT_X_LOAD +: 128]    =
          memory_stall_i[127:0];
      record[8*xw_pkg::COMPLETION_BUSY_CYCLES_OFFSET + 64*xw_pkg::UNIT_BLOCK_LOAD +: 64*NumEngines] =
          busy_i[128 +: 64*NumEngines];
      record[8*xw_pkg::COMPLETION_SEMAPHORE_STALL_CYCLES_OFFSET + 64*xw_pkg::UNIT_BLOCK_LOAD +: 64*NumEngines] =
          semaphore_stall_i[128 +: 64*NumEngines];
      record[8*xw_pkg::COMPLETION_MEMORY_STALL_CYCLES_OFFSET + 64*xw_pkg::UNIT_BLOCK_LOAD +: 64*NumEngines] =
          memory_stall_i[128 +: 64*NumEngines];
      record[8*xw_pkg::COMPLETION_BUSY_CYCLES_OFFSET + 64*xw_pkg::UNIT_MVM +: 64*NumEngines] =
          busy_i[128 + 64*NumEngines +: 64*NumEngines];
      record[8*xw_pkg::COMPLETION_SEMAPHORE_STALL_CYCLES_OFFSET + 64*xw_pkg::UNIT_MVM +: 64*NumEngines] =
          semaphore_stall_i[128 + 64*NumEngines +: 64*NumEngines];
      record[8*xw_pkg::COMPLETION_MEMORY_STALL_CYCLES_OFFSET + 64*xw_pkg::UNIT_MVM +: 64*NumEngines] =
          memory_stall_i[128 + 64*NumEngines +: 64*NumEngines];
      for (int unsigned b = 0; b < BEATS; b++) begin
        if (32'(beat_q) == b) data_q <= record[DataWidth*b +: DataWidth];
      end
    end
  end

  // --- writer -----------------------------------------------------------------------------------
  logic req_ready, busy, writer_needs_clock, write_error, write_decerr, failed_q, decerr_q;
  logic [63:0] unused_error_addr;
  xw_axi_write #(
    .DataWidth(DataWidth), .MaxOutstanding(MaxOutstanding)
  ) u_write (
    .clk_i, .rst_ni,
    .needs_clock_o(writer_needs_clock),
    .req_valid_i (start_i && state_q == StIdle),
    .req_ready_o (req_ready),
    .req_addr_i  (base_i),
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
    .awvalid_o, .awready_i, .awaddr_o, .awlen_o,
    .wvalid_o, .wready_i, .wdata_o, .wstrb_o, .wlast_o,
    .bvalid_i, .bready_o, .bresp_i
  );

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q  <= StIdle;
      beat_q   <= '0;
      loaded_q <= 1'b0;
      failed_q <= 1'b0;
      decerr_q <= 1'b0;
      done_o   <= 1'b0;
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
        state_q  <= StIdle;
        loaded_q <= 1'b0;
      end
    end
  end

  assign error_o  = failed_q;
  assign decerr_o = decerr_q;
  assign active_o = state_q != StIdle;
  assign beat_o   = loaded_q && beat_ready;

  assign needs_clock_o = start_i || stop_i || done_o || writer_needs_clock || state_q == StStream ||
                         (state_q == StAnswer && !busy);
endmodule
