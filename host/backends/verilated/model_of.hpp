// Model over a class that Verilator made of xw_kernel. Included by generated sources only.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <verilated.h>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>

#include "arch/support/error.hpp"
#include "host/backends/verilated/finish.hpp"
#include "host/backends/verilated/model.hpp"

namespace xw::verilated {

/// Of models without waveforms.
struct NoWaveform {};

/// Waveform: VerilatedFstC if `Kernel` was verilated with --trace-fst, otherwise NoWaveform.
template <typename Kernel, typename Waveform>
class ModelOf final : public Model {
 public:
  ModelOf() : context_(std::make_unique<VerilatedContext>()), kernel_(std::make_unique<Kernel>(context_.get(), "")) {
    static_assert(std::endian::native == std::endian::little);
    bind_control();
    bind_gmem();
    bind_engines();
  }
  ~ModelOf() override {
    close_trace();
    finish(*kernel_);
  }

  void eval() override { kernel_->eval(); }

  void open_trace(const std::string& path) override {
    if constexpr (kTraced) {
      context_->traceEverOn(true);
      trace_ = std::make_unique<Waveform>();
      kernel_->trace(trace_.get(), 99);
      trace_->open(path.c_str());
      if (!trace_->isOpen()) {
        trace_.reset();
        throw Error(ErrorCode::kIo, "cannot create " + path);
      }
    } else {
      throw Error(ErrorCode::kUnsupported, "this model was built without tracing");
    }
  }
  void dump(std::uint64_t time) override {
    if constexpr (kTraced) trace_->dump(time);
  }
  void close_trace() override {
    if constexpr (kTraced) {
      if (trace_) trace_->close();
      trace_.reset();
    }
  }

 private:
  /// Address of a port that Verilator stores as T.
  template <typename T, typename Port>
  [[nodiscard]] static T* as(Port& port) {
    static_assert(sizeof(Port) == sizeof(T));
    return reinterpret_cast<T*>(&port);
  }
  template <typename Port>
  [[nodiscard]] static std::uint8_t* bit(Port& port) {
    return as<std::uint8_t>(port);
  }
  template <typename Port>
  [[nodiscard]] static std::byte* bytes(Port& port) {
    return reinterpret_cast<std::byte*>(&port);
  }

  void bind_control() {
    Kernel& k = *kernel_;
    pins_.clk = bit(k.ap_clk);
    pins_.rst_n = bit(k.ap_rst_n);
    if constexpr (requires { k.__SYM__interrupt; }) {  // Verilator renames what is a common word in C++
      pins_.interrupt = bit(k.__SYM__interrupt);
    } else {
      pins_.interrupt = bit(k.interrupt);
    }
    Pins::Control& c = pins_.control;
    c.awvalid = bit(k.s_axi_control_awvalid);
    c.awready = bit(k.s_axi_control_awready);
    c.awaddr = as<std::uint16_t>(k.s_axi_control_awaddr);
    c.wvalid = bit(k.s_axi_control_wvalid);
    c.wready = bit(k.s_axi_control_wready);
    c.wdata = as<std::uint32_t>(k.s_axi_control_wdata);
    c.wstrb = bit(k.s_axi_control_wstrb);
    c.bvalid = bit(k.s_axi_control_bvalid);
    c.bready = bit(k.s_axi_control_bready);
    c.bresp = bit(k.s_axi_control_bresp);
    c.arvalid = bit(k.s_axi_control_arvalid);
    c.arready = bit(k.s_axi_control_arready);
    c.araddr = as<std::uint16_t>(k.s_axi_control_araddr);
    c.rvalid = bit(k.s_axi_control_rvalid);
    c.rready = bit(k.s_axi_control_rready);
    c.rdata = as<std::uint32_t>(k.s_axi_control_rdata);
    c.rresp = bit(k.s_axi_control_rresp);
  }

  void bind_gmem() {
    Kernel& k = *kernel_;
    Pins::Gmem& g = pins_.gmem;
    g.awvalid = bit(k.m_axi_gmem_awvalid);
    g.awready = bit(k.m_axi_gmem_awready);
    g.awaddr = as<std::uint64_t>(k.m_axi_gmem_awaddr);
    g.awlen = bit(k.m_axi_gmem_awlen);
    g.awsize = bit(k.m_axi_gmem_awsize);
    g.awburst = bit(k.m_axi_gmem_awburst);
    g.awid = bit(k.m_axi_gmem_awid);
    g.wvalid = bit(k.m_axi_gmem_wvalid);
    g.wready = bit(k.m_axi_gmem_wready);
    g.wdata = bytes(k.m_axi_gmem_wdata);
    g.wstrb = bytes(k.m_axi_gmem_wstrb);
    g.wlast = bit(k.m_axi_gmem_wlast);
    g.bvalid = bit(k.m_axi_gmem_bvalid);
    g.bready = bit(k.m_axi_gmem_bready);
    g.bresp = bit(k.m_axi_gmem_bresp);
    g.bid = bit(k.m_axi_gmem_bid);
    g.arvalid = bit(k.m_axi_gmem_arvalid);
    g.arready = bit(k.m_axi_gmem_arready);
    g.araddr = as<std::uint64_t>(k.m_axi_gmem_araddr);
    g.arlen = bit(k.m_axi_gmem_arlen);
    g.arsize = bit(k.m_axi_gmem_arsize);
    g.arburst = bit(k.m_axi_gmem_arburst);
    g.arid = bit(k.m_axi_gmem_arid);
    g.rvalid = bit(k.m_axi_gmem_rvalid);
    g.rready = bit(k.m_axi_gmem_rready);
    g.rdata = bytes(k.m_axi_gmem_rdata);
    g.rresp = bit(k.m_axi_gmem_rresp);
    g.rlast = bit(k.m_axi_gmem_rlast);
    g.rid = bit(k.m_axi_gmem_rid);
  }

  void bind_engines() {
    Kernel& k = *kernel_;
    Pins::Engines& e = pins_.engine;
    e.arvalid = bit(k.m_axi_engine_arvalid);
    e.arready = bit(k.m_axi_engine_arready);
    e.araddr = bytes(k.m_axi_engine_araddr);
    e.arlen = bytes(k.m_axi_engine_arlen);
    e.arsize = bytes(k.m_axi_engine_arsize);
    e.arburst = bytes(k.m_axi_engine_arburst);
    e.rvalid = bit(k.m_axi_engine_rvalid);
    e.rready = bit(k.m_axi_engine_rready);
    e.rdata = bytes(k.m_axi_engine_rdata);
    e.rresp = bytes(k.m_axi_engine_rresp);
    e.rlast = bit(k.m_axi_engine_rlast);
  }

  static constexpr bool kTraced = !std::is_same_v<Waveform, NoWaveform>;

  std::unique_ptr<VerilatedContext> context_;
  std::unique_ptr<Kernel> kernel_;
  std::unique_ptr<Waveform> trace_;
};

}  // namespace xw::verilated
