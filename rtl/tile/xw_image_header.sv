// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0

/// The header of a block image: collects its beats, computes its CRC and the sizes that follow from it, and checks it.
///
/// First shift_i with every beat, then crc_i until crc_done_o (16 cycles), then check_i: error_o and descriptor_o are of
/// that cycle. The order of checks is that of `xw::analog::open_image`.
module xw_image_header #(
  parameter int unsigned Lanes     = 64,
  parameter int unsigned BlockRows = 512,
  parameter int unsigned BlockCols = 512,
  localparam int unsigned DataWidth = 8 * Lanes
) (
  input  logic                      clk_i,
  input  logic                      rst_ni,
  input  logic                      shift_i,
  input  logic [DataWidth-1:0]      data_i,
  input  logic                      crc_i,
  output logic                      crc_done_o,    // in the last cycle of crc_i
  input  logic                      check_i,
  input  logic [31:0]               length_i,      // of the image as the command says, in 64 bytes; from crc_i on
  output xw_pkg::error_e            error_o,       // with check_i: ERROR_OK or what is wrong
  // From the last cycle of crc_i on
  output logic [31:0]               cell_beats_o,  // of the block
  output logic [31:0]               table_beats_o, // of one of the two tables
  output logic [31:0]               tail_beats_o,  // cells and padding
  output logic [31:0]               payload_sum_o,
  output xw_pkg::block_descriptor_t descriptor_o
);
  localparam int unsigned LINE_BEATS   = 8 * xw_pkg::MEMORY_ALIGNMENT / DataWidth;  // beats of 64 bytes
  localparam int unsigned LANES_PER_64 = 64 / Lanes;       // rows of cells in 64 bytes

  xw_pkg::block_image_header_t header_q;
  logic [xw_pkg::BLOCK_IMAGE_HEADER_BITS-1:0] header_bits;
  logic [3:0]   crc_word_q;
  logic [31:0]  crc;
  assign header_bits = header_q;
  assign crc_done_o  = 32'(crc_word_q) == xw_pkg::BLOCK_IMAGE_HEADER_HEADER_CRC_OFFSET / 4;  // the CRC is that of the words before it
  xw_crc32 u_crc (
    .clk_i, .rst_ni,
    .clear_i(shift_i),
    .valid_i(crc_i && !crc_done_o),
    .word_i (header_bits[32 * crc_word_q +: 32]),
    .crc_o  (crc)
  );


  // Sizes that follow from rows and cols, registered while the CRC runs.
  logic [31:0] table_lines, cell_beats, cell_lines, image_lines;
  logic [10:0] groups;
  always_comb begin
    table_lines = '0;
    groups      = '0;
    cell_beats  = '0;
    cell_lines  = '0;
    image_lines = '0;
    if (crc_i || check_i) begin
      table_lines = (32'(header_q.cols) + 32'd15) >> 4;
      groups      = 11'((32'(header_q.cols) + 32'(Lanes - 1)) / 32'(Lanes));
      cell_beats  = 32'(groups) * 32'(header_q.rows[10:0]);
      cell_lines  = (cell_beats_o + 32'(LANES_PER_64 - 1)) / 32'(LANES_PER_64);
      image_lines = 32'd1 + 32'd2 * table_lines + cell_lines;
    end
  end

  // Judged while the CRC runs, too.
  logic shape_ok, layout_ok, magic_ok, shape_ok_q, layout_ok_q, magic_ok_q, crc_ok;
  always_comb begin
    magic_ok  = 1'b0;
    shape_ok  = 1'b0;
    layout_ok = 1'b0;
    if (crc_i) begin
      magic_ok = header_q.magic == xw_pkg::BLOCK_IMAGE_HEADER_MAGIC;
      shape_ok = header_q.rows != '0 && 32'(header_q.rows) <= BlockRows &&
                 header_q.cols != '0 && 32'(header_q.cols) <= BlockCols &&
                 32'(header_q.col0) + 32'(header_q.cols) <= 32'h10000 && 32'(header_q.lanes) == Lanes &&
                 32'(header_q.adc_bits) >= xw_pkg::MIN_ADC_BITS && 32'(header_q.adc_bits) <= xw_pkg::MAX_ADC_BITS &&
                 32'(header_q.adc_shift) >= xw_pkg::MIN_ADC_SHIFT && 32'(header_q.adc_shift) <= xw_pkg::MAX_ADC_SHIFT;
      layout_ok = header_q.flags == '0 && header_q.tables_offset == 32'(xw_pkg::BLOCK_IMAGE_HEADER_BYTES) &&
                  header_q.cells_offset == ((32'd2 * table_lines + 32'd1) << xw_pkg::MEMORY_ALIGNMENT_BITS) && header_q.image_bytes == (image_lines << xw_pkg::MEMORY_ALIGNMENT_BITS) &&
                  length_i == image_lines && header_q.reserved == '0;
    end
  end

  always_comb begin
    crc_ok  = 1'b0;
    error_o = xw_pkg::ERROR_OK;
    if (check_i) begin
      crc_ok = header_q.header_crc == crc;
      if (!magic_ok_q)                      error_o = xw_pkg::ERROR_IMAGE_MAGIC;
      else if (!crc_ok)                     error_o = xw_pkg::ERROR_IMAGE_HEADER_CRC;
      else if (!shape_ok_q || !layout_ok_q) error_o = xw_pkg::ERROR_IMAGE_SHAPE;
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      header_q      <= '0;
      crc_word_q    <= '0;
      cell_beats_o  <= '0;
      table_beats_o <= '0;
      tail_beats_o  <= '0;
      magic_ok_q    <= 1'b0;
      shape_ok_q    <= 1'b0;
      layout_ok_q   <= 1'b0;
    end else begin
      if (shift_i) begin
        header_q   <= xw_pkg::BLOCK_IMAGE_HEADER_BITS'({data_i, header_q} >> DataWidth);
        crc_word_q <= '0;
      end
      if (crc_i) begin
        crc_word_q    <= crc_word_q + 4'd1;
        magic_ok_q    <= magic_ok;
        shape_ok_q    <= shape_ok;
        layout_ok_q   <= layout_ok;
        cell_beats_o  <= cell_beats;
        table_beats_o <= table_lines * 32'(LINE_BEATS);
        tail_beats_o  <= cell_lines * 32'(LINE_BEATS);
      end
    end
  end

  assign payload_sum_o = header_q.payload_sum;
  always_comb begin
    descriptor_o              = '0;
    descriptor_o.rows         = header_q.rows[xw_pkg::ROWS_BITS-1:0];
    descriptor_o.cols         = header_q.cols[xw_pkg::COLS_BITS-1:0];
    descriptor_o.tile_uid     = header_q.tile_uid;
    descriptor_o.row0         = header_q.row0;
    descriptor_o.col0         = header_q.col0;
    descriptor_o.adc_shift    = header_q.adc_shift[xw_pkg::ADC_SHIFT_BITS-1:0];
    descriptor_o.adc_bits     = header_q.adc_bits[xw_pkg::ADC_RESOLUTION_BITS-1:0];
    descriptor_o.read_sigma_q = header_q.read_sigma_q;
  end
endmodule
