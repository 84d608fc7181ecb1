// The static estimate against figures worked out by hand.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/estimate/static_estimate.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <tuple>

#include "tests/unit/estimate/family_plans.hpp"
#include "tests/unit/estimate/made_chip.hpp"

namespace xw::estimate {
namespace {

using systemc::Component;

constexpr std::uint32_t kTiles = 7;  // fewer than blocks: they share tiles

/// One MVM on made_chip().
double mvm_ns(std::uint32_t cols) {
  return 7 + 101 + 13 * std::ceil(cols / 16.0) + 0.25 * cols;
}

TEST(StaticEstimate, CountsAreThoseOfTheShapes) {
  // Per layer, in x out: q and o 48x48, k and v 48x24, gate and up 48x80, down 80x48; the output layer 48x100.
  for (const bool lm_head_analog : {false, true}) {
    const test::FamilyPlan made = test::family_plan("llama", lm_head_analog, kTiles);
    std::uint64_t cells = 0;
    for (const CallEstimate& call : estimate_calls(made.plan, test::made_chip())) {
      cells += call.cells;
      EXPECT_EQ(call.logits, call.name == "lm_head");
    }
    EXPECT_EQ(cells, 3U * (2 * 48 * 48 + 2 * 48 * 24 + 2 * 48 * 80 + 80 * 48) + (lm_head_analog ? 48 * 100 : 0));
  }
}

TEST(StaticEstimate, ACallTakesItsBusiestTileAndItsBusiestLinks) {
  const test::FamilyPlan made = test::family_plan("llama", false, kTiles);
  const auto calls = estimate_calls(made.plan, test::made_chip());
  ASSERT_EQ(calls.size(), made.plan.calls.size());
  for (std::size_t i = 0; i < calls.size(); ++i) {
    std::map<std::uint32_t, double> busy, in, out;  // by tile; every tile has links of its own
    std::set<std::tuple<std::uint32_t, std::uint32_t, std::uint32_t>> sent;
    std::map<std::uint32_t, std::uint32_t> blocks;
    double x_bytes = 0, y_bytes = 0;
    for (const systemc::BlockWork& block : made.plan.calls[i].blocks) {
      busy[block.tile] += mvm_ns(block.cols);
      ++blocks[block.tile];
      out[block.tile] += 4.0 * block.cols;
      y_bytes += 4.0 * block.cols;
      if (!sent.insert({block.tile, block.in_begin, block.rows}).second) continue;  // those inputs are there
      in[block.tile] += block.rows;
      x_bytes += block.rows;
    }
    const auto most = [](const auto& map) {
      double value = 0;
      for (const auto& [tile, found] : map) value = std::max(value, static_cast<double>(found));
      return value;
    };
    EXPECT_DOUBLE_EQ(calls[i].tile_ns, most(busy));
    // Sums of a block leave while the next one is at work: at least the first inputs, the last sums and two latencies are seen.
    double least_in = 1e9, least_out = 1e9;
    for (const systemc::BlockWork& block : made.plan.calls[i].blocks) {
      least_in = std::min<double>(least_in, block.rows);
      least_out = std::min(least_out, 4.0 * block.cols);
    }
    EXPECT_GE(calls[i].link_ns, 2 * 11 + (least_in + least_out) / 8 - 1e-9);
    EXPECT_LE(calls[i].link_ns, 2 * 11 + (most(in) + most(out)) / 8 + 1e-9);
    EXPECT_EQ(calls[i].serialised, most(blocks));
    EXPECT_EQ(static_cast<double>(calls[i].x_bytes), x_bytes);
    EXPECT_EQ(static_cast<double>(calls[i].y_bytes), y_bytes);
    EXPECT_EQ(calls[i].hop_bytes, 0U);
  }
}

TEST(StaticEstimate, DigitalTimeIsThatOfOneStepAfterAnother) {
  const test::FamilyPlan made = test::family_plan("llama", false, kTiles);
  const auto result = static_estimate(made.plan, made.graph, test::made_chip(), 10, 1);
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->digital.operations, 1U + 7 + 1 + 3 + 3 + 6 + 1);
  // 16 multiply-adds or 2 exponentials per ns, 19 ns to start; memory 4 bytes per ns at the same time.
  const double embedding = std::max(19.0, 96.0 / 4);
  const double norm = 19 + 96 / 16.0;
  const double attention = std::max(19 + 1184 / 16.0 + 40 / 2.0, 1056 / 4.0);
  const double swiglu = 19 + 320 / 16.0 + 80 / 2.0;
  const double add = 19 + 48 / 16.0;
  const double linear = std::max(19 + 4800 / 16.0, 9600 / 4.0);
  const double sampling = 19 + 100 / 16.0;
  const double digital = embedding + 7 * norm + 3 * attention + 3 * swiglu + 6 * add + linear + sampling;
  EXPECT_NEAR(result->digital.time_ns, digital, 1e-9);
  double calls_ns = 0;
  for (const CallEstimate& call : result->calls) calls_ns += call.time_ns();
  EXPECT_NEAR(result->decode.time_ns, calls_ns + digital, 1e-9);
}

TEST(StaticEstimate, EnergyIsTheSumOverEvents) {
  const test::FamilyPlan made = test::family_plan("llama", false, kTiles);
  const auto result = static_estimate(made.plan, made.graph, test::made_chip(), 10, 1);
  double rows = 0, cols = 0, cells = 0, inputs = 0;
  for (const CallEstimate& call : result->calls) inputs += static_cast<double>(call.x_bytes);
  for (const systemc::CallWork& call : made.plan.calls) {
    for (const systemc::BlockWork& block : call.blocks) {
      rows += block.rows;
      cols += block.cols;
      cells += double{1} * block.rows * block.cols;
    }
  }
  const systemc::Breakdown& energy = result->decode.energy_pj;
  EXPECT_NEAR(energy[Component::kDac], 2 * rows, 1e-9);
  EXPECT_NEAR(energy[Component::kCells], 0.5 * cells, 1e-6);
  EXPECT_NEAR(energy[Component::kAdc], 3 * cols, 1e-9);
  EXPECT_NEAR(energy[Component::kRescale], 5 * cols, 1e-9);
  EXPECT_NEAR(energy[Component::kInputLink], 0.125 * inputs, 1e-9);
  EXPECT_NEAR(energy[Component::kOutputLink], 0.125 * 4 * cols, 1e-9);
  // 7 norms, the output layer, 3 layers of attention and SwiGLU, 6 sums, sampling.
  EXPECT_NEAR(energy[Component::kDigitalMac], 0.75 * (672 + 4800 + 3 * 1184 + 960 + 288 + 100), 1e-9);
  EXPECT_NEAR(energy[Component::kDigitalExp], 8 * 0.75 * (3 * 40 + 240), 1e-9);  // an exponential is 8 multiply-adds
  EXPECT_NEAR(energy[Component::kMemory], 40.0 * (96 + 9600 + 3 * 1056), 1e-6);
  EXPECT_NEAR(energy[Component::kStatic], 0.5 * 1e3 * result->decode.time_ns, 1e-6);
}

TEST(StaticEstimate, WhatAChipLacksCostsNothingAndWhatItHasDoes) {
  const test::FamilyPlan made = test::family_plan("llama", true, kTiles);
  const auto bare = static_estimate(made.plan, made.graph, test::made_chip(), 10, 1);
  const auto full = static_estimate(made.plan, made.graph, test::made_chip_with_everything(), 10, 1);
  for (const Component part : {Component::kHop, Component::kAccumulate, Component::kBuffer}) {
    EXPECT_EQ(bare->decode.energy_pj[part], 0) << systemc::name(part);
    EXPECT_GT(full->decode.energy_pj[part], 0) << systemc::name(part);
  }
  std::uint64_t words = 0, buffered = 0;
  for (std::size_t i = 0; i < full->calls.size(); ++i) {
    words += full->calls[i].y_bytes / 4;
    buffered += made.plan.calls[i].in_features + std::uint64_t{4} * made.plan.calls[i].out_features;
  }
  EXPECT_NEAR(full->decode.energy_pj[Component::kAccumulate], 0.375 * static_cast<double>(words), 1e-6);
  EXPECT_NEAR(full->decode.energy_pj[Component::kBuffer], 0.0625 * static_cast<double>(buffered), 1e-6);
}

TEST(StaticEstimate, PrefillOfOneTokenIsOneTokenAndMoreArePipelined) {
  for (const bool lm_head_analog : {false, true}) {
    const test::FamilyPlan made = test::family_plan("llama", lm_head_analog, kTiles);
    const auto one = static_estimate(made.plan, made.graph, test::made_chip(), 1, 1);
    EXPECT_DOUBLE_EQ(one->prefill_total.time_ns, one->decode.time_ns);
    EXPECT_DOUBLE_EQ(one->prefill_total.energy_pj.total(), one->decode.energy_pj.total());
    const auto many = static_estimate(made.plan, made.graph, test::made_chip(), 1, 50);
    EXPECT_LT(many->prefill_total.time_ns, 50 * one->prefill_total.time_ns);
    double adc = 0;
    for (const CallEstimate& call : many->calls) adc += (call.logits ? 1.0 : 50.0) * call.energy_pj[Component::kAdc];
    EXPECT_NEAR(many->prefill_total.energy_pj[Component::kAdc], adc, 1e-6);  // logits of the last token only
    EXPECT_EQ(many->prefill_bottleneck, "memory");                           // of which the digital units wait here
  }
}

TEST(StaticEstimate, TheBottleneckOfAPrefillIsWhatTakesLongest) {
  const test::FamilyPlan made = test::family_plan("llama", false, kTiles);
  arch::ChipDescription chip = test::made_chip();
  const auto bottleneck = [&](double mac_rate, double memory_rate) {
    chip.timing["digital_mac_rate"].value = mac_rate;
    chip.timing["memory_rate"].value = memory_rate;
    return static_estimate(made.plan, made.graph, chip, 1, 8)->prefill_bottleneck;
  };
  EXPECT_EQ(bottleneck(1e-6, 1e9), "digital units");
  EXPECT_EQ(bottleneck(1e9, 1e-6), "memory");
}

TEST(StaticEstimate, AChipWithoutConstantsHasNone) {
  const test::FamilyPlan made = test::family_plan("llama", false, kTiles);
  arch::ChipDescription bare = test::made_chip();
  bare.energy.clear();
  EXPECT_FALSE(static_estimate(made.plan, made.graph, bare, 1, 1).has_value());
}

}  // namespace
}  // namespace xw::estimate
