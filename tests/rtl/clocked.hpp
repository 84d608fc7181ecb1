// What the tests of single RTL modules share: a clock, and ports of any width as arrays.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <random>
#include <stdexcept>
#include <type_traits>
#include <vector>

#include "host/backends/verilated/finish.hpp"

namespace xw::test {

/// All clocks low; combinational outputs follow the inputs.
template <typename Model>
void clocks_low(Model& top) {
  top.clk_i = 0;
  if constexpr (requires { top.control_clk_i; }) top.control_clk_i = 0;
  if constexpr (requires { top.load_clk_i; }) top.load_clk_i = 0;
  if constexpr (requires { top.convert_clk_i; }) top.convert_clk_i = 0;
  top.eval();
}

/// The rising edge of those clocks that the model needs in this cycle (rtl/top/xw_clock_gate.sv), after clocks_low():
/// a module that forgets to ask for one fails its test.
template <typename Model>
void clock_edge(Model& top) {
  bool reset = false;
  if constexpr (requires { top.rst_ni; }) reset = top.rst_ni == 0;
  top.clk_i = 1;
  if constexpr (requires { top.needs_clock_o; }) {
    top.clk_i = reset || top.needs_clock_o != 0;
    // The executor asks for the clock when it takes a command.
    if constexpr (requires { top.cmd_valid_o; }) top.clk_i |= top.cmd_valid_o != 0 && top.cmd_ready_i != 0;
    // So do the queues when they take tokens or signal, and the start of a run.
    if constexpr (requires { top.short0_o; }) top.clk_i |= (top.grant_o | top.signal_i | top.clear_i) != 0;
  }
  if constexpr (requires { top.control_clk_i; }) top.control_clk_i = reset || top.needs_control_o != 0;
  if constexpr (requires { top.load_clk_i; }) top.load_clk_i = reset || top.needs_load_o != 0;
  if constexpr (requires { top.convert_clk_i; }) top.convert_clk_i = reset || top.needs_convert_o != 0;
  top.eval();
}

/// A Verilated model with a clock. Inputs are set, settle() shows combinational outputs, tick() passes the edge.
template <typename Model>
struct Clocked {
  Clocked() = default;
  ~Clocked() { verilated::finish(*top); }
  Clocked(const Clocked&) = delete;
  Clocked& operator=(const Clocked&) = delete;

  void settle() { clocks_low(*top); }
  void tick() {
    settle();
    clock_edge(*top);
  }
  /// Synchronous: acts at the clock edge.
  void reset() {
    top->rst_ni = 0;
    tick();
    top->rst_ni = 1;
    settle();
  }

  std::unique_ptr<Model> top = std::make_unique<Model>();
};

/// Writes elements to a port, element 0 in the lowest bits.
template <typename Port, typename T>
void put(Port& port, const std::vector<T>& elements) {
  const std::size_t size = elements.size() * sizeof(T);
  if (size > sizeof(Port)) throw std::logic_error("more elements than the port has");
  std::memcpy(&port, elements.data(), size);
}

/// The first `count` elements of a port.
template <typename T, typename Port>
[[nodiscard]] std::vector<T> get(const Port& port, std::size_t count) {
  std::vector<T> elements(count);
  if (count * sizeof(T) > sizeof(Port)) throw std::logic_error("fewer elements in the port");
  std::memcpy(elements.data(), &port, count * sizeof(T));
  return elements;
}

/// Writes a number to a port of at most 64 bits.
template <typename Port>
void put_number(Port& port, std::uint64_t value) {
  port = static_cast<std::remove_reference_t<Port>>(value);
}

[[nodiscard]] inline std::uint32_t uniform(std::mt19937& random, std::uint32_t low, std::uint32_t high) {
  return low + static_cast<std::uint32_t>(random() % (std::uint64_t{high} - low + 1));
}

template <typename T>
[[nodiscard]] std::vector<T> random_elements(std::mt19937& random, std::size_t count) {
  std::vector<T> elements(count);
  for (T& element : elements) element = static_cast<T>(random());
  return elements;
}

}  // namespace xw::test
