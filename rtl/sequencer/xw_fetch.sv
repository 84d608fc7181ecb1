// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0

/// Reads the program header and then the instructions from the entry on, ahead of dispatch.
///
/// The header and the first instructions are requested in the same moment, the following ones 1 KiB at a
/// time while the buffer has room, never beyond the program's end. Faults of memory that nobody executes
/// are not reported: a fault stands in the stream at the place of the first instruction it hits.
module xw_fetch #(
  parameter int unsigned DataWidth      = 512,
  parameter int unsigned MaxOutstanding = 4
) (
  input  logic                  clk_i,
  input  logic                  rst_ni,
  output logic                  needs_clock_o,  // clk_i may stand still in cycles without
  input  logic                  start_i,        // begins at the entry; idle_o must be 1
  input  logic                  stop_i,         // forgets everything, swallows what is under way
  input  xw_pkg::arguments_t    arguments_i,    // program_base: multiple of 64
  output logic                  idle_o,
  // Instructions, in order
  output logic                  valid_o,        // an instruction or a fault
  input  logic                  ready_i,
  output xw_pkg::instruction_t  instruction_o,
  output logic [31:0]           index_o,
  output logic                  error_o,        // fault_o instead of an instruction, at index_o
  output xw_pkg::fault_t        fault_o,
  output logic                  header_read_o,  // since start_i: the header is in
  output logic                  beat_o,         // a beat arrived
  // AXI4 read channels
  output xw_pkg::axi_read_req_t read_req_o,
  input  xw_pkg::axi_read_rsp_t read_rsp_i,
  input  logic [DataWidth-1:0]  read_data_i
);
  localparam int unsigned LINE_BEATS  = 8 * xw_pkg::MEMORY_ALIGNMENT / DataWidth;  // beats of 64 bytes
  localparam int unsigned CHUNK_LINES = 16;  // 1 KiB
  localparam int unsigned CHUNK_BITS  = xw_pkg::MEMORY_ALIGNMENT_BITS + $clog2(CHUNK_LINES);
  localparam int unsigned DEPTH       = 2 * CHUNK_LINES * LINE_BEATS;
  localparam int unsigned DEPTH_BITS  = $clog2(DEPTH);
  localparam int unsigned PER_BEAT    = DataWidth / xw_pkg::INSTRUCTION_BITS;
  localparam int unsigned SLOT_BITS   = (PER_BEAT > 1) ? $clog2(PER_BEAT) : 1;

  typedef enum logic [2:0] {
    StIdle,    // waits for start
    StFirst,   // requests the first instructions
    StHeader,  // collects the header
    StStream,  // instructions flow
    StFault,   // the header is bad: the fault stands at the entry
    StStop     // waits for what is under way
  } state_e;
  state_e state_q;

  xw_pkg::program_header_t header_q;
  logic [3:0]   header_beat_q;
  xw_pkg::fault_t fault_q;                   // of the header
  logic [31:0]  index_q;                     // of the instruction at the front
  logic [63:0]  next_line_q;                 // first line not yet requested, counted from the header
  logic [63:0]  front_line_q;                // line of the front, for faults

  // --- reader -----------------------------------------------------------------------------------
  logic req_valid, req_ready, reader_busy, reader_needs_clock, beat_valid, beat_ready;
  logic [63:0] req_addr;
  logic [31:0] req_beats;
  logic [1:0]  beat_resp;
  logic [DataWidth-1:0] beat_data;

  xw_axi_read #(
    .DataWidth(DataWidth), .MaxOutstanding(MaxOutstanding)
  ) u_read (
    .clk_i, .rst_ni,
    .needs_clock_o(reader_needs_clock),
    .req_valid_i(req_valid),
    .req_ready_o(req_ready),
    .req_addr_i (req_addr),
    .req_beats_i(req_beats),
    .stop_i,
    .busy_o     (reader_busy),
    .valid_o    (beat_valid),
    .ready_i    (beat_ready),
    .data_o     (beat_data),
    .resp_o     (beat_resp),
    .read_req_o, .read_rsp_i, .read_data_i
  );

  // Lines up to the next multiple of 1 KiB, and not beyond the end once it is known.
  logic [63:0] entry_line, end_line, chunk_addr;
  logic [63:0] left_q, left_d;               // lines not yet requested, once the end is known
  logic [31:0] next_lines_q;                 // of the next request: at most left_q
  logic [31:0] chunk_lines;
  logic        more, ask;
  assign entry_line = 64'd1 + 64'(arguments_i.entry[31:2]);
  assign end_line   = 64'd1 + ((64'(header_q.num_instructions) + 64'd3) >> 2);
  always_comb begin
    more        = 1'b0;
    chunk_addr  = '0;
    chunk_lines = '0;
    if ((state_q == StFirst || state_q == StStream) && req_ready) begin
      more        = next_lines_q != '0;
      chunk_addr  = arguments_i.program_base + (next_line_q << xw_pkg::MEMORY_ALIGNMENT_BITS);
      chunk_lines = next_lines_q;  // the first request ends at a multiple, so the others begin at one
      if (state_q == StFirst) chunk_lines = 32'(CHUNK_LINES) - 32'(chunk_addr[CHUNK_BITS-1:xw_pkg::MEMORY_ALIGNMENT_BITS]);
    end
  end

  // Found at the header, then behind the next request.
  always_comb begin
    left_d = left_q - 64'(next_lines_q);
    if (state_q == StHeader) left_d = (next_line_q < end_line) ? end_line - next_line_q : '0;
  end

  // --- buffer -----------------------------------------------------------------------------------
  logic [DataWidth+1:0] buffer [0:DEPTH-1];
  logic [DEPTH_BITS:0]  write_q, read_q, reserved_q;  // reserved: requested or held
  logic [SLOT_BITS-1:0] slot_q;
  logic [1:0]           skip_q;                       // beats of the first line before the entry
  logic [DataWidth+1:0] front;
  logic buffer_empty, beat, push, take, take_beat;
  assign buffer_empty = write_q == read_q;
  assign front        = ready_i ? buffer[read_q[DEPTH_BITS-1:0]] : 'x;  // looked at only when it is taken
  assign beat_ready   = state_q != StIdle && state_q != StStop;
  assign beat         = beat_valid && beat_ready && header_read_o;
  assign push         = beat && skip_q == '0;
  assign ask          = state_q == StFirst || (state_q == StStream && more &&
                        32'(reserved_q) + next_lines_q * LINE_BEATS <= DEPTH);
  assign req_valid    = start_i || ask;
  assign req_addr     = (state_q == StIdle) ? arguments_i.program_base : chunk_addr;
  assign req_beats    = (state_q == StIdle) ? 32'(LINE_BEATS) : chunk_lines * LINE_BEATS;

  logic past_end, bad_beat;
  assign past_end       = index_q >= header_q.num_instructions;
  assign bad_beat       = front[DataWidth+1];
  assign valid_o        = state_q == StFault || (state_q == StStream && (past_end || !buffer_empty));
  assign instruction_o  = front[xw_pkg::INSTRUCTION_BITS * slot_q +: xw_pkg::INSTRUCTION_BITS];
  assign index_o        = index_q;
  assign error_o        = state_q == StFault || past_end || bad_beat;
  assign take           = state_q == StStream && valid_o && ready_i && !error_o;
  assign take_beat      = take && 32'(slot_q) == PER_BEAT - 1;
  always_comb begin
    if (state_q == StFault) begin
      fault_o = fault_q;
    end else if (past_end) begin
      fault_o.code   = xw_pkg::ERROR_ENTRY_RANGE;
      fault_o.detail = 64'(index_q);
    end else begin
      fault_o.code   = xw_pkg::memory_error(front[DataWidth]);
      fault_o.detail = arguments_i.program_base + (front_line_q << xw_pkg::MEMORY_ALIGNMENT_BITS);
    end
  end

  // --- header -----------------------------------------------------------------------------------
  always_ff @(posedge clk_i) begin
    if (push) buffer[write_q[DEPTH_BITS-1:0]] <= {beat_resp, beat_data};
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q        <= StIdle;
      header_q       <= '0;
      header_beat_q  <= '0;
      fault_q        <= '0;
      index_q        <= '0;
      next_line_q    <= '0;
      left_q         <= '0;
      next_lines_q   <= '0;
      front_line_q   <= '0;
      write_q        <= '0;
      read_q         <= '0;
      reserved_q     <= '0;
      slot_q         <= '0;
      skip_q         <= '0;
    end else begin
      if (beat && skip_q != '0) skip_q <= skip_q - 2'd1;
      if (push) write_q <= write_q + 1'b1;
      if (take) begin
        index_q <= index_q + 32'd1;
        slot_q  <= (PER_BEAT > 1) ? slot_q + 1'b1 : '0;
        if (index_q[1:0] == 2'd3) front_line_q <= front_line_q + 64'd1;
      end
      if (take_beat) read_q <= read_q + 1'b1;
      if (ask && req_ready) next_line_q <= next_line_q + 64'(chunk_lines);
      if (state_q == StHeader || (state_q == StStream && ask && req_ready)) begin
        left_q       <= left_d;
        next_lines_q <= (left_d < 64'(CHUNK_LINES)) ? 32'(left_d) : 32'(CHUNK_LINES);
      end
      reserved_q <= reserved_q - (DEPTH_BITS + 1)'(take_beat) - (DEPTH_BITS + 1)'(beat && skip_q != '0) +
                    ((ask && req_ready) ? (DEPTH_BITS + 1)'(chunk_lines * LINE_BEATS) : '0);

      unique case (state_q)
        StIdle: if (start_i) begin
          state_q       <= StFirst;
          header_beat_q <= '0;
          index_q       <= arguments_i.entry;
          next_line_q   <= entry_line;
          front_line_q  <= entry_line;
          write_q       <= '0;
          read_q        <= '0;
          reserved_q    <= '0;
          slot_q        <= (PER_BEAT > 1) ? SLOT_BITS'(32'(arguments_i.entry[1:0]) % PER_BEAT) : '0;
          skip_q        <= 2'(32'(arguments_i.entry[1:0]) / PER_BEAT);
        end
        StFirst: if (req_ready) state_q <= StHeader;
        StHeader: if (header_read_o) begin
          state_q <= StFault;
          if (fault_q.code != xw_pkg::ERROR_OK) begin
            fault_q.detail <= arguments_i.program_base;
          end else if (header_q.magic != xw_pkg::PROGRAM_HEADER_MAGIC) begin
            fault_q.code   <= xw_pkg::ERROR_PROGRAM_HEADER;
            fault_q.detail <= 64'(header_q.magic);
          end else if (header_q.isa_version != xw_pkg::ISA_VERSION) begin
            fault_q.code   <= xw_pkg::ERROR_PROGRAM_HEADER;
            fault_q.detail <= 64'(header_q.isa_version);
          end else if (header_q.contract_hash != xw_pkg::CONTRACT_HASH) begin
            fault_q.code   <= xw_pkg::ERROR_CONTRACT_MISMATCH;
            fault_q.detail <= 64'(header_q.contract_hash[31:0]);
          end else begin
            state_q <= StStream;
          end
        end
        StStream, StFault: ;
        StStop: if (!reader_busy && !stop_i) state_q <= StIdle;
        default: state_q <= StIdle;
      endcase

      // The header may arrive while the first instructions are still being requested.
      if (start_i) fault_q.code <= xw_pkg::ERROR_OK;
      if (beat_valid && beat_ready && !header_read_o) begin
        header_beat_q <= header_beat_q + 4'd1;
        header_q      <= xw_pkg::PROGRAM_HEADER_BITS'({beat_data, header_q} >> DataWidth);
        if (beat_resp[1]) fault_q.code <= xw_pkg::memory_error(beat_resp[0]);
      end
      if (stop_i) state_q <= StStop;
    end
  end

  assign idle_o        = state_q == StIdle && !reader_busy;
  assign header_read_o = header_beat_q == 4'(LINE_BEATS);
  assign beat_o        = beat_valid && beat_ready;

  assign needs_clock_o = start_i || stop_i || ask || (ready_i && valid_o) || reader_needs_clock || state_q == StFirst ||
                         (state_q == StHeader && header_read_o) || state_q == StStop;
endmodule
