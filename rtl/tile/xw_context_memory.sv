// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0

/// Cells and column tables of all contexts of one engine: three memories with one write and one read port. The table of gains
/// and scales and that of offsets are read together.
///
/// Read data follow one cycle after the read and stay until the next read. A beat is not read in the
/// cycle in which it is written.
module xw_context_memory #(
  parameter int unsigned CellBeats  = 16384,  // of all contexts
  parameter int unsigned TableBeats = 128,    // of one table of all contexts
  parameter int unsigned BeatBytes  = 64,
  localparam int unsigned CellAddrWidth  = $clog2(CellBeats),
  localparam int unsigned TableAddrWidth = $clog2(TableBeats)
) (
  input  logic                      clk_i,
  // Writes of the block loader: a beat goes to the cells, a table or nowhere
  input  logic                      cell_write_i,
  input  logic [CellAddrWidth-1:0]  cell_write_addr_i,
  input  logic                      table_write_i,
  input  logic                      offset_write_i,
  input  logic [TableAddrWidth-1:0] table_write_addr_i,
  input  logic [BeatBytes*8-1:0]    write_data_i,
  // Reads
  input  logic                      cell_read_i,
  input  logic [CellAddrWidth-1:0]  cell_read_addr_i,
  output logic [BeatBytes*8-1:0]    cells_o,
  input  logic                      table_read_i,
  input  logic [TableAddrWidth-1:0] table_read_addr_i,
  output logic [BeatBytes*8-1:0]    tables_o,
  output logic [BeatBytes*8-1:0]    offsets_o
);
  logic [BeatBytes*8-1:0] cell_memory   [0:CellBeats-1];
  logic [BeatBytes*8-1:0] table_memory  [0:TableBeats-1];
  logic [BeatBytes*8-1:0] offset_memory [0:TableBeats-1];

  // Writes in place, behind the reads: a read in the cycle of a write of the same beat gives what was there before.
  always_ff @(posedge clk_i) begin
    if (cell_read_i)  cells_o <= cell_memory[cell_read_addr_i];
    if (cell_write_i) cell_memory[cell_write_addr_i] = write_data_i;
  end

  always_ff @(posedge clk_i) begin
    if (table_read_i)  tables_o <= table_memory[table_read_addr_i];
    if (table_write_i) table_memory[table_write_addr_i] = write_data_i;
  end

  always_ff @(posedge clk_i) begin
    if (table_read_i)   offsets_o <= offset_memory[table_read_addr_i];
    if (offset_write_i) offset_memory[table_write_addr_i] = write_data_i;
  end
endmodule
