// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0

/// Two writers (0: Y store, 1: completion record) on one AXI4 write port, selected by completion_i.
///
/// completion_i changes only while neither has a burst under way. The writer that is not selected sees no
/// ready and no response.
module xw_write_mux #(
  parameter int unsigned DataWidth = 512
) (
  input  logic                   completion_i,  // selects writer 1
  // Writers
  input  xw_pkg::axi_write_req_t writer0_req_i,
  input  logic [DataWidth-1:0]   writer0_data_i,
  input  logic [DataWidth/8-1:0] writer0_strb_i,
  output xw_pkg::axi_write_rsp_t writer0_rsp_o,
  input  xw_pkg::axi_write_req_t writer1_req_i,
  input  logic [DataWidth-1:0]   writer1_data_i,
  input  logic [DataWidth/8-1:0] writer1_strb_i,
  output xw_pkg::axi_write_rsp_t writer1_rsp_o,
  // Memory
  output xw_pkg::axi_write_req_t write_req_o,
  output logic [DataWidth-1:0]   write_data_o,
  output logic [DataWidth/8-1:0] write_strb_o,
  input  xw_pkg::axi_write_rsp_t write_rsp_i
);
  assign write_req_o  = completion_i ? writer1_req_i : writer0_req_i;
  assign write_data_o = completion_i ? writer1_data_i : writer0_data_i;
  assign write_strb_o = completion_i ? writer1_strb_i : writer0_strb_i;

  always_comb begin
    writer0_rsp_o = write_rsp_i;
    writer1_rsp_o = write_rsp_i;
    if (completion_i) begin
      writer0_rsp_o.aw_ready = 1'b0;
      writer0_rsp_o.w_ready  = 1'b0;
      writer0_rsp_o.b_valid  = 1'b0;
    end else begin
      writer1_rsp_o.aw_ready = 1'b0;
      writer1_rsp_o.w_ready  = 1'b0;
      writer1_rsp_o.b_valid  = 1'b0;
    end
  end
endmodule
