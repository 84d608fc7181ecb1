// The conformance table.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/conformance/program_cases.hpp"

#include <utility>

namespace xw::test {

using program::WeightMode;
using runtime::ChipOptions;

std::vector<ProgramCase> program_cases() {
  std::vector<ProgramCase> cases;
  const auto add = [&](std::string name, ProgramShape shape, Hardware hardware, ChipOptions options,
                       std::uint32_t num_vectors) {
    cases.push_back({std::move(name), std::move(shape), hardware, std::move(options), num_vectors});
  };
  const ChipOptions ideal{1, "ideal", 0};
  const ChipOptions noisy{0xDEADBEEF, "pcm-afm", 0.05};
  const ChipOptions gaussian{7, "gaussian:gamma=0.03", 0.02};
  Hardware tiny;
  Hardware wide;  // several engines, many lanes, few words of YBUF
  wide.tile_rows = wide.tile_cols = 128;
  wide.num_engines = 4;
  wide.lanes = 64;
  wide.max_batch = 16;
  Hardware eight = wide;
  eight.num_engines = 8;
  eight.lanes = 8;
  Hardware coarse = tiny;  // few converter bits, another full scale
  coarse.dac_bits = 4;
  coarse.adc_bits = 5;
  coarse.g_unit = 127;
  coarse.lambda = 12;
  Hardware fine = wide;
  fine.adc_bits = 12;
  fine.num_engines = 3;
  add("one_cell", {{{1, {1}, {}}}}, tiny, ideal, 1);
  add("one_block", {{{40, {24}, {}}}}, tiny, noisy, 3);
  add("full_tile", {{{64, {64}, {}}}}, tiny, noisy, 4);
  add("ragged_grid", {{{130, {67}, {}}}}, tiny, noisy, 5);
  add("three_matrices", {{{96, {96, 32, 32}, {}}}, WeightMode::kAnalog, true}, tiny, gaussian, 6);
  add("two_calls", {{{72, {80}, {}}, {80, {72, 9}, {}}}, WeightMode::kAnalog, true}, wide, noisy, 2);
  add("input_ranges", {{{200, {64, 10}, {50, 128}}}}, wide, noisy, 7);
  add("w8", {{{90, {70}, {}}}, WeightMode::kW8}, tiny, gaussian, 2);
  add("w4", {{{90, {70}, {}}}, WeightMode::kW4}, wide, noisy, 2);
  add("coarse_converters", {{{100, {50}, {}}}}, coarse, noisy, 3);
  add("fine_converters", {{{300, {200, 100}, {}}}}, fine, noisy, 9);
  add("four_engines", {{{384, {512}, {}}}}, wide, noisy, 20);
  add("eight_engines", {{{257, {300}, {}}, {300, {257}, {}}}}, eight, noisy, 33);
  Hardware batch = wide;
  batch.max_batch = 256;
  add("large_batch", {{{200, {150, 31}, {}}}}, batch, noisy, 300);
  add("beyond_ybuf", {{{64, {700}, {}}}}, wide, noisy, 3);
  add("copies", {{{130, {67, 20}, {}, 2}}, WeightMode::kAnalog, true}, tiny, noisy, 5);
  add("copies_on_engines", {{{200, {150}, {64}, 3}, {72, {80}, {}}}, WeightMode::kW8}, wide, noisy, 7);
  // Chips with a past: aged, compensated, recalibrated.
  const ChipOptions aged{5, "pcm-aihwkit", 0.02, 86400};
  const ChipOptions global{5, "pcm-aihwkit", 0.02, 86400, false, "global:vectors=5", 0};
  const ChipOptions column{6, "pcm-hermes:devices=2", 0.01, 2.6e6, false, "column:vectors=9", 0};
  const ChipOptions scheduled{6, "pcm-afm", 0.03, 90000, false, "column:vectors=3", 3600};
  add("aged", {{{130, {67, 20}, {}}}}, tiny, aged, 5);
  add("aged_global", {{{130, {67, 20}, {}}, {40, {50}, {}}}}, tiny, global, 5);
  add("aged_column", {{{130, {67, 20}, {}, 2}}, WeightMode::kAnalog, true}, tiny, column, 5);
  add("aged_column_on_engines", {{{200, {150}, {64}, 3}, {72, {80}, {}}}, WeightMode::kW8}, wide, column, 7);
  add("aged_recalibrated", {{{200, {150, 31}, {}}}}, eight, scheduled, 7);
  ChipOptions broken = noisy;
  broken.faults = "stuck-low=0.01,stuck-high=0.02,rows=0.02,columns=0.05,tiles=0.2,seed=4";
  broken.spares = "columns=4,tiles=2";
  add("faulty", {{{130, {67, 20}, {}, 2}}, WeightMode::kAnalog, true}, tiny, broken, 5);
  ChipOptions whole_life = column;
  whole_life.faults = broken.faults;
  whole_life.spares = broken.spares;
  add("aged_compensated_faulty", {{{130, {67, 20}, {}}, {40, {50}, {}}}}, tiny, whole_life, 5);
  add("aged_compensated_faulty_on_engines", {{{200, {150}, {64}, 3}, {72, {80}, {}}}, WeightMode::kW8}, wide,
      whole_life, 7);
  ChipOptions mismatched = noisy;
  mismatched.adc_mismatch = {0.05, 0};
  add("mismatched", {{{130, {67, 20}, {}}}}, tiny, mismatched, 5);
  ChipOptions shifted = noisy;
  shifted.adc_mismatch = {0, 3};
  add("offsets", {{{130, {67, 20}, {}}}}, tiny, shifted, 5);
  add("offsets_on_engines", {{{200, {150}, {64}, 3}, {72, {80}, {}}}, WeightMode::kW8}, wide, shifted, 7);
  shifted.compensation = "global:vectors=7";
  add("offsets_calibrated", {{{130, {67, 20}, {}}}}, tiny, shifted, 5);
  shifted.compensation = "none";
  shifted.adc_mismatch = {0, 200};  // many at an end of the converter
  add("offsets_beyond_the_converter", {{{100, {50}, {}}}}, coarse, shifted, 3);
  whole_life.adc_mismatch = {0.05, 4};
  whole_life.compensation = "column:vectors=8,reference=exact";
  add("whole_life", {{{130, {67, 20}, {}}, {40, {50}, {}}}}, tiny, whole_life, 5);
  add("whole_life_on_engines", {{{200, {150}, {64}, 3}, {72, {80}, {}}}, WeightMode::kW8}, wide, whole_life, 7);
  return cases;
}

}  // namespace xw::test
