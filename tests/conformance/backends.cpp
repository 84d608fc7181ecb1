// The backends that all conformance tests run on: a new backend is one more row.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/conformance/backends.hpp"

#include "arch/support/parallel.hpp"
#include "host/backends/functional/functional_device.hpp"

namespace xw::test {
namespace {

/// The functional device on a number of threads; the pool lives as long as the process.
template <unsigned kThreads>
[[nodiscard]] std::unique_ptr<device::Device> open_functional(const arch::EmulatorDescription& emulator) {
  static ThreadPool pool(kThreads);
  return std::make_unique<functional::FunctionalDevice>(emulator, pool);
}

}  // namespace

const std::vector<Backend>& backends() {
  static const std::vector<Backend> list = {
      {"functional_1_thread", open_functional<1>},
      {"functional_2_threads", open_functional<2>},
      {"functional_3_threads", open_functional<3>},
      {"functional_4_threads", open_functional<4>},
  };
  return list;
}

}  // namespace xw::test
