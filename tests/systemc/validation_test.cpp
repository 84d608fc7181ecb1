// The chip profile against published figures of silicon: prints model against publication with the source, fails above
// 10 %, and keeps the table of docs/validation.md true.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <vector>

#include "arch/description/description.hpp"
#include "host/backends/systemc/chip_simulation.hpp"
#include "tests/support/paths.hpp"

namespace xw::systemc {
namespace {

constexpr double kTolerance = 0.10;

/// What a figure says about the model.
enum class Role {
  kCheck,   ///< no constant of the description was chosen with this figure in sight
  kFitted,  ///< a constant was fitted on it: shows that the fit is right, checks nothing
  kInput,   ///< a constant of the description says the same
  kMissed,  ///< a check that fails: shown, with the reason in docs/validation.md
};
[[nodiscard]] const char* name(Role role) {
  switch (role) {
    case Role::kCheck:
      return "check";
    case Role::kFitted:
      return "fitted";
    case Role::kInput:
      return "input";
    case Role::kMissed:
      return "missed";
  }
  return "?";
}

/// Every tile of the chip works all the time: the condition of peak figures.
struct Peak {
  double mvm_ns = 0, tops = 0, tops_per_watt = 0, watt = 0, tops_per_mm2 = 0;
};

[[nodiscard]] Peak peak(const arch::ChipDescription& chip) {
  const std::uint32_t tiles = chip.num_stacks(chip.num_tiles);
  ChipPlan plan;
  plan.num_tiles = chip.num_tiles;
  plan.num_layers = 1;
  CallWork call{"peak", chip.rows, tiles * chip.cols, {}};
  for (std::uint32_t t = 0; t < tiles; ++t) call.blocks.push_back({t, chip.rows, chip.cols, 0});
  plan.calls.push_back(call);
  Step step;
  step.kind = StepKind::kCall;
  plan.steps.push_back(step);
  ChipWorkload workload;  // some MVMs are on the links while others are in the tiles
  workload.num_sequences = 8;
  workload.generated_tokens = 64;
  const ChipResult result = simulate_chip(plan, chip, workload);
  const double operations = 2.0 * static_cast<double>(result.cell_macs);
  Peak peak;
  peak.mvm_ns = result.tile_busy_ns.at(0) / (workload.num_sequences * workload.generated_tokens);
  peak.tops = operations / result.total_ns * 1e-3;
  peak.tops_per_watt = operations / result.energy_pj.total();
  peak.watt = result.energy_pj.total() / result.total_ns * 1e-3;
  const double area = result.tiles_mm2 + result.digital_mm2;
  peak.tops_per_mm2 = area > 0 ? peak.tops / area : 0;
  return peak;
}

/// NeuRRAM with other numbers of bits: the same constants per read of the array, per integration and per converter step.
/// Two phases: the lower three magnitude bits first, read with three bits less, and a pause of 0.3 us between.
/// The pause costs energy, too.
[[nodiscard]] arch::ChipDescription neurram(unsigned input_bits, unsigned output_bits, bool two_phases) {
  constexpr unsigned kReads = 3, kIntegrations = 7, kSteps = 7;  // of the description: 4-bit inputs, 6-bit outputs
  constexpr unsigned kLowerBits = 3;
  constexpr double kStepNs = 300, kPauseNs = 300;
  constexpr double kPausePj = 781;  // fitted on 8.26 TOPS/W at 6b/8b in two phases, docs/validation.md
  const unsigned magnitude = input_bits == 1 ? 1 : input_bits - 1;
  unsigned integrations = (1U << magnitude) - 1, steps = output_bits + 1;
  if (two_phases) {
    integrations = ((1U << kLowerBits) - 1) + ((1U << (magnitude - kLowerBits)) - 1);
    steps += output_bits - kLowerBits + 1;
  }
  arch::ChipDescription chip = arch::load_chip("neurram48");
  EXPECT_EQ(chip.read_phases, kIntegrations);
  EXPECT_EQ(chip.timing.at("adc_round").value, kSteps * kStepNs);
  chip.dac_bits = input_bits;
  chip.adc_bits = output_bits;
  chip.read_phases = integrations;
  chip.timing.at("adc_round").value = steps * kStepNs + (two_phases ? kPauseNs : 0);
  chip.energy.at("dac_conversion").value *= static_cast<double>(magnitude) / kReads;
  chip.energy.at("cell_mac").value *= static_cast<double>(integrations) / kIntegrations;
  chip.energy.at("adc_conversion").value *= static_cast<double>(steps) / kSteps;
  if (two_phases) chip.energy.at("adc_conversion").value += kPausePj / chip.cols;
  return chip;
}

/// A token of ALBERT-base that attends to `positions`, on the IBM chip: 12 layers of four matrices in tiles; attention,
/// residual sums, norms and GELU (counted as SwiGLU is) digital, with the work per operation of docs/systemc.md.
[[nodiscard]] ChipResult albert_token(const arch::ChipDescription& chip, std::uint32_t positions) {
  constexpr std::uint32_t kHidden = 768, kInner = 3072, kHeads = 12, kLayers = 12;
  ChipPlan plan;
  plan.num_tiles = chip.num_tiles;
  plan.num_layers = kLayers;
  std::uint32_t tile = 0;
  const auto add_call = [&](const char* call_name, std::uint32_t rows, std::uint32_t cols) {
    CallWork call{call_name, rows, cols, {}};
    for (std::uint32_t r = 0; r < rows; r += chip.rows) {
      for (std::uint32_t c = 0; c < cols; c += chip.cols) {
        call.blocks.push_back(
            {tile++ % chip.num_tiles, std::min(chip.rows, rows - r), std::min(chip.cols, cols - c), r});
      }
    }
    plan.calls.push_back(std::move(call));
  };
  add_call("inProj", kHidden, 3 * kHidden);
  add_call("outProj", kHidden, kHidden);
  add_call("FC1", kHidden, kInner);
  add_call("FC2", kInner, kHidden);
  for (std::uint32_t layer = 0; layer < kLayers; ++layer) {
    const auto add_step = [&](StepKind kind, std::uint32_t call, DigitalWork work, DigitalWork per_position) {
      Step step;
      step.kind = kind;
      step.layer = layer;
      step.call = call;
      step.work = work;
      step.per_position = per_position;
      plan.steps.push_back(step);
    };
    const DigitalWork sum_and_norm{kHidden + 2 * kHidden, 0, 0};
    add_step(StepKind::kCall, 0, {}, {});
    add_step(StepKind::kAttention, 0, {}, {2 * kHidden + 2 * kHeads, kHeads, 0});
    add_step(StepKind::kCall, 1, {}, {});
    add_step(StepKind::kDigital, 0, sum_and_norm, {});
    add_step(StepKind::kCall, 2, {}, {});
    add_step(StepKind::kDigital, 0, {4 * kInner, kInner, 0}, {});
    add_step(StepKind::kCall, 3, {}, {});
    add_step(StepKind::kDigital, 0, sum_and_norm, {});
  }
  ChipWorkload workload;
  workload.first_position = positions - 1;
  return simulate_chip(plan, chip, workload);
}

struct Figure {
  std::string chip, what;
  double published = 0;
  double modelled = 0;
  const char* unit = "";
  Role role = Role::kCheck;
  const char* source = "";
  [[nodiscard]] double difference() const { return modelled / published - 1; }
};

constexpr const char* kCore = "Khaddam-Aljameh et al., VLSI 2021 / JSSC 2022, abstract";
constexpr const char* kHermes = "Le Gallo et al., Nat. Electron. 2023, abstract";
constexpr const char* kHermesTime = "derived from the throughput of 64 cores (Le Gallo et al., Nat. Electron. 2023)";
constexpr const char* kIbm = "Ambrogio et al., Nature 2023, abstract";
constexpr const char* kNeurram = "Wan et al., Nature 2022, Fig. 12, as digitised by the AccelForge project";
constexpr const char* kMythic = "Mythic M1076 product pages, middle of the range; not peer-reviewed";
constexpr const char* kAlbert = "Chen et al., Nat. Commun. 2025, Fig. 1d";
constexpr const char* kM1108 =
    "Electronic Design, 15 Dec. 2020 (vendor figures); 108 tiles: comptoir-hardware.com, Aug. 2021";
constexpr const char* kBuchel = "Buchel et al., Nat. Comput. Sci. 2025, default configuration (a model, no silicon)";

[[nodiscard]] double million_weights(const arch::ChipDescription& chip) {
  return 1e-6 * chip.num_tiles * chip.rows * chip.cols;
}

[[nodiscard]] const std::vector<Figure>& figures() {
  static const std::vector<Figure> all = [] {
    std::vector<Figure> list;
    const Peak core = peak(arch::load_chip("hermes-core"));
    list.push_back({"hermes-core", "efficiency", 10.5, core.tops_per_watt, "TOPS/W", Role::kFitted, kCore});
    list.push_back({"hermes-core", "density", 1.59, core.tops_per_mm2, "TOPS/mm2", Role::kFitted, kCore});
    const Peak one = peak(arch::load_chip("hermes64-1p"));
    list.push_back({"hermes64-1p", "MVM time", 132.9, one.mvm_ns, "ns", Role::kCheck, kHermesTime});
    list.push_back({"hermes64-1p", "throughput", 63.1, one.tops, "TOPS", Role::kCheck, kHermes});
    list.push_back({"hermes64-1p", "efficiency", 9.76, one.tops_per_watt, "TOPS/W", Role::kCheck, kHermes});
    const Peak four = peak(arch::load_chip("hermes64-4p"));
    list.push_back({"hermes64-4p", "MVM time", 521, four.mvm_ns, "ns", Role::kCheck, kHermesTime});
    list.push_back({"hermes64-4p", "throughput", 16.1, four.tops, "TOPS", Role::kCheck, kHermes});
    list.push_back({"hermes64-4p", "efficiency", 2.48, four.tops_per_watt, "TOPS/W", Role::kCheck, kHermes});
    const arch::ChipDescription ibm = arch::load_chip("ibm34");
    list.push_back({"ibm34", "cells, 4 per weight", 35, 4 * million_weights(ibm), "million", Role::kCheck, kIbm});
    list.push_back({"ibm34", "efficiency", 12.4, peak(ibm).tops_per_watt, "TOPS/W", Role::kFitted, kIbm});
    const ChipResult albert = albert_token(ibm, 64);
    const auto analog = static_cast<double>(albert.cell_macs), digital = static_cast<double>(albert.digital_macs);
    list.push_back({"ibm34", "ALBERT, 64 tokens: operations in tiles", 98, 100 * analog / (analog + digital), "%",
                    Role::kCheck, kAlbert});
    struct Point {
      unsigned in, out;
      bool two_phases;
      double tops, tops_per_watt;
      Role tops_role, efficiency_role;
    };
    for (const Point& point : {Point{1, 3, false, 2.12, 43.1, Role::kFitted, Role::kFitted},
                               {2, 4, false, 1.79, 40.3, Role::kFitted, Role::kFitted},
                               {4, 6, false, 0.744, 16.0, Role::kCheck, Role::kFitted},
                               {6, 8, false, 0.261, 9.12, Role::kCheck, Role::kCheck},
                               {6, 8, true, 0.418, 8.26, Role::kFitted, Role::kFitted},
                               {8, 10, true, 0.264, 6.44, Role::kCheck, Role::kCheck}}) {
      const Peak model = peak(neurram(point.in, point.out, point.two_phases));
      const std::string bits = std::to_string(point.in) + "b in, " + std::to_string(point.out) + "b out" +
                               (point.two_phases ? ", two phases" : "");
      list.push_back({"neurram48", "throughput, " + bits, point.tops, model.tops, "TOPS", point.tops_role, kNeurram});
      list.push_back({"neurram48", "efficiency, " + bits, point.tops_per_watt, model.tops_per_watt, "TOPS/W",
                      point.efficiency_role, kNeurram});
    }
    const arch::ChipDescription mythic = arch::load_chip("m1076");
    const Peak flash = peak(mythic);
    list.push_back({"m1076", "weights", 80, million_weights(mythic), "million", Role::kCheck, kMythic});
    list.push_back({"m1076", "throughput", 25.5, flash.tops, "TOPS", Role::kFitted, kMythic});
    list.push_back({"m1076", "power", 3.5, flash.watt, "W", Role::kFitted, kMythic});
    arch::ChipDescription larger = mythic;  // the vendor's larger chip of the same tiles
    larger.num_tiles = 108;
    const Peak m1108 = peak(larger);
    list.push_back({"m1076", "throughput, M1108 (108 tiles)", 35, m1108.tops, "TOPS", Role::kCheck, kM1108});
    list.push_back({"m1076", "power, M1108 (108 tiles)", 4, m1108.watt, "W", Role::kMissed, kM1108});
    const arch::ChipDescription tiers = arch::load_chip("buchel3d");
    const Peak stacked = peak(tiers);
    list.push_back({"buchel3d", "MVM time", 100, stacked.mvm_ns, "ns", Role::kInput, kBuchel});
    list.push_back({"buchel3d", "efficiency", 52.4, stacked.tops_per_watt, "TOPS/W", Role::kInput, kBuchel});
    return list;
  }();
  return all;
}

/// The table of docs/validation.md.
[[nodiscard]] std::string table() {
  std::string text =
      "| chip | figure | published | model | difference | role | source |\n|---|---|---|---|---|---|---|\n";
  for (const Figure& figure : figures()) {
    char row[512];
    std::snprintf(row, sizeof row, "| `%s` | %s | %.4g %s | %.4g %s | %+.1f %% | %s | %s |\n", figure.chip.c_str(),
                  figure.what.c_str(), figure.published, figure.unit, figure.modelled, figure.unit,
                  100 * figure.difference(), name(figure.role), figure.source);
    text += row;
  }
  return text;
}

TEST(Validation, PublishedFiguresComeOutWithinTenPercent) {
  std::fputs(table().c_str(), stdout);
  int checks = 0;
  for (const Figure& figure : figures()) {
    if (figure.role == Role::kMissed) {
      EXPECT_GT(std::abs(figure.difference()), kTolerance) << figure.chip << " " << figure.what << " is a check now";
      continue;
    }
    EXPECT_LE(std::abs(figure.difference()), kTolerance) << figure.chip << " " << figure.what;
    checks += figure.role == Role::kCheck ? 1 : 0;
  }
  EXPECT_GE(checks, 14);
}

TEST(Validation, AFitMeetsItsFigure) {
  for (const Figure& figure : figures()) {
    if (figure.role != Role::kFitted) continue;
    EXPECT_LE(std::abs(figure.difference()), 0.02) << figure.chip << " " << figure.what;
  }
}

TEST(Validation, TableOfTheDocumentationIsThisOne) {
  std::ifstream file(xw::test::source_dir() / "docs/validation.md");
  ASSERT_TRUE(file) << "docs/validation.md is missing";
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const std::string begin = "<!-- validation:begin -->\n";
  const std::size_t from = text.find(begin);
  const std::size_t to = text.find("<!-- validation:end -->");
  ASSERT_NE(from, std::string::npos);
  ASSERT_NE(to, std::string::npos);
  EXPECT_EQ(text.substr(from + begin.size(), to - from - begin.size()), table())
      << "replace the table between the markers by the one that this test prints";
}

// What is fitted in a description says so, and a fit on a figure does not hide behind another word.
TEST(Validation, DescriptionsSayWhatIsFitted) {
  for (const char* chip : {"hermes-core", "hermes64-1p", "ibm34", "neurram48", "m1076"}) {
    const arch::ChipDescription description = arch::load_chip(chip);
    std::size_t fitted = 0;
    for (const auto* constants : {&description.timing, &description.energy, &description.area}) {
      for (const auto& [key, constant] : *constants) {
        fitted += constant.source.find("fitted") != std::string::npos ? 1U : 0U;
      }
    }
    EXPECT_GT(fitted, 0U) << chip;
  }
}

}  // namespace
}  // namespace xw::systemc
