// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0

/// Block loader of one engine: reads a block image, checks it and fills a context.
///
/// done_o pulses when header and tables are in and the header is good: the context may be used then,
/// its cells follow (cell_beats_o counts them). The next command is accepted, and its image requested,
/// while cells are under way; it waits until they are in. A pulse of error_o ends a command and forgets
/// the next; it comes before done_o, or for faults of cells after it.
/// The order of checks is that of `xw::analog::open_image`.
module xw_block_load #(
  parameter int unsigned Lanes          = 64,
  parameter int unsigned BlockRows      = 512,
  parameter int unsigned BlockCols      = 512,
  parameter int unsigned Contexts       = 4,
  parameter int unsigned MaxOutstanding = 16,
  localparam int unsigned DataWidth      = 8 * Lanes,
  localparam int unsigned WordsPerBeat   = DataWidth / 32,
  localparam int unsigned ContextCells   = BlockRows * BlockCols / Lanes,
  localparam int unsigned ContextTables  = BlockCols / WordsPerBeat,
  localparam int unsigned CellAddrWidth  = $clog2(Contexts * ContextCells),
  localparam int unsigned TableAddrWidth = $clog2(Contexts * ContextTables),
  localparam int unsigned ContextWidth   = (Contexts > 1) ? $clog2(Contexts) : 1
) (
  input  logic                      load_clk_i,      // may stand still in cycles without needs_load_o
  input  logic                      control_clk_i,   // likewise needs_control_o
  input  logic                      rst_ni,
  output logic                      needs_load_o,
  output logic                      needs_control_o,
  input  logic                      clear_i,         // start of a run: all contexts are empty
  input  logic                      abort_i,         // ends the command without done or error
  input  logic [63:0]               image_base_i,
  // Commands (LOAD_BLOCK)
  input  logic                      cmd_valid_i,
  output logic                      cmd_ready_o,
  input  xw_pkg::instruction_t      cmd_i,
  input  logic [31:0]               cmd_index_i,     // of the instruction
  output logic                      done_o,
  output logic                      error_o,
  output xw_pkg::fault_t            fault_o,         // with error_o
  output logic                      active_o,        // an image is under way, from its header to its last cell
  output logic [31:0]               index_o,         // instruction of that image; with error_o: that failed
  output logic                      idle_o,          // nothing to do, no burst under way
  output logic                      memory_stall_o,  // waits for a beat
  output logic                      beat_o,          // a beat arrived
  // State of the contexts
  output logic [Contexts-1:0]       context_valid_o,
  output logic                      loading_o,       // cells of loading_context_o are under way
  output logic [ContextWidth-1:0]   loading_context_o,
  output logic [31:0]               cell_beats_o,    // already in, while loading_o
  input  logic                      descriptor_read_i,
  input  logic [ContextWidth-1:0]   descriptor_context_i,
  output xw_pkg::block_descriptor_t descriptor_o,
  // Context memory
  output logic                      cell_write_o,
  output logic [CellAddrWidth-1:0]  cell_addr_o,
  output logic                      table_write_o,   // gains and scales
  output logic                      offset_write_o,  // offsets, at table_addr_o, too
  output logic [TableAddrWidth-1:0] table_addr_o,
  output logic [DataWidth-1:0]      write_data_o,
  // AXI4 read channels
  output xw_pkg::axi_read_req_t     read_req_o,
  input  xw_pkg::axi_read_rsp_t     read_rsp_i,
  input  logic [DataWidth-1:0]      read_data_i
);
  localparam int unsigned ALIGN        = xw_pkg::MEMORY_ALIGNMENT_BITS;
  localparam int unsigned LINE_BEATS   = 8 * xw_pkg::MEMORY_ALIGNMENT / DataWidth;  // beats of 64 bytes
  localparam int unsigned LANES_PER_64 = 64 / Lanes;       // rows of cells in 64 bytes
  localparam int unsigned LARGEST =
      1 + 2 * ((BlockCols + 15) / 16) + (ContextCells + LANES_PER_64 - 1) / LANES_PER_64;

  typedef enum logic [3:0] {
    StIdle,     // waits for an accepted command
    StHeader,   // collects the 64 header bytes
    StCrc,      // their CRC and the sizes
    StCheck,    // compares
    StTables,   // writes gains and scales of the columns
    StOffsets,  // writes the offsets of their converters
    StCells,    // writes cells and swallows padding
    StSum,      // compares the payload sum
    StDrain     // waits for the reader after a fault or an abort
  } state_e;
  state_e state_q;

  logic [31:0]  length_q;       // of the image, in 64 bytes
  logic [63:0]  address_q;      // of the image
  logic [31:0]  beat_q;         // in the current part
  logic [CellAddrWidth-1:0]  cell_base_q;
  logic [TableAddrWidth-1:0] table_base_q;
  logic [Contexts-1:0]       context_valid_q;
  logic [xw_pkg::BLOCK_DESCRIPTOR_BITS-1:0] descriptors [0:Contexts-1];

  // --- commands ---------------------------------------------------------------------------------
  xw_pkg::error_e bad_command;
  logic           accept, start;
  always_comb begin
    bad_command = xw_pkg::ERROR_OK;
    if (!cmd_valid_i) bad_command = xw_pkg::ERROR_OK;
    else if (32'(cmd_i.load_block.context_) >= Contexts) bad_command = xw_pkg::ERROR_BAD_CONTEXT;
    else if (cmd_i.load_block.image_length == '0 || cmd_i.load_block.image_length > LARGEST) begin
      bad_command = xw_pkg::ERROR_BAD_LENGTH;
    end
  end

  // The accepted command: its image is requested already.
  logic                    next_valid_q;
  logic [7:0]              next_context_q;
  xw_pkg::error_e          next_bad_q;
  logic [31:0]             next_length_q, next_index_q;
  logic [63:0]             next_address_q;
  logic [ContextWidth-1:0] slot_q;

  // --- reader -----------------------------------------------------------------------------------
  logic stop, bad_sum, reader_ready, reader_busy, reader_needs_clock, beat_valid, beat_ready, faulty;
  logic [63:0] start_addr;
  logic [1:0]  beat_resp;
  logic [DataWidth-1:0] beat_data;
  assign start_addr = cmd_valid_i ? image_base_i + (64'(cmd_i.load_block.image_offset) << 6) : '0;
  assign accept     = cmd_valid_i && cmd_ready_o;
  assign start      = state_q == StIdle && next_valid_q;

  xw_axi_read #(
    .DataWidth     (DataWidth),
    .MaxOutstanding(MaxOutstanding)
  ) u_read (
    .clk_i(load_clk_i), .rst_ni,
    .needs_clock_o(reader_needs_clock),
    .req_valid_i(accept && bad_command == xw_pkg::ERROR_OK),
    .req_ready_o(reader_ready),
    .req_addr_i (start_addr),
    .req_beats_i(cmd_i.load_block.image_length * 32'(LINE_BEATS)),
    .stop_i     (stop),
    .busy_o     (reader_busy),
    .valid_o    (beat_valid),
    .ready_i    (beat_ready),
    .data_o     (beat_data),
    .resp_o     (beat_resp),
    .read_req_o, .read_rsp_i, .read_data_i
  );

  // --- header -----------------------------------------------------------------------------------
  logic         crc_done;
  xw_pkg::error_e check_error;
  logic [31:0]    cell_beats, table_beats, tail_beats, payload_sum_wanted;
  xw_pkg::block_descriptor_t descriptor;
  logic           beat;
  assign beat = beat_valid && beat_ready;
  xw_image_header #(
    .Lanes(Lanes), .BlockRows(BlockRows), .BlockCols(BlockCols)
  ) u_header (
    .clk_i(control_clk_i), .rst_ni,
    .shift_i      (beat && state_q == StHeader),
    .data_i       (beat_data),
    .crc_i        (state_q == StCrc),
    .crc_done_o   (crc_done),
    .check_i      (state_q == StCheck),
    .length_i     (length_q),
    .error_o      (check_error),
    .cell_beats_o (cell_beats),
    .table_beats_o(table_beats),
    .tail_beats_o (tail_beats),
    .payload_sum_o(payload_sum_wanted),
    .descriptor_o (descriptor)
  );

  // --- beats ------------------------------------------------------------------------------------
  // Sums of the words of all beats, one per place in a beat; added up at the end.
  logic [DataWidth-1:0] sums_q;
  logic [31:0]          payload_sum;
  always_comb begin
    payload_sum = '0;
    if (state_q == StSum) begin
      for (int unsigned w = 0; w < WordsPerBeat; w++) payload_sum = payload_sum + sums_q[32*w +: 32];
    end
  end
  // Updated in place: read only while no beat comes.
  always_ff @(posedge load_clk_i) begin
    if (state_q == StCrc) begin
      sums_q = '0;
    end else if (beat) begin
      for (int unsigned w = 0; w < WordsPerBeat; w++) sums_q[32*w +: 32] = sums_q[32*w +: 32] + beat_data[32*w +: 32];
    end
  end

  logic in_tables, last_table, last_cell;
  assign in_tables  = state_q == StTables || state_q == StOffsets;
  assign last_table = beat_q == table_beats - 32'd1;
  assign last_cell  = beat_q == tail_beats - 32'd1;
  always_ff @(posedge load_clk_i) begin
    if (!rst_ni || state_q == StIdle || state_q == StCrc)  beat_q <= '0;
    else if (beat) beat_q <= (in_tables && last_table) ? '0 : beat_q + 32'd1;
  end

  // Address of the beat, for faults.
  logic [63:0] beat_address;
  always_comb begin
    beat_address = address_q;
    if (faulty) begin
      if (state_q == StTables)  beat_address = address_q + 64'd64;
      if (state_q == StOffsets) beat_address = address_q + 64'd64 + 64'(table_beats * 32'(Lanes));
      if (state_q == StCells)   beat_address = address_q + 64'd64 + 64'(table_beats * 32'(2 * Lanes));
      beat_address = beat_address + 64'(beat_q * 32'(Lanes));
    end
  end

  assign beat_ready = state_q == StHeader || in_tables || state_q == StCells;
  assign faulty     = beat && beat_resp[1];
  assign bad_sum    = state_q == StSum &&
                      payload_sum != payload_sum_wanted;
  assign stop       = abort_i || faulty || bad_sum ||
                      (state_q == StCheck && check_error != xw_pkg::ERROR_OK);

  always_ff @(posedge control_clk_i) begin
    if (!rst_ni) begin
      state_q         <= StIdle;
      length_q        <= '0;
      address_q       <= '0;
      cell_base_q     <= '0;
      table_base_q    <= '0;
      slot_q          <= '0;
      index_o         <= '0;
      next_valid_q    <= 1'b0;
      next_context_q  <= '0;
      next_bad_q      <= xw_pkg::ERROR_OK;
      next_length_q   <= '0;
      next_index_q    <= '0;
      next_address_q  <= '0;
      context_valid_q <= '0;
      done_o          <= 1'b0;
      error_o         <= 1'b0;
      fault_o         <= '0;
    end else begin
      done_o  <= 1'b0;
      error_o <= 1'b0;
      if (accept) begin
        next_valid_q   <= 1'b1;
        next_context_q <= cmd_i.load_block.context_;
        next_bad_q     <= bad_command;
        next_length_q  <= cmd_i.load_block.image_length;
        next_index_q   <= cmd_index_i;
        next_address_q <= start_addr;
      end
      unique case (state_q)
        StIdle: if (start) begin
          next_valid_q <= 1'b0;
          length_q     <= next_length_q;
          index_o      <= next_index_q;
          slot_q       <= ContextWidth'(next_context_q);
          address_q    <= next_address_q;
          cell_base_q  <= CellAddrWidth'(32'(next_context_q) * ContextCells);
          table_base_q <= TableAddrWidth'(32'(next_context_q) * ContextTables);
          if (next_bad_q == xw_pkg::ERROR_OK) begin
            context_valid_q[ContextWidth'(next_context_q)] <= 1'b0;
            state_q <= StHeader;
          end else begin
            error_o        <= 1'b1;
            fault_o.code   <= next_bad_q;
            fault_o.detail <= (next_bad_q == xw_pkg::ERROR_BAD_CONTEXT) ?
                              64'(next_context_q) : 64'(next_length_q);
          end
        end
        StHeader: if (beat && beat_q == 32'(LINE_BEATS - 1)) state_q <= StCrc;
        StCrc: if (crc_done) state_q <= StCheck;
        StCheck: begin
          state_q <= StTables;
          if (check_error != xw_pkg::ERROR_OK) begin
            error_o        <= 1'b1;
            fault_o.code   <= check_error;
            fault_o.detail <= address_q;
            state_q        <= StDrain;
          end
        end
        StTables: if (beat && last_table) state_q <= StOffsets;
        StOffsets: if (beat && last_table) begin
          context_valid_q[slot_q] <= 1'b1;
          done_o  <= 1'b1;
          state_q <= StCells;
        end
        StCells: if (beat && last_cell) state_q <= StSum;
        StSum: begin
          state_q <= StIdle;
          if (bad_sum) begin
            error_o        <= 1'b1;
            fault_o.code   <= xw_pkg::ERROR_IMAGE_PAYLOAD_SUM;
            fault_o.detail <= address_q;
            next_valid_q   <= 1'b0;
            state_q        <= StDrain;
          end
        end
        StDrain: if (!reader_busy && !stop) state_q <= StIdle;
        default: state_q <= StIdle;
      endcase
      if (faulty) begin
        done_o         <= 1'b0;
        error_o        <= 1'b1;
        fault_o.code   <= xw_pkg::memory_error(beat_resp[0]);
        fault_o.detail <= {beat_address[63:ALIGN], ALIGN'(0)};
        next_valid_q   <= 1'b0;
        state_q        <= StDrain;
      end
      if (state_q == StCheck && check_error != xw_pkg::ERROR_OK) next_valid_q <= 1'b0;
      if (abort_i) begin
        done_o  <= 1'b0;
        error_o <= 1'b0;
        next_valid_q <= 1'b0;
        state_q <= StDrain;
      end
      if (clear_i) context_valid_q <= '0;
    end
  end

  always_ff @(posedge control_clk_i) begin
    if (state_q == StCheck) begin
      descriptors[slot_q] <= descriptor;
    end
  end

  assign descriptor_o      = descriptor_read_i ? descriptors[descriptor_context_i] : '0;
  assign context_valid_o   = context_valid_q;
  assign loading_o         = state_q == StCells || state_q == StSum;
  assign loading_context_o = slot_q;
  assign cell_beats_o      = beat_q;
  assign active_o          = state_q != StIdle && state_q != StDrain;
  assign cmd_ready_o       = !next_valid_q && !abort_i && !stop && state_q != StDrain && reader_ready;
  assign idle_o            = state_q == StIdle && !next_valid_q;  // then the reader is
  assign memory_stall_o    = beat_ready && !beat_valid;
  assign beat_o            = beat;

  assign table_write_o  = beat && state_q == StTables && beat_q < 32'(ContextTables);
  assign offset_write_o = beat && state_q == StOffsets && beat_q < 32'(ContextTables);
  assign table_addr_o   = table_base_q + TableAddrWidth'(beat_q);
  assign cell_write_o   = beat && state_q == StCells && beat_q < cell_beats;
  assign cell_addr_o    = cell_base_q + CellAddrWidth'(beat_q);
  assign write_data_o   = beat_data;

  // Most beats only count.
  logic waits;
  assign waits           = state_q == StIdle || state_q == StHeader || in_tables || state_q == StCells;
  assign needs_load_o    = reader_needs_clock || start || state_q == StCrc;
  logic moves;  // apart from what depends on beats: simulators evaluate it when it changes
  always_comb begin
    moves = 1'b0;
    if (clear_i || abort_i || done_o || error_o || start || !waits) moves = 1'b1;
  end
  assign needs_control_o = moves || accept || faulty ||
                           (beat && (state_q == StHeader || (in_tables && last_table) ||
                                     (state_q == StCells && last_cell)));
endmodule
