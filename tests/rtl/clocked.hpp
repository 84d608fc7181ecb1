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

/// A Verilated model with a clock. Inputs are set, settle() shows combinational outputs, tick() passes the edge.
template <typename Model>
struct Clocked {
  Clocked() = default;
  ~Clocked() { verilated::finish(*top); }
  Clocked(const Clocked&) = delete;
  Clocked& operator=(const Clocked&) = delete;

  void settle() {
    top->clk_i = 0;
    top->eval();
  }
  void tick() {
    settle();
    top->clk_i = 1;
    top->eval();
  }
  /// Asynchronous: acts at once, without a clock edge.
  void reset() {
    top->rst_ni = 1;
    settle();
    top->rst_ni = 0;
    settle();
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
