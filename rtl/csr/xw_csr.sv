// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0

/// Registers of the kernel on AXI4-Lite: control as ap_ctrl_hs of Vitis HLS has it, interrupts, arguments,
/// parameters of the build, results of the last run.
///
/// One read and one write at a time. Addresses without a register read 0 and ignore writes. Start reads 1
/// from the write to the end of the run, so a start written during a run changes nothing; with auto-restart
/// it stays 1. Reading control clears done. Arguments must not change during a run.
module xw_csr #(
  parameter int unsigned NumEngines = 4,
  parameter int unsigned Lanes      = 64,
  parameter int unsigned BlockRows  = 512,
  parameter int unsigned BlockCols  = 512,
  parameter int unsigned Contexts   = 4,
  parameter int unsigned XbufBytes  = 16384,
  parameter int unsigned YbufWords  = 2048,
  parameter int unsigned MaxBatch   = 64,
  parameter int unsigned AdcCols    = 4
) (
  input  logic                  clk_i,
  input  logic                  rst_ni,
  output logic                  needs_clock_o,  // clk_i may stand still in cycles without
  // AXI4-Lite
  input  logic                  awvalid_i,
  output logic                  awready_o,
  input  logic [xw_pkg::REGISTER_ADDR_BITS-1:0] awaddr_i,
  input  logic                  wvalid_i,
  output logic                  wready_o,
  input  logic [31:0]           wdata_i,
  input  logic [3:0]            wstrb_i,
  output logic                  bvalid_o,
  input  logic                  bready_i,
  input  logic                  arvalid_i,
  output logic                  arready_o,
  input  logic [xw_pkg::REGISTER_ADDR_BITS-1:0] araddr_i,
  output logic                  rvalid_o,
  input  logic                  rready_i,
  output logic [31:0]           rdata_o,
  output logic                  interrupt_o,
  // Run
  output logic                  start_o,        // one cycle: idle_i falls in the next
  input  logic                  idle_i,
  input  logic                  done_i,         // one cycle
  // Arguments
  output xw_pkg::arguments_t    arguments_o,    // image_base of engines that this build lacks is 0
  // Results
  input  xw_pkg::error_report_t report_i,
  input  xw_pkg::counters_t     counters_i
);
  // Arguments are words from ARG_FIRST on, as far as this build has engines.
  localparam int unsigned FIRST = 32'(xw_pkg::ARG_FIRST);
  localparam int unsigned WORDS = xw_pkg::ARG_WORDS - xw_pkg::ARG_IMAGE_BASE_WORDS * (xw_pkg::ARG_IMAGE_BASE_COUNT - NumEngines);
  localparam int unsigned END   = FIRST + 4 * WORDS;
  localparam logic [WORDS-1:0] EXISTS = xw_pkg::ARG_WORD_EXISTS[WORDS-1:0];
  logic [32*WORDS-1:0] arguments_q;
  assign arguments_o = xw_pkg::arguments_of((32*xw_pkg::ARG_WORDS)'(arguments_q));

  logic open_q;  // nothing is taken during reset
  logic start_q, done_q, auto_restart_q, interrupt_global_q, ready;
  logic [1:0] interrupt_enable_q, interrupt_status_q;  // [0]: done, [1]: ready

  // --- writes -----------------------------------------------------------------------------------
  logic        address_held_q, data_held_q, write, write_control, write_arguments;
  logic [xw_pkg::REGISTER_ADDR_BITS-1:0] write_addr_q;
  logic [31:0] write_data_q, strobes;
  logic [3:0]  write_strb_q;
  assign awready_o = open_q && !address_held_q;
  assign wready_o  = open_q && !data_held_q;
  logic [31:0] argument_word;
  assign argument_word = (32'(write_addr_q) - FIRST) >> 2;
  always_comb begin
    write           = 1'b0;
    write_control   = 1'b0;
    write_arguments = 1'b0;
    strobes         = '0;
    if (address_held_q && data_held_q) begin
      write           = !bvalid_o || bready_i;
      write_control   = write && 16'(write_addr_q) == xw_pkg::REG_CONTROL && write_strb_q[0];
      write_arguments = write && 32'(write_addr_q) >= FIRST && 32'(write_addr_q) < END && EXISTS[argument_word];
      for (int unsigned b = 0; b < 4; b++) strobes[8*b +: 8] = {8{write_strb_q[b]}};
    end
  end
  // --- reads ------------------------------------------------------------------------------------
  logic        read, read_control;
  logic [xw_pkg::REGISTER_ADDR_BITS-1:0] address;
  logic [31:0] value;
  assign address      = {araddr_i[xw_pkg::REGISTER_ADDR_BITS-1:2], 2'b00};
  assign arready_o    = open_q && !rvalid_o;
  assign read         = arvalid_i && arready_o;
  assign read_control = read && 16'(address) == xw_pkg::REG_CONTROL;
  always_comb begin
    value = '0;
    if (read) begin
      unique case (16'(address))
        xw_pkg::REG_CONTROL: begin
          value[xw_pkg::REG_CONTROL_START_BIT]        = start_q;
          value[xw_pkg::REG_CONTROL_DONE_BIT]         = done_q;
          value[xw_pkg::REG_CONTROL_IDLE_BIT]         = idle_i && !start_q;
          value[xw_pkg::REG_CONTROL_READY_BIT]        = ready;
          value[xw_pkg::REG_CONTROL_AUTO_RESTART_BIT] = auto_restart_q;
        end
        xw_pkg::REG_INTERRUPT_GLOBAL:        value = 32'(interrupt_global_q);
        xw_pkg::REG_INTERRUPT_ENABLE:        value = 32'(interrupt_enable_q);
        xw_pkg::REG_INTERRUPT_STATUS:        value = 32'(interrupt_status_q);
        xw_pkg::REG_VERSION:                 value = xw_pkg::ISA_VERSION;
        xw_pkg::REG_CONTRACT_HASH:           value = xw_pkg::CONTRACT_HASH[31:0];
        xw_pkg::REG_CONTRACT_HASH + 16'd4:   value = xw_pkg::CONTRACT_HASH[63:32];
        xw_pkg::REG_CONTRACT_HASH + 16'd8:   value = xw_pkg::CONTRACT_HASH[95:64];
        xw_pkg::REG_CONTRACT_HASH + 16'd12:  value = xw_pkg::CONTRACT_HASH[127:96];
        xw_pkg::REG_NUM_ENGINES:             value = 32'(NumEngines);
        xw_pkg::REG_LANES:                   value = 32'(Lanes);
        xw_pkg::REG_BLOCK_ROWS:              value = 32'(BlockRows);
        xw_pkg::REG_BLOCK_COLS:              value = 32'(BlockCols);
        xw_pkg::REG_CONTEXTS:                value = 32'(Contexts);
        xw_pkg::REG_XBUF_BYTES:              value = 32'(XbufBytes);
        xw_pkg::REG_YBUF_WORDS:              value = 32'(YbufWords);
        xw_pkg::REG_MAX_BATCH:               value = 32'(MaxBatch);
        xw_pkg::REG_ADC_COLUMNS_PER_CYCLE:   value = 32'(AdcCols);
        xw_pkg::REG_DATA_WIDTH:              value = 32'(8 * Lanes);
        xw_pkg::REG_ERROR_CODE:              value = 32'(report_i.code);
        xw_pkg::REG_ERROR_UNIT:              value = 32'(report_i.unit);
        xw_pkg::REG_ERROR_INSTRUCTION:       value = report_i.index;
        xw_pkg::REG_ERROR_DETAIL:            value = report_i.detail[31:0];
        xw_pkg::REG_ERROR_DETAIL + 16'd4:    value = report_i.detail[63:32];
        xw_pkg::REG_CYCLES:                  value = counters_i.total_cycles[31:0];
        xw_pkg::REG_CYCLES + 16'd4:          value = counters_i.total_cycles[63:32];
        xw_pkg::REG_INSTRUCTIONS:            value = counters_i.instructions[31:0];
        xw_pkg::REG_MVMS:                    value = counters_i.mvms[31:0];
        default: if (32'(address) >= FIRST && 32'(address) < END) begin
          value = arguments_q[8 * (32'(address) - FIRST) +: 32];
        end
      endcase
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      open_q             <= 1'b0;
      address_held_q     <= 1'b0;
      data_held_q        <= 1'b0;
      write_addr_q       <= '0;
      write_data_q       <= '0;
      write_strb_q       <= '0;
      bvalid_o           <= 1'b0;
      rvalid_o           <= 1'b0;
      rdata_o            <= '0;
      arguments_q        <= '0;
      start_q            <= 1'b0;
      done_q             <= 1'b0;
      auto_restart_q     <= 1'b0;
      interrupt_global_q <= 1'b0;
      interrupt_enable_q <= '0;
      interrupt_status_q <= '0;
    end else begin
      open_q <= 1'b1;
      if (awvalid_i && awready_o) begin
        address_held_q <= 1'b1;
        write_addr_q   <= {awaddr_i[xw_pkg::REGISTER_ADDR_BITS-1:2], 2'b00};
      end
      if (wvalid_i && wready_o) begin
        data_held_q  <= 1'b1;
        write_data_q <= wdata_i;
        write_strb_q <= wstrb_i;
      end
      if (bvalid_o && bready_i) bvalid_o <= 1'b0;
      if (write) begin
        address_held_q <= 1'b0;
        data_held_q    <= 1'b0;
        bvalid_o       <= 1'b1;
      end
      if (rvalid_o && rready_i) rvalid_o <= 1'b0;
      if (read) begin
        rvalid_o <= 1'b1;
        rdata_o  <= value;
      end

      // Control
      if (read_control) done_q  <= 1'b0;
      if (done_i) begin
        done_q  <= 1'b1;
        start_q <= auto_restart_q;
      end
      if (write_control) begin
        if (write_data_q[xw_pkg::REG_CONTROL_START_BIT]) start_q <= 1'b1;
        auto_restart_q <= write_data_q[xw_pkg::REG_CONTROL_AUTO_RESTART_BIT];
      end

      // Interrupts
      if (write && 16'(write_addr_q) == xw_pkg::REG_INTERRUPT_GLOBAL && write_strb_q[0]) begin
        interrupt_global_q <= write_data_q[xw_pkg::REG_INTERRUPT_GLOBAL_ENABLE_BIT];
      end
      if (write && 16'(write_addr_q) == xw_pkg::REG_INTERRUPT_ENABLE && write_strb_q[0]) begin
        interrupt_enable_q <= {write_data_q[xw_pkg::REG_INTERRUPT_ENABLE_READY_BIT],
                               write_data_q[xw_pkg::REG_INTERRUPT_ENABLE_DONE_BIT]};
      end
      if (write && 16'(write_addr_q) == xw_pkg::REG_INTERRUPT_STATUS && write_strb_q[0]) begin
        interrupt_status_q <= interrupt_status_q ^ {write_data_q[xw_pkg::REG_INTERRUPT_STATUS_READY_BIT],
                                                    write_data_q[xw_pkg::REG_INTERRUPT_STATUS_DONE_BIT]};
      end
      // The kernel is ready for the next start when it is done.
      if (done_i && interrupt_enable_q[0]) interrupt_status_q[0] <= 1'b1;
      if (done_i && interrupt_enable_q[1]) interrupt_status_q[1] <= 1'b1;

      if (write_arguments) begin
        arguments_q[32 * argument_word +: 32] <=
            (arguments_q[32 * argument_word +: 32] & ~strobes) | (write_data_q & strobes);
      end
    end
  end

  assign ready       = done_q;
  assign start_o     = start_q && idle_i;
  assign interrupt_o = interrupt_global_q && interrupt_status_q != '0;
  assign needs_clock_o = !open_q || awvalid_i || wvalid_i || arvalid_i || address_held_q || data_held_q || bvalid_o || rvalid_o ||
                         done_i;
endmodule
