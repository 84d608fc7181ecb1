// A Verilated kernel with memory on its ports: the clock, the register window, waveforms.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/backends/verilated/kernel.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <system_error>

#include "arch/support/error.hpp"

namespace xw::verilated {
namespace {

constexpr unsigned kRegisterTimeout = 10'000;

/// Field `index` of `bits` (at most 8) bits in a packed vector of bytes.
[[nodiscard]] std::uint8_t get_field(const std::byte* bytes, std::uint32_t index, std::uint32_t bits) {
  const std::uint32_t low = index * bits;
  std::uint32_t value = std::to_integer<std::uint32_t>(bytes[low / 8]) >> (low % 8);
  if (low % 8 + bits > 8) value |= std::to_integer<std::uint32_t>(bytes[low / 8 + 1]) << (8 - low % 8);
  return static_cast<std::uint8_t>(value & ((1U << bits) - 1U));
}

/// Sets a field that does not cross a byte.
void set_field(std::byte* bytes, std::uint32_t index, std::uint32_t bits, std::uint8_t value) {
  const std::uint32_t low = index * bits;
  const auto mask = static_cast<std::byte>(((1U << bits) - 1U) << (low % 8));
  bytes[low / 8] = (bytes[low / 8] & ~mask) | static_cast<std::byte>(value << (low % 8));
}

void set_bit(std::uint8_t* pin, std::uint32_t index, bool value) {
  *pin = static_cast<std::uint8_t>((*pin & ~(1U << index)) | (static_cast<unsigned>(value) << index));
}

void put_data(std::byte* pin, const std::byte* data, std::uint32_t bytes) {
  if (data != nullptr) {
    std::memcpy(pin, data, bytes);
  } else {
    std::memset(pin, 0, bytes);
  }
}

[[nodiscard]] PortOptions port_options(const arch::EmulatorDescription& emulator, const Options& options,
                                       std::uint64_t port) {
  PortOptions made;
  made.latency_cycles = options.latency_cycles.value_or(emulator.memory_latency_cycles);
  made.bytes_per_cycle = options.bytes_per_cycle.value_or(emulator.memory_bytes_per_cycle);
  made.max_outstanding = options.max_outstanding.value_or(0);
  made.promised_bursts = emulator.max_outstanding;
  made.backpressure = options.backpressure;
  made.seed = options.seed * 0x9E3779B97F4A7C15ULL + port;
  return made;
}

}  // namespace

Trace::Trace(Model& model, const Options& options)
    : model_(model), file_(options.trace), from_(options.trace_from), to_(options.trace_to) {
  std::error_code unknown;
  if (std::filesystem::exists(file_, unknown) && !std::filesystem::is_regular_file(file_, unknown)) {
    throw Error(ErrorCode::kIo, file_.string() + ": cannot write the trace: it exists and is not a regular file");
  }
  temporary_ = file_.parent_path() / ("." + file_.filename().string() + "." + std::to_string(getpid()) + ".tmp");
  try {
    model_.open_trace(temporary_.string());
  } catch (const Error& error) {
    throw Error(error.code(), file_.string() + ": cannot write the trace: " + error.what());
  }
  open_ = true;
}

Trace::~Trace() {
  try {
    finish();
  } catch (const Error&) {
    // Nobody is there to be told; the temporary file stays.
  }
}

void Trace::dump(std::uint64_t cycle, unsigned phase) {
  if (!open_) return;
  model_.dump(2 * cycle + phase);
}

void Trace::finish() {
  if (!open_) return;
  open_ = false;
  model_.close_trace();
  std::error_code error;
  std::filesystem::rename(temporary_, file_, error);
  if (error) throw Error(ErrorCode::kIo, file_.string() + ": cannot rename the finished trace: " + error.message());
}

Kernel::Kernel(const ModelEntry& entry, const arch::EmulatorDescription& emulator, const Options& options,
               const device::DeviceMemory& memory)
    : model_(options.trace.empty() ? entry.make() : entry.make_traced()),
      pins_(model_->pins()),
      beat_bytes_(emulator.data_width_bits / 8),
      num_engines_(emulator.num_engines),
      gmem_read_(memory, faults_, port_options(emulator, options, 0), "m_axi_gmem read", beat_bytes_, 2),
      gmem_write_(memory, faults_, port_options(emulator, options, 1), "m_axi_gmem write", beat_bytes_) {
  engines_.reserve(num_engines_);
  for (std::uint32_t e = 0; e < num_engines_; ++e) {
    engines_.emplace_back(memory, faults_, port_options(emulator, options, 2 + e), "m_axi_engine" + std::to_string(e),
                          beat_bytes_, 1);
  }
  if (!options.trace.empty()) trace_ = std::make_unique<Trace>(*model_, options);
  reset();
}

void Kernel::reset(unsigned reset_cycles) {
  gmem_read_.reset();
  gmem_write_.reset();
  for (ReadPort& port : engines_) port.reset();
  gmem_read_changed_ = gmem_write_changed_ = true;
  changed_ = moving_ = static_cast<std::uint8_t>((1U << num_engines_) - 1U);
  const Pins::Control& c = pins_.control;
  *c.awvalid = *c.wvalid = *c.bready = *c.arvalid = *c.rready = 0;
  *c.wstrb = 0xF;
  *pins_.gmem.bid = 0;
  *pins_.rst_n = 0;
  for (unsigned i = 0; i < reset_cycles; ++i) {
    drive();
    *pins_.clk = 0;
    model_->eval();
    *pins_.clk = 1;
    model_->eval();
  }
  *pins_.rst_n = 1;
}

void Kernel::settle() {
  if (gmem_read_changed_ || gmem_write_changed_ || changed_ != 0) drive();
  *pins_.clk = 0;
  model_->eval();
}

void Kernel::cycle() {
  settle();
  const bool traced = trace_ != nullptr && trace_->wanted(cycles_);
  if (traced) trace_->dump(cycles_, 0);
  clock_ports();
  *pins_.clk = 1;
  model_->eval();
  if (traced) trace_->dump(cycles_, 1);
  ++cycles_;
  if (trace_ != nullptr && traced && !trace_->wanted(cycles_)) trace_->finish();
}

void Kernel::drive() {
  const Pins::Gmem& g = pins_.gmem;
  if (gmem_read_changed_) {
    const ReadPort::Outputs& out = gmem_read_.outputs();
    *g.arready = out.ar_ready;
    *g.rvalid = out.r_valid;
    if (out.r_valid) {
      *g.rlast = out.r_last;
      *g.rresp = out.r_response;
      *g.rid = out.r_id;
      put_data(g.rdata, out.r_data, beat_bytes_);
    }
    gmem_read_changed_ = false;
  }
  if (gmem_write_changed_) {
    const WritePort::Outputs& out = gmem_write_.outputs();
    *g.awready = out.aw_ready;
    *g.wready = out.w_ready;
    *g.bvalid = out.b_valid;
    *g.bresp = out.b_response;
    gmem_write_changed_ = false;
  }
  const Pins::Engines& p = pins_.engine;
  for (std::uint32_t e = 0; changed_ != 0; ++e) {
    if ((changed_ >> e & 1U) == 0) continue;
    changed_ = static_cast<std::uint8_t>(changed_ & ~(1U << e));
    const ReadPort::Outputs& out = engines_[e].outputs();
    set_bit(p.arready, e, out.ar_ready);
    set_bit(p.rvalid, e, out.r_valid);
    if (out.r_valid) {
      set_bit(p.rlast, e, out.r_last);
      set_field(p.rresp, e, 2, out.r_response);
      put_data(p.rdata + std::size_t{e} * beat_bytes_, out.r_data, beat_bytes_);
    }
  }
}

void Kernel::clock_ports() {
  const Pins::Gmem& g = pins_.gmem;
  if ((*g.arvalid & 1U) != 0 || !gmem_read_.quiet()) {
    BurstRequest request;
    if ((*g.arvalid & 1U) != 0) request = {true, *g.araddr, *g.arlen, *g.arsize, *g.arburst, *g.arid};
    gmem_read_changed_ = gmem_read_.clock(request, (*g.rready & 1U) != 0, cycles_);
  }
  if ((*g.awvalid & 1U) != 0 || (*g.wvalid & 1U) != 0 || !gmem_write_.quiet()) {
    BurstRequest request;
    if ((*g.awvalid & 1U) != 0) request = {true, *g.awaddr, *g.awlen, *g.awsize, *g.awburst, *g.awid};
    const WritePort::Beat beat{(*g.wvalid & 1U) != 0, (*g.wlast & 1U) != 0, g.wdata,
                               reinterpret_cast<const std::uint8_t*>(g.wstrb)};
    gmem_write_changed_ = gmem_write_.clock(request, beat, (*g.bready & 1U) != 0, cycles_);
  }
  const std::uint8_t requests = *pins_.engine.arvalid;
  if ((requests | moving_) != 0) clock_engines(requests, *pins_.engine.rready);
}

void Kernel::clock_engines(std::uint8_t requests, std::uint8_t ready) {
  for (std::uint32_t e = 0; e < num_engines_; ++e) {
    const bool requested = (requests >> e & 1U) != 0;
    if (!requested && (moving_ >> e & 1U) == 0) continue;
    ReadPort& port = engines_[e];
    const bool changed = port.clock(requested ? engine_request(e) : BurstRequest{}, (ready >> e & 1U) != 0, cycles_);
    set_bit(&changed_, e, changed);
    set_bit(&moving_, e, !port.quiet());
  }
}

BurstRequest Kernel::engine_request(std::uint32_t engine) const {
  const Pins::Engines& p = pins_.engine;
  BurstRequest request;
  request.valid = true;
  std::memcpy(&request.address, p.araddr + std::size_t{8} * engine, sizeof request.address);
  request.length = std::to_integer<std::uint8_t>(p.arlen[engine]);
  request.size = get_field(p.arsize, engine, 3);
  request.burst = get_field(p.arburst, engine, 2);
  return request;
}

std::uint64_t Kernel::transfers() const {
  std::uint64_t sum = gmem_read_.transfers() + gmem_write_.transfers();
  for (const ReadPort& port : engines_) sum += port.transfers();
  return sum;
}

bool Kernel::transfers_under_way() const {
  return gmem_read_.under_way() || gmem_write_.under_way() ||
         std::any_of(engines_.begin(), engines_.end(), [](const ReadPort& port) { return port.under_way(); });
}

void Kernel::handshake(const std::uint8_t* ready, const char* what) {
  for (unsigned i = 0; i < kRegisterTimeout; ++i) {
    // Ready is looked at before the edge, as the kernel sees it.
    settle();
    const bool taken = (*ready & 1U) != 0;
    cycle();
    if (taken) return;
  }
  throw Error(ErrorCode::kDeviceTimeout, std::string("verilated: s_axi_control does not answer (") + what + ")");
}

void Kernel::write_register(std::uint32_t offset, std::uint32_t value) {
  const Pins::Control& c = pins_.control;
  *c.awaddr = static_cast<std::uint16_t>(offset);
  *c.wdata = value;
  *c.awvalid = *c.wvalid = *c.bready = 1;
  bool address_taken = false;
  bool data_taken = false;
  for (unsigned i = 0; i < kRegisterTimeout && !(address_taken && data_taken); ++i) {
    settle();
    const bool address_ready = (*c.awready & 1U) != 0;
    const bool data_ready = (*c.wready & 1U) != 0;
    cycle();
    if (*c.awvalid != 0 && address_ready) {
      address_taken = true;
      *c.awvalid = 0;
    }
    if (*c.wvalid != 0 && data_ready) {
      data_taken = true;
      *c.wvalid = 0;
    }
  }
  if (!address_taken || !data_taken) {
    *c.awvalid = *c.wvalid = 0;
    throw Error(ErrorCode::kDeviceTimeout, "verilated: s_axi_control does not take a write");
  }
  handshake(c.bvalid, "write response");
  *c.bready = 0;
}

std::uint32_t Kernel::read_register(std::uint32_t offset) {
  const Pins::Control& c = pins_.control;
  *c.araddr = static_cast<std::uint16_t>(offset);
  *c.arvalid = 1;
  handshake(c.arready, "read address");
  *c.arvalid = 0;
  *c.rready = 1;
  std::uint32_t value = 0;
  for (unsigned i = 0; i < kRegisterTimeout; ++i) {
    settle();
    const bool taken = (*c.rvalid & 1U) != 0;
    value = *c.rdata;
    cycle();
    if (taken) {
      *c.rready = 0;
      return value;
    }
  }
  throw Error(ErrorCode::kDeviceTimeout, "verilated: s_axi_control does not answer a read");
}

}  // namespace xw::verilated
