// A build without SystemC: commands that need the model say what is missing, the others work.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/unit/app/command.hpp"
#include "tests/unit/app/tiny_model.hpp"

namespace xw::test {
namespace {

class WithoutSystemc : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::filesystem::temp_directory_path() / ("xw-absent-" + std::to_string(getpid()));
    const std::filesystem::path model = write_tiny_model(folder_);
    program_ = (folder_ / "tiny.xwp").string();
    const Outcome outcome =
        crossweave("compile " + model.string() + " --chip tiny-64 --ranges fixed:4 --lambda 8 -o " + program_);
    ASSERT_EQ(outcome.status, 0) << outcome.output;
  }
  static void TearDownTestSuite() { std::filesystem::remove_all(folder_); }
  static inline std::filesystem::path folder_;
  static inline std::string program_;
};

TEST_F(WithoutSystemc, CommandsThatNeedItSayWhatIsMissing) {
  for (const char* options : {"--device systemc", "--device systemc:timing-only", "--device systemc:chip"}) {
    const Outcome outcome = crossweave("bench " + program_ + " " + options);
    EXPECT_EQ(outcome.status, 3) << options;
    EXPECT_THAT(outcome.output, testing::HasSubstr("no SystemC model (Debian package libsystemc-dev, XW_WITH_SYSTEMC)"))
        << options;
  }
  const Outcome outcome = crossweave("simulate " + program_);
  EXPECT_EQ(outcome.status, 3);
  EXPECT_THAT(outcome.output, testing::HasSubstr("no SystemC model (Debian package libsystemc-dev, XW_WITH_SYSTEMC)"));
}

TEST_F(WithoutSystemc, TheStaticEstimateAndTheFunctionalDeviceNeedNone) {
  const std::string report = (folder_ / "report.json").string();
  const Outcome written = crossweave("report " + program_ + " --json=" + report);
  EXPECT_EQ(written.status, 0) << written.output;
  const char* const reason = "this build has no SystemC model (Debian package libsystemc-dev, XW_WITH_SYSTEMC)";
  EXPECT_THAT(written.output, testing::HasSubstr(std::string("Chip (simulated): none, ") + reason + "\n"));
  EXPECT_THAT(written.output, testing::HasSubstr("This machine (measured)"));
  std::ifstream file(report);
  const nlohmann::json json = nlohmann::json::parse(file);
  EXPECT_EQ(json.at("chip_simulation"), (nlohmann::json{{"kind", "simulated"}, {"absent", reason}}));
  EXPECT_GT(json.at("chip_estimate").at("decode").at("time").at("value").get<double>(), 0);
  const Outcome compared = crossweave("compare " + report + " " + report);
  EXPECT_EQ(compared.status, 0) << compared.output;
}

}  // namespace
}  // namespace xw::test
