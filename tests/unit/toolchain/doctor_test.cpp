// What is found out about devices.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/doctor.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "arch/support/error.hpp"
#include "arch/support/parallel.hpp"
#include "host/backends/registry/devices.hpp"
#include "tests/support/expect_error.hpp"

namespace xw::toolchain {
namespace {

struct Examination {
  bool good = false;
  std::vector<Finding> findings;
};

[[nodiscard]] Examination examine(const std::string& uri, const std::string& emulator) {
  ThreadPool pool(1);
  Examination result;
  result.good = examine_device(uri, arch::load_emulator(emulator), pool,
                               [&](const Finding& finding) { result.findings.push_back(finding); });
  return result;
}

TEST(Doctor, EveryEngineOfGoodDevicesIsTried) {
  for (const registry::DeviceKind& kind : registry::devices()) {
    if (!kind.built() || kind.name == "xrt") continue;
    SCOPED_TRACE(kind.name);
    const Examination result = examine(kind.name, "alveo-u55c");
    EXPECT_TRUE(result.good);
    ASSERT_EQ(result.findings.size(), 6U);  // device, memory, four engines
    for (const Finding& finding : result.findings) EXPECT_TRUE(finding.good) << finding.step << ": " << finding.detail;
    EXPECT_EQ(result.findings.back().step, "engine 3");
  }
}

TEST(Doctor, ADeviceThatComputesNothingIsFoundOut) {
  bool built = false;
  for (const registry::DeviceKind& kind : registry::devices())
    built = built || (kind.name == "systemc" && kind.built());
  if (!built) GTEST_SKIP() << "built without SystemC, whose device has a profile without values";
  const Examination result = examine("systemc:timing-only", "tiny-64");
  EXPECT_FALSE(result.good);
  EXPECT_EQ(result.findings.back().step, "engine 0");
  EXPECT_NE(result.findings.back().detail.find("words differ from the functional device's"), std::string::npos);
}

TEST(Doctor, TheFirstThingThatIsMissingEndsIt) {
  ::unsetenv("XILINX_XRT");
  const Examination result = examine("xrt", "tiny-64");
  EXPECT_FALSE(result.good);
  ASSERT_EQ(result.findings.size(), 1U);
  EXPECT_EQ(result.findings[0].step, "driver");
  EXPECT_NE(result.findings[0].detail.find("XILINX_XRT is not set"), std::string::npos);
  test::expect_error(ErrorCode::kInvalidArgument, "unknown device", [] { (void)examine("fpga", "tiny-64"); });
}

}  // namespace
}  // namespace xw::toolchain
