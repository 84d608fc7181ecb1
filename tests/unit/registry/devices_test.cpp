// The table of devices.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/backends/registry/devices.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <string_view>

#include "arch/support/error.hpp"
#include "arch/support/parallel.hpp"
#ifdef XW_HAVE_XRT
#include "tests/support/emulated_card.hpp"
#endif
#include "tests/support/expect_error.hpp"

namespace xw::registry {
namespace {

class Devices : public testing::Test {
 protected:
  std::unique_ptr<device::Device> open_uri(const std::string& uri) {
    return open(uri, {emulator_, pool_, {}, nullptr});
  }
  arch::EmulatorDescription emulator_ = arch::load_emulator("tiny-64");
  ThreadPool pool_{1};
};

TEST_F(Devices, NamesAreUniqueAndEveryFormIsInTheHelp) {
  std::set<std::string> names;
  const std::string help = describe_devices();
  for (const DeviceKind& kind : devices()) {
    EXPECT_TRUE(names.insert(kind.name).second) << kind.name;
    ASSERT_FALSE(kind.forms.empty());
    for (const DeviceForm& form : kind.forms) {
      EXPECT_TRUE(form.uri.starts_with(kind.name)) << form.uri;
      EXPECT_THAT(help, testing::HasSubstr(form.uri));
    }
  }
}

TEST_F(Devices, WhatIsBuiltOpensAndHasTheCapabilitiesOfItsRow) {
  for (const DeviceKind& kind : devices()) {
    const DeviceForm& plain = kind.forms.front();
    if (!kind.built()) {
      test::expect_error(ErrorCode::kUnsupported, "", [&] { (void)open_uri(kind.name); });
      continue;
    }
    std::string uri = kind.name;
    bool cycle_accurate = plain.cycle_accurate;
#ifdef XW_HAVE_XRT
    if (uri == "xrt") {  // as accurate as the card behind it
      cycle_accurate = std::string_view(XW_CARD_KIND) != "functional";
      uri += ":xclbin=" + test::emulated_xclbin(XW_CARD_KIND, emulator_).string();
    }
#endif
    const std::unique_ptr<device::Device> device = open_uri(uri);
    EXPECT_EQ(device->info().cycle_accurate, cycle_accurate) << kind.name;
    EXPECT_EQ(device->info().chip_time, plain.chip_time) << kind.name;
  }
}

TEST_F(Devices, UnknownNamesAreToldTheKnownOnes) {
  std::string known;
  for (const DeviceKind& kind : devices()) known += (known.empty() ? "known: " : ", ") + std::string(kind.name);
  for (const char* uri : {"", ":", "fpga", "functiona", "Functional"}) {
    test::expect_error(ErrorCode::kInvalidArgument, {"unknown device", known}, [&] { (void)open_uri(uri); });
  }
}

TEST_F(Devices, OptionsThatADeviceLacksAreRefused) {
  test::expect_error(ErrorCode::kInvalidArgument, "functional: expected key=value with one of the keys ir-drop",
                     [&] { (void)open_uri("functional:threads=3"); });
}

TEST_F(Devices, OnlyTheFunctionalDeviceHasIrDrop) {
  EXPECT_EQ(open_uri("functional:ir-drop=1e-6")->info().name, "functional:ir-drop=1e-06");
  for (const DeviceKind& kind : devices()) {
    if (kind.name == "functional" || !kind.built()) continue;
    test::expect_error(ErrorCode::kInvalidArgument, "ir-drop", [&] { (void)open_uri(kind.name + ":ir-drop=1e-6"); });
  }
}

}  // namespace
}  // namespace xw::registry
