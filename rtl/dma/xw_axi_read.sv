// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0

/// Reads ranges of memory as one stream of beats: splits them into AXI4 INCR bursts that do not cross a
/// 4 KiB boundary (at most 256 beats of 16 bytes), with up to MaxOutstanding bursts under way.
///
/// A range is accepted as soon as all bursts of the one before are requested, so that its latency hides
/// behind beats still to come. The user counts beats and therefore knows their addresses. After stop_i no
/// further burst is requested; beats of bursts already requested are swallowed and busy_o falls when the
/// last has come. Beats that come while no burst is under way, as of bursts from before a reset, are taken
/// from the bus and forgotten.
module xw_axi_read #(
  parameter int unsigned DataWidth      = 512,
  parameter int unsigned MaxOutstanding = 16
) (
  input  logic                  clk_i,
  input  logic                  rst_ni,
  output logic                  needs_clock_o,  // clk_i may stand still in cycles without
  // Ranges
  input  logic                  req_valid_i,
  output logic                  req_ready_o,
  input  logic [63:0]           req_addr_i,     // multiple of 64
  input  logic [31:0]           req_beats_i,    // at least 1
  input  logic                  stop_i,         // forget what is not requested, also a range of this cycle, swallow the rest
  output logic                  busy_o,         // something is not requested or not answered yet
  // Beats of all ranges, in order
  output logic                  valid_o,
  input  logic                  ready_i,
  output logic [DataWidth-1:0]  data_o,
  output logic [1:0]            resp_o,         // [1]: faulty, then [0]: DECERR, otherwise SLVERR
  // AXI4 read channels
  output xw_pkg::axi_read_req_t read_req_o,
  input  xw_pkg::axi_read_rsp_t read_rsp_i,
  input  logic [DataWidth-1:0]  read_data_i
);
  localparam int unsigned BEAT_BYTES = DataWidth / 8;
  localparam int unsigned BEAT_BITS  = $clog2(BEAT_BYTES);
  localparam int unsigned PAGE_BEATS = 4096 / BEAT_BYTES;
  localparam int unsigned COUNT_WIDTH = $clog2(MaxOutstanding + 1);

  logic            ar_valid_q, r_ready;
  xw_pkg::axi_ax_t ar_q;
  assign read_req_o.ar_valid = ar_valid_q;
  assign read_req_o.ar       = ar_q;
  assign read_req_o.r_ready  = r_ready;

  logic [63:0] next_addr_q;
  logic [31:0] remaining_q;                  // beats not yet requested
  logic [COUNT_WIDTH-1:0] outstanding_q;     // bursts not yet answered
  logic        swallow_q;

  logic [31:0] to_boundary, burst;
  assign to_boundary = 32'(PAGE_BEATS) - 32'(next_addr_q[11:BEAT_BITS]);
  always_comb begin
    burst = remaining_q;
    if (burst > to_boundary) burst = to_boundary;
  end

  // Beats pass through two registers: the one that is offered, and one for a beat that arrives while the
  // first is not taken. So neither side's ready depends on the other's in the same cycle.
  logic                 offer_valid_q, spare_valid_q;
  logic [DataWidth-1:0] offer_q, spare_q;
  logic [1:0]           offer_resp_q, spare_resp_q;
  logic                 taken, beat;
  assign taken = ready_i || swallow_q;
  assign beat  = read_rsp_i.r_valid && outstanding_q != '0;

  always_ff @(posedge clk_i) begin
    if (!offer_valid_q || taken) begin
      if (spare_valid_q) begin
        offer_q      <= spare_q;
        offer_resp_q <= spare_resp_q;
      end else if (beat) begin
        offer_q      <= read_data_i;
        offer_resp_q <= read_rsp_i.r_resp;
      end
    end else if (beat && !spare_valid_q) begin
      spare_q      <= read_data_i;
      spare_resp_q <= read_rsp_i.r_resp;
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      ar_valid_q     <= 1'b0;
      ar_q          <= '0;
      next_addr_q   <= '0;
      remaining_q   <= '0;
      outstanding_q <= '0;
      swallow_q     <= 1'b0;
      offer_valid_q <= 1'b0;
      spare_valid_q <= 1'b0;
    end else begin
      if (!offer_valid_q || taken) begin
        offer_valid_q <= spare_valid_q || beat;
        spare_valid_q <= 1'b0;
      end else if (beat) begin
        spare_valid_q <= 1'b1;
      end

      if (read_rsp_i.ar_ready) ar_valid_q <= 1'b0;
      if (remaining_q != '0 && !stop_i && (!ar_valid_q || read_rsp_i.ar_ready) &&
          outstanding_q != COUNT_WIDTH'(MaxOutstanding)) begin
        ar_valid_q     <= 1'b1;
        ar_q.addr      <= next_addr_q;
        ar_q.len       <= 8'(burst - 32'd1);
        next_addr_q   <= next_addr_q + (64'(burst) << BEAT_BITS);
        remaining_q   <= remaining_q - burst;
        outstanding_q <= outstanding_q + COUNT_WIDTH'(!(beat && r_ready && read_rsp_i.r_last));
      end else if (beat && r_ready && read_rsp_i.r_last) begin
        outstanding_q <= outstanding_q - COUNT_WIDTH'(1);
      end
      if (req_valid_i && req_ready_o) begin
        next_addr_q <= req_addr_i;
        remaining_q <= req_beats_i;
      end
      if (stop_i) begin
        remaining_q <= '0;
        swallow_q   <= 1'b1;
      end else if (!busy_o) begin
        swallow_q   <= 1'b0;
      end
    end
  end

  assign req_ready_o = remaining_q == '0 && !swallow_q;
  assign busy_o      = remaining_q != '0 || outstanding_q != '0 || offer_valid_q;
  assign r_ready    = !spare_valid_q;
  assign valid_o     = offer_valid_q && !swallow_q;
  assign data_o      = offer_q;
  assign resp_o      = offer_resp_q;

  // Nothing changes while all bursts are requested and memory has not answered.
  assign needs_clock_o = req_valid_i || stop_i || remaining_q != '0 || ar_valid_q || read_rsp_i.r_valid ||
                         offer_valid_q || swallow_q;
endmodule
