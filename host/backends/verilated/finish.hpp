// The end of a Verilated model, where its coverage is written.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#ifdef XW_RTL_COVERAGE
#include <unistd.h>
#include <verilated_cov.h>

#include <atomic>
#include <string>
#endif

namespace xw::verilated {

#ifdef XW_RTL_COVERAGE
/// Writes what a model counted to a new file in XW_RTL_COVERAGE, the folder of the build (scripts/coverage_rtl.sh).
template <typename Context>
void write_coverage(Context& context) {
  static std::atomic<unsigned> next{0};
  const std::string name = std::to_string(getpid()) + "-" + std::to_string(next++) + ".dat";
  context.coveragep()->write((XW_RTL_COVERAGE "/" + name).c_str());
  context.coveragep()->clear();  // the counters go away with the model
}
#endif

/// To be called before a model is destroyed.
template <typename Model>
void finish(Model& model) {
  model.final();
#ifdef XW_RTL_COVERAGE
  write_coverage(*model.contextp());
#endif
}

}  // namespace xw::verilated
