// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0

/// The reset of the kernel behind a chain of registers.
///
/// One input would have to reach all registers of the chip in one cycle. The chain begins and ends in reset together
/// with the input, Stages cycles later, and gives place and route registers to move and to copy.
module xw_reset #(
  parameter int unsigned Stages = 3
) (
  input  logic clk_i,
  input  logic rst_ni,
  output logic rst_no
);
  // Registers, not a shift register in a LUT.
  (* keep = "true", shreg_extract = "no" *) logic [Stages-1:0] stages_q;
  always_ff @(posedge clk_i) stages_q <= Stages'({stages_q, rst_ni});
  assign rst_no = stages_q[Stages-1];
endmodule
