// The static estimate against figures worked out by hand.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/report/static_estimate.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "arch/support/parallel.hpp"
#include "host/report/report.hpp"
#include "host/toolchain/compile.hpp"
#include "tests/unit/app/tiny_model.hpp"

namespace xw::report {
namespace {

/// A chip with round numbers: 64x64 tiles, as many as needed.
constexpr const char* kConstants = R"(
[chip.timing]
mvm = { value = 100.0, unit = "ns", source = "test" }
dac = { value = 10.0, unit = "ns", source = "test" }
adc_round = { value = 5.0, unit = "ns", source = "test" }
rescale_output = { value = 0.5, unit = "ns", source = "test" }
digital_mac_rate = { value = 10.0, unit = "MAC/ns", source = "test" }
digital_latency = { value = 7.0, unit = "ns", source = "test" }
link_latency = { value = 3.0, unit = "ns", source = "test" }
link_rate = { value = 8.0, unit = "bytes/ns", source = "test" }
memory_rate = { value = 1000000.0, unit = "bytes/ns", source = "test" }
[chip.energy]
dac_conversion = { value = 1.0, unit = "pJ", source = "test" }
cell_mac = { value = 0.01, unit = "pJ", source = "test" }
adc_conversion = { value = 2.0, unit = "pJ", source = "test" }
rescale_output = { value = 0.5, unit = "pJ", source = "test" }
digital_mac = { value = 0.25, unit = "pJ", source = "test" }
link_byte = { value = 0.1, unit = "pJ", source = "test" }
memory_byte = { value = 0.0, unit = "pJ", source = "test" }
static_power = { value = 0.0, unit = "W", source = "test" }
)";

class StaticEstimateTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / ("xw-estimate-" + std::to_string(::getpid()));
    const auto model = test::write_tiny_model(folder_);
    toolchain::CompileOptions options;
    options.chip = "tiny-64";
    options.calibration.tokens = 64;
    ThreadPool pool(1);
    toolchain::compile_checkpoint(model, options, folder_ / "model.xwp", pool);
    program_ = program::Program::open(folder_ / "model.xwp");
    std::string text = program_->manifest().chip_toml;
    for (const char* table :
         {"[chip.timing]", "[chip.energy]", "[chip.area]"}) {  // replace the constants, keep the geometry
      if (const auto begin = text.find(table); begin != std::string::npos) {
        const auto end = text.find("\n[", begin + 1);
        text.erase(begin, end == std::string::npos ? end : end + 1 - begin);
      }
    }
    const auto emulator = text.find("[emulator]");
    text.insert(emulator == std::string::npos ? text.size() : emulator, std::string(kConstants) + "\n");
    chip_ = arch::parse_chip(text, "test chip");
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path folder_;
  std::shared_ptr<const program::Program> program_;
  arch::ChipDescription chip_;
};

TEST_F(StaticEstimateTest, CountsAreThoseOfTheShapes) {
  // Per layer: q 96x96, k and v 48x96, o 96x96, gate and up 160x96, down 96x160 (out x in).
  std::uint64_t cells = 0;
  for (const CallEstimate& call : estimate_calls(*program_, chip_)) cells += call.cells;
  EXPECT_EQ(cells, 2U * (96 * 96 * 2 + 2 * 48 * 96 + 2 * 160 * 96 + 96 * 160));
}

TEST_F(StaticEstimateTest, TimeOfACallIsItsBusiestTilePlusLinks) {
  const auto calls = estimate_calls(*program_, chip_);
  for (std::size_t i = 0; i < calls.size(); ++i) {
    std::map<std::uint32_t, double> busy;
    std::map<std::uint32_t, std::uint32_t> width;
    for (const program::BlockRecord& block : program_->blocks()) {
      if (program_->manifest().matrices[block.matrix].call != i) continue;
      const double rounds = (block.cols + chip_.adcs_per_tile - 1) / chip_.adcs_per_tile;
      busy[block.tile] += 10 + 100 + 5 * rounds + 0.5 * block.cols;
      width[block.tile] += block.cols;
    }
    double slowest = 0;
    std::uint32_t widest = 0;
    for (const auto& [tile, ns] : busy) slowest = std::max(slowest, ns);
    for (const auto& [tile, cols] : width) widest = std::max(widest, cols);
    EXPECT_DOUBLE_EQ(calls[i].tile_ns, slowest);
    EXPECT_DOUBLE_EQ(calls[i].link_ns, 6 + (program_->manifest().calls[i].in_features + 4.0 * widest) / 8);
  }
}

TEST_F(StaticEstimateTest, DigitalWorkByHand) {
  const ir::Graph graph = ir::parse(program_->graph_text(), "graph");
  const auto result = estimate(*program_, graph, chip_, 10, 1);
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->digital.attention_macs, 2U * 2 * 96 * 10);  // layers * (qk + pv) * heads * head_dim * context
  EXPECT_EQ(result->digital.linear_macs, 300U * 96);            // the output layer
  EXPECT_EQ(result->digital.elementwise_macs, 5U * 2 * 96 + 2 * 4 * 160 + 4 * 96);  // norms, SwiGLU, residuals
  EXPECT_EQ(result->digital.operations, 2U + 1 + 5 + 2 + 4);
  const double macs = static_cast<double>(result->digital.attention_macs + result->digital.linear_macs +
                                          result->digital.elementwise_macs);
  EXPECT_DOUBLE_EQ(result->digital.time_ns, 14 * 7 + macs / 10);
  double calls_ns = 0;
  for (const CallEstimate& call : result->calls) calls_ns += call.time_ns();
  EXPECT_DOUBLE_EQ(result->decode.time_ns, calls_ns + result->digital.time_ns);
  EXPECT_DOUBLE_EQ(result->decode.energy.digital, macs * 0.25);
}

TEST_F(StaticEstimateTest, EnergyIsTheSumOverBlocks) {
  const ir::Graph graph = ir::parse(program_->graph_text(), "graph");
  const auto result = estimate(*program_, graph, chip_, 1, 1);
  double rows = 0;
  double cols = 0;
  double cells = 0;
  for (const program::BlockRecord& block : program_->blocks()) {
    rows += block.rows;
    cols += block.cols;
    cells += double(block.rows) * block.cols;
  }
  EXPECT_NEAR(result->decode.energy.dac, rows, 1e-9);
  EXPECT_NEAR(result->decode.energy.cells, 0.01 * cells, 1e-6);
  EXPECT_NEAR(result->decode.energy.adc, 2 * cols, 1e-9);
  EXPECT_NEAR(result->decode.energy.rescale, 0.5 * cols, 1e-9);
  EXPECT_NEAR(result->decode.energy.link, 0.1 * (rows + 4 * cols), 1e-6);
}

TEST_F(StaticEstimateTest, PrefillOfOneTokenIsOneTokenAndMoreArePipelined) {
  const ir::Graph graph = ir::parse(program_->graph_text(), "graph");
  const auto one = estimate(*program_, graph, chip_, 1, 1);
  EXPECT_DOUBLE_EQ(one->prefill_total.time_ns, one->decode.time_ns);
  const auto many = estimate(*program_, graph, chip_, 1, 50);
  EXPECT_LT(many->prefill_total.time_ns, 50 * one->prefill_total.time_ns);
  double slowest = 0;
  for (const CallEstimate& call : many->calls) slowest = std::max(slowest, call.time_ns());
  EXPECT_GE(many->prefill_total.time_ns, one->prefill_total.time_ns - one->digital.time_ns + 49 * slowest);
}

TEST_F(StaticEstimateTest, AChipWithoutConstantsHasNoEstimate) {
  arch::ChipDescription bare = chip_;
  bare.energy.clear();
  EXPECT_FALSE(estimate(*program_, ir::parse(program_->graph_text(), "graph"), bare, 1, 1).has_value());
  Report report;
  report.program = program_;
  report.chip = bare;
  report.calls = estimate_calls(*program_, bare);
  std::ostringstream text;
  print_text(report, text);
  EXPECT_NE(text.str().find("has no timing and energy constants"), std::string::npos);
  EXPECT_FALSE(to_json(report).contains("chip_estimate"));
}

}  // namespace
}  // namespace xw::report
