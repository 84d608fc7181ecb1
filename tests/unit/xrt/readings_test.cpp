// Power and clock in XRT's descriptions of a card.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/backends/xrt/readings.hpp"

#include <gtest/gtest.h>

#include <string>

namespace xw::xrt_device {
namespace {

TEST(XrtReadings, PowerIsThatOfTheWholeCard) {
  EXPECT_EQ(power_in(R"({"power_rails": [{"id": "12v_pex", "voltage": {"volts": "12.1"}}],
                         "power_consumption_max_watts": "225", "power_consumption_watts": "25.341",
                         "power_consumption_warning": "false"})"),
            25.341);
  EXPECT_EQ(power_in(R"({"power_consumption_watts": 7})"), 7);
}

TEST(XrtReadings, ClockIsThatOfTheKernel) {
  EXPECT_EQ(clock_in(R"({"platforms": [{"static_region": {"vbnv": "xilinx_u55c"}, "clocks": [
      {"id": "KERNEL_CLK", "description": "Kernel", "freq_mhz": "500"},
      {"id": "DATA_CLK", "description": "Data", "freq_mhz": "285"}]}]})"),
            285);
  EXPECT_EQ(clock_in(R"({"clocks": [{"id": "clk_main", "description": "Data", "freq_mhz": 300}]})"), 300);
}

TEST(XrtReadings, WhatIsNotThereIsNothing) {
  const std::string nested(100'000, '[');
  for (const std::string& text :
       {std::string(), std::string("N/A"), std::string("[]"), std::string("{}"), std::string("{\"a\":"), nested,
        std::string(R"({"power_consumption_watts": "N/A"})"), std::string(R"({"power_consumption_watts": "0"})"),
        std::string(R"({"power_consumption_watts": {}})"), std::string(R"([{"id": "KERNEL_CLK", "freq_mhz": "500"}])"),
        std::string(R"([{"id": "DATA_CLK", "freq_mhz": "-1"}])")}) {
    EXPECT_FALSE(power_in(text)) << text.substr(0, 50);
    EXPECT_FALSE(clock_in(text)) << text.substr(0, 50);
  }
}

}  // namespace
}  // namespace xw::xrt_device
