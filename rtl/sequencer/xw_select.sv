// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0

/// The word of the source that is selected, as a tree: zero if none is. Combinational.
module xw_select #(
  parameter int unsigned Sources = 4,
  parameter int unsigned Width   = 32
) (
  input  logic [Sources-1:0]       select_i,  // one-hot or zero
  input  logic [Sources*Width-1:0] data_i,
  output logic [Width-1:0]         data_o
);
  logic [Sources*Width-1:0] tree;
  always_comb begin
    tree = '0;
    if (select_i != '0) begin
      for (int unsigned s = 0; s < Sources; s++) tree[Width*s +: Width] = data_i[Width*s +: Width] & {Width{select_i[s]}};
      for (int unsigned step = 1; step < Sources; step = 2 * step) begin
        for (int unsigned s = 0; s + step < Sources; s = s + 2 * step) begin
          tree[Width*s +: Width] = tree[Width*s +: Width] | tree[Width*(s+step) +: Width];
        end
      end
    end
  end
  assign data_o = tree[Width-1:0];
endmodule
