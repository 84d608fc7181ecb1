// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0

/// Rules of AXI4 that a memory or a master at the other end cannot see broken. Every violation is printed (the first few)
/// and counted.

/// VALID stays until READY, and what it offers stays the same. Sender's side of one channel.
module axi_channel_monitor #(
  parameter int unsigned Width = 1
) (
  input  logic             clk_i,
  input  logic             rst_ni,
  input  logic             valid_i,
  input  logic             ready_i,
  input  logic [Width-1:0] payload_i,
  output logic [31:0]      violations_o
);
  logic             waiting_q;
  logic [Width-1:0] payload_q;
  logic             dropped, changed;
  assign dropped = waiting_q && !valid_i;
  assign changed = waiting_q && valid_i && payload_i != payload_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      waiting_q    <= 1'b0;
      violations_o <= '0;
    end else begin
      waiting_q    <= valid_i && !ready_i;
      violations_o <= violations_o + 32'(dropped || changed);
      if (dropped && violations_o < 3) $display("axi_bench: %m: VALID fell before READY");
      if (changed && violations_o < 3) $display("axi_bench: %m: what is offered changed before READY");
    end
    payload_q <= payload_i;
  end
endmodule

/// Bursts are INCR, of whole beats, aligned, within 4 KiB.
module axi_burst_monitor #(
  parameter int unsigned BeatBytes = 64
) (
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic        valid_i,
  input  logic [63:0] addr_i,
  input  logic [7:0]  len_i,
  input  logic [2:0]  size_i,
  input  logic [1:0]  burst_i,
  output logic [31:0] violations_o
);
  logic bad;
  assign bad = valid_i && (burst_i != 2'b01 || (32'd1 << size_i) != BeatBytes || 32'(addr_i[11:0]) % BeatBytes != 0 ||
                           32'(addr_i[11:0]) + (32'(len_i) + 1) * BeatBytes > 4096);
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      violations_o <= '0;
    end else begin
      violations_o <= violations_o + 32'(bad);
      if (bad && violations_o < 3) $display("axi_bench: %m: address %h, length %0d, size %0d, burst %b", addr_i, len_i, size_i, burst_i);
    end
  end
endmodule

/// Bursts of write data are as long as the addresses say, whichever of the two comes first.
module axi_write_monitor (
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic        address_i,  // transfer of AW
  input  logic [7:0]  len_i,
  input  logic        data_i,     // transfer of W
  input  logic        last_i,
  output logic [31:0] violations_o
);
  logic [8:0] announced[$], written[$];
  logic [8:0] beats;
  always @(posedge clk_i) begin
    if (!rst_ni) begin
      announced.delete();
      written.delete();
      beats        = '0;
      violations_o = '0;
    end else begin
      if (address_i) announced.push_back(9'(len_i) + 9'd1);
      if (data_i) begin
        beats = beats + 9'd1;
        if (last_i) begin
          written.push_back(beats);
          beats = '0;
        end
      end
      if (announced.size() != 0 && written.size() == 0 && beats > announced[0]) begin
        violations_o = violations_o + 1;
        if (violations_o < 3) $display("axi_bench: %m: beat %0d of a burst of %0d without WLAST", beats, announced[0]);
      end
      if (announced.size() != 0 && written.size() != 0) begin
        if (announced[0] != written[0]) begin
          violations_o = violations_o + 1;
          if (violations_o < 3) $display("axi_bench: %m: WLAST in beat %0d of a burst of %0d", written[0], announced[0]);
        end
        void'(announced.pop_front());
        void'(written.pop_front());
      end
    end
  end
endmodule

/// A slave answers what it was asked, not earlier and not more. Its requests come in two parts, or in one (both wired alike).
module axi_answer_monitor (
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic        first_i,   // transfers
  input  logic        second_i,
  input  logic        answer_i,  // VALID
  input  logic        taken_i,   // transfer
  output logic [31:0] violations_o
);
  logic [7:0] first_q, second_q;  // without an answer
  logic       early;
  assign early = answer_i && (first_q == '0 || second_q == '0);
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      first_q      <= '0;
      second_q     <= '0;
      violations_o <= '0;
    end else begin
      first_q      <= first_q + 8'(first_i) - 8'(taken_i);
      second_q     <= second_q + 8'(second_i) - 8'(taken_i);
      violations_o <= violations_o + 32'(early);
      if (early && violations_o < 3) $display("axi_bench: %m: an answer without a request");
    end
  end
endmodule
