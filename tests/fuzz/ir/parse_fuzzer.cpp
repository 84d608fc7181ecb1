// Any text either parses to a valid graph that prints and reads back, or is refused with an Error.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "arch/support/error.hpp"
#include "compiler/ir/graph.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  xw::ir::Graph graph;
  try {
    graph = xw::ir::parse({reinterpret_cast<const char*>(data), size}, "fuzz");
  } catch (const xw::Error&) {
    return 0;
  }
  xw::ir::verify(graph);
  if (xw::ir::parse(xw::ir::print(graph), "printed") != graph) std::abort();
  return 0;
}
