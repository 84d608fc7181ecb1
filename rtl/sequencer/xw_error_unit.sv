// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0

/// Keeps the error of the instruction that comes first in the program.
///
/// Units run beside each other, so a later instruction may fail before an earlier one. The first report
/// sets a limit: instructions behind it are not begun, those before it run to their end and may still
/// lower it (xw_run_control waits for that).
module xw_error_unit #(
  parameter int unsigned Sources = 11
) (
  input  logic                  clk_i,
  input  logic                  rst_ni,
  input  logic                  clear_i,     // start of a run
  // Reports, one cycle each
  input  logic [Sources-1:0]    error_i,
  input  logic [Sources*8-1:0]  unit_i,
  input  logic [Sources*32-1:0] index_i,
  input  logic [Sources*8-1:0]  code_i,
  input  logic [Sources*64-1:0] detail_i,
  // The first so far
  output logic                  valid_o,
  output logic [7:0]            unit_o,
  output logic [31:0]           index_o,
  output logic [7:0]            code_o,
  output logic [63:0]           detail_o
);
  // What is kept counts as the first source: a report of the same instruction does not replace it.
  logic [Sources:0]          valid, first;
  logic [(Sources+1)*32-1:0] indices;
  logic [Sources-1:0]        replaces;
  always_comb begin
    valid   = '0;
    indices = '0;
    if (error_i != '0) begin
      valid   = {error_i, valid_o};
      indices = {index_i, index_o};
    end
  end
  assign replaces = first[Sources:1];
  xw_first #(
    .Sources(Sources + 1)
  ) u_first (
    .valid_i(valid),
    .index_i(indices),
    .first_o(first)
  );

  localparam int unsigned WIDTH = 8 + 32 + 8 + 64;
  logic [Sources*WIDTH-1:0] reports;
  logic [7:0]  unit, code;
  logic [31:0] index;
  logic [63:0] detail;
  always_comb begin
    reports = '0;
    if (error_i != '0) begin
      for (int unsigned s = 0; s < Sources; s++) begin
        reports[WIDTH*s +: WIDTH] = {unit_i[8*s +: 8], index_i[32*s +: 32], code_i[8*s +: 8], detail_i[64*s +: 64]};
      end
    end
  end
  xw_select #(
    .Sources(Sources), .Width(WIDTH)
  ) u_select (
    .select_i(replaces),
    .data_i  (reports),
    .data_o  ({unit, index, code, detail})
  );

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      valid_o  <= 1'b0;
      unit_o   <= '0;
      index_o  <= '0;
      code_o   <= '0;
      detail_o <= '0;
    end else if (clear_i) begin
      valid_o  <= 1'b0;
      unit_o   <= '0;
      index_o  <= '0;
      code_o   <= '0;
      detail_o <= '0;
    end else if (replaces != '0) begin
      valid_o  <= 1'b1;
      unit_o   <= unit;
      index_o  <= index;
      code_o   <= code;
      detail_o <= detail;
    end
  end

  logic unused_kept;
  assign unused_kept = first[0];
endmodule
