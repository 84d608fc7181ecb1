// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0

/// The YBUF bank of one engine: rows of Words partial sums, updated Columns words at a time.
///
/// An update is announced one cycle ahead (early_*) so that the row can be read, and then written or
/// added to. Reads of the Y store share the read port and wait while updates are announced.
/// A row is written in the cycle of the update; a read in the next cycle sees it. The same words are
/// never updated in two cycles in a row.
module xw_ybuf #(
  parameter int unsigned Rows    = 1024,
  parameter int unsigned Words   = 16,   // of 32 bits per row
  parameter int unsigned Columns = 4,    // words of an update; divides Words
  localparam int unsigned AddrWidth = $clog2(Rows),
  localparam int unsigned Slots     = Words / Columns,
  localparam int unsigned SlotWidth = (Slots > 1) ? $clog2(Slots) : 1
) (
  input  logic                  clk_i,
  input  logic                  rst_ni,
  // Updates
  input  logic                  early_valid_i,
  input  logic [AddrWidth-1:0]  early_addr_i,
  input  logic                  update_i,       // always the cycle after early_valid_i
  input  logic [AddrWidth-1:0]  update_addr_i,
  input  logic [SlotWidth-1:0]  update_slot_i,
  input  logic                  accumulate_i,   // from the announcement to the update
  input  logic [Columns-1:0]    mask_i,
  input  logic [Columns*32-1:0] values_i,
  // Reads by the Y store
  input  logic                  read_valid_i,
  output logic                  read_ready_o,
  input  logic [AddrWidth-1:0]  read_addr_i,
  output logic                  read_valid_o,   // one cycle after the request was accepted
  output logic [Words*32-1:0]   read_data_o
);
  logic [Words*32-1:0] memory [0:Rows-1];
  logic [Words*32-1:0] row_q;
  logic                read_q;

  assign read_ready_o = !early_valid_i;
  assign read_valid_o = read_q;
  assign read_data_o  = row_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) read_q <= 1'b0;
    else         read_q <= read_valid_i && read_ready_o;
  end

  always_ff @(posedge clk_i) begin
    if ((early_valid_i && accumulate_i) || read_valid_i) begin
      row_q <= memory[early_valid_i ? early_addr_i : read_addr_i];
    end
  end

`ifdef VERILATOR
  // The same write as below, as one assignment: a simulator has one pending write instead of Words.
  logic [Words*32-1:0] updated;
  always_comb begin
    updated = '0;
    if (update_i) begin
      updated = memory[update_addr_i];
      for (int unsigned s = 0; s < Slots; s++) begin
        if (32'(update_slot_i) == s) begin
          for (int unsigned c = 0; c < Columns; c++) begin
            if (mask_i[c]) begin
              updated[32*(s*Columns+c) +: 32] =
                  values_i[32*c +: 32] + (accumulate_i ? row_q[32*(s*Columns+c) +: 32] : 32'd0);
            end
          end
        end
      end
    end
  end
  always_ff @(posedge clk_i) begin
    if (update_i) memory[update_addr_i] <= updated;
  end
`else
  always_ff @(posedge clk_i) begin
    if (update_i) begin
      for (int unsigned s = 0; s < Slots; s++) begin
        for (int unsigned c = 0; c < Columns; c++) begin
          if (32'(update_slot_i) == s && mask_i[c]) begin
            memory[update_addr_i][32*(s*Columns+c) +: 32] <=
                values_i[32*c +: 32] + (accumulate_i ? row_q[32*(s*Columns+c) +: 32] : 32'd0);
          end
        end
      end
    end
  end
`endif
endmodule
