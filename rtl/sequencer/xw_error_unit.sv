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
  input  logic                  clear_i,  // start of a run
  // Reports, one cycle each
  input  logic [Sources-1:0]    error_i,
  input  logic [Sources*xw_pkg::ERROR_REPORT_BITS-1:0] report_i,
  // The first so far
  output logic                  valid_o,
  output xw_pkg::error_report_t report_o
);
  localparam int unsigned BITS = xw_pkg::ERROR_REPORT_BITS;

  // What is kept counts as the first source: a report of the same instruction does not replace it.
  logic [Sources:0]          valid, first;
  logic [(Sources+1)*32-1:0] indices;
  logic [Sources-1:0]        replaces;
  xw_pkg::error_report_t     report;
  always_comb begin
    valid   = '0;
    indices = '0;
    report  = '0;
    if (error_i != '0) begin
      valid         = {error_i, valid_o};
      indices[31:0] = report_o.index;
      for (int unsigned s = 0; s < Sources; s++) begin
        report = report_i[BITS*s +: BITS];
        indices[32*(s+1) +: 32] = report.index;
      end
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

  logic [BITS-1:0] replacement;
  xw_select #(
    .Sources(Sources), .Width(BITS)
  ) u_select (
    .select_i(replaces),
    .data_i  (report_i),
    .data_o  (replacement)
  );

  always_ff @(posedge clk_i) begin
    if (!rst_ni || clear_i) begin
      valid_o  <= 1'b0;
      report_o <= '0;
    end else if (replaces != '0) begin
      valid_o  <= 1'b1;
      report_o <= replacement;
    end
  end

  logic unused_kept;
  assign unused_kept = first[0];
endmodule
