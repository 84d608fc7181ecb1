// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0

/// CRC-32 (IEEE 802.3, reflected, as zlib) of a sequence of 32-bit words, one word per cycle.
///
/// crc_o is the CRC of all words since clear_i; it counts a word one cycle after valid_i.
module xw_crc32 (
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic        clear_i,
  input  logic        valid_i,
  input  logic [31:0] word_i,
  output logic [31:0] crc_o
);
  logic [31:0] state_q, state_d;

  always_comb begin
    state_d = '0;
    if (valid_i) begin
      state_d = state_q ^ word_i;
      for (int unsigned b = 0; b < 32; b++) begin
        state_d = {1'b0, state_d[31:1]} ^ (state_d[0] ? 32'hEDB88320 : 32'd0);
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni)      state_q <= '1;
    else if (clear_i) state_q <= '1;
    else if (valid_i) state_q <= state_d;
  end

  assign crc_o = ~state_q;
endmodule
