// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0

/// Read noise, ADC and digital rescaling of Columns neighbouring columns per cycle.
///
/// y = clamp(((s + n) * adc_gain + 2^(shift-1)) >>> shift, +-adc_max) * out_scale with the noise n of
/// docs/numerics.md; bit-exact with `xw::analog::tile_mvm_reference`. Latency 21 cycles whether there
/// is noise or not; no back-pressure. The settings are stable while conversions are under way.
/// The user answers lookup_o with the column tables one cycle later.
module xw_converter #(
  parameter int unsigned Columns = 4
) (
  input  logic                  clk_i,
  input  logic                  rst_ni,
  input  logic                  flush_i,         // forgets everything under way
  // Settings of the block and the run
  input  logic [31:0]           chip_seed_i,
  input  logic [31:0]           tile_uid_i,
  input  logic [31:0]           vector_base_i,
  input  logic [15:0]           row0_i,
  input  logic [15:0]           col0_i,
  input  logic [31:0]           read_sigma_i,
  input  logic [5:0]            adc_shift_i,     // 1..40
  input  logic [3:0]            adc_bits_i,      // 4..12
  input  logic [10:0]           cols_i,          // columns beyond it do not count
  // Sums in
  input  logic                  valid_i,
  input  logic [7:0]            vector_i,
  input  logic [10:0]           col_i,           // of sum 0
  input  logic [Columns*32-1:0] sums_i,
  // Table lookup: {out_scale, adc_gain} per column
  output logic                  lookup_o,
  output logic [10:0]           lookup_col_o,
  input  logic [Columns*32-1:0] tables_i,
  // One cycle ahead of the result
  output logic                  early_valid_o,
  output logic [7:0]            early_vector_o,
  output logic [10:0]           early_col_o,
  // Results
  output logic                  valid_o,
  output logic [7:0]            vector_o,
  output logic [10:0]           col_o,
  output logic [Columns-1:0]    mask_o,          // columns inside the block
  output logic [Columns-1:0]    saturated_o,     // subset of mask_o
  output logic [Columns*32-1:0] y_o,
  output logic                  busy_o           // anything under way, results included
);
  // Cycle after the input in which a quantity is ready.
  localparam int unsigned RANDOM  = xw_pkg::THREEFRY_ROUNDS + 1;
  localparam int unsigned H       = RANDOM + 1;
  localparam int unsigned NOISE   = RANDOM + 2;
  localparam int unsigned TOTAL   = RANDOM + 3;
  localparam int unsigned PRODUCT = RANDOM + 4;
  localparam int unsigned SCALED  = RANDOM + 5;
  localparam int unsigned CODE    = RANDOM + 6;
  localparam int unsigned RESULT  = RANDOM + 7;

  logic [RESULT:1] valid_q;
  logic [RESULT:0] valid;                       // valid[k]: stage k holds something
  logic [7:0]      vector_q [1:RESULT];
  logic [10:0]     col_q    [1:RESULT];
  logic [Columns*32-1:0] sums_q [1:NOISE];

  assign valid = {valid_q, valid_i};

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni)      valid_q <= '0;
    else if (flush_i) valid_q <= '0;
    else              valid_q <= valid[RESULT-1:0];
  end

  always_ff @(posedge clk_i) begin
    if (busy_o) begin
      vector_q[1] <= vector_i;
      col_q[1]    <= col_i;
      sums_q[1]   <= sums_i;
      for (int unsigned s = 2; s <= RESULT; s++) begin
        vector_q[s] <= vector_q[s-1];
        col_q[s]    <= col_q[s-1];
      end
      for (int unsigned s = 2; s <= NOISE; s++) sums_q[s] <= sums_q[s-1];
    end
  end

  logic        noisy;
  logic [31:0] vector_index;
  assign noisy        = read_sigma_i != '0;
  assign vector_index = vector_base_i + 32'(vector_i);

  logic signed [12:0] adc_max, adc_min;
  assign adc_max = (13'sd1 <<< (adc_bits_i - 4'd1)) - 13'sd1;
  assign adc_min = -adc_max;

  for (genvar c = 0; c < Columns; c++) begin : gen_column
    logic [63:0] random;
    logic        unused_random_valid;
    xw_threefry #(
      .Rounds(xw_pkg::THREEFRY_ROUNDS)
    ) u_threefry (
      .clk_i, .rst_ni,
      .key_i    ({tile_uid_i, chip_seed_i}),
      .valid_i  (valid_i && noisy),
      .counter_i({row0_i, col0_i + 16'(col_i) + 16'(c), vector_index}),
      .valid_o  (unused_random_valid),
      .random_o (random)
    );

    logic signed [11:0] h_q;
    logic signed [31:0] noise_q, total_q;
    logic signed [48:0] product_q, scaled_q;
    logic signed [12:0] code_q;
    logic        [15:0] scale_q [0:2];          // with PRODUCT, SCALED, CODE
    logic               clamped_q, clamped_result_q;
    logic signed [31:0] y_q;

    logic signed [44:0] noise_product;
    logic signed [48:0] rounding;
    assign noise_product = 45'($signed({1'b0, read_sigma_i})) * 45'(h_q) + 45'sd32768;
    assign rounding      = 49'sd1 <<< (adc_shift_i - 6'd1);

    always_ff @(posedge clk_i) begin
      if (valid[RANDOM] && noisy) begin
        h_q <= 12'(random[7:0]) + 12'(random[15:8]) + 12'(random[23:16]) + 12'(random[31:24]) +
               12'(random[39:32]) + 12'(random[47:40]) + 12'(random[55:48]) + 12'(random[63:56]) -
               12'(xw_pkg::NOISE_MEAN);
      end
      if (valid[H]) noise_q <= noisy ? 32'(noise_product >>> xw_pkg::SIGMA_FRACTION_BITS) : '0;
      if (valid[NOISE]) total_q <= $signed(sums_q[NOISE][32*c +: 32]) + noise_q;
      if (valid[TOTAL]) begin
        product_q  <= 49'(total_q) * 49'($signed({1'b0, tables_i[32*c +: 16]}));
        scale_q[0] <= tables_i[32*c + 16 +: 16];
      end
      if (valid[PRODUCT]) begin
        scaled_q   <= (product_q + rounding) >>> adc_shift_i;
        scale_q[1] <= scale_q[0];
      end
      if (valid[SCALED]) begin
        clamped_q  <= (scaled_q > 49'(adc_max)) || (scaled_q < 49'(adc_min));
        scale_q[2] <= scale_q[1];
        if (scaled_q > 49'(adc_max))       code_q <= adc_max;
        else if (scaled_q < 49'(adc_min)) code_q <= adc_min;
        else                               code_q <= 13'(scaled_q);
      end
      if (valid[CODE]) begin
        y_q              <= 32'(code_q) * 32'($signed({1'b0, scale_q[2]}));
        clamped_result_q <= clamped_q;
      end
    end

    assign mask_o[c]         = 12'(col_o) + 12'(c) < 12'(cols_i);
    assign saturated_o[c]    = clamped_result_q && mask_o[c];
    assign y_o[32*c +: 32]   = y_q;
  end

  assign lookup_o       = valid[NOISE];
  assign lookup_col_o   = col_q[NOISE];
  assign early_valid_o  = valid[CODE];
  assign early_vector_o = vector_q[CODE];
  assign early_col_o    = col_q[CODE];
  assign valid_o        = valid[RESULT];
  assign vector_o       = vector_q[RESULT];
  assign col_o          = col_q[RESULT];
  assign busy_o         = |valid;
endmodule
