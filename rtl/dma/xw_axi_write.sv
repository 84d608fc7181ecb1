// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0

/// Writes a stream of beats to ranges of memory: splits them into AXI4 INCR bursts that do not cross a
/// 4 KiB boundary (which is at most 256 beats), with up to MaxOutstanding bursts under way.
///
/// A range is accepted as soon as the last burst of the one before is announced. Beats are taken only for
/// announced bursts (AWVALID was raised); they never wait for AWREADY. After stop_i no further burst is
/// announced, the beats that announced ones lack are written without strobes, nothing is taken from the
/// stream, faults are not reported, and busy_o falls with the last response. The user asserts stop_i after
/// a fault. Responses that come while no burst is under way, as to bursts from before a reset, are forgotten.
module xw_axi_write #(
  parameter int unsigned DataWidth      = 512,
  parameter int unsigned MaxOutstanding = 16
) (
  input  logic                   clk_i,
  input  logic                   rst_ni,
  output logic                   needs_clock_o,  // clk_i may stand still in cycles without
  // Ranges
  input  logic                   req_valid_i,
  output logic                   req_ready_o,    // depends on aw_ready
  input  logic [63:0]            req_addr_i,     // multiple of 64
  input  logic [31:0]            req_beats_i,    // at least 1
  input  logic                   stop_i,
  output logic                   busy_o,         // something is not announced or not answered yet
  // Beats of all ranges, in order
  input  logic                   valid_i,
  output logic                   ready_o,        // depends on w_ready
  input  logic [DataWidth-1:0]   data_i,
  input  logic [DataWidth/8-1:0] strb_i,
  // Faulty responses
  output logic                   error_o,        // one cycle
  output logic                   decerr_o,       // with error_o: DECERR, otherwise SLVERR
  output logic [63:0]            error_addr_o,   // with error_o: of the burst
  // AXI4 write channels
  output xw_pkg::axi_write_req_t write_req_o,
  output logic [DataWidth-1:0]   write_data_o,
  output logic [DataWidth/8-1:0] write_strb_o,
  input  xw_pkg::axi_write_rsp_t write_rsp_i
);
  localparam int unsigned BEAT_BYTES  = DataWidth / 8;
  localparam int unsigned BEAT_BITS   = $clog2(BEAT_BYTES);
  localparam int unsigned PAGE_BEATS  = 4096 / BEAT_BYTES;
  localparam int unsigned COUNT_WIDTH = $clog2(MaxOutstanding + 1);
  localparam int unsigned SLOT_WIDTH  = (MaxOutstanding > 1) ? $clog2(MaxOutstanding) : 1;

  logic            aw_valid_q, w_valid_q, w_last_q;
  xw_pkg::axi_ax_t aw_q;
  assign write_req_o.aw_valid = aw_valid_q;
  assign write_req_o.aw       = aw_q;
  assign write_req_o.w_valid  = w_valid_q;
  assign write_req_o.w_last   = w_last_q;
  assign write_req_o.b_ready  = 1'b1;

  logic [63:0]            next_addr_q;
  logic [31:0]            remaining_q;    // beats not yet announced
  logic [COUNT_WIDTH-1:0] outstanding_q;  // bursts announced, not yet answered
  logic [COUNT_WIDTH-1:0] unwritten_q;    // of these: not all beats are taken
  logic                   stopping_q;

  // Announced bursts: a ring with the places of announcing, writing and answering.
  logic [63:0]            addresses [0:MaxOutstanding-1];
  logic [7:0]             lengths   [0:MaxOutstanding-1];
  logic [SLOT_WIDTH-1:0]  announce_q, write_q, answer_q;
  logic [7:0]             beat_q;         // beats of burst write_q already taken

  // --- address channel --------------------------------------------------------------------------
  logic [31:0] to_boundary, burst;
  assign to_boundary = 32'(PAGE_BEATS) - 32'(next_addr_q[11:BEAT_BITS]);
  assign burst       = (remaining_q > to_boundary) ? to_boundary : remaining_q;

  logic issue, answered;
  always_comb begin
    issue = 1'b0;
    if (remaining_q != '0) begin
      issue = !stop_i && (!aw_valid_q || write_rsp_i.aw_ready) && outstanding_q != COUNT_WIDTH'(MaxOutstanding);
    end
  end
  assign answered = write_rsp_i.b_valid && outstanding_q != '0;

  // --- data channel -----------------------------------------------------------------------------
  logic stopping, last, fill, take;
  assign stopping = stop_i || stopping_q;
  always_comb begin
    last = 1'b0;
    fill = 1'b0;
    take = 1'b0;
    if (unwritten_q != '0) begin
      last = beat_q == lengths[write_q];
      fill = !w_valid_q || write_rsp_i.w_ready;  // the output register takes a beat
      take = fill && (valid_i || stopping);
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      aw_valid_q     <= 1'b0;
      aw_q          <= '0;
      w_valid_q      <= 1'b0;
      write_strb_o       <= '0;
      w_last_q       <= 1'b0;
      next_addr_q   <= '0;
      remaining_q   <= '0;
      outstanding_q <= '0;
      unwritten_q   <= '0;
      announce_q    <= '0;
      write_q       <= '0;
      answer_q      <= '0;
      beat_q        <= '0;
      stopping_q    <= 1'b0;
    end else begin
      if (aw_valid_q && write_rsp_i.aw_ready) aw_valid_q <= 1'b0;
      if (issue) begin
        aw_valid_q   <= 1'b1;
        aw_q.addr    <= next_addr_q;
        aw_q.len     <= 8'(burst - 32'd1);
        next_addr_q <= next_addr_q + (64'(burst) << BEAT_BITS);
        remaining_q <= remaining_q - burst;
        announce_q  <= (32'(announce_q) == MaxOutstanding - 1) ? '0 : announce_q + SLOT_WIDTH'(1);
      end
      if (req_valid_i && req_ready_o) begin
        next_addr_q <= req_addr_i;
        remaining_q <= req_beats_i;
      end

      if (w_valid_q && write_rsp_i.w_ready) w_valid_q <= 1'b0;
      if (take) begin
        w_valid_q <= 1'b1;
        write_strb_o  <= stopping ? '0 : strb_i;
        w_last_q  <= last;
        beat_q   <= last ? '0 : beat_q + 8'd1;
        if (last) write_q <= (32'(write_q) == MaxOutstanding - 1) ? '0 : write_q + SLOT_WIDTH'(1);
      end
      unwritten_q <= unwritten_q + COUNT_WIDTH'(issue) - COUNT_WIDTH'(take && last);

      if (answered) answer_q <= (32'(answer_q) == MaxOutstanding - 1) ? '0 : answer_q + SLOT_WIDTH'(1);
      outstanding_q <= outstanding_q + COUNT_WIDTH'(issue) - COUNT_WIDTH'(answered);

      if (stop_i) begin
        remaining_q <= '0;
        stopping_q  <= 1'b1;
      end else if (outstanding_q == '0) begin
        stopping_q  <= 1'b0;
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (take && !stopping) write_data_o <= data_i;
  end

  always_ff @(posedge clk_i) begin
    if (issue) begin
      addresses[announce_q] <= next_addr_q;
      lengths[announce_q]   <= 8'(burst - 32'd1);
    end
  end

  assign req_ready_o  = (remaining_q == '0 || (issue && remaining_q == burst)) && !stopping;
  assign busy_o       = remaining_q != '0 || outstanding_q != '0;
  assign ready_o      = fill && !stopping;
  assign error_o      = answered && write_rsp_i.b_resp[1] && !stopping_q;
  assign decerr_o     = write_rsp_i.b_resp[0];
  assign error_addr_o = addresses[answer_q];

  // Nothing changes while all beats are written and memory has not answered.
  assign needs_clock_o = req_valid_i || stop_i || stopping_q || remaining_q != '0 || unwritten_q != '0 || aw_valid_q || w_valid_q ||
                         write_rsp_i.b_valid;

`ifdef VERILATOR
  initial begin
    assert (DataWidth >= 128 && DataWidth <= 512 && MaxOutstanding >= 1);
  end
  RequestAligned: assert property (@(posedge clk_i) disable iff (!rst_ni)
      !req_valid_i || (req_addr_i[xw_pkg::MEMORY_ALIGNMENT_BITS-1:0] == '0 && req_beats_i != '0));
  WritesOnlyAnnounced: assert property (@(posedge clk_i) disable iff (!rst_ni)
      unwritten_q <= outstanding_q);
  DataOnlyUnanswered: assert property (@(posedge clk_i) disable iff (!rst_ni)
      !w_valid_q || outstanding_q != '0);
`endif
endmodule
