// A graph with layers that share an input.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compiler/ir/graph.hpp"

namespace xw::test {

/// q (100 -> 100) and k (100 -> 20) read the same value, o (100 -> 100) another.
inline ir::Graph sample_graph() {
  return ir::parse(R"(graph "m" {
  meta num_layers = 1
  %tokens = input() : 1
  %x = embedding(%tokens) {weight = @embed} : 100
  %q = linear(%x) {name = "q", weight = @qk[0:100]} : 100
  %k = linear(%x) {name = "k", weight = @qk[100:120]} : 20
  %a = add(%x, %q) : 100
  %o = linear(%a) {name = "o", weight = @o} : 100
  output(%o)
}
)",
                   "sample");
}

}  // namespace xw::test
