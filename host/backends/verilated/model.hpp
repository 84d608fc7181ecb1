// A Verilated kernel as the rest of the device sees it: pins as bytes, one function per clock phase.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "arch/description/description.hpp"

namespace xw::verilated {

/// Where the ports of rtl/top/xw_kernel.sv live inside a model. Vectors are little-endian bytes; those of the engines
/// hold one field per engine, lowest engine lowest.
struct Pins {
  using Bit = std::uint8_t*;  ///< up to 8 bits
  using Bytes = std::byte*;   ///< anything wider

  Bit clk, rst_n, interrupt;
  struct Control {
    Bit awvalid, awready, wvalid, wready, wstrb, bvalid, bready, bresp, arvalid, arready, rvalid, rready, rresp;
    std::uint16_t *awaddr, *araddr;
    std::uint32_t *wdata, *rdata;
  } control;
  struct Gmem {
    Bit awvalid, awready, awlen, awsize, awburst, awid, wvalid, wready, wlast, bvalid, bready, bresp, bid;
    Bit arvalid, arready, arlen, arsize, arburst, arid, rvalid, rready, rresp, rlast, rid;
    std::uint64_t *awaddr, *araddr;
    Bytes wdata, wstrb, rdata;
  } gmem;
  struct Engines {
    Bit arvalid, arready, rvalid, rready, rlast;
    Bytes araddr, arlen, arsize, arburst, rdata, rresp;
  } engine;
};

/// The parameters that a model is verilated with.
struct Shape {
  std::uint32_t num_engines = 0, lanes = 0, block_rows = 0, block_cols = 0, contexts = 0, xbuf_bytes = 0,
                ybuf_words = 0, max_batch = 0, adc_columns_per_cycle = 0, data_width_bits = 0, max_outstanding = 0;
  friend bool operator==(const Shape&, const Shape&) = default;
};
[[nodiscard]] Shape shape_of(const arch::EmulatorDescription& emulator);

/// One instance of a Verilated kernel. Not thread safe.
class Model {
 public:
  virtual ~Model() = default;
  [[nodiscard]] const Pins& pins() const { return pins_; }
  virtual void eval() = 0;
  /// Waveforms; only models that were built with tracing have them.
  virtual void open_trace(const std::string& path) = 0;  ///< throws Error{kIo} | Error{kUnsupported}
  virtual void dump(std::uint64_t time) = 0;
  virtual void close_trace() = 0;

 protected:
  Pins pins_{};
};

/// A model that this build contains.
struct ModelEntry {
  std::string_view name;  ///< of the emulator description
  Shape shape;
  std::unique_ptr<Model> (*make)();
  std::unique_ptr<Model> (*make_traced)();  ///< null: built without tracing
};

/// The models of XW_RTL_BUILDS; empty when the build had no Verilator.
[[nodiscard]] std::span<const ModelEntry> built_models();
/// The one of that shape, or null.
[[nodiscard]] const ModelEntry* find_model(std::span<const ModelEntry> models, const Shape& shape);

}  // namespace xw::verilated
