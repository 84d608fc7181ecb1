// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0

/// The multiply-accumulate lanes: acc[l] += cells[l] * x for every lane and beat.
///
/// The beat marked first overwrites the accumulators; the beat marked last also copies the sums to a
/// second bank, which is read while the next pass runs. A bank read presents Columns sums one cycle
/// later. Reading the bank in the cycle of a last beat gives the previous sums.
module xw_mac_lanes #(
  parameter int unsigned Lanes   = 64,
  parameter int unsigned Columns = 4,   // sums read per cycle; divides Lanes
  localparam int unsigned Reads      = Lanes / Columns,
  localparam int unsigned IndexWidth = (Reads > 1) ? $clog2(Reads) : 1
) (
  input  logic                  clk_i,
  // One beat
  input  logic                  valid_i,
  input  logic                  first_i,
  input  logic                  last_i,
  input  logic [7:0]            x_i,
  input  logic [Lanes*8-1:0]    cells_i,
  // Bank read
  input  logic                  read_i,
  input  logic [IndexWidth-1:0] index_i,
  output logic [Columns*32-1:0] sums_o
);
`ifdef XW_FAST_SIMULATION
  // The same sums with two lanes per 64-bit word, which simulates several times faster. Cells are taken with an offset of 128, so
  // that pairs of them, 32 bits apart, are one factor; what that adds is 128 times the sum of x.
  localparam int unsigned Pairs = Lanes / 2;
  localparam logic [63:0] LOW_BYTES = 64'h000000FF_000000FF;
  logic [63:0]        acc_q [0:Pairs-1];  // {sum of lane 8j+k+4, sum of lane 8j+k} in acc_q[4j+k]
  logic signed [31:0] sum_q [0:Lanes-1];
  logic [31:0]        offset_q;
  logic [63:0]        x, word;
  always_ff @(posedge clk_i) begin
    if (read_i) begin
      for (int unsigned c = 0; c < Columns; c++) begin
        sums_o[32*c +: 32] <= sum_q[32'(index_i) * Columns + c];
      end
    end
    if (valid_i) begin
      x = 64'($signed(x_i));
      if (first_i) begin
        offset_q = x[31:0] << 7;
        for (int unsigned j = 0; j < Lanes / 8; j++) begin
          word = cells_i[64*j +: 64] ^ 64'h80808080_80808080;
          for (int unsigned k = 0; k < 4; k++) acc_q[4*j + k] = ((word >> (8 * k)) & LOW_BYTES) * x;
        end
      end else begin
        offset_q = offset_q + (x[31:0] << 7);
        for (int unsigned j = 0; j < Lanes / 8; j++) begin
          word = cells_i[64*j +: 64] ^ 64'h80808080_80808080;
          for (int unsigned k = 0; k < 4; k++) acc_q[4*j + k] = acc_q[4*j + k] + ((word >> (8 * k)) & LOW_BYTES) * x;
        end
      end
      if (last_i) begin
        for (int unsigned j = 0; j < Lanes / 8; j++) begin
          for (int unsigned k = 0; k < 4; k++) begin
            sum_q[8*j + k]     = acc_q[4*j + k][31:0] - offset_q;
            sum_q[8*j + k + 4] = acc_q[4*j + k][63:32] + 32'(acc_q[4*j + k][31]) - offset_q;
          end
        end
      end
    end
  end
`else
  logic signed [31:0] acc_q [0:Lanes-1];
  logic signed [31:0] sum_q [0:Lanes-1];

  // Both banks are updated in place by blocking assignments; the read stands before the writes.
  always_ff @(posedge clk_i) begin
    if (read_i) begin
      for (int unsigned c = 0; c < Columns; c++) begin
        sums_o[32*c +: 32] <= sum_q[32'(index_i) * Columns + c];
      end
    end
    if (valid_i) begin
      if (first_i) begin
        for (int unsigned l = 0; l < Lanes; l++) begin
          acc_q[l] = 32'($signed(cells_i[8*l +: 8])) * 32'($signed(x_i));
        end
      end else begin
        for (int unsigned l = 0; l < Lanes; l++) begin
          acc_q[l] = acc_q[l] + 32'($signed(cells_i[8*l +: 8])) * 32'($signed(x_i));
        end
      end
      if (last_i) begin
        for (int unsigned l = 0; l < Lanes; l++) sum_q[l] = acc_q[l];
      end
    end
  end
`endif
endmodule
