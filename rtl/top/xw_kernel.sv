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
  input  logic [xw_pkg::REGISTER_ADDR_BITS-1:0] s_axi_control_awaddr,
  input  logic                            s_axi_control_wvalid,
  output logic                            s_axi_control_wready,
  input  logic [31:0]                     s_axi_control_wdata,
  input  logic [3:0]                      s_axi_control_wstrb,
  output logic                            s_axi_control_bvalid,
  input  logic                            s_axi_control_bready,
  output logic [1:0]                      s_axi_control_bresp,
  input  logic                            s_axi_control_arvalid,
  output logic                            s_axi_control_arready,
  input  logic [xw_pkg::REGISTER_ADDR_BITS-1:0] s_axi_control_araddr,
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
  xw_pkg::arguments_t    arguments;
  xw_pkg::error_report_t report;
  xw_pkg::counters_t     counters;

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
    .arguments_o      (arguments),
    .report_i         (report),
    .counters_i       (counters)
  );
  assign s_axi_control_bresp = 2'b00;
  assign s_axi_control_rresp = 2'b00;

  xw_pkg::axi_write_req_t write_req;
  xw_pkg::axi_write_rsp_t write_rsp;
  xw_pkg::axi_read_req_t  read_req, engine_req;
  xw_pkg::axi_read_rsp_t  read_rsp, engine_rsp;
  logic [NumEngines*xw_pkg::AXI_READ_REQ_BITS-1:0] engine_reqs;
  logic [NumEngines*xw_pkg::AXI_READ_RSP_BITS-1:0] engine_rsps;
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
    .arguments_i      (arguments),
    .report_o         (report),
    .counters_o       (counters),
    .write_req_o      (write_req),
    .write_data_o     (m_axi_gmem_wdata),
    .write_strb_o     (m_axi_gmem_wstrb),
    .write_rsp_i      (write_rsp),
    .read_req_o       (read_req),
    .read_id_o        (m_axi_gmem_arid),
    .read_rsp_i       (read_rsp),
    .read_id_i        (m_axi_gmem_rid),
    .read_data_i      (m_axi_gmem_rdata),
    .engine_req_o     (engine_reqs),
    .engine_rsp_i     (engine_rsps),
    .engine_data_i    (m_axi_engine_rdata)
  );

  // --- pins ---------------------------------------------------------------------------------------
  assign m_axi_gmem_awvalid = write_req.aw_valid;
  assign m_axi_gmem_awaddr  = write_req.aw.addr;
  assign m_axi_gmem_awlen   = write_req.aw.len;
  assign m_axi_gmem_wvalid  = write_req.w_valid;
  assign m_axi_gmem_wlast   = write_req.w_last;
  assign m_axi_gmem_bready  = write_req.b_ready;
  assign write_rsp.aw_ready = m_axi_gmem_awready;
  assign write_rsp.w_ready  = m_axi_gmem_wready;
  assign write_rsp.b_valid  = m_axi_gmem_bvalid;
  assign write_rsp.b_resp   = m_axi_gmem_bresp;
  assign m_axi_gmem_arvalid = read_req.ar_valid;
  assign m_axi_gmem_araddr  = read_req.ar.addr;
  assign m_axi_gmem_arlen   = read_req.ar.len;
  assign m_axi_gmem_rready  = read_req.r_ready;
  assign read_rsp.ar_ready  = m_axi_gmem_arready;
  assign read_rsp.r_valid   = m_axi_gmem_rvalid;
  assign read_rsp.r_resp    = m_axi_gmem_rresp;
  assign read_rsp.r_last    = m_axi_gmem_rlast;
  always_comb begin
    engine_req           = '0;
    m_axi_engine_arvalid = '0;
    m_axi_engine_araddr  = '0;
    m_axi_engine_arlen   = '0;
    m_axi_engine_rready  = '0;
    for (int unsigned e = 0; e < NumEngines; e++) begin
      engine_req = engine_reqs[xw_pkg::AXI_READ_REQ_BITS*e +: xw_pkg::AXI_READ_REQ_BITS];
      m_axi_engine_arvalid[e]         = engine_req.ar_valid;
      m_axi_engine_araddr[64*e +: 64] = engine_req.ar.addr;
      m_axi_engine_arlen[8*e +: 8]    = engine_req.ar.len;
      m_axi_engine_rready[e]          = engine_req.r_ready;
    end
  end
  always_comb begin
    engine_rsp  = '0;
    engine_rsps = '0;
    for (int unsigned e = 0; e < NumEngines; e++) begin
      engine_rsp.ar_ready = m_axi_engine_arready[e];
      engine_rsp.r_valid  = m_axi_engine_rvalid[e];
      engine_rsp.r_resp   = m_axi_engine_rresp[2*e +: 2];
      engine_rsp.r_last   = m_axi_engine_rlast[e];
      engine_rsps[xw_pkg::AXI_READ_RSP_BITS*e +: xw_pkg::AXI_READ_RSP_BITS] = engine_rsp;
    end
  end
  assign m_axi_gmem_awsize    = SIZE;
  assign m_axi_gmem_awburst   = INCR;
  assign m_axi_gmem_awid      = 1'b0;
  assign m_axi_gmem_arsize    = SIZE;
  assign m_axi_gmem_arburst   = INCR;
  assign m_axi_engine_arsize  = {NumEngines{SIZE}};
  assign m_axi_engine_arburst = {NumEngines{INCR}};
endmodule
