// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0

/// One engine: block loader, context memory, XBUF copy, MAC lanes, converters and YBUF bank.
///
/// Needs XbufBytes % Lanes == 0, YbufWords % (Lanes / 4) == 0,
/// BlockCols % Lanes == 0, Columns dividing Lanes / 4, Lanes 16, 32 or 64.
module xw_engine #(
  parameter int unsigned Lanes          = 64,
  parameter int unsigned BlockRows      = 512,
  parameter int unsigned BlockCols      = 512,
  parameter int unsigned Contexts       = 4,
  parameter int unsigned XbufBytes      = 16384,
  parameter int unsigned YbufWords      = 2048,
  parameter int unsigned MaxBatch       = 64,
  parameter int unsigned AdcCols        = 4,
  parameter int unsigned MaxOutstanding = 16,
  localparam int unsigned DataWidth     = 8 * Lanes,
  localparam int unsigned XbufAddrWidth = $clog2(MaxBatch * XbufBytes / Lanes),
  localparam int unsigned YbufAddrWidth = $clog2(MaxBatch * YbufWords * 4 / Lanes)
) (
  input  logic                     clk_i,
  input  logic                     rst_ni,
  // Clocks that may stand still in cycles without needs_*_o
  input  logic                     control_clk_i,
  input  logic                     load_clk_i,
  input  logic                     convert_clk_i,
  output logic                     needs_control_o,
  output logic                     needs_load_o,
  output logic                     needs_convert_o,
  // Run
  input  logic                     clear_i,        // start of a run: contexts are empty
  input  logic                     abort_i,        // drops all commands; memory transfers are drained
  input  logic [xw_pkg::BATCH_BITS-1:0] num_vectors_i,
  input  logic [31:0]              vector_base_i,
  input  logic [31:0]              chip_seed_i,
  input  logic [63:0]              image_base_i,
  // LOAD_BLOCK
  input  logic                     load_valid_i,
  output logic                     load_ready_o,
  input  xw_pkg::instruction_t     load_cmd_i,
  input  logic [31:0]              load_index_i,   // of the instruction
  output logic                     load_done_o,
  output logic                     load_error_o,
  output xw_pkg::fault_t           load_fault_o,
  output logic                     load_active_o,  // an image is under way
  output logic [31:0]              load_index_o,   // its instruction; with load_error_o: that failed
  output logic                     load_idle_o,
  output logic                     load_memory_stall_o,
  output logic                     load_beat_o,
  // MVM
  input  logic                     mvm_valid_i,
  output logic                     mvm_ready_o,
  input  xw_pkg::instruction_t     mvm_cmd_i,
  output logic                     mvm_done_o,
  output logic                     mvm_error_o,
  output xw_pkg::fault_t           mvm_fault_o,
  output logic                     mvm_memory_stall_o,
  output logic                     mvm_beat_o,
  output logic [7:0]               saturations_o,  // conversions clamped in this cycle
  // XBUF writes
  input  logic                     xbuf_write_i,
  input  logic [XbufAddrWidth-1:0] xbuf_addr_i,
  input  logic [Lanes-1:0]         xbuf_enable_i,
  input  logic [DataWidth-1:0]     xbuf_data_i,
  // YBUF reads
  input  logic                     ybuf_valid_i,
  output logic                     ybuf_ready_o,
  input  logic [YbufAddrWidth-1:0] ybuf_addr_i,
  output logic                     ybuf_valid_o,
  output logic [DataWidth-1:0]     ybuf_data_o,
  // AXI4 read channels
  output xw_pkg::axi_read_req_t    read_req_o,
  input  xw_pkg::axi_read_rsp_t    read_rsp_i,
  input  logic [DataWidth-1:0]     read_data_i
);
  localparam int unsigned WORDS           = DataWidth / 32;
  localparam int unsigned WORD_BITS       = $clog2(WORDS);
  localparam int unsigned CELL_BEATS      = Contexts * BlockRows * BlockCols / Lanes;
  localparam int unsigned CONTEXT_TABLES  = BlockCols / WORDS;
  localparam int unsigned CELL_ADDR_BITS  = $clog2(CELL_BEATS);
  localparam int unsigned TABLE_ADDR_BITS = $clog2(Contexts * CONTEXT_TABLES);
  localparam int unsigned CONTEXT_BITS    = (Contexts > 1) ? $clog2(Contexts) : 1;
  localparam int unsigned YBUF_ROWS       = YbufWords / WORDS;
  localparam int unsigned READS           = Lanes / AdcCols;
  localparam int unsigned INDEX_BITS      = (READS > 1) ? $clog2(READS) : 1;
  localparam int unsigned SLOTS           = WORDS / AdcCols;
  localparam int unsigned SLOT_BITS       = (SLOTS > 1) ? $clog2(SLOTS) : 1;
  localparam int unsigned LANE_BITS       = $clog2(Lanes);

  logic load_needs_control, mvm_needs_control, read_needs_convert, converter_busy;
  assign needs_control_o = load_needs_control || mvm_needs_control;
  assign needs_convert_o = read_needs_convert || converter_busy;

  // --- contexts ---------------------------------------------------------------------------------
  logic [Contexts-1:0]        context_valid;
  logic                       loading, mvm_lookup;
  logic [CONTEXT_BITS-1:0]    loading_context, mvm_context;
  logic [31:0]                loaded_beats;
  xw_pkg::block_descriptor_t  looked_up, descriptor;
  logic                       cell_write, table_write, offset_write, cell_read, table_read;
  logic [CELL_ADDR_BITS-1:0]  cell_write_addr, cell_read_addr;
  logic [TABLE_ADDR_BITS-1:0] table_write_addr, table_read_addr;
  logic [DataWidth-1:0]       write_data, cells, tables, offsets;

  xw_block_load #(
    .Lanes(Lanes), .BlockRows(BlockRows), .BlockCols(BlockCols), .Contexts(Contexts),
    .MaxOutstanding(MaxOutstanding)
  ) u_block_load (
    .load_clk_i, .control_clk_i, .rst_ni,
    .needs_load_o,
    .needs_control_o     (load_needs_control),
    .clear_i, .abort_i, .image_base_i,
    .cmd_valid_i         (load_valid_i),
    .cmd_ready_o         (load_ready_o),
    .cmd_i               (load_cmd_i),
    .cmd_index_i         (load_index_i),
    .done_o              (load_done_o),
    .error_o             (load_error_o),
    .fault_o             (load_fault_o),
    .active_o            (load_active_o),
    .index_o             (load_index_o),
    .idle_o              (load_idle_o),
    .memory_stall_o      (load_memory_stall_o),
    .beat_o              (load_beat_o),
    .context_valid_o     (context_valid),
    .loading_o           (loading),
    .loading_context_o   (loading_context),
    .cell_beats_o        (loaded_beats),
    .descriptor_read_i   (mvm_lookup),
    .descriptor_context_i(mvm_context),
    .descriptor_o        (looked_up),
    .cell_write_o        (cell_write),
    .cell_addr_o         (cell_write_addr),
    .table_write_o       (table_write),
    .offset_write_o      (offset_write),
    .table_addr_o        (table_write_addr),
    .write_data_o        (write_data),
    .read_req_o, .read_rsp_i, .read_data_i
  );

  xw_context_memory #(
    .CellBeats(CELL_BEATS), .TableBeats(Contexts * CONTEXT_TABLES), .BeatBytes(Lanes)
  ) u_context_memory (
    .clk_i,
    .cell_write_i      (cell_write),
    .cell_write_addr_i (cell_write_addr),
    .table_write_i     (table_write),
    .offset_write_i    (offset_write),
    .table_write_addr_i(table_write_addr),
    .write_data_i      (write_data),
    .cell_read_i       (cell_read),
    .cell_read_addr_i  (cell_read_addr),
    .cells_o           (cells),
    .table_read_i      (table_read),
    .table_read_addr_i (table_read_addr),
    .tables_o          (tables),
    .offsets_o         (offsets)
  );

  // --- inputs and MAC lanes -----------------------------------------------------------------------
  logic                     xbuf_read, accumulate, mac_valid, mac_first, mac_last, sum_read;
  logic [XbufAddrWidth-1:0] xbuf_read_addr;
  logic [DataWidth-1:0]     xbuf_data;
  logic [LANE_BITS-1:0]     x_byte;
  logic [7:0]               x_q;
  logic [15:0]              ybuf_offset;
  logic [INDEX_BITS-1:0]    sum_index;
  logic [AdcCols*32-1:0]    sums;
  logic                     convert;
  logic [7:0]               convert_vector;
  logic [10:0]              convert_col;

  xw_mvm_control #(
    .Lanes(Lanes), .BlockRows(BlockRows), .BlockCols(BlockCols), .Contexts(Contexts),
    .XbufBytes(XbufBytes), .YbufWords(YbufWords), .MaxBatch(MaxBatch), .Columns(AdcCols)
  ) u_mvm_control (
    .clk_i, .control_clk_i, .convert_clk_i, .rst_ni,
    .needs_control_o  (mvm_needs_control),
    .needs_convert_o  (read_needs_convert),
    .abort_i, .num_vectors_i,
    .cmd_valid_i      (mvm_valid_i),
    .cmd_ready_o      (mvm_ready_o),
    .cmd_i            (mvm_cmd_i),
    .done_o           (mvm_done_o),
    .error_o          (mvm_error_o),
    .fault_o          (mvm_fault_o),
    .memory_stall_o   (mvm_memory_stall_o),
    .beat_o           (mvm_beat_o),
    .context_valid_i  (context_valid),
    .loading_i        (loading),
    .loading_context_i(loading_context),
    .loaded_beats_i   (loaded_beats),
    .context_o        (mvm_context),
    .lookup_o         (mvm_lookup),
    .descriptor_i     (looked_up),
    .descriptor_o     (descriptor),
    .accumulate_o     (accumulate),
    .ybuf_offset_o    (ybuf_offset),
    .xbuf_read_o      (xbuf_read),
    .xbuf_addr_o      (xbuf_read_addr),
    .cell_read_o      (cell_read),
    .cell_addr_o      (cell_read_addr),
    .x_byte_o         (x_byte),
    .mac_valid_o      (mac_valid),
    .mac_first_o      (mac_first),
    .mac_last_o       (mac_last),
    .sum_read_o       (sum_read),
    .sum_index_o      (sum_index),
    .convert_o        (convert),
    .convert_vector_o (convert_vector),
    .convert_col_o    (convert_col),
    .converter_busy_i (converter_busy)
  );

  xw_xbuf #(
    .Beats(MaxBatch * XbufBytes / Lanes), .BeatBytes(Lanes)
  ) u_xbuf (
    .clk_i,
    .write_i       (xbuf_write_i),
    .write_addr_i  (xbuf_addr_i),
    .write_enable_i(xbuf_enable_i),
    .write_data_i  (xbuf_data_i),
    .read_i        (xbuf_read),
    .read_addr_i   (xbuf_read_addr),
    .read_data_o   (xbuf_data)
  );

  always_ff @(posedge clk_i) begin
    if (cell_read) x_q <= xbuf_data[8 * x_byte +: 8];
  end

  xw_mac_lanes #(
    .Lanes(Lanes), .Columns(AdcCols)
  ) u_mac_lanes (
    .clk_i,
    .valid_i(mac_valid), .first_i(mac_first), .last_i(mac_last), .x_i(x_q), .cells_i(cells),
    .read_i (sum_read), .index_i(sum_index), .sums_o(sums)
  );

  // --- converters -------------------------------------------------------------------------------
  logic                  lookup, early_valid, result_valid;
  logic [10:0]           lookup_col, early_col, result_col;
  logic [7:0]            early_vector, result_vector;
  logic [AdcCols-1:0]    mask, saturated;
  logic [AdcCols*32-1:0] column_tables, column_offsets, y;
  logic [SLOT_BITS-1:0]  table_slot_q;

  xw_converter #(
    .Columns(AdcCols)
  ) u_converter (
    .clk_i(convert_clk_i), .rst_ni,
    .flush_i       (abort_i),
    .chip_seed_i, .vector_base_i,
    .cols_i        (descriptor.cols),
    .tile_uid_i    (descriptor.tile_uid),
    .row0_i        (descriptor.row0),
    .col0_i        (descriptor.col0),
    .adc_shift_i   (descriptor.adc_shift),
    .adc_bits_i    (descriptor.adc_bits),
    .read_sigma_i  (descriptor.read_sigma_q),
    .valid_i       (convert),
    .vector_i      (convert_vector),
    .col_i         (convert_col),
    .sums_i        (sums),
    .lookup_o      (lookup),
    .lookup_col_o  (lookup_col),
    .tables_i      (column_tables),
    .offsets_i     (column_offsets),
    .early_valid_o (early_valid),
    .early_vector_o(early_vector),
    .early_col_o   (early_col),
    .valid_o       (result_valid),
    .vector_o      (result_vector),
    .col_o         (result_col),
    .mask_o        (mask),
    .saturated_o   (saturated),
    .y_o           (y),
    .busy_o        (converter_busy)
  );

  // Column tables: row col / WORDS of the context, slot (col % WORDS) / AdcCols.
  assign table_read      = lookup;
  assign table_read_addr = TABLE_ADDR_BITS'(32'(mvm_context) * CONTEXT_TABLES) +
                           TABLE_ADDR_BITS'(lookup_col >> WORD_BITS);
  logic lookup_q;
  always_ff @(posedge convert_clk_i) begin
    if (!rst_ni) begin
      lookup_q     <= 1'b0;
      table_slot_q <= '0;
    end else begin
      lookup_q <= lookup;
      if (lookup) table_slot_q <= SLOT_BITS'(32'(lookup_col[WORD_BITS-1:0]) / AdcCols);
    end
  end
  always_comb begin
    column_tables  = '0;
    column_offsets = '0;
    if (lookup_q) begin
      column_tables  = tables[AdcCols * 32 * table_slot_q +: AdcCols * 32];
      column_offsets = offsets[AdcCols * 32 * table_slot_q +: AdcCols * 32];
    end
  end

  always_comb begin
    saturations_o = '0;
    if (result_valid) begin
      for (int unsigned c = 0; c < AdcCols; c++) saturations_o = saturations_o + 8'(saturated[c]);
    end
  end

  // --- YBUF -------------------------------------------------------------------------------------
  logic [YbufAddrWidth-1:0] early_row, result_row;
  assign early_row  = YbufAddrWidth'(32'(early_vector) * YBUF_ROWS +
                                     ((32'(ybuf_offset) + 32'(early_col)) >> WORD_BITS));
  assign result_row = YbufAddrWidth'(32'(result_vector) * YBUF_ROWS +
                                     ((32'(ybuf_offset) + 32'(result_col)) >> WORD_BITS));

  xw_ybuf #(
    .Rows(MaxBatch * YBUF_ROWS), .Words(WORDS), .Columns(AdcCols)
  ) u_ybuf (
    .clk_i, .rst_ni,
    .early_valid_i(early_valid),
    .early_addr_i (early_row),
    .update_i     (result_valid),
    .update_addr_i(result_row),
    .update_slot_i(SLOT_BITS'(32'(result_col[WORD_BITS-1:0]) / AdcCols)),
    .accumulate_i (accumulate),
    .mask_i       (mask),
    .values_i     (y),
    .read_valid_i (ybuf_valid_i),
    .read_ready_o (ybuf_ready_o),
    .read_addr_i  (ybuf_addr_i),
    .read_valid_o (ybuf_valid_o),
    .read_data_o  (ybuf_data_o)
  );
endmodule
