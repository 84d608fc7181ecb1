// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0

/// A clock that stands still while no register behind it changes.
///
/// clk_o is clk_i in cycles with enable_i (or in reset), which is taken at the falling edge before. Registers behind
/// it hold their values without an edge just as with one, so results and cycle counts do not depend on the gate:
/// it is there for models that simulate fast (XW_FAST_SIMULATION), which skip what stands still, and marks where an ASIC
/// would save power. Otherwise, on an FPGA above all, clk_o is clk_i.
module xw_clock_gate (
  input  logic clk_i,
  input  logic rst_ni,
  input  logic enable_i,
  output logic clk_o
);
`ifdef XW_FAST_SIMULATION
  logic enable_q;
  always_ff @(negedge clk_i) enable_q <= enable_i || !rst_ni;
  assign clk_o = clk_i & enable_q;
`else
  logic unused_enable;
  assign unused_enable = enable_i && rst_ni;
  assign clk_o = clk_i;
`endif
endmodule
