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

  logic [95:0] key_words;  // extended key, word 0 lowest
  assign key_words = {PARITY ^ key_i[31:0] ^ key_i[63:32], key_i};

  logic [Rounds:0] valid_q;
  logic [63:0]     state_q [0:Rounds];  // {x1, x0} after each stage

  for (genvar s = 0; s <= Rounds; s++) begin : gen_stage
    if (s == 0) begin : gen_first
      always_ff @(posedge clk_i) begin
        if (valid_i) begin
          state_q[0] <= {counter_i[63:32] + key_i[63:32], counter_i[31:0] + key_i[31:0]};
        end
      end
    end else begin : gen_round
      localparam int unsigned ROTATION = 32'(ROTATIONS[8 * ((s - 1) % 8) +: 8]);
      localparam int unsigned INJECTION = ((s - 1) % 4 == 3) ? (s - 1) / 4 + 1 : 0;
      logic [31:0] x0, x1, mixed0, mixed1;
      assign x0 = state_q[s-1][31:0];
      assign x1 = state_q[s-1][63:32];
      assign mixed0 = x0 + x1;
      assign mixed1 = {x1[31-ROTATION:0], x1[31:32-ROTATION]} ^ mixed0;
      if (INJECTION == 0) begin : gen_plain
        always_ff @(posedge clk_i) begin
          if (valid_q[s-1]) state_q[s] <= {mixed1, mixed0};
        end
      end else begin : gen_inject
        localparam int unsigned WORD0 = INJECTION % 3;
        localparam int unsigned WORD1 = (INJECTION + 1) % 3;
        always_ff @(posedge clk_i) begin
          if (valid_q[s-1]) begin
            state_q[s] <= {mixed1 + key_words[32 * WORD1 +: 32] + INJECTION,
                           mixed0 + key_words[32 * WORD0 +: 32]};
          end
        end
      end
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) valid_q <= '0;
    else         valid_q <= {valid_q[Rounds-1:0], valid_i};
  end

  assign valid_o  = valid_q[Rounds];
  assign random_o = state_q[Rounds];
endmodule
