// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0

/// Event and time counters of a run, as the completion record names them.
///
/// Queues are numbered as in xw_dispatch. Events of an instruction count when it is done.
module xw_counters #(
  parameter int unsigned NumEngines = 4,
  localparam int unsigned Queues = 2 + 2 * NumEngines
) (
  input  logic                     clk_i,
  input  logic                     control_clk_i,            // may stand still in cycles without needs_control_o
  input  logic                     convert_clk_i,            // likewise needs_convert_o
  input  logic                     rst_ni,
  output logic                     needs_control_o,
  output logic                     needs_convert_o,
  input  logic                     clear_i,
  input  logic                     run_i,                    // cycles count
  input  logic                     read_i,                   // the sums over engines are looked at (mvms: always there)
  input  logic [xw_pkg::BATCH_BITS-1:0] num_vectors_i,
  input  logic                     header_read_i,            // the program header was read
  input  logic                     dispatched_i,
  input  logic                     starved_i,
  input  logic [Queues-1:0]        done_i,                   // the executor of a queue is done with a command
  input  logic [Queues*xw_pkg::INSTRUCTION_BITS-1:0] cmd_i,  // that command
  input  logic [Queues-1:0]        busy_i,                   // executes and does not wait for memory
  input  logic [Queues-1:0]        semaphore_stall_i,
  input  logic [Queues-1:0]        memory_stall_i,
  input  logic [NumEngines*8-1:0]  saturations_i,            // per engine, in this cycle
  output xw_pkg::counters_t        counters_o,
  output logic [NumEngines*64-1:0] block_bytes_o,
  output logic [63:0]              dispatch_stall_o,         // of memory; dispatch is busy one cycle per instruction
  output logic [Queues*64-1:0]     busy_o,
  output logic [Queues*64-1:0]     semaphore_stall_o,
  output logic [Queues*64-1:0]     memory_stall_o
);
  localparam int unsigned MVM = 2 + NumEngines;  // first MVM queue

  logic [63:0] cycles_q, instructions_q, starved_q, x_bytes_q, y_bytes_q;
  xw_pkg::instruction_t x_command, y_command;
  assign x_command = cmd_i[0 +: xw_pkg::INSTRUCTION_BITS];
  assign y_command = cmd_i[xw_pkg::INSTRUCTION_BITS +: xw_pkg::INSTRUCTION_BITS];

  always_ff @(posedge clk_i) begin
    if (!rst_ni || clear_i) begin
      cycles_q  <= '0;
      starved_q <= '0;
    end else begin
      if (run_i)     cycles_q  <= cycles_q + 64'd1;
      if (starved_i) starved_q <= starved_q + 64'd1;
    end
  end
  always_ff @(posedge control_clk_i) begin
    if (!rst_ni || clear_i) begin
      instructions_q <= '0;
      x_bytes_q      <= '0;
      y_bytes_q      <= '0;
    end else begin
      if (dispatched_i) instructions_q <= instructions_q + 64'd1;
      if (done_i[0])    x_bytes_q      <= x_bytes_q + 64'(x_command.load_x.length) * 64'(num_vectors_i);
      if (done_i[1])    y_bytes_q      <= y_bytes_q + 64'(y_command.store_y.length) * (64'(num_vectors_i) << 2);
    end
  end

  // Updated in place: they are read only while nothing counts.
  always_ff @(posedge clk_i) begin
    if (clear_i) begin
      busy_o            = '0;
      semaphore_stall_o = '0;
      memory_stall_o    = '0;
    end else begin
      for (int unsigned q = 0; q < Queues; q++) begin
        if (busy_i[q])            busy_o[64*q +: 64]            = busy_o[64*q +: 64] + 64'd1;
        if (semaphore_stall_i[q]) semaphore_stall_o[64*q +: 64] = semaphore_stall_o[64*q +: 64] + 64'd1;
        if (memory_stall_i[q])    memory_stall_o[64*q +: 64]    = memory_stall_o[64*q +: 64] + 64'd1;
      end
    end
  end

  // Per engine: products in one cycle, sums in the next two.
  logic [NumEngines*64-1:0] mvms, macs, dac, adc, saturations;
  logic [NumEngines-1:0]    moving;
  xw_pkg::instruction_t     load_command, mvm_command;
  logic [NumEngines*16-1:0] done_rows, done_cols;
  logic [NumEngines*32-1:0] done_length;
  always_comb begin
    load_command = '0;
    mvm_command  = '0;
    done_rows    = '0;
    done_cols    = '0;
    done_length  = '0;
    if (done_i != '0) begin
      for (int unsigned e = 0; e < NumEngines; e++) begin
        load_command = cmd_i[xw_pkg::INSTRUCTION_BITS * (2 + e) +: xw_pkg::INSTRUCTION_BITS];
        mvm_command  = cmd_i[xw_pkg::INSTRUCTION_BITS * (MVM + e) +: xw_pkg::INSTRUCTION_BITS];
        done_length[32*e +: 32] = load_command.load_block.image_length;
        done_rows[16*e +: 16]   = mvm_command.mvm.rows;
        done_cols[16*e +: 16]   = mvm_command.mvm.cols;
      end
    end
  end
  for (genvar e = 0; e < NumEngines; e++) begin : g_engine
    logic [15:0] rows, cols;
    logic [31:0] length;
    assign rows   = done_rows[16*e +: 16];
    assign cols   = done_cols[16*e +: 16];
    assign length = done_length[32*e +: 32];
    logic        cells_valid_q, batch_valid_q;
    logic [31:0] cells_q, cells_batch_q, rows_batch_q, cols_batch_q;
    logic [15:0] rows_q, cols_q;
    logic [63:0] mvms_q, macs_q, dac_q, adc_q, saturations_q, block_bytes_q;
    always_ff @(posedge control_clk_i) begin
      if (!rst_ni) begin
        cells_valid_q <= 1'b0;
        batch_valid_q <= 1'b0;
        cells_q       <= '0;
        cells_batch_q <= '0;
        rows_batch_q  <= '0;
        cols_batch_q  <= '0;
        rows_q        <= '0;
        cols_q        <= '0;
        mvms_q        <= '0;
        macs_q        <= '0;
        dac_q         <= '0;
        adc_q         <= '0;
      end else if (clear_i) begin
        cells_valid_q <= 1'b0;
        batch_valid_q <= 1'b0;
        mvms_q        <= '0;
        macs_q        <= '0;
        dac_q         <= '0;
        adc_q         <= '0;
      end else if (done_i[MVM + e] || cells_valid_q || batch_valid_q) begin
        cells_valid_q <= done_i[MVM + e];
        batch_valid_q <= cells_valid_q;
        if (done_i[MVM + e]) begin
          cells_q <= 32'(rows) * 32'(cols);
          rows_q  <= rows;
          cols_q  <= cols;
        end
        if (cells_valid_q) begin
          cells_batch_q <= 32'(cells_q) * 32'(num_vectors_i);
          rows_batch_q  <= 32'(rows_q) * 32'(num_vectors_i);
          cols_batch_q  <= 32'(cols_q) * 32'(num_vectors_i);
        end
        if (batch_valid_q) begin
          mvms_q <= mvms_q + 64'(num_vectors_i);
          macs_q <= macs_q + 64'(cells_batch_q);
          dac_q  <= dac_q + 64'(rows_batch_q);
          adc_q  <= adc_q + 64'(cols_batch_q);
        end
      end
    end
    always_ff @(posedge control_clk_i) begin
      if (!rst_ni || clear_i)  block_bytes_q <= '0;
      else if (done_i[2 + e])  block_bytes_q <= block_bytes_q + (64'(length) << xw_pkg::MEMORY_ALIGNMENT_BITS);
    end
    always_ff @(posedge convert_clk_i) begin
      if (!rst_ni || clear_i)                      saturations_q <= '0;
      else if (saturations_i[8*e +: 8] != '0) saturations_q <= saturations_q + 64'(saturations_i[8*e +: 8]);
    end
    assign moving[e] = cells_valid_q || batch_valid_q;
    assign mvms[64*e +: 64]          = mvms_q;
    assign macs[64*e +: 64]          = macs_q;
    assign dac[64*e +: 64]           = dac_q;
    assign adc[64*e +: 64]           = adc_q;
    assign saturations[64*e +: 64]   = saturations_q;
    assign block_bytes_o[64*e +: 64] = block_bytes_q;
  end

  logic [63:0] all_mvms, all_macs, all_dac, all_adc, all_saturations;
  always_comb begin
    all_mvms = '0;
    for (int unsigned e = 0; e < NumEngines; e++) all_mvms = all_mvms + mvms[64*e +: 64];
  end
  always_comb begin
    all_macs        = '0;
    all_dac         = '0;
    all_adc         = '0;
    all_saturations = '0;
    if (read_i) begin
      for (int unsigned e = 0; e < NumEngines; e++) begin
        all_macs        = all_macs + macs[64*e +: 64];
        all_dac         = all_dac + dac[64*e +: 64];
        all_adc         = all_adc + adc[64*e +: 64];
        all_saturations = all_saturations + saturations[64*e +: 64];
      end
    end
  end

  assign counters_o.total_cycles       = cycles_q;
  assign counters_o.instructions       = instructions_q;
  assign counters_o.mvms               = all_mvms;
  assign counters_o.macs               = all_macs;
  assign counters_o.dac_conversions    = all_dac;
  assign counters_o.adc_conversions    = all_adc;
  assign counters_o.adc_saturations    = all_saturations;
  assign counters_o.program_bytes_read =
      header_read_i ? 64'(xw_pkg::PROGRAM_HEADER_BYTES) + instructions_q * 64'(xw_pkg::INSTRUCTION_BYTES) : '0;
  assign counters_o.x_bytes_read       = x_bytes_q;
  assign counters_o.y_bytes_written    = y_bytes_q;
  assign dispatch_stall_o              = starved_q;

  assign needs_control_o = clear_i || dispatched_i || done_i != '0 || moving != '0;
  assign needs_convert_o = clear_i || saturations_i != '0;
endmodule
