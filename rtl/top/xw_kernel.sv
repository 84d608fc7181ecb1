// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0

/// The kernel: registers and accelerator with the port names of a Vitis RTL kernel.
///
/// Engine ports are packed vectors, engine 0 lowest; a wrapper per build gives each engine its own port.
/// Ids of the program port: 0 fetch, 1 X load. The reset acts a few cycles later (xw_reset); until the registers take a
/// transfer, the kernel is in reset.
module xw_kernel #(
  parameter int unsigned NumEngines     = 4,
  parameter int unsigned Lanes          = 64,
  parameter int unsigned BlockRows      = 512,
  parameter int unsigned BlockCols      = 512,
  parameter int unsigned Contexts       = 4,
  parameter int unsigned XbufBytes      = 16384,
  parameter int unsigned YbufWords      = 2048,
  parameter int unsigned MaxBatch       = 64,
  parameter int unsigned AdcCols        = 4,
  parameter int unsigned MaxOutstanding = 16,
  parameter int unsigned WatchdogCycles = 1000000,
  localparam int unsigned DataWidth = 8 * Lanes
) (
  input  logic                            ap_clk,
  input  logic                            ap_rst_n,
  output logic                            interrupt,
  // Registers, AXI4-Lite
  input  logic                            s_axi_control_awvalid,
  output logic                            s_axi_control_awready,
  input  logic [11:0]                     s_axi_control_awaddr,
  input  logic                            s_axi_control_wvalid,
  output logic                            s_axi_control_wready,
  input  logic [31:0]                     s_axi_control_wdata,
  input  logic [3:0]                      s_axi_control_wstrb,
  output logic                            s_axi_control_bvalid,
  input  logic                            s_axi_control_bready,
  output logic [1:0]                      s_axi_control_bresp,
  input  logic                            s_axi_control_arvalid,
  output logic                            s_axi_control_arready,
  input  logic [11:0]                     s_axi_control_araddr,
  output logic                            s_axi_control_rvalid,
  input  logic                            s_axi_control_rready,
  output logic [31:0]                     s_axi_control_rdata,
  output logic [1:0]                      s_axi_control_rresp,
  // Program, X, Y, completion record, AXI4
  output logic                            m_axi_gmem_awvalid,
  input  logic                            m_axi_gmem_awready,
  output logic [63:0]                     m_axi_gmem_awaddr,
  output logic [7:0]                      m_axi_gmem_awlen,
  output logic [2:0]                      m_axi_gmem_awsize,
  output logic [1:0]                      m_axi_gmem_awburst,
  output logic [0:0]                      m_axi_gmem_awid,
  output logic                            m_axi_gmem_wvalid,
  input  logic                            m_axi_gmem_wready,
  output logic [DataWidth-1:0]            m_axi_gmem_wdata,
  output logic [DataWidth/8-1:0]          m_axi_gmem_wstrb,
  output logic                            m_axi_gmem_wlast,
  input  logic                            m_axi_gmem_bvalid,
  output logic                            m_axi_gmem_bready,
  input  logic [1:0]                      m_axi_gmem_bresp,
  input  logic [0:0]                      m_axi_gmem_bid,
  output logic                            m_axi_gmem_arvalid,
  input  logic                            m_axi_gmem_arready,
  output logic [63:0]                     m_axi_gmem_araddr,
  output logic [7:0]                      m_axi_gmem_arlen,
  output logic [2:0]                      m_axi_gmem_arsize,
  output logic [1:0]                      m_axi_gmem_arburst,
  output logic [0:0]                      m_axi_gmem_arid,
  input  logic                            m_axi_gmem_rvalid,
  output logic                            m_axi_gmem_rready,
  input  logic [DataWidth-1:0]            m_axi_gmem_rdata,
  input  logic [1:0]                      m_axi_gmem_rresp,
  input  logic                            m_axi_gmem_rlast,
  input  logic [0:0]                      m_axi_gmem_rid,
  // Block images, AXI4 read channels per engine
  output logic [NumEngines-1:0]           m_axi_engine_arvalid,
  input  logic [NumEngines-1:0]           m_axi_engine_arready,
  output logic [NumEngines*64-1:0]        m_axi_engine_araddr,
  output logic [NumEngines*8-1:0]         m_axi_engine_arlen,
  output logic [NumEngines*3-1:0]         m_axi_engine_arsize,
  output logic [NumEngines*2-1:0]         m_axi_engine_arburst,
  input  logic [NumEngines-1:0]           m_axi_engine_rvalid,
  output logic [NumEngines-1:0]           m_axi_engine_rready,
  input  logic [NumEngines*DataWidth-1:0] m_axi_engine_rdata,
  input  logic [NumEngines*2-1:0]         m_axi_engine_rresp,
  input  logic [NumEngines-1:0]           m_axi_engine_rlast
);
  localparam logic [2:0] SIZE = 3'($clog2(DataWidth / 8));  // whole beats
  localparam logic [1:0] INCR = 2'b01;

  logic start, idle, done;
  logic [63:0] program_base, x_base, y_base, completion_base, error_detail, cycles;
  logic [31:0] entry_index, num_vectors, vector_base, chip_seed, watchdog_cycles, error_index, instructions, mvms;
  logic [NumEngines*64-1:0] image_base;
  logic [7:0]  error_code, error_unit;

  logic rst_n;
  xw_reset u_reset (
    .clk_i (ap_clk),
    .rst_ni(ap_rst_n),
    .rst_no(rst_n)
  );

  logic control_clk, csr_needs_clock;
  xw_csr #(
    .NumEngines(NumEngines), .Lanes(Lanes), .BlockRows(BlockRows), .BlockCols(BlockCols), .Contexts(Contexts),
    .XbufBytes(XbufBytes), .YbufWords(YbufWords), .MaxBatch(MaxBatch), .AdcCols(AdcCols)
  ) u_csr (
    .clk_i            (control_clk),
    .needs_clock_o    (csr_needs_clock),
    .rst_ni           (rst_n),
    .awvalid_i        (s_axi_control_awvalid),
    .awready_o        (s_axi_control_awready),
    .awaddr_i         (s_axi_control_awaddr),
    .wvalid_i         (s_axi_control_wvalid),
    .wready_o         (s_axi_control_wready),
    .wdata_i          (s_axi_control_wdata),
    .wstrb_i          (s_axi_control_wstrb),
    .bvalid_o         (s_axi_control_bvalid),
    .bready_i         (s_axi_control_bready),
    .arvalid_i        (s_axi_control_arvalid),
    .arready_o        (s_axi_control_arready),
    .araddr_i         (s_axi_control_araddr),
    .rvalid_o         (s_axi_control_rvalid),
    .rready_i         (s_axi_control_rready),
    .rdata_o          (s_axi_control_rdata),
    .interrupt_o      (interrupt),
    .start_o          (start),
    .idle_i           (idle),
    .done_i           (done),
    .program_base_o   (program_base),
    .entry_o          (entry_index),
    .num_vectors_o    (num_vectors),
    .x_base_o         (x_base),
    .y_base_o         (y_base),
    .completion_base_o(completion_base),
    .vector_base_o    (vector_base),
    .chip_seed_o      (chip_seed),
    .watchdog_cycles_o(watchdog_cycles),
    .image_base_o     (image_base),
    .error_code_i     (error_code),
    .error_unit_i     (error_unit),
    .error_index_i    (error_index),
    .error_detail_i   (error_detail),
    .cycles_i         (cycles),
    .instructions_i   (instructions),
    .mvms_i           (mvms)
  );
  assign s_axi_control_bresp = 2'b00;
  assign s_axi_control_rresp = 2'b00;

  xw_core #(
    .NumEngines(NumEngines), .Lanes(Lanes), .BlockRows(BlockRows), .BlockCols(BlockCols), .Contexts(Contexts),
    .XbufBytes(XbufBytes), .YbufWords(YbufWords), .MaxBatch(MaxBatch), .AdcCols(AdcCols),
    .MaxOutstanding(MaxOutstanding), .WatchdogCycles(WatchdogCycles)
  ) u_core (
    .clk_i            (ap_clk),
    .rst_ni           (rst_n),
    .control_clk_o    (control_clk),
    .needs_control_i  (csr_needs_clock),
    .start_i          (start),
    .idle_o           (idle),
    .done_o           (done),
    .program_base_i   (program_base),
    .entry_i          (entry_index),
    .num_vectors_i    (num_vectors),
    .x_base_i         (x_base),
    .y_base_i         (y_base),
    .completion_base_i(completion_base),
    .vector_base_i    (vector_base),
    .chip_seed_i      (chip_seed),
    .watchdog_cycles_i(watchdog_cycles),
    .image_base_i     (image_base),
    .error_code_o     (error_code),
    .error_unit_o     (error_unit),
    .error_index_o    (error_index),
    .error_detail_o   (error_detail),
    .cycles_o         (cycles),
    .instructions_o   (instructions),
    .mvms_o           (mvms),
    .gmem_awvalid_o   (m_axi_gmem_awvalid),
    .gmem_awready_i   (m_axi_gmem_awready),
    .gmem_awaddr_o    (m_axi_gmem_awaddr),
    .gmem_awlen_o     (m_axi_gmem_awlen),
    .gmem_wvalid_o    (m_axi_gmem_wvalid),
    .gmem_wready_i    (m_axi_gmem_wready),
    .gmem_wdata_o     (m_axi_gmem_wdata),
    .gmem_wstrb_o     (m_axi_gmem_wstrb),
    .gmem_wlast_o     (m_axi_gmem_wlast),
    .gmem_bvalid_i    (m_axi_gmem_bvalid),
    .gmem_bready_o    (m_axi_gmem_bready),
    .gmem_bresp_i     (m_axi_gmem_bresp),
    .gmem_arvalid_o   (m_axi_gmem_arvalid),
    .gmem_arready_i   (m_axi_gmem_arready),
    .gmem_araddr_o    (m_axi_gmem_araddr),
    .gmem_arlen_o     (m_axi_gmem_arlen),
    .gmem_arid_o      (m_axi_gmem_arid),
    .gmem_rvalid_i    (m_axi_gmem_rvalid),
    .gmem_rready_o    (m_axi_gmem_rready),
    .gmem_rdata_i     (m_axi_gmem_rdata),
    .gmem_rresp_i     (m_axi_gmem_rresp),
    .gmem_rlast_i     (m_axi_gmem_rlast),
    .gmem_rid_i       (m_axi_gmem_rid),
    .engine_arvalid_o (m_axi_engine_arvalid),
    .engine_arready_i (m_axi_engine_arready),
    .engine_araddr_o  (m_axi_engine_araddr),
    .engine_arlen_o   (m_axi_engine_arlen),
    .engine_rvalid_i  (m_axi_engine_rvalid),
    .engine_rready_o  (m_axi_engine_rready),
    .engine_rdata_i   (m_axi_engine_rdata),
    .engine_rresp_i   (m_axi_engine_rresp),
    .engine_rlast_i   (m_axi_engine_rlast)
  );
  assign m_axi_gmem_awsize    = SIZE;
  assign m_axi_gmem_awburst   = INCR;
  assign m_axi_gmem_awid      = 1'b0;
  assign m_axi_gmem_arsize    = SIZE;
  assign m_axi_gmem_arburst   = INCR;
  assign m_axi_engine_arsize  = {NumEngines{SIZE}};
  assign m_axi_engine_arburst = {NumEngines{INCR}};
endmodule
