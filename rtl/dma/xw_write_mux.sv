// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0

/// Two writers (0: Y store, 1: completion record) on one AXI4 write port, selected by completion_i.
///
/// completion_i changes only while neither has a burst under way. The writer that is not selected sees no
/// ready and no response.
module xw_write_mux #(
  parameter int unsigned DataWidth = 512
) (
  input  logic                     completion_i,    // selects writer 1
  // Writers
  input  logic [1:0]               writer_awvalid_i,
  output logic [1:0]               writer_awready_o,
  input  logic [2*64-1:0]          writer_awaddr_i,
  input  logic [2*8-1:0]           writer_awlen_i,
  input  logic [1:0]               writer_wvalid_i,
  output logic [1:0]               writer_wready_o,
  input  logic [2*DataWidth-1:0]   writer_wdata_i,
  input  logic [2*DataWidth/8-1:0] writer_wstrb_i,
  input  logic [1:0]               writer_wlast_i,
  output logic [1:0]               writer_bvalid_o,
  input  logic [1:0]               writer_bready_i,
  output logic [1:0]               writer_bresp_o,  // of both
  // AXI4 write channels
  output logic                     awvalid_o,
  input  logic                     awready_i,
  output logic [63:0]              awaddr_o,
  output logic [7:0]               awlen_o,
  output logic                     wvalid_o,
  input  logic                     wready_i,
  output logic [DataWidth-1:0]     wdata_o,
  output logic [DataWidth/8-1:0]   wstrb_o,
  output logic                     wlast_o,
  input  logic                     bvalid_i,
  output logic                     bready_o,
  input  logic [1:0]               bresp_i
);
  always_comb begin
    if (completion_i) begin
      awvalid_o = writer_awvalid_i[1];
      awaddr_o  = writer_awaddr_i[64 +: 64];
      awlen_o   = writer_awlen_i[8 +: 8];
      wvalid_o  = writer_wvalid_i[1];
      wdata_o   = writer_wdata_i[DataWidth +: DataWidth];
      wstrb_o   = writer_wstrb_i[DataWidth/8 +: DataWidth/8];
      wlast_o   = writer_wlast_i[1];
      bready_o  = writer_bready_i[1];
    end else begin
      awvalid_o = writer_awvalid_i[0];
      awaddr_o  = writer_awaddr_i[0 +: 64];
      awlen_o   = writer_awlen_i[0 +: 8];
      wvalid_o  = writer_wvalid_i[0];
      wdata_o   = writer_wdata_i[0 +: DataWidth];
      wstrb_o   = writer_wstrb_i[0 +: DataWidth/8];
      wlast_o   = writer_wlast_i[0];
      bready_o  = writer_bready_i[0];
    end
  end

  assign writer_awready_o = {awready_i && completion_i, awready_i && !completion_i};
  assign writer_wready_o  = {wready_i && completion_i, wready_i && !completion_i};
  assign writer_bvalid_o  = {bvalid_i && completion_i, bvalid_i && !completion_i};
  assign writer_bresp_o   = bresp_i;
endmodule
