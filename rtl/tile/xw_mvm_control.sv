// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0

/// Runs MVM instructions on one engine: for every column group, vector and row one beat of cells.
///
/// Order of work per beat: XBUF read, one cycle later cell read and byte selection, one cycle later the
/// MAC. After the last row of a pass the sums are read out to the converter, Columns per cycle, while
/// the next pass runs; the last row of the next pass waits until they are read. done_o comes when the
/// last result stands in YBUF.
module xw_mvm_control #(
  parameter int unsigned Lanes     = 64,
  parameter int unsigned BlockRows = 512,
  parameter int unsigned BlockCols = 512,
  parameter int unsigned Contexts  = 4,
  parameter int unsigned XbufBytes = 16384,
  parameter int unsigned YbufWords = 2048,
  parameter int unsigned MaxBatch  = 64,
  parameter int unsigned Columns   = 4,
  localparam int unsigned ContextCells  = BlockRows * BlockCols / Lanes,
  localparam int unsigned CellAddrWidth = $clog2(Contexts * ContextCells),
  localparam int unsigned XbufBeats     = XbufBytes / Lanes,
  localparam int unsigned XbufAddrWidth = $clog2(MaxBatch * XbufBeats),
  localparam int unsigned LaneWidth     = $clog2(Lanes),
  localparam int unsigned Reads         = Lanes / Columns,
  localparam int unsigned IndexWidth    = (Reads > 1) ? $clog2(Reads) : 1,
  localparam int unsigned ContextWidth  = (Contexts > 1) ? $clog2(Contexts) : 1
) (
  input  logic                      clk_i,
  input  logic                      control_clk_i,   // may stand still in cycles without needs_control_o
  input  logic                      convert_clk_i,   // likewise needs_convert_o
  input  logic                      rst_ni,
  output logic                      needs_control_o,
  output logic                      needs_convert_o,
  input  logic                      abort_i,         // ends the command without done or error
  input  logic [xw_pkg::BATCH_BITS-1:0] num_vectors_i,   // at least 1
  // Commands (MVM)
  input  logic                      cmd_valid_i,
  output logic                      cmd_ready_o,
  input  xw_pkg::instruction_t      cmd_i,
  output logic                      done_o,
  output logic                      error_o,
  output xw_pkg::fault_t            fault_o,         // with error_o
  output logic                      memory_stall_o,  // waits for cells under way
  output logic                      beat_o,          // a beat was issued
  // Contexts
  input  logic [Contexts-1:0]       context_valid_i,
  input  logic                      loading_i,
  input  logic [ContextWidth-1:0]   loading_context_i,
  input  logic [31:0]               loaded_beats_i,
  output logic [ContextWidth-1:0]   context_o,
  output logic                      lookup_o,        // looks at descriptor_i
  input  xw_pkg::block_descriptor_t descriptor_i,    // of context_o
  // Settings of the running command
  output xw_pkg::block_descriptor_t descriptor_o,
  output logic                      accumulate_o,
  output logic [15:0]               ybuf_offset_o,
  // Memories and MAC lanes
  output logic                      xbuf_read_o,
  output logic [XbufAddrWidth-1:0]  xbuf_addr_o,
  output logic                      cell_read_o,     // one cycle after the XBUF read
  output logic [CellAddrWidth-1:0]  cell_addr_o,
  output logic [LaneWidth-1:0]      x_byte_o,        // with cell_read_o
  output logic                      mac_valid_o,     // one cycle after cell_read_o
  output logic                      mac_first_o,
  output logic                      mac_last_o,
  // Sums to the converter
  output logic                      sum_read_o,
  output logic [IndexWidth-1:0]     sum_index_o,
  output logic                      convert_o,       // one cycle after sum_read_o
  output logic [7:0]                convert_vector_o,
  output logic [10:0]               convert_col_o,
  input  logic                      converter_busy_i
);
  typedef enum logic [2:0] {
    StIdle,    // waits for a command
    StLookup,  // takes the descriptor of the context
    StCheck,   // checks the operands
    StRun,     // issues beats
    StFinish,  // waits for the converter
    StFault    // waits for the loader: a fault of the image comes before a fault of its use
  } state_e;
  state_e state_q;

  xw_pkg::inst_mvm_t         cmd_q;
  xw_pkg::block_descriptor_t descriptor_q;
  logic                      context_valid_q;
  xw_pkg::fault_t            fault_q;
  assign context_o = ContextWidth'(cmd_q.context_);

  // --- checks -----------------------------------------------------------------------------------
  logic [31:0] x_end, y_end;
  xw_pkg::fault_t fault;
  assign x_end = 32'(cmd_q.xbuf_offset) + 32'(cmd_q.rows);
  assign y_end = 32'(cmd_q.ybuf_offset) + 32'(cmd_q.cols);
  always_comb begin
    fault      = '0;
    fault.code = xw_pkg::ERROR_OK;
    if (state_q != StCheck) begin
      fault.code = xw_pkg::ERROR_OK;
    end else if (32'(cmd_q.context_) >= Contexts) begin
      fault.code   = xw_pkg::ERROR_BAD_CONTEXT;
      fault.detail = 64'(cmd_q.context_);
    end else if (x_end > XbufBytes) begin
      fault.code   = xw_pkg::ERROR_XBUF_RANGE;
      fault.detail = 64'(x_end);
    end else if (cmd_q.ybuf_offset[3:0] != '0) begin
      fault.code   = xw_pkg::ERROR_MISALIGNED;
      fault.detail = 64'(cmd_q.ybuf_offset);
    end else if (y_end > YbufWords) begin
      fault.code   = xw_pkg::ERROR_YBUF_RANGE;
      fault.detail = 64'(y_end);
    end else if (!context_valid_q) begin
      fault.code   = xw_pkg::ERROR_CONTEXT_EMPTY;
      fault.detail = 64'(cmd_q.context_);
    end else if (cmd_q.rows != 16'(descriptor_q.rows) || cmd_q.cols != 16'(descriptor_q.cols)) begin
      fault.code   = xw_pkg::ERROR_CONTEXT_SHAPE;
      fault.detail = {32'd0, 16'(descriptor_q.cols), 16'(descriptor_q.rows)};
    end
  end

  // --- command ----------------------------------------------------------------------------------
  logic finish_pass, finish_block, finished, bank_busy;
  logic [CellAddrWidth-1:0] cell_base_q;    // of the context

  always_ff @(posedge control_clk_i) begin
    if (!rst_ni) begin
      state_q          <= StIdle;
      cmd_q            <= '0;
      descriptor_q     <= '0;
      context_valid_q  <= 1'b0;
      fault_q          <= '0;
      cell_base_q      <= '0;
      done_o           <= 1'b0;
      error_o          <= 1'b0;
      fault_o          <= '0;
    end else begin
      done_o  <= 1'b0;
      error_o <= 1'b0;
      unique case (state_q)
        StIdle: if (cmd_valid_i && cmd_ready_o) begin
          cmd_q   <= cmd_i.mvm;
          state_q <= StLookup;
        end
        StLookup: begin
          descriptor_q    <= descriptor_i;
          context_valid_q <= context_valid_i[context_o];
          cell_base_q     <= CellAddrWidth'(32'(cmd_q.context_) * ContextCells);
          state_q         <= StCheck;
        end
        StCheck: begin
          fault_q <= fault;
          state_q <= (fault.code == xw_pkg::ERROR_OK) ? StRun : StFault;
        end
        StRun: if (finish_block) state_q <= StFinish;
        StFinish: if (finished) begin
          done_o  <= 1'b1;
          state_q <= StIdle;
        end
        StFault: if (!loading_i) begin
          error_o <= 1'b1;
          fault_o <= fault_q;
          state_q <= StIdle;
        end
        default: state_q <= StIdle;
      endcase
      if (abort_i) begin
        state_q <= StIdle;
        done_o  <= 1'b0;
        error_o <= 1'b0;
      end
    end
  end

  // --- issue ------------------------------------------------------------------------------------
  logic [16:0] x_place_q, x_first, x_last;  // byte in the vector's XBUF row: of the beat, of first and last row
  logic [31:0] beat_q;                      // from the start of the block
  logic [31:0] group_beat_q;                // first beat of the column group
  logic [10:0] group_col_q;                 // first column of the group
  logic [7:0]  vector_q;
  logic [XbufAddrWidth-1:0] xbuf_base_q;    // of the vector
  // Of the pass that issued its last row most recently.
  logic        pass_q;                      // changes with every pass
  logic [7:0]  pass_vector_q;
  logic [10:0] pass_col_q;

  logic block_loading, beat_there, first_row, last_row, last_vector, issue;
  assign x_first       = 17'(cmd_q.xbuf_offset);
  assign x_last        = x_first + 17'(descriptor_q.rows) - 17'd1;
  assign block_loading = loading_i && loading_context_i == context_o;
  assign beat_there    = !block_loading || beat_q < loaded_beats_i;
  assign first_row     = x_place_q == x_first;
  assign last_row      = x_place_q == x_last;
  assign issue         = state_q == StRun && beat_there && !(last_row && bank_busy);
  assign finish_pass   = issue && last_row;
  always_comb begin
    last_vector  = 1'b0;
    finish_block = 1'b0;
    if (finish_pass) begin
      last_vector  = xw_pkg::BATCH_BITS'(vector_q) == num_vectors_i - 1'b1;
      finish_block = last_vector && 12'(group_col_q) + 12'(Lanes) >= 12'(descriptor_q.cols);
    end
  end

  always_comb begin
    xbuf_read_o = 1'b0;
    xbuf_addr_o = '0;
    if (issue && (first_row || x_place_q[LaneWidth-1:0] == '0)) begin
      xbuf_read_o = 1'b1;
      xbuf_addr_o = xbuf_base_q + XbufAddrWidth'(x_place_q >> LaneWidth);
    end
  end

  // Stage 1: cell read, byte selection. Stage 2: MAC.
  logic stage1_q, stage1_first_q, stage1_last_q;
  assign cell_read_o = stage1_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      x_place_q      <= '0;
      beat_q         <= '0;
      group_beat_q   <= '0;
      group_col_q    <= '0;
      vector_q       <= '0;
      xbuf_base_q    <= '0;
      pass_q         <= 1'b0;
      pass_vector_q  <= '0;
      pass_col_q     <= '0;
      stage1_q       <= 1'b0;
      stage1_first_q <= 1'b0;
      stage1_last_q  <= 1'b0;
      cell_addr_o    <= '0;
      x_byte_o       <= '0;
      mac_valid_o    <= 1'b0;
      mac_first_o    <= 1'b0;
      mac_last_o     <= 1'b0;
    end else begin
      mac_valid_o <= stage1_q;
      if (stage1_q) begin
        mac_first_o <= stage1_first_q;
        mac_last_o  <= stage1_last_q;
      end
      stage1_q <= issue;
      if (issue) begin
        cell_addr_o    <= cell_base_q + CellAddrWidth'(beat_q);
        x_byte_o       <= x_place_q[LaneWidth-1:0];
        stage1_first_q <= first_row;
        stage1_last_q  <= last_row;
        beat_q         <= beat_q + 32'd1;
        x_place_q      <= x_place_q + 17'd1;
        if (last_row) begin
          x_place_q     <= x_first;
          pass_q        <= !pass_q;
          pass_vector_q <= vector_q;
          pass_col_q    <= group_col_q;
          if (last_vector) begin
            vector_q     <= '0;
            xbuf_base_q  <= '0;
            group_col_q  <= group_col_q + 11'(Lanes);
            group_beat_q <= beat_q + 32'd1;
          end else begin
            vector_q     <= vector_q + 8'd1;
            xbuf_base_q  <= xbuf_base_q + XbufAddrWidth'(XbufBeats);
            beat_q       <= group_beat_q;
          end
        end
      end
      if (state_q == StLookup) begin
        x_place_q    <= x_first;
        beat_q       <= '0;
        group_beat_q <= '0;
        group_col_q  <= '0;
        vector_q     <= '0;
        xbuf_base_q  <= '0;
      end
      if (abort_i) begin
        stage1_q    <= 1'b0;
        mac_valid_o <= 1'b0;
        pass_q      <= 1'b0;
      end
    end
  end

  // --- sums to the converter ----------------------------------------------------------------------
  logic                  reading_q, last_read;
  logic                  read_pass_q;       // pass_q of the pass read last
  logic [10:0]           read_col_q;
  logic [IndexWidth-1:0] index_q;
  logic [11:0]           read_end;
  assign read_end    = 12'(read_col_q) + 12'(Columns);
  assign last_read   = 32'(index_q) == Reads - 1 || read_end >= 12'(descriptor_q.cols);
  assign finished    = state_q == StFinish && !bank_busy && !convert_o && !converter_busy_i;
  assign bank_busy   = pass_q != read_pass_q;  // the bank holds sums not read yet, or soon will
  assign sum_read_o  = reading_q;
  assign sum_index_o = index_q;

  always_ff @(posedge convert_clk_i) begin
    if (!rst_ni) begin
      reading_q        <= 1'b0;
      read_pass_q      <= 1'b0;
      read_col_q       <= '0;
      index_q          <= '0;
      convert_o        <= 1'b0;
      convert_vector_o <= '0;
      convert_col_o    <= '0;
    end else begin
      convert_o <= reading_q;
      if (reading_q) begin
        convert_vector_o <= pass_vector_q;
        convert_col_o    <= read_col_q;
        index_q          <= index_q + 1'b1;
        read_col_q       <= 11'(read_end);
        if (last_read) begin
          reading_q   <= 1'b0;
          read_pass_q <= pass_q;
        end
      end
      if (mac_valid_o && mac_last_o) begin
        reading_q  <= 1'b1;
        index_q    <= '0;
        read_col_q <= pass_col_q;
      end
      if (abort_i) begin
        reading_q   <= 1'b0;
        convert_o   <= 1'b0;
        read_pass_q <= 1'b0;
      end
    end
  end

  assign needs_convert_o = reading_q || convert_o || abort_i || (mac_valid_o && mac_last_o);
  logic moves;  // apart from what depends on beats: simulators evaluate it when it changes
  always_comb begin
    moves = 1'b0;
    if (cmd_valid_i || abort_i || done_o || error_o || state_q == StLookup || state_q == StCheck || state_q == StFault) begin
      moves = 1'b1;
    end
  end
  assign needs_control_o = moves || finish_block || finished;
  assign lookup_o       = state_q == StLookup;
  assign cmd_ready_o    = state_q == StIdle && !abort_i;
  assign descriptor_o   = descriptor_q;
  assign accumulate_o   = cmd_q.accumulate;
  assign ybuf_offset_o  = cmd_q.ybuf_offset;
  assign memory_stall_o = state_q == StRun && !beat_there;
  assign beat_o         = issue;
endmodule
