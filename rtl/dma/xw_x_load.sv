// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0

/// Executes LOAD_X: reads the codes of every vector and writes them to the XBUF copies of all engines.
///
/// XBUF offsets are any byte: beats of memory are rotated and joined with the rest of the beat before, so
/// that each XBUF beat is written once; one XBUF beat per cycle. Vectors to come are requested while earlier
/// ones are under way. Checks and their order are those of `xw::functional::plan_call`.
module xw_x_load #(
  parameter int unsigned Lanes          = 64,
  parameter int unsigned XbufBytes      = 16384,  // per vector, multiple of Lanes
  parameter int unsigned MaxBatch       = 64,
  parameter int unsigned MaxOutstanding = 16,
  localparam int unsigned DataWidth     = 8 * Lanes,
  localparam int unsigned XbufAddrWidth = $clog2(MaxBatch * XbufBytes / Lanes)
) (
  input  logic                     clk_i,
  input  logic                     rst_ni,
  output logic                     needs_clock_o,   // clk_i may stand still in cycles without
  // Run
  input  logic                     abort_i,         // ends the command without done or error
  input  logic [xw_pkg::BATCH_BITS-1:0] num_vectors_i,   // 1..MaxBatch
  input  logic [63:0]              x_base_i,        // multiple of 64
  // Commands (LOAD_X)
  input  logic                     cmd_valid_i,
  output logic                     cmd_ready_o,
  input  xw_pkg::instruction_t     cmd_i,
  output logic                     done_o,          // the last byte is in XBUF
  output logic                     error_o,
  output xw_pkg::fault_t           fault_o,         // with error_o
  output logic                     idle_o,          // nothing to do, no burst under way
  output logic                     memory_stall_o,  // waits for a beat
  output logic                     beat_o,          // progress
  // XBUF writes
  output logic                     xbuf_write_o,
  output logic [XbufAddrWidth-1:0] xbuf_addr_o,
  output logic [Lanes-1:0]         xbuf_enable_o,
  output logic [DataWidth-1:0]     xbuf_data_o,
  // AXI4 read channels
  output xw_pkg::axi_read_req_t    read_req_o,
  input  xw_pkg::axi_read_rsp_t    read_rsp_i,
  input  logic [DataWidth-1:0]     read_data_i
);
  localparam int unsigned ALIGN     = xw_pkg::MEMORY_ALIGNMENT_BITS;
  localparam int unsigned LANE_BITS = $clog2(Lanes);
  localparam int unsigned XBUF_ROWS = XbufBytes / Lanes;  // beats per vector

  typedef enum logic [1:0] {
    StIdle,   // waits for a command
    StCheck,  // checks it and derives counts and masks
    StRun,    // requests vectors, writes their beats
    StDrain   // waits for the reader after an error or an abort
  } state_e;
  state_e state_q;

  // --- command ----------------------------------------------------------------------------------
  logic [15:0] offset_q, length_q, stride_q;
  logic [31:0] x_offset_q;
  logic [16:0] end_byte;                        // of the vector's XBUF row
  logic [LANE_BITS-1:0] shift, end_lane;        // of the first byte; behind the last byte
  logic [16:0] shifted_length;
  xw_pkg::fault_t check;
  assign end_byte       = 17'(offset_q) + 17'(length_q);
  assign shift          = offset_q[LANE_BITS-1:0];
  assign shifted_length = 17'(shift) + 17'(length_q);
  assign end_lane       = end_byte[LANE_BITS-1:0];
  always_comb begin
    check      = '0;
    check.code = xw_pkg::ERROR_OK;
    if (length_q == '0) begin
      check.code   = xw_pkg::ERROR_BAD_LENGTH;
    end else if (32'(end_byte) > XbufBytes) begin
      check.code   = xw_pkg::ERROR_XBUF_RANGE;
      check.detail = 64'(end_byte);
    end else if (x_offset_q[ALIGN-1:0] != '0) begin
      check.code   = xw_pkg::ERROR_MISALIGNED;
      check.detail = 64'(x_offset_q);
    end
  end

  // --- reader -----------------------------------------------------------------------------------
  logic [xw_pkg::BATCH_BITS-1:0] request_vectors_q;               // not requested yet
  logic [63:0] request_addr_q;
  logic [16:0] source_beats_q;                  // of memory, per vector
  logic        request, request_ready, reader_busy, reader_needs_clock, beat_valid, beat_ready, faulty;
  logic [1:0]  beat_resp;
  logic [DataWidth-1:0] beat_data;
  assign request = state_q == StRun && request_vectors_q != '0;

  xw_axi_read #(
    .DataWidth     (DataWidth),
    .MaxOutstanding(MaxOutstanding)
  ) u_read (
    .clk_i, .rst_ni,
    .needs_clock_o(reader_needs_clock),
    .req_valid_i(request),
    .req_ready_o(request_ready),
    .req_addr_i (request_addr_q),
    .req_beats_i(32'(source_beats_q)),
    .stop_i     (abort_i || faulty),
    .busy_o     (reader_busy),
    .valid_o    (beat_valid),
    .ready_i    (beat_ready),
    .data_o     (beat_data),
    .resp_o     (beat_resp),
    .read_req_o, .read_rsp_i, .read_data_i
  );

  // --- steps: one XBUF beat each ----------------------------------------------------------------
  // A vector that needs more XBUF beats than memory beats ends with a step without memory beat.
  logic [16:0] xbuf_beats_q, index_q;           // of a vector; of the step in the vector
  logic [xw_pkg::BATCH_BITS-1:0] vectors_q;                       // not finished yet
  logic [63-ALIGN:0] vector_line_q;                   // its address in memory / 64
  logic [XbufAddrWidth-1:0] row_q;              // XBUF beat of the vector's first step
  logic        from_memory, step, vector_last;
  assign from_memory = index_q != source_beats_q;
  assign beat_ready  = state_q == StRun && vectors_q != '0 && from_memory;
  assign faulty      = beat_valid && beat_ready && beat_resp[1];
  assign step        = state_q == StRun && vectors_q != '0 && (!from_memory || beat_valid) && !faulty;
  assign vector_last = index_q == xbuf_beats_q - 17'd1;

  // Stage 1: the memory beat, rotated so that its first byte stands at the lane of the XBUF offset.
  logic [DataWidth-1:0]     rotated, rotated_q;
  logic [XbufAddrWidth-1:0] addr_q;
  logic                     valid_q, first_q, last_q, final_q;
  always_comb begin
    rotated = '0;
    if (step) rotated = DataWidth'({beat_data, beat_data} >> (32'(DataWidth) - (32'(shift) << 3)));
  end
  always_ff @(posedge clk_i) begin
    if (step && from_memory) rotated_q <= rotated;
  end

  // Stage 2: lanes from the shift on hold the rotated beat, lanes before it what the beat before left.
  logic [DataWidth-1:0] fresh_q, carry_q;       // 1: bit of the rotated beat
  logic [Lanes-1:0]     first_mask_q, last_mask_q;
  logic                 written_all_q;
  always_ff @(posedge clk_i) begin
    if (valid_q) begin
      carry_q     <= rotated_q;
      xbuf_addr_o <= addr_q;
      xbuf_data_o <= (rotated_q & fresh_q) | (carry_q & ~fresh_q);
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q           <= StIdle;
      offset_q          <= '0;
      length_q          <= '0;
      stride_q          <= '0;
      x_offset_q        <= '0;
      request_vectors_q <= '0;
      request_addr_q    <= '0;
      source_beats_q    <= '0;
      xbuf_beats_q      <= '0;
      index_q           <= '0;
      vectors_q         <= '0;
      vector_line_q     <= '0;
      row_q             <= '0;
      addr_q            <= '0;
      valid_q           <= 1'b0;
      first_q           <= 1'b0;
      last_q            <= 1'b0;
      final_q           <= 1'b0;
      fresh_q           <= '0;
      first_mask_q      <= '0;
      last_mask_q       <= '0;
      written_all_q     <= 1'b0;
      xbuf_write_o      <= 1'b0;
      xbuf_enable_o     <= '0;
      done_o            <= 1'b0;
      error_o           <= 1'b0;
      fault_o           <= '0;
    end else begin
      done_o  <= 1'b0;
      error_o <= 1'b0;

      if (request && request_ready) begin
        request_vectors_q <= request_vectors_q - 1'b1;
        request_addr_q    <= request_addr_q + (64'(stride_q) << ALIGN);
      end

      valid_q <= step;
      if (step) begin
        addr_q  <= row_q + XbufAddrWidth'(index_q);
        first_q <= index_q == '0;
        last_q  <= vector_last;
        final_q <= vector_last && vectors_q == xw_pkg::BATCH_BITS'(1);
        index_q <= index_q + 17'd1;
        if (vector_last) begin
          index_q       <= '0;
          vectors_q     <= vectors_q - 1'b1;
          vector_line_q <= vector_line_q + (64-ALIGN)'(stride_q);
          row_q         <= row_q + XbufAddrWidth'(XBUF_ROWS);
        end
      end
      xbuf_write_o  <= valid_q;
      written_all_q <= valid_q && final_q;
      if (valid_q) begin
        xbuf_enable_o <= (first_q ? first_mask_q : '1) & (last_q ? last_mask_q : '1);
      end

      unique case (state_q)
        StIdle: if (cmd_valid_i && cmd_ready_o) begin
          offset_q   <= cmd_i.load_x.xbuf_offset;
          length_q   <= cmd_i.load_x.length;
          x_offset_q <= cmd_i.load_x.x_offset;
          stride_q   <= cmd_i.load_x.stride;
          state_q    <= StCheck;
        end
        StCheck: begin
          request_vectors_q <= num_vectors_i;
          request_addr_q    <= x_base_i + 64'(x_offset_q);
          source_beats_q    <= (17'(length_q) + 17'(Lanes - 1)) >> LANE_BITS;
          xbuf_beats_q      <= (shifted_length + 17'(Lanes - 1)) >> LANE_BITS;
          index_q           <= '0;
          vectors_q         <= num_vectors_i;
          vector_line_q     <= x_base_i[63:ALIGN] + (64-ALIGN)'(x_offset_q[31:ALIGN]);
          row_q             <= XbufAddrWidth'(offset_q >> LANE_BITS);
          fresh_q           <= {DataWidth{1'b1}} << (32'(shift) << 3);
          first_mask_q      <= {Lanes{1'b1}} << shift;
          last_mask_q       <= (end_lane == '0) ? '1 : ~({Lanes{1'b1}} << end_lane);
          state_q           <= StRun;
          if (check.code != xw_pkg::ERROR_OK) begin
            error_o <= 1'b1;
            fault_o <= check;
            state_q <= StDrain;
          end
        end
        StRun: begin
          if (written_all_q) begin
            done_o  <= 1'b1;
            state_q <= StIdle;
          end
          if (faulty) begin
            error_o        <= 1'b1;
            fault_o.code   <= xw_pkg::memory_error(beat_resp[0]);
            fault_o.detail <= {vector_line_q + ((64-ALIGN)'(index_q) >> (ALIGN - LANE_BITS)), ALIGN'(0)};
            state_q        <= StDrain;
          end
        end
        StDrain: if (!reader_busy) state_q <= StIdle;
        default: state_q <= StIdle;
      endcase
      if (abort_i) begin
        done_o        <= 1'b0;
        error_o       <= 1'b0;
        valid_q       <= 1'b0;
        xbuf_write_o  <= 1'b0;
        written_all_q <= 1'b0;
        state_q       <= StDrain;
      end
    end
  end

  assign cmd_ready_o    = state_q == StIdle && !abort_i;
  assign idle_o         = (state_q == StIdle || state_q == StDrain) && !reader_busy &&
                          !valid_q && !xbuf_write_o && !done_o && !error_o;
  assign memory_stall_o = beat_ready && !beat_valid;
  assign beat_o         = step;

  assign needs_clock_o  = cmd_valid_i || abort_i || done_o || error_o || reader_needs_clock || request || step || valid_q ||
                          xbuf_write_o || written_all_q || state_q == StCheck || state_q == StDrain;

`ifdef VERILATOR
  initial begin
    assert (Lanes == 16 || Lanes == 32 || Lanes == 64);
    assert (XbufBytes % Lanes == 0 && XbufBytes <= 65536);
    assert (MaxBatch >= 1 && MaxBatch <= 256);
  end
  VectorsInRange: assert property (@(posedge clk_i) disable iff (!rst_ni)
      state_q != StCheck || (num_vectors_i != '0 && 32'(num_vectors_i) <= MaxBatch));
  BaseAligned: assert property (@(posedge clk_i) disable iff (!rst_ni)
      state_q != StCheck || x_base_i[ALIGN-1:0] == '0);
  DoneWhenDrained: assert property (@(posedge clk_i) disable iff (!rst_ni)
      !done_o || !reader_busy);
  OneAnswer: assert property (@(posedge clk_i) disable iff (!rst_ni)
      !(done_o && error_o));
  WritesInside: assert property (@(posedge clk_i) disable iff (!rst_ni)
      !xbuf_write_o || 32'(xbuf_addr_o) < MaxBatch * XBUF_ROWS);
`endif
endmodule
