// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0

/// Two readers (0: fetch, 1: X load) on one AXI4 read port. The id of a burst is the number of its reader.
///
/// Requests pass through a register; fetch comes first. Beats go to the reader that their id names, in the
/// same cycle; memory may interleave the beats of the two. A beat is taken when both readers are ready, so
/// that readiness does not depend on the beat: neither may wait for the other.
module xw_read_mux #(
  parameter int unsigned DataWidth = 512
) (
  input  logic                 clk_i,
  input  logic                 rst_ni,
  // Readers
  input  logic [1:0]           reader_arvalid_i,
  output logic [1:0]           reader_arready_o,  // depends on arready_i
  input  logic [2*64-1:0]      reader_araddr_i,
  input  logic [2*8-1:0]       reader_arlen_i,
  output logic [1:0]           reader_rvalid_o,   // depends on the readiness of the other
  input  logic [1:0]           reader_rready_i,
  output logic [DataWidth-1:0] reader_rdata_o,    // of both
  output logic [1:0]           reader_rresp_o,
  output logic                 reader_rlast_o,
  // AXI4 read channels
  output logic                 arvalid_o,
  input  logic                 arready_i,
  output logic [63:0]          araddr_o,
  output logic [7:0]           arlen_o,
  output logic                 arid_o,
  input  logic                 rvalid_i,
  output logic                 rready_o,          // depends on reader_rready_i
  input  logic [DataWidth-1:0] rdata_i,
  input  logic [1:0]           rresp_i,
  input  logic                 rlast_i,
  input  logic                 rid_i
);
  logic free, choice;
  assign free             = !arvalid_o || arready_i;
  assign choice           = !reader_arvalid_i[0];
  assign reader_arready_o = {free && choice, free && !choice};

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      arvalid_o <= 1'b0;
      araddr_o  <= '0;
      arlen_o   <= '0;
      arid_o    <= 1'b0;
    end else if (free) begin
      arvalid_o <= reader_arvalid_i != '0;
      if (reader_arvalid_i != '0) begin
        araddr_o <= choice ? reader_araddr_i[64 +: 64] : reader_araddr_i[0 +: 64];
        arlen_o  <= choice ? reader_arlen_i[8 +: 8] : reader_arlen_i[0 +: 8];
        arid_o   <= choice;
      end
    end
  end

  assign reader_rvalid_o = {rvalid_i && rid_i && reader_rready_i[0], rvalid_i && !rid_i && reader_rready_i[1]};
  assign rready_o        = reader_rready_i == '1;
  assign reader_rdata_o  = rdata_i;
  assign reader_rresp_o  = rresp_i;
  assign reader_rlast_o  = rlast_i;
endmodule
