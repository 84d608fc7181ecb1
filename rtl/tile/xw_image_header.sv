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
  input  logic                 clk_i,
  input  logic                 rst_ni,
  input  logic                 shift_i,
  input  logic [DataWidth-1:0] data_i,
  input  logic                 crc_i,
  output logic                 crc_done_o,     // in the last cycle of crc_i
  input  logic                 check_i,
  input  logic [31:0]          length_i,       // of the image as the command says, in 64 bytes
  output logic [7:0]           error_o,        // with check_i: ERROR_OK or what is wrong
  // From the last cycle of crc_i on
  output logic [31:0]          cell_beats_o,   // of the block
  output logic [31:0]          table_beats_o,
  output logic [31:0]          tail_beats_o,   // cells and padding
  output logic [31:0]          payload_sum_o,
  output logic [127:0]         descriptor_o    // see xw_engine
);
  localparam int unsigned LINE_BEATS   = 512 / DataWidth;  // beats of 64 bytes
  localparam int unsigned LANES_PER_64 = 64 / Lanes;       // rows of cells in 64 bytes

  logic [511:0] header_q;
  logic [3:0]   crc_word_q;
  logic [31:0]  crc;
  assign crc_done_o = crc_word_q == 4'd15;
  xw_crc32 u_crc (
    .clk_i, .rst_ni,
    .clear_i(shift_i),
    .valid_i(crc_i && !crc_done_o),
    .word_i (header_q[32 * crc_word_q +: 32]),
    .crc_o  (crc)
  );

  logic [15:0] rows, cols, lanes, row0, col0;
  logic [7:0]  adc_shift, adc_bits;
  assign rows      = header_q[8 * xw_pkg::BLOCK_IMAGE_HEADER_ROWS_OFFSET +: 16];
  assign cols      = header_q[8 * xw_pkg::BLOCK_IMAGE_HEADER_COLS_OFFSET +: 16];
  assign row0      = header_q[8 * xw_pkg::BLOCK_IMAGE_HEADER_ROW0_OFFSET +: 16];
  assign col0      = header_q[8 * xw_pkg::BLOCK_IMAGE_HEADER_COL0_OFFSET +: 16];
  assign lanes     = header_q[8 * xw_pkg::BLOCK_IMAGE_HEADER_LANES_OFFSET +: 16];
  assign adc_shift = header_q[8 * xw_pkg::BLOCK_IMAGE_HEADER_ADC_SHIFT_OFFSET +: 8];
  assign adc_bits  = header_q[8 * xw_pkg::BLOCK_IMAGE_HEADER_ADC_BITS_OFFSET +: 8];

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
      table_lines = (32'(cols) + 32'd15) >> 4;
      groups      = 11'((32'(cols) + 32'(Lanes - 1)) / 32'(Lanes));
      cell_beats  = 32'(groups) * 32'(rows[10:0]);
      cell_lines  = (cell_beats_o + 32'(LANES_PER_64 - 1)) / 32'(LANES_PER_64);
      image_lines = 32'd1 + table_lines + cell_lines;
    end
  end

  logic shape_ok, layout_ok, magic_ok, crc_ok;
  always_comb begin
    magic_ok  = 1'b0;
    crc_ok    = 1'b0;
    shape_ok  = 1'b0;
    layout_ok = 1'b0;
    if (check_i) begin
      magic_ok = header_q[8 * xw_pkg::BLOCK_IMAGE_HEADER_MAGIC_OFFSET +: 32] ==
                 xw_pkg::BLOCK_IMAGE_HEADER_MAGIC;
      crc_ok   = header_q[8 * xw_pkg::BLOCK_IMAGE_HEADER_HEADER_CRC_OFFSET +: 32] == crc;
      shape_ok = rows != '0 && 32'(rows) <= BlockRows && cols != '0 && 32'(cols) <= BlockCols &&
                 32'(col0) + 32'(cols) <= 32'h10000 && 32'(lanes) == Lanes &&
                 32'(adc_bits) >= 32'(xw_pkg::MIN_ADC_BITS) &&
                 32'(adc_bits) <= 32'(xw_pkg::MAX_ADC_BITS) &&
                 32'(adc_shift) >= 32'(xw_pkg::MIN_ADC_SHIFT) &&
                 32'(adc_shift) <= 32'(xw_pkg::MAX_ADC_SHIFT);
      layout_ok = header_q[8 * xw_pkg::BLOCK_IMAGE_HEADER_FLAGS_OFFSET +: 32] == '0 &&
                  header_q[8 * xw_pkg::BLOCK_IMAGE_HEADER_TABLES_OFFSET_OFFSET +: 32] == 32'd64 &&
                  header_q[8 * xw_pkg::BLOCK_IMAGE_HEADER_CELLS_OFFSET_OFFSET +: 32] ==
                      ((table_lines + 32'd1) << 6) &&
                  header_q[8 * xw_pkg::BLOCK_IMAGE_HEADER_IMAGE_BYTES_OFFSET +: 32] ==
                      (image_lines << 6) &&
                  length_i == image_lines &&
                  header_q[8 * xw_pkg::BLOCK_IMAGE_HEADER_RESERVED_OFFSET +: 128] == '0;
    end
  end

  always_comb begin
    error_o = xw_pkg::ERROR_OK[7:0];
    if (!magic_ok)                    error_o = xw_pkg::ERROR_IMAGE_MAGIC[7:0];
    else if (!crc_ok)                 error_o = xw_pkg::ERROR_IMAGE_HEADER_CRC[7:0];
    else if (!shape_ok || !layout_ok) error_o = xw_pkg::ERROR_IMAGE_SHAPE[7:0];
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      header_q      <= '0;
      crc_word_q    <= '0;
      cell_beats_o  <= '0;
      table_beats_o <= '0;
      tail_beats_o  <= '0;
    end else begin
      if (shift_i) begin
        header_q   <= 512'({data_i, header_q} >> DataWidth);
        crc_word_q <= '0;
      end
      if (crc_i) begin
        crc_word_q    <= crc_word_q + 4'd1;
        cell_beats_o  <= cell_beats;
        table_beats_o <= table_lines * 32'(LINE_BEATS);
        tail_beats_o  <= cell_lines * 32'(LINE_BEATS);
      end
    end
  end

  assign payload_sum_o = header_q[8 * xw_pkg::BLOCK_IMAGE_HEADER_PAYLOAD_SUM_OFFSET +: 32];
  assign descriptor_o  = {header_q[8 * xw_pkg::BLOCK_IMAGE_HEADER_READ_SIGMA_Q_OFFSET +: 32],
                          adc_bits[3:0], adc_shift[5:0], col0, row0,
                          header_q[8 * xw_pkg::BLOCK_IMAGE_HEADER_TILE_UID_OFFSET +: 32], cols[10:0], rows[10:0]};
endmodule
