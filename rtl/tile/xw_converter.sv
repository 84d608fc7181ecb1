// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0

/// Read noise, offset, ADC and digital rescaling of Columns neighbouring columns per cycle.
///
/// y = clamp(((s + n + adc_offset) * adc_gain + 2^(shift-1)) >>> shift, +-adc_max) * out_scale with the noise n of
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
  input  logic [xw_pkg::ADC_SHIFT_BITS-1:0] adc_shift_i,     // 1..40
  input  logic [3:0]            adc_bits_i,      // 4..12
  input  logic [10:0]           cols_i,          // columns beyond it do not count
  // Sums in
  input  logic                  valid_i,
  input  logic [7:0]            vector_i,
  input  logic [10:0]           col_i,           // of sum 0
  input  logic [Columns*32-1:0] sums_i,
  // Table lookup: {out_scale, adc_gain} and adc_offset per column
  output logic                  lookup_o,
  output logic [10:0]           lookup_col_o,
  input  logic [Columns*32-1:0] tables_i,
  input  logic [Columns*32-1:0] offsets_i,
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
  localparam int unsigned RANDOM = xw_pkg::THREEFRY_ROUNDS + 1;
  localparam int unsigned H      = RANDOM + 1;
  localparam int unsigned NOISE  = RANDOM + 2;  // then the total with noise and offset, the product with the gain
  localparam int unsigned SCALED = RANDOM + 5;
  localparam int unsigned CODE   = RANDOM + 6;
  localparam int unsigned RESULT = RANDOM + 7;

  localparam logic signed [11:0] MINUS_MEAN = 12'sd0 - 12'(xw_pkg::NOISE_MEAN);

  logic [RESULT:1] valid_q;
  logic [RESULT:0] valid;                       // valid[k]: stage k holds something
  assign valid = {valid_q, valid_i};

  always_ff @(posedge clk_i) begin
    if (!rst_ni)      valid_q <= '0;
    else if (flush_i) valid_q <= '0;
    else if (busy_o)  valid_q <= valid[RESULT-1:0];
  end

  logic               noisy;
  logic signed [12:0] adc_max, adc_min;
  logic signed [48:0] rounding;
  always_comb begin
    noisy        = 1'b0;
    adc_max      = '0;
    adc_min      = '0;
    rounding     = '0;
    if (busy_o) begin
      noisy        = read_sigma_i != '0;
      adc_max      = (13'sd1 <<< (adc_bits_i - 4'd1)) - 13'sd1;
      adc_min      = -adc_max;
      rounding     = 49'sd1 <<< (adc_shift_i - 6'd1);
    end
  end

  logic [Columns*64-1:0] random, counters;
  always_comb begin
    counters = '0;
    if (valid_i) begin
      for (int unsigned c = 0; c < Columns; c++) begin
        counters[64*c +: 64] = {row0_i, col0_i + 16'(col_i) + 16'(c), vector_base_i + 32'(vector_i)};
      end
    end
  end
  for (genvar c = 0; c < Columns; c++) begin : gen_column
    logic unused_random_valid;
    xw_threefry #(
      .Rounds(xw_pkg::THREEFRY_ROUNDS)
    ) u_threefry (
      .clk_i, .rst_ni,
      .key_i    ({tile_uid_i, chip_seed_i}),
      .valid_i  (valid_i && noisy),
      .counter_i(counters[64*c +: 64]),
      .valid_o  (unused_random_valid),
      .random_o (random[64*c +: 64])
    );
  end

  // Where a conversion belongs, and its sum until the noise is there. Delay lines are updated in place,
  // the last stage first; nothing outside this block reads them.
  logic [18:0]           place_q [1:CODE];      // {vector, column}
  logic [Columns*32-1:0] sums_q  [1:NOISE];
  always_ff @(posedge clk_i) begin
    if (busy_o) begin
      {vector_o, col_o}             <= place_q[CODE];
      {early_vector_o, early_col_o} <= place_q[SCALED];
      lookup_col_o                  <= place_q[RANDOM][10:0];
      for (int unsigned s = CODE; s > 1; s--) place_q[s] = place_q[s-1];
      place_q[1] = {vector_i, col_i};
    end
  end

  // Arithmetic of all columns, likewise from the result back to the sums. The registers are named after
  // the stage in which they hold their value.
  logic signed [11:0] h_q       [0:Columns-1];
  logic signed [31:0] noise_q   [0:Columns-1];
  logic signed [31:0] total_q   [0:Columns-1];
  logic signed [48:0] product_q [0:Columns-1];
  logic signed [48:0] scaled_q  [0:Columns-1];
  logic signed [12:0] code_q    [0:Columns-1];
  logic [31:0]        total_table_q   [0:Columns-1];
  logic [15:0]        product_scale_q [0:Columns-1];
  logic [15:0]        scaled_scale_q  [0:Columns-1];
  logic [15:0]        code_scale_q    [0:Columns-1];
  logic [Columns-1:0] code_clamped_q;
  logic [Columns-1:0] clamped_q;                // with the result
  always_ff @(posedge clk_i) begin
    if (busy_o) begin
      for (int unsigned c = 0; c < Columns; c++) begin
        y_o[32*c +: 32] <= 32'(code_q[c]) * 32'($signed({1'b0, code_scale_q[c]}));
        clamped_q[c]    <= code_clamped_q[c];
        code_clamped_q[c] = (scaled_q[c] > 49'(adc_max)) || (scaled_q[c] < 49'(adc_min));
        code_scale_q[c]   = scaled_scale_q[c];
        if (scaled_q[c] > 49'(adc_max))      code_q[c] = adc_max;
        else if (scaled_q[c] < 49'(adc_min)) code_q[c] = adc_min;
        else                                 code_q[c] = 13'(scaled_q[c]);
        scaled_q[c]        = (product_q[c] + rounding) >>> adc_shift_i;
        scaled_scale_q[c]  = product_scale_q[c];
        product_q[c]       = 49'(total_q[c]) * 49'($signed({1'b0, total_table_q[c][15:0]}));
        product_scale_q[c] = total_table_q[c][31:16];
        total_q[c]         = $signed(sums_q[NOISE][32*c +: 32]) + noise_q[c] + $signed(offsets_i[32*c +: 32]);
        total_table_q[c]   = tables_i[32*c +: 32];
        noise_q[c]         = '0;
        if (noisy) begin
          noise_q[c] = 32'((45'($signed({1'b0, read_sigma_i})) * 45'(h_q[c]) + 45'sd32768) >>>
                           xw_pkg::SIGMA_FRACTION_BITS);
        end
        h_q[c] = MINUS_MEAN;
        for (int unsigned b = 0; b < xw_pkg::NOISE_BYTES; b++) h_q[c] = h_q[c] + 12'(random[64*c + 8*b +: 8]);
      end
      for (int unsigned s = NOISE; s > 1; s--) sums_q[s] = sums_q[s-1];
      sums_q[1] = sums_i;
    end
  end

  always_comb begin
    mask_o      = '0;
    saturated_o = '0;
    if (valid_o) begin
      for (int unsigned c = 0; c < Columns; c++) begin
        mask_o[c]      = 12'(col_o) + 12'(c) < 12'(cols_i);
        saturated_o[c] = clamped_q[c] && mask_o[c];
      end
    end
  end

  assign lookup_o      = valid[H];
  assign early_valid_o = valid[CODE];
  assign valid_o       = valid[RESULT];
  assign busy_o        = |valid;
endmodule
