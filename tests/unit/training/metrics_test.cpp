// Metrics of a run: lines that a resumed run will write again go, a cut line too; the plot has every point.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/finetune/training/metrics.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <fstream>

#include "arch/support/file.hpp"
#include "host/finetune/training/plot.hpp"

namespace xw::finetune {
namespace {

class MetricsTest : public testing::Test {
 protected:
  MetricsTest() : folder_(std::filesystem::temp_directory_path() / ("xw-metrics-" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(folder_);
  }
  ~MetricsTest() override { std::filesystem::remove_all(folder_); }
  std::filesystem::path folder_;
};

TEST_F(MetricsTest, KeepsWhatTheResumedRunHasAndNoMore) {
  const std::filesystem::path path = folder_ / "m.jsonl";
  {
    Metrics metrics(path, 0);
    for (std::uint64_t step = 1; step <= 5; ++step)
      metrics.add({step, step * 10, 1.0 / static_cast<double>(step), 1e-4, 2, 3});
    metrics.add_held_out(5, 50, 12.5);
    metrics.write();
  }
  std::ofstream(path, std::ios::app) << R"({"step":6,"tok)";  // killed
  Metrics metrics(path, 3);
  metrics.add({4, 40, 0.125, 1e-4, 2, 3});
  metrics.write();
  const std::vector<LossPoint> points = read_loss_points(path);
  ASSERT_EQ(points.size(), 4U);
  EXPECT_DOUBLE_EQ(points[2].loss, 1.0 / 3);
  EXPECT_DOUBLE_EQ(points[3].loss, 0.125);
  EXPECT_EQ(points[3].tokens, 40);
  Metrics afresh(path, 0);
  EXPECT_TRUE(read_loss_points(path).empty());
}

TEST_F(MetricsTest, NumbersThatAreNotFiniteAreNoPoints) {
  Metrics metrics(folder_ / "m.jsonl", 0);
  metrics.add({1, 10, NAN, 1e-4, INFINITY, 3});
  metrics.add({2, 20, 0.5, 1e-4, 1, 3});
  metrics.write();
  EXPECT_EQ(read_loss_points(folder_ / "m.jsonl").size(), 1U);
}

TEST_F(MetricsTest, ThePlotHasAPointPerStepInsideItsFrame) {
  const std::string svg = loss_svg({{0, 3}, {50, 1}, {100, 2}}, "a < b");
  EXPECT_NE(svg.find("a &lt; b"), std::string::npos);
  EXPECT_NE(svg.find("points=\"70,40 385,350 700,195 \""), std::string::npos) << svg;
  EXPECT_NE(loss_svg({}, "nothing").find("</svg>"), std::string::npos);
}

}  // namespace
}  // namespace xw::finetune
