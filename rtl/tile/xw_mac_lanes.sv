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
  logic signed [31:0] acc_q [0:Lanes-1];
  logic signed [31:0] sum_q [0:Lanes-1];

`ifdef VERILATOR
  logic [31:0]        x, x128;
  logic [Lanes*8-1:0] biased;
`endif
  // Both banks are updated in place by blocking assignments, which simulate several times faster than
  // non-blocking ones. Nothing outside this block reads them; the read stands before the writes.
  always_ff @(posedge clk_i) begin
    if (read_i) begin
      for (int unsigned c = 0; c < Columns; c++) begin
        sums_o[32*c +: 32] <= sum_q[32'(index_i) * Columns + c];
      end
    end
    if (valid_i) begin
`ifdef VERILATOR
      // The same products, written so that they simulate faster: c = (c ^ 128) - 128.
      x      = 32'($signed(x_i));
      x128   = x << 7;
      biased = cells_i ^ {Lanes{8'h80}};
      if (first_i) begin
        for (int unsigned l = 0; l < Lanes; l++) acc_q[l] = {24'd0, biased[8*l +: 8]} * x - x128;
      end else begin
        for (int unsigned l = 0; l < Lanes; l++) acc_q[l] = acc_q[l] + {24'd0, biased[8*l +: 8]} * x - x128;
      end
`else
      if (first_i) begin
        for (int unsigned l = 0; l < Lanes; l++) begin
          acc_q[l] = 32'($signed(cells_i[8*l +: 8])) * 32'($signed(x_i));
        end
      end else begin
        for (int unsigned l = 0; l < Lanes; l++) begin
          acc_q[l] = acc_q[l] + 32'($signed(cells_i[8*l +: 8])) * 32'($signed(x_i));
        end
      end
`endif
      if (last_i) begin
        for (int unsigned l = 0; l < Lanes; l++) sum_q[l] = acc_q[l];
      end
    end
  end
endmodule
