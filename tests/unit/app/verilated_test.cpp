// `crossweave --device verilated`: real programs on the RTL, as users run them.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tests/support/paths.hpp"
#include "tests/unit/app/command.hpp"
#include "tests/unit/app/tiny_model.hpp"

namespace xw {
namespace {

using test::crossweave;
using test::Outcome;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

class VerilatedCommands : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("xw-app-verilated-" + std::to_string(::getpid()) + "-" +
                                           ::testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(folder_);
    const fs::path model = test::write_tiny_model(folder_);
    program_ = folder_ / "model.xwp";
    const Outcome compiled =
        crossweave("compile " + model.string() + " --chip tiny-64 --calibration-tokens 64 -o " + program_.string());
    ASSERT_EQ(compiled.status, 0) << compiled.output;
  }
  void TearDown() override { fs::remove_all(folder_); }
  [[nodiscard]] Outcome run(const std::string& device, const std::string& options = "-p abc -n 4 --ignore-eos") const {
    return crossweave("run " + program_.string() + " --device " + device + " " + options);
  }
  [[nodiscard]] std::size_t files() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()));
  }
  fs::path folder_, program_;
};

#if XW_HAVE_VERILATOR

TEST_F(VerilatedCommands, GenerateTheTokensOfTheFunctionalDevice) {
  const std::string options =
      "--prompt 'abc def' -n 6 --ignore-eos --noise pcm-afm --chip-seed 3 --read-sigma 0.03 --json";
  const auto json_of = [&](const std::string& device) {
    const Outcome outcome = run(device, options);
    EXPECT_EQ(outcome.status, 0) << outcome.output;
    return nlohmann::json::parse(outcome.output);
  };
  const auto functional = json_of("functional");
  const auto rtl = json_of("verilated");
  EXPECT_EQ(rtl.at("tokens"), functional.at("tokens"));
  for (const char* counter : {"mvms", "macs", "adc_conversions", "adc_saturations"}) {
    EXPECT_EQ(rtl.at("device").at(counter), functional.at("device").at(counter)) << counter;
  }
  EXPECT_FALSE(functional.at("device").contains("activity"));
  const auto& activity = rtl.at("device").at("activity");
  EXPECT_GT(activity.at("cycles").get<std::uint64_t>(), 0U);
  EXPECT_GT(activity.at("mac_utilisation").get<double>(), 0.3);
  EXPECT_LE(activity.at("mac_utilisation").get<double>(), 1.0);
  for (const char* unit : {"dispatch", "x_load", "y_store", "block_load", "mvm"}) {
    const auto& shares = activity.at("units").at(unit);
    double sum = 0;
    for (const char* share : {"executing", "memory_stall", "semaphore_stall", "idle"}) {
      EXPECT_GE(shares.at(share).get<double>(), 0.0) << unit << ' ' << share;
      sum += shares.at(share).get<double>();
    }
    EXPECT_NEAR(sum, 1, 1e-9) << unit;
  }
  // Slower memory takes longer and changes nothing else; random stalls are the same for the same seed.
  const auto slow = json_of("verilated:latency=200,bandwidth=2,outstanding=1");
  EXPECT_EQ(slow.at("tokens"), functional.at("tokens"));
  EXPECT_GT(slow.at("device").at("cycles").get<std::uint64_t>(), rtl.at("device").at("cycles").get<std::uint64_t>());
  const auto stalls = json_of("verilated:backpressure=0.3,seed=5");
  EXPECT_EQ(stalls.at("tokens"), functional.at("tokens"));
  EXPECT_EQ(json_of("verilated:backpressure=0.3,seed=5").at("device").at("cycles"), stalls.at("device").at("cycles"));
}

TEST_F(VerilatedCommands, ReportWhatTheHardwareWaitsFor) {
  const Outcome report =
      crossweave("report " + program_.string() + " --device verilated --prefill-tokens 4 --decode-tokens 1");
  EXPECT_EQ(report.status, 0) << report.output;
  EXPECT_THAT(report.output, HasSubstr("MAC utilisation"));
  EXPECT_THAT(report.output, HasSubstr("cells from memory"));
  EXPECT_THAT(report.output, HasSubstr("waiting for memory"));
  const Outcome json =
      crossweave("report " + program_.string() + " --device verilated --prefill-tokens 4 --decode-tokens 1 --json");
  EXPECT_GT(nlohmann::json::parse(json.output).at("run").at("decode").at("activity").at("cycles"), 0);
}

TEST_F(VerilatedCommands, WriteWaveforms) {
  const std::string file = (folder_ / "out.fst").string();
  const Outcome outcome = run("verilated:trace=" + file + ",from=100,to=2000", "-p abc -n 1");
  ASSERT_EQ(outcome.status, 0) << outcome.output;
  EXPECT_GT(fs::file_size(file), 1000U);
  EXPECT_EQ(run("verilated:trace=" + (folder_ / "absent/out.fst").string(), "-p abc -n 1").status, 3);
}

TEST_F(VerilatedCommands, GiveUpAndSaveARunThatCanBeReplayed) {
  // Memory so slow that nothing moves for too long.
  const std::string file = (folder_ / "failed.xwrun").string();
  const Outcome failed = run("verilated:latency=1000000,timeout=300000,save=" + file, "-p abc -n 1");
  EXPECT_EQ(failed.status, 5) << failed.output;
  EXPECT_THAT(failed.output, HasSubstr("no bus transfer for 300000 cycles"));
  ASSERT_TRUE(fs::exists(file));
  const auto replay = [&](const std::string& device) {
    const Outcome outcome = crossweave("replay " + file + " --json --device " + device);
    EXPECT_EQ(outcome.status, 0) << outcome.output;
    return nlohmann::json::parse(outcome.output);
  };
  const auto functional = replay("functional");
  const auto rtl = replay("verilated");
  EXPECT_THAT(functional.at("saved_failure").get<std::string>(), HasSubstr("no bus transfer"));
  EXPECT_EQ(functional.at("y_crc32"), rtl.at("y_crc32"));
  EXPECT_EQ(functional.at("macs"), rtl.at("macs"));
  EXPECT_GT(rtl.at("cycles"), 0);
  const Outcome again = crossweave("replay " + file + " --device verilated:latency=1000000,timeout=300000");
  EXPECT_EQ(again.status, 5);
  EXPECT_THAT(crossweave("replay " + program_.string()).output, HasSubstr("not a saved run"));
}

TEST_F(VerilatedCommands, EndOnInterruptAndLeaveNoFiles) {
  const std::size_t before = files();
  const fs::path trace = folder_ / "out.fst";
  // A million cycles per memory access: the run is under way whenever the interrupt comes.
  const Outcome outcome = test::interrupted_crossweave(
      "run " + program_.string() + " --device verilated:latency=1000000,timeout=100000000,trace=" + trace.string() +
          ",to=1000 -p abc -n 100",
      [&](pid_t) { return fs::exists(trace); });
  EXPECT_EQ(outcome.status, 130) << outcome.output;
  EXPECT_THAT(outcome.output, HasSubstr("interrupted"));
  EXPECT_EQ(files(), before + 1) << "only the finished trace";
}

TEST_F(VerilatedCommands, NameWhatWasNotBuilt) {
  const Outcome compiled = crossweave("compile " + (folder_ / "model.bin").string() + " --chip hermes-256 --emulator " +
                                      (xw::test::source_dir() / "tests/conformance/emulators/odd.toml").string() +
                                      " --calibration-tokens 64 -o " + (folder_ / "odd.xwp").string());
  ASSERT_EQ(compiled.status, 0) << compiled.output;
  const Outcome outcome = crossweave("run " + (folder_ / "odd.xwp").string() + " --device verilated -p abc");
  EXPECT_EQ(outcome.status, 3);
  EXPECT_THAT(outcome.output, HasSubstr("no model of emulator odd was built; built: tiny-64"));
  EXPECT_THAT(outcome.output, HasSubstr("XW_RTL_BUILDS"));
}

#else

TEST_F(VerilatedCommands, SayThatVerilatorWasMissing) {
  const Outcome outcome = run("verilated");
  EXPECT_EQ(outcome.status, 3);
  EXPECT_THAT(outcome.output, HasSubstr("built without Verilator"));
}

#endif

TEST_F(VerilatedCommands, RefuseUnknownOptions) {
  const Outcome outcome = run("verilated:speed=3");
  EXPECT_EQ(outcome.status, 2);
  EXPECT_THAT(outcome.output, HasSubstr("with one of the keys trace, from, to"));
}

}  // namespace
}  // namespace xw
