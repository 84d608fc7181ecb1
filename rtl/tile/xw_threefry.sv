// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0

/// Threefry-2x32 with one round per stage: random_o = threefry2x32-Rounds(key, counter).
///
/// Latency Rounds + 1 cycles, one sample per cycle, no back-pressure. Bit-exact with
/// `xw::analog::threefry2x32`. The key may only change while the pipeline is empty. Word 0 of key,
/// counter and result lies in the low half.
module xw_threefry #(
  parameter int unsigned Rounds = 13
) (
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic [63:0] key_i,      // stable while samples are under way
  input  logic        valid_i,
  input  logic [63:0] counter_i,
  output logic        valid_o,
  output logic [63:0] random_o
);
  localparam logic [31:0] PARITY = 32'h1BD11BDA;
  // Rotation of round r is byte r % 8.
  localparam logic [63:0] ROTATIONS = {8'd24, 8'd16, 8'd29, 8'd17, 8'd6, 8'd26, 8'd15, 8'd13};

  logic [Rounds:0] valid_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) valid_q <= '0;
    else         valid_q <= {valid_q[Rounds-1:0], valid_i};
  end

  // Stages are updated in place, the last one first, so each sees what the one before it held. Nothing
  // outside this block reads them; the result has a register of its own.
  logic [31:0] x0_q [0:Rounds-1];
  logic [31:0] x1_q [0:Rounds-1];
  logic [31:0] mixed0, mixed1;
  logic [95:0] key_words;  // extended key, word 0 lowest
  always_ff @(posedge clk_i) begin
    if (valid_i || valid_q != '0) begin
      key_words = {PARITY ^ key_i[31:0] ^ key_i[63:32], key_i};
      for (int unsigned s = Rounds; s > 0; s--) begin
        // Round s - 1; every fourth one adds words of the key.
        mixed0 = x0_q[s-1] + x1_q[s-1];
        mixed1 = ((x1_q[s-1] << ROTATIONS[8 * ((s - 1) % 8) +: 8]) |
                  (x1_q[s-1] >> (8'd32 - ROTATIONS[8 * ((s - 1) % 8) +: 8]))) ^ mixed0;
        if ((s - 1) % 4 == 3) begin
          mixed0 = mixed0 + key_words[32 * (((s - 1) / 4 + 1) % 3) +: 32];
          mixed1 = mixed1 + key_words[32 * (((s - 1) / 4 + 2) % 3) +: 32] + ((s - 1) / 4 + 1);
        end
        if (s == Rounds) begin
          random_o <= {mixed1, mixed0};
        end else begin
          x0_q[s] = mixed0;
          x1_q[s] = mixed1;
        end
      end
      x0_q[0] = counter_i[31:0] + key_i[31:0];
      x1_q[0] = counter_i[63:32] + key_i[63:32];
    end
  end

  assign valid_o = valid_q[Rounds];
endmodule
