// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0

/// Finds the lowest of several numbers that count; of equal ones that of the lowest source.
///
/// Combinational. Every number is compared with every other at the same time, so the logic is as deep for many
/// sources as for few. The numbers are instruction indices, the lowest is first in the program.
module xw_first #(
  parameter int unsigned Sources = 4
) (
  input  logic [Sources-1:0]    valid_i,  // the source's number counts
  input  logic [Sources*32-1:0] index_i,
  output logic [Sources-1:0]    first_o   // one-hot; zero if none counts
);
  // Bit (a, b): source b counts and beats a.
  logic [Sources*Sources-1:0] beats;
  logic                       later_is_lower;
  always_comb begin
    beats          = '0;
    later_is_lower = 1'b0;
    if (valid_i != '0) begin
      for (int unsigned a = 0; a < Sources; a++) begin
        for (int unsigned b = a + 1; b < Sources; b++) begin
          later_is_lower         = index_i[32*b +: 32] < index_i[32*a +: 32];
          beats[Sources * a + b] = valid_i[b] && later_is_lower;
          beats[Sources * b + a] = valid_i[a] && !later_is_lower;
        end
      end
    end
  end
  always_comb begin
    first_o = '0;
    if (valid_i != '0) begin
      for (int unsigned s = 0; s < Sources; s++) first_o[s] = valid_i[s] && beats[Sources*s +: Sources] == '0;
    end
  end
endmodule
