// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0

/// Two readers (0: fetch, 1: X load) on one AXI4 read port. The id of a burst is the number of its reader.
///
/// Requests pass through a register; fetch comes first. Beats go to the reader that their id names, in the
/// same cycle; memory may interleave the beats of the two. A beat is taken when both readers are ready, so
/// that readiness does not depend on the beat: neither may wait for the other.
module xw_read_mux (
  input  logic                  clk_i,
  input  logic                  rst_ni,
  // Readers; the data goes to both without passing here
  input  xw_pkg::axi_read_req_t reader0_req_i,
  output xw_pkg::axi_read_rsp_t reader0_rsp_o,  // depends on the readiness of the other, and on ar_ready
  input  xw_pkg::axi_read_req_t reader1_req_i,
  output xw_pkg::axi_read_rsp_t reader1_rsp_o,
  // Memory
  output xw_pkg::axi_read_req_t read_req_o,
  output logic                  read_id_o,      // of the burst
  input  xw_pkg::axi_read_rsp_t read_rsp_i,
  input  logic                  read_id_i       // of the beat
);
  logic            ar_valid_q, free, choice;
  xw_pkg::axi_ax_t ar_q;
  assign free   = !ar_valid_q || read_rsp_i.ar_ready;
  assign choice = !reader0_req_i.ar_valid;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      ar_valid_q <= 1'b0;
      ar_q       <= '0;
      read_id_o  <= 1'b0;
    end else if (free) begin
      ar_valid_q <= reader0_req_i.ar_valid || reader1_req_i.ar_valid;
      if (reader0_req_i.ar_valid || reader1_req_i.ar_valid) begin
        ar_q      <= choice ? reader1_req_i.ar : reader0_req_i.ar;
        read_id_o <= choice;
      end
    end
  end

  assign read_req_o.ar_valid = ar_valid_q;
  assign read_req_o.ar       = ar_q;
  assign read_req_o.r_ready  = reader0_req_i.r_ready && reader1_req_i.r_ready;
  always_comb begin
    reader0_rsp_o          = read_rsp_i;
    reader0_rsp_o.ar_ready = free && !choice;
    reader0_rsp_o.r_valid  = read_rsp_i.r_valid && !read_id_i && reader1_req_i.r_ready;
    reader1_rsp_o          = read_rsp_i;
    reader1_rsp_o.ar_ready = free && choice;
    reader1_rsp_o.r_valid  = read_rsp_i.r_valid && read_id_i && reader0_req_i.r_ready;
  end
endmodule
