// The backends that all conformance tests run on: a new backend is one more row.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/conformance/backends.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "arch/support/parallel.hpp"
#include "host/backends/functional/functional_device.hpp"
#ifdef XW_HAVE_SYSTEMC
#include "host/backends/systemc/open.hpp"
#include "host/backends/systemc/systemc_device.hpp"
#endif
#ifdef XW_HAVE_XRT
#include "host/backends/xrt/xrt_device.hpp"
#include "tests/support/emulated_card.hpp"
#endif
#include "tests/conformance/verilated_models.hpp"

namespace xw::test {
namespace {

/// The functional device on a number of threads; the pool lives as long as the process.
template <unsigned kThreads>
[[nodiscard]] std::unique_ptr<device::Device> open_functional(const arch::EmulatorDescription& emulator) {
  static ThreadPool pool(kThreads);
  return std::make_unique<functional::FunctionalDevice>(emulator, pool);
}

#ifdef XW_HAVE_XRT
/// An emulated card whose kernel is of that kind.
[[nodiscard]] std::function<std::unique_ptr<device::Device>(const arch::EmulatorDescription&)> open_xrt(
    const std::string& kind) {
  return [kind](const arch::EmulatorDescription& emulator) -> std::unique_ptr<device::Device> {
    xrt_device::Options options;
    options.xclbin = emulated_xclbin(kind, emulator);
    return std::make_unique<xrt_device::XrtDevice>(emulator, options);
  };
}
#endif

}  // namespace

const std::vector<Backend>& backends() {
  static const std::vector<Backend> list = [] {
    const auto any = [](const arch::EmulatorDescription&) { return true; };
    std::vector<Backend> all = {
        {"functional_1_thread", open_functional<1>, any},
        {"functional_2_threads", open_functional<2>, any},
        {"functional_3_threads", open_functional<3>, any},
        {"functional_4_threads", open_functional<4>, any},
    };
#ifdef XW_HAVE_SYSTEMC
    all.push_back({"systemc",
                   [](const arch::EmulatorDescription& emulator) -> std::unique_ptr<device::Device> {
                     return std::make_unique<systemc::SystemcDevice>(emulator);
                   },
                   any});
    all.push_back({"systemc_chip",
                   [](const arch::EmulatorDescription& emulator) -> std::unique_ptr<device::Device> {
                     return systemc::open_systemc_device("chip=tiny-64", emulator);
                   },
                   any});
#endif
    for (Backend& backend : verilated_backends()) all.push_back(std::move(backend));
#ifdef XW_HAVE_XRT
    all.push_back({"xrt_functional", open_xrt("functional"), any});
    all.push_back({"xrt_verilated", open_xrt("verilated"),
                   [](const arch::EmulatorDescription& emulator) {
                     return verilated::find_model(conformance_models(), verilated::shape_of(emulator)) != nullptr;
                   },
                   true});
#endif
    return all;
  }();
  return list;
}

std::vector<Backend> backends_for(const arch::EmulatorDescription& emulator) {
  std::vector<Backend> chosen;
  std::copy_if(backends().begin(), backends().end(), std::back_inserter(chosen),
               [&](const Backend& backend) { return backend.supports(emulator); });
  return chosen;
}

}  // namespace xw::test
