// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0

/// XBUF of one engine: input codes of all vectors, written in beats with byte enables.
///
/// The read data follow one cycle after read_i and stay until the next read. A beat is not read in the
/// cycle in which it is written.
module xw_xbuf #(
  parameter int unsigned Beats     = 256,  // of all vectors
  parameter int unsigned BeatBytes = 64,
  localparam int unsigned AddrWidth = $clog2(Beats)
) (
  input  logic                   clk_i,
  input  logic                   write_i,
  input  logic [AddrWidth-1:0]   write_addr_i,
  input  logic [BeatBytes-1:0]   write_enable_i,
  input  logic [BeatBytes*8-1:0] write_data_i,
  input  logic                   read_i,
  input  logic [AddrWidth-1:0]   read_addr_i,
  output logic [BeatBytes*8-1:0] read_data_o
);
  logic [BeatBytes*8-1:0] memory [0:Beats-1];

  always_ff @(posedge clk_i) begin
    if (read_i) read_data_o <= memory[read_addr_i];
  end

`ifdef VERILATOR
  // The same write as below, as one assignment: a simulator has one pending write instead of BeatBytes.
  logic [BeatBytes*8-1:0] mask;
  always_comb begin
    mask = '0;
    if (write_i) begin
      for (int unsigned b = 0; b < BeatBytes; b++) mask[8*b +: 8] = {8{write_enable_i[b]}};
    end
  end
  always_ff @(posedge clk_i) begin
    if (write_i) memory[write_addr_i] <= (memory[write_addr_i] & ~mask) | (write_data_i & mask);
  end
`else
  always_ff @(posedge clk_i) begin
    if (write_i) begin
      for (int unsigned b = 0; b < BeatBytes; b++) begin
        if (write_enable_i[b]) memory[write_addr_i][8*b +: 8] <= write_data_i[8*b +: 8];
      end
    end
  end
`endif
endmodule
