// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0

/// Executes STORE_Y: reads rows of the YBUF banks in the engine mask, adds them (modulo 2^32) and writes the
/// sums of every vector to memory; one beat per cycle when banks and memory allow.
///
/// Banks accept a row's request at different times, because their MVM units come first; the row is complete
/// when the last one has answered. Checks and their order are those of `xw::functional::plan_call`.
module xw_y_store #(
  parameter int unsigned NumEngines     = 4,
  parameter int unsigned Lanes          = 64,
  parameter int unsigned YbufWords      = 2048,  // per vector, multiple of Lanes / 4
  parameter int unsigned MaxBatch       = 64,
  parameter int unsigned MaxOutstanding = 16,
  localparam int unsigned DataWidth     = 8 * Lanes,
  localparam int unsigned YbufAddrWidth = $clog2(MaxBatch * YbufWords * 4 / Lanes)
) (
  input  logic                            clk_i,
  input  logic                            rst_ni,
  output logic                            needs_clock_o,   // clk_i may stand still in cycles without
  // Run
  input  logic                            abort_i,         // ends the command without done or error
  input  logic [xw_pkg::BATCH_BITS-1:0] num_vectors_i,   // 1..MaxBatch
  input  logic [63:0]                     y_base_i,        // multiple of 64
  // Commands (STORE_Y)
  input  logic                            cmd_valid_i,
  output logic                            cmd_ready_o,
  input  xw_pkg::instruction_t            cmd_i,
  output logic                            done_o,          // all writes are answered
  output logic                            error_o,
  output xw_pkg::fault_t                  fault_o,         // with error_o
  output logic                            idle_o,          // nothing to do, no burst under way
  output logic                            memory_stall_o,  // memory does not take a beat, or has not answered
  output logic                            beat_o,          // progress
  // YBUF reads, all banks at the same address
  output logic [NumEngines-1:0]           ybuf_valid_o,
  input  logic [NumEngines-1:0]           ybuf_ready_i,
  output logic [YbufAddrWidth-1:0]        ybuf_addr_o,
  input  logic [NumEngines-1:0]           ybuf_valid_i,    // the cycle after the bank accepted
  input  logic [NumEngines*DataWidth-1:0] ybuf_data_i,
  // AXI4 write channels
  output xw_pkg::axi_write_req_t          write_req_o,
  output logic [DataWidth-1:0]            write_data_o,
  output logic [DataWidth/8-1:0]          write_strb_o,
  input  xw_pkg::axi_write_rsp_t          write_rsp_i
);
  localparam int unsigned WORDS      = DataWidth / 32;
  localparam int unsigned WORD_BITS  = $clog2(WORDS);
  localparam int unsigned YBUF_ROWS  = YbufWords / WORDS;  // beats per vector
  localparam int unsigned FIFO_DEPTH = 4;                  // covers the cycles from a bank to the FIFO's end

  typedef enum logic [1:0] {
    StIdle,   // waits for a command
    StCheck,  // checks it and derives counts and strobes
    StRun,    // reads banks, writes memory, waits for the last response
    StDrain   // waits for the writer after an error or an abort
  } state_e;
  state_e state_q;

  // --- command ----------------------------------------------------------------------------------
  logic [15:0] mask_q, offset_q, length_q, stride_q;
  logic [31:0] y_offset_q;
  logic [16:0] end_word;                        // of the vector's YBUF row
  logic [WORD_BITS-1:0] last_words;             // in the vector's last beat; 0: all
  xw_pkg::fault_t check;
  assign end_word   = 17'(offset_q) + 17'(length_q);
  assign last_words = length_q[WORD_BITS-1:0];
  always_comb begin
    check      = '0;
    check.code = xw_pkg::ERROR_OK;
    if (mask_q == '0 || (mask_q >> NumEngines) != '0) begin
      check.code   = xw_pkg::ERROR_BAD_ENGINE;
      check.detail = 64'(mask_q);
    end else if (length_q == '0) begin
      check.code   = xw_pkg::ERROR_BAD_LENGTH;
    end else if (offset_q[3:0] != '0) begin
      check.code   = xw_pkg::ERROR_MISALIGNED;
      check.detail = 64'(offset_q);
    end else if (32'(end_word) > YbufWords) begin
      check.code   = xw_pkg::ERROR_YBUF_RANGE;
      check.detail = 64'(end_word);
    end else if (y_offset_q[xw_pkg::MEMORY_ALIGNMENT_BITS-1:0] != '0) begin
      check.code   = xw_pkg::ERROR_MISALIGNED;
      check.detail = 64'(y_offset_q);
    end
  end

  logic [16:0] beats_q;                         // per vector

  // --- YBUF rows --------------------------------------------------------------------------------
  // At most FIFO_DEPTH rows are between the banks and the writer: banks cannot be made to wait.
  logic [xw_pkg::BATCH_BITS-1:0] read_vectors_q;    // not read yet
  logic [16:0]               read_index_q;      // row in the vector
  logic [YbufAddrWidth-1:0]  row_q;             // first row of the vector
  logic [NumEngines-1:0]     pending_q;         // banks that have not accepted the current row
  logic [2:0]                held_q;            // rows accepted by all banks and not yet written
  logic                      row_done, started_q, pop;
  logic [NumEngines-1:0]     accepted;
  assign ybuf_valid_o = (state_q == StRun && read_vectors_q != '0 && 32'(held_q) != FIFO_DEPTH) ?
                        pending_q : '0;
  assign ybuf_addr_o  = row_q + YbufAddrWidth'(read_index_q);
  assign accepted     = ybuf_valid_o & ybuf_ready_i;
  assign row_done     = ybuf_valid_o != '0 && accepted == pending_q;

  // Sum of what the banks answered, over one or more cycles.
  logic                 add_first_q, add_last_q, sum_valid_q;
  logic [DataWidth-1:0] sum_q, sum;
  always_comb begin
    sum = '0;
    if (ybuf_valid_i != '0) begin
      sum = add_first_q ? '0 : sum_q;
      for (int unsigned e = 0; e < NumEngines; e++) begin
        if (ybuf_valid_i[e]) begin
          for (int unsigned w = 0; w < WORDS; w++) begin
            sum[32*w +: 32] = sum[32*w +: 32] + ybuf_data_i[DataWidth*e + 32*w +: 32];
          end
        end
      end
    end
  end
  always_ff @(posedge clk_i) begin
    if (ybuf_valid_i != '0) sum_q <= sum;
  end

  // --- rows to the writer -----------------------------------------------------------------------
  logic [DataWidth-1:0] rows [0:FIFO_DEPTH-1];
  logic [1:0]           push_q, pop_q;
  logic [2:0]           count_q;
  always_ff @(posedge clk_i) begin
    if (sum_valid_q) rows[push_q] <= sum_q;
  end

  logic [xw_pkg::BATCH_BITS-1:0] write_vectors_q, request_vectors_q;  // not written, not requested yet
  logic [16:0]            write_index_q;
  logic [63:0]            request_addr_q;
  logic [DataWidth/8-1:0] last_strobes_q;
  logic                   request, request_ready, row_valid, row_ready, vector_last, writer_busy, writer_needs_clock;
  logic                   write_error, write_decerr, stop;
  logic [63:0]            write_error_addr;
  assign request     = state_q == StRun && request_vectors_q != '0;
  assign row_valid   = state_q == StRun && count_q != '0;
  assign pop         = row_valid && row_ready;
  assign vector_last = write_index_q == beats_q - 17'd1;
  assign stop        = abort_i || write_error;

  xw_axi_write #(
    .DataWidth     (DataWidth),
    .MaxOutstanding(MaxOutstanding)
  ) u_write (
    .clk_i, .rst_ni,
    .needs_clock_o(writer_needs_clock),
    .req_valid_i (request),
    .req_ready_o (request_ready),
    .req_addr_i  (request_addr_q),
    .req_beats_i (32'(beats_q)),
    .stop_i      (stop),
    .busy_o      (writer_busy),
    .valid_i     (row_valid),
    .ready_o     (row_ready),
    .data_i      (rows[pop_q]),
    .strb_i      (vector_last ? last_strobes_q : '1),
    .error_o     (write_error),
    .decerr_o    (write_decerr),
    .error_addr_o(write_error_addr),
    .write_req_o, .write_data_o, .write_strb_o, .write_rsp_i
  );

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q           <= StIdle;
      mask_q            <= '0;
      offset_q          <= '0;
      length_q          <= '0;
      stride_q          <= '0;
      y_offset_q        <= '0;
      beats_q           <= '0;
      read_vectors_q    <= '0;
      read_index_q      <= '0;
      row_q             <= '0;
      pending_q         <= '0;
      started_q         <= 1'b0;
      held_q            <= '0;
      add_first_q       <= 1'b0;
      add_last_q        <= 1'b0;
      sum_valid_q       <= 1'b0;
      push_q            <= '0;
      pop_q             <= '0;
      count_q           <= '0;
      write_vectors_q   <= '0;
      request_vectors_q <= '0;
      write_index_q     <= '0;
      request_addr_q    <= '0;
      last_strobes_q    <= '0;
      done_o            <= 1'b0;
      error_o           <= 1'b0;
      fault_o           <= '0;
    end else begin
      done_o  <= 1'b0;
      error_o <= 1'b0;

      // Banks
      if (accepted != '0) begin
        pending_q   <= pending_q & ~accepted;
        started_q   <= 1'b1;
        add_first_q <= !started_q;
      end
      if (row_done) begin
        pending_q    <= mask_q[NumEngines-1:0];
        started_q    <= 1'b0;
        read_index_q <= read_index_q + 17'd1;
        if (read_index_q == beats_q - 17'd1) begin
          read_index_q   <= '0;
          read_vectors_q <= read_vectors_q - 1'b1;
          row_q          <= row_q + YbufAddrWidth'(YBUF_ROWS);
        end
      end
      add_last_q  <= row_done;
      sum_valid_q <= add_last_q;
      held_q      <= held_q + 3'(row_done) - 3'(pop);

      // Writer
      if (sum_valid_q) push_q <= push_q + 2'd1;
      count_q <= count_q + 3'(sum_valid_q) - 3'(pop);
      if (pop) begin
        pop_q         <= pop_q + 2'd1;
        write_index_q <= write_index_q + 17'd1;
        if (vector_last) begin
          write_index_q   <= '0;
          write_vectors_q <= write_vectors_q - 1'b1;
        end
      end
      if (request && request_ready) begin
        request_vectors_q <= request_vectors_q - 1'b1;
        request_addr_q    <= request_addr_q + (64'(stride_q) << xw_pkg::MEMORY_ALIGNMENT_BITS);
      end

      unique case (state_q)
        StIdle: if (cmd_valid_i && cmd_ready_o) begin
          mask_q     <= cmd_i.store_y.engine_mask;
          offset_q   <= cmd_i.store_y.ybuf_offset;
          y_offset_q <= cmd_i.store_y.y_offset;
          length_q   <= cmd_i.store_y.length;
          stride_q   <= cmd_i.store_y.stride;
          state_q    <= StCheck;
        end
        StCheck: begin
          beats_q           <= (17'(length_q) + 17'(WORDS - 1)) >> WORD_BITS;
          read_vectors_q    <= num_vectors_i;
          write_vectors_q   <= num_vectors_i;
          request_vectors_q <= num_vectors_i;
          read_index_q      <= '0;
          write_index_q     <= '0;
          row_q             <= YbufAddrWidth'(offset_q >> WORD_BITS);
          pending_q         <= mask_q[NumEngines-1:0];
          started_q         <= 1'b0;
          held_q            <= '0;
          count_q           <= '0;
          push_q            <= '0;
          pop_q             <= '0;
          request_addr_q    <= y_base_i + 64'(y_offset_q);
          last_strobes_q    <= (last_words == '0) ? '1 :
                               ~({(DataWidth/8){1'b1}} << (32'(last_words) << 2));
          state_q           <= StRun;
          if (check.code != xw_pkg::ERROR_OK) begin
            error_o <= 1'b1;
            fault_o <= check;
            state_q <= StDrain;
          end
        end
        StRun: begin
          if (write_vectors_q == '0 && !writer_busy) begin
            done_o  <= 1'b1;
            state_q <= StIdle;
          end
          if (write_error) begin
            done_o         <= 1'b0;
            error_o        <= 1'b1;
            fault_o.code   <= xw_pkg::memory_error(write_decerr);
            fault_o.detail <= write_error_addr;
            state_q        <= StDrain;
          end
        end
        StDrain: if (!writer_busy) state_q <= StIdle;
        default: state_q <= StIdle;
      endcase
      if (abort_i) begin
        done_o  <= 1'b0;
        error_o <= 1'b0;
        state_q <= StDrain;
      end
      if (stop) begin
        add_last_q  <= 1'b0;
        sum_valid_q <= 1'b0;
      end
    end
  end

  assign cmd_ready_o    = state_q == StIdle && !abort_i;
  assign idle_o         = (state_q == StIdle || state_q == StDrain) && !writer_busy && !done_o && !error_o;
  assign memory_stall_o = state_q == StRun && ((row_valid && !row_ready) || write_vectors_q == '0);
  assign beat_o         = accepted != '0 || (write_req_o.w_valid && write_rsp_i.w_ready) || write_rsp_i.b_valid;

  assign needs_clock_o  = cmd_valid_i || abort_i || done_o || error_o || writer_needs_clock || state_q == StCheck ||
                          state_q == StDrain || (state_q == StRun && !(write_vectors_q == '0 && writer_busy));

`ifdef VERILATOR
  initial begin
    assert (Lanes == 16 || Lanes == 32 || Lanes == 64);
    assert (YbufWords % WORDS == 0 && NumEngines >= 1 && NumEngines <= 8);
    assert (MaxBatch >= 1 && MaxBatch <= 256);
  end
  logic [NumEngines-1:0] accepted_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) accepted_q <= '0;
    else         accepted_q <= accepted;
  end
  VectorsInRange: assert property (@(posedge clk_i) disable iff (!rst_ni)
      state_q != StCheck || (num_vectors_i != '0 && 32'(num_vectors_i) <= MaxBatch));
  BaseAligned: assert property (@(posedge clk_i) disable iff (!rst_ni)
      state_q != StCheck || y_base_i[xw_pkg::MEMORY_ALIGNMENT_BITS-1:0] == '0);
  BanksAnswer: assert property (@(posedge clk_i) disable iff (!rst_ni)
      ybuf_valid_i == accepted_q);
  FifoNeverFull: assert property (@(posedge clk_i) disable iff (!rst_ni)
      !sum_valid_q || 32'(count_q) != FIFO_DEPTH);
  DoneWhenDrained: assert property (@(posedge clk_i) disable iff (!rst_ni)
      !done_o || !writer_busy);
  OneAnswer: assert property (@(posedge clk_i) disable iff (!rst_ni)
      !(done_o && error_o));
`endif
endmodule
