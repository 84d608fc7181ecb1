// Compiled programs on every backend against the reference: Y words, real outputs and counters, bit for bit.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>

#include "arch/generated/xw_arch.hpp"
#include "arch/support/checksum.hpp"
#include "arch/support/error.hpp"
#include "arch/support/parallel.hpp"
#include "host/runtime/chip_instance.hpp"
#include "models/analog/numerics.hpp"
#include "tests/conformance/backends.hpp"
#include "tests/conformance/made_program.hpp"
#include "tests/conformance/program_cases.hpp"
#include "tests/conformance/reference.hpp"

namespace xw::test {
namespace {

using program::WeightMode;
using runtime::ChipInstance;
using runtime::ChipOptions;

class Conformance : public testing::TestWithParam<std::tuple<Backend, ProgramCase>> {};

/// Random codes over the whole range of the converter.
[[nodiscard]] std::vector<std::int8_t> random_codes(std::size_t count, int dac_max, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::uniform_int_distribution<int> code(-dac_max, dac_max);
  std::vector<std::int8_t> codes(count);
  for (std::int8_t& c : codes) c = static_cast<std::int8_t>(code(random));
  return codes;
}

/// Y words of one matrix of a call, [num_vectors][out_features].
[[nodiscard]] std::vector<std::int32_t> matrix_words(const program::Program& program, std::uint32_t call,
                                                     std::size_t position, const std::vector<std::int32_t>& y,
                                                     std::uint32_t num_vectors) {
  const program::CallInfo& info = program.manifest().calls[call];
  const std::uint32_t out_features = program.manifest().matrices[info.matrices[position]].out_features;
  std::vector<std::int32_t> words(std::size_t{num_vectors} * out_features);
  for (const program::OutputSegment& segment : info.outputs) {
    if (segment.matrix != info.matrices[position]) continue;
    for (std::uint32_t v = 0; v < num_vectors; ++v) {
      std::copy_n(y.begin() + static_cast<std::ptrdiff_t>(v * (info.y_stride_bytes / 4) + segment.y_word),
                  segment.length, words.begin() + v * out_features + segment.out_begin);
    }
  }
  return words;
}

/// Counters of a call in closed form, from its instructions as text would show them.
[[nodiscard]] device::RunStats closed_form(const program::Program& program, std::uint32_t call,
                                           const arch::EmulatorDescription& emulator, std::uint32_t num_vectors) {
  const program::CallInfo& info = program.manifest().calls[call];
  device::RunStats stats;
  const std::uint64_t runs = (num_vectors + emulator.max_batch - 1) / emulator.max_batch;
  stats.instructions = runs * info.num_instructions;
  stats.program_bytes_read = runs * (64 + 16 * std::uint64_t{info.num_instructions});
  for (const program::EncodedInstruction& words : program.code().subspan(info.entry, info.num_instructions)) {
    const program::Instruction i = program::decode(words).instruction;
    if (i.opcode == program::Opcode::kLoadX) stats.x_bytes_read += std::uint64_t{i.length} * num_vectors;
    if (i.opcode == program::Opcode::kStoreY) stats.y_bytes_written += std::uint64_t{4} * i.length * num_vectors;
    if (i.opcode != program::Opcode::kMvm) continue;
    stats.mvms += num_vectors;
    stats.macs += std::uint64_t{i.rows} * i.cols * num_vectors;
    stats.dac_conversions += std::uint64_t{i.rows} * num_vectors;
    stats.adc_conversions += std::uint64_t{i.cols} * num_vectors;
  }
  for (const program::ImageRecord& image : program.images()) {
    if (image.call == call) stats.block_bytes_read[image.engine] += runs * image.image_length * 64;
  }
  return stats;
}

TEST_P(Conformance, WordsRealsAndCountersAreThoseOfTheReference) {
  const auto& [backend, row] = GetParam();
  constexpr std::uint32_t kSeed = 20240229;
  const auto program = make_program(row.shape, row.hardware, kSeed);
  const std::unique_ptr<device::Device> device = backend.open(row.hardware.emulator());
  ThreadPool pool(2);
  ChipOptions options = row.options;
  options.checksum_y = true;
  ChipInstance chip(program, *device, options, pool);
  for (std::uint32_t call = 0; call < program->manifest().calls.size(); ++call) {
    SCOPED_TRACE("call " + std::to_string(call) + ", seed " + std::to_string(kSeed));
    const program::CallInfo& info = program->manifest().calls[call];
    const std::uint32_t vector_base = 0xFFFFFFFE;  // wraps
    std::mt19937 random(kSeed + call);
    std::normal_distribution<float> normal(0.0F, 2.0F);
    std::vector<float> x(std::size_t{row.num_vectors} * info.in_features);
    for (float& value : x) value = normal(random);
    const std::vector<std::int8_t> codes = reference_codes(*program, call, x, row.num_vectors);
    const ReferenceResult expected = reference_call(*program, call, row.options, codes, row.num_vectors, vector_base);

    const std::vector<std::int32_t> y = chip.run_codes(call, codes, row.num_vectors, vector_base);
    std::vector<std::vector<float>> reals;
    for (std::size_t k = 0; k < info.matrices.size(); ++k) {
      EXPECT_EQ(matrix_words(*program, call, k, y, row.num_vectors), expected.matrices[k].words) << "matrix " << k;
      reals.emplace_back(expected.matrices[k].reals.size());
    }
    const runtime::CallStats after_codes = chip.stats()[call];
    device::RunStats form = closed_form(*program, call, row.hardware.emulator(), row.num_vectors);
    form.adc_saturations = expected.adc_saturations;
    device::RunStats counters = after_codes.device;
    counters.total_cycles = counters.chip_ns = 0;
    counters.busy_cycles = counters.semaphore_stall_cycles = counters.memory_stall_cycles = {};
    EXPECT_EQ(counters, form);
    std::uint32_t checksum = 0;
    for (std::uint32_t v = 0; v < row.num_vectors; ++v) {
      for (const program::OutputSegment& segment : info.outputs) {
        const std::size_t begin = v * (info.y_stride_bytes / 4) + segment.y_word;
        checksum = crc32(std::as_bytes(std::span(y).subspan(begin, segment.length)), checksum);
      }
    }
    EXPECT_EQ(after_codes.y_crc32, checksum);
    EXPECT_EQ(counters.macs, expected.macs);

    const std::vector<std::span<float>> outputs(reals.begin(), reals.end());
    chip.run_call(call, x, row.num_vectors, vector_base, outputs);
    for (std::size_t k = 0; k < reals.size(); ++k) EXPECT_EQ(reals[k], expected.matrices[k].reals) << "matrix " << k;
    EXPECT_EQ(chip.stats()[call].vectors, 2 * row.num_vectors);
    EXPECT_EQ(chip.stats()[call].device.macs, 2 * expected.macs);
  }
}

[[nodiscard]] std::string case_name(const testing::TestParamInfo<Conformance::ParamType>& info) {
  return std::get<1>(info.param).name + "_" + std::get<0>(info.param).name;
}
/// Every case on every backend that can be of its shape.
[[nodiscard]] std::vector<std::tuple<Backend, ProgramCase>> supported_cases() {
  std::vector<std::tuple<Backend, ProgramCase>> all;
  for (const ProgramCase& row : program_cases()) {
    for (const Backend& backend : backends_for(row.hardware.emulator())) all.emplace_back(backend, row);
  }
  return all;
}

INSTANTIATE_TEST_SUITE_P(Table, Conformance, testing::ValuesIn(supported_cases()), case_name);

class Properties : public testing::TestWithParam<Backend> {};

/// Random shapes, options and hardware: one result, whatever the batches, engines, kernels and repetitions.
TEST_P(Properties, ResultsDoNotDependOnBatchesEnginesOrKernels) {
  const std::string kernel = analog::selected_kernel();
  ThreadPool pool(2);
  for (std::uint32_t seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    const auto pick = [&](std::uint32_t low, std::uint32_t high) {
      return std::uniform_int_distribution<std::uint32_t>(low, high)(random);
    };
    ProgramShape shape;
    shape.calls.push_back({pick(1, 300), {pick(1, 200), pick(1, 200)}, {}, pick(1, 3)});
    shape.with_bias = pick(0, 1) == 1;
    shape.mode = static_cast<WeightMode>(pick(0, 2));
    ChipOptions options;
    options.chip_seed = pick(0, 0xFFFFFFFF);
    options.noise = std::array{"ideal", "gaussian:gamma=0.02", "pcm-afm"}[pick(0, 2)];
    options.read_sigma = 0.01 * pick(0, 10);
    const std::uint32_t num_vectors = pick(1, 40);
    const std::uint32_t vector_base = pick(0, 0xFFFFFFFF);
    std::vector<std::int32_t> first;
    for (const std::uint32_t engines : {1U, 2U, 3U, 5U, 8U}) {
      Hardware hardware;
      hardware.tile_rows = hardware.tile_cols = 128;
      hardware.num_engines = engines;
      hardware.lanes = 1U << pick(2, 6);
      hardware.max_batch = pick(1, 40);
      hardware.contexts = pick(2, 5);
      const auto program = make_program(shape, hardware, seed);
      const std::unique_ptr<device::Device> device = GetParam().open(hardware.emulator());
      ChipInstance chip(program, *device, options, pool);
      const program::CallInfo& info = program->manifest().calls[0];
      const auto codes = random_codes(std::size_t{num_vectors} * info.in_features, 127, seed);
      for (const std::string& name : analog::available_kernels()) {
        analog::select_kernel(name);
        const std::vector<std::int32_t> y = chip.run_codes(0, codes, num_vectors, vector_base);
        std::vector<std::int32_t> words = matrix_words(*program, 0, 0, y, num_vectors);
        const std::vector<std::int32_t> second = matrix_words(*program, 0, 1, y, num_vectors);
        words.insert(words.end(), second.begin(), second.end());
        if (first.empty()) first = words;
        EXPECT_EQ(words, first) << engines << " engines, kernel " << name;
      }
      analog::select_kernel(kernel);
      // One vector at a time.
      std::vector<std::int32_t> single;
      for (std::uint32_t v = 0; v < num_vectors; ++v) {
        const auto y = chip.run_codes(0, std::span(codes).subspan(std::size_t{v} * info.in_features, info.in_features),
                                      1, vector_base + v);
        const auto words = matrix_words(*program, 0, 0, y, 1);
        single.insert(single.end(), words.begin(), words.end());
      }
      EXPECT_TRUE(std::equal(single.begin(), single.end(), first.begin())) << engines << " engines, one by one";
    }
    Hardware reference_hardware;
    reference_hardware.tile_rows = reference_hardware.tile_cols = 128;
    const auto program = make_program(shape, reference_hardware, seed);
    const auto codes = random_codes(std::size_t{num_vectors} * program->manifest().calls[0].in_features, 127, seed);
    const ReferenceResult expected = reference_call(*program, 0, options, codes, num_vectors, vector_base);
    std::vector<std::int32_t> words = expected.matrices[0].words;
    words.insert(words.end(), expected.matrices[1].words.begin(), expected.matrices[1].words.end());
    EXPECT_EQ(first, words);
  }
}

/// Those that can be of any shape.
[[nodiscard]] std::vector<Backend> backends_of_any_shape() {
  Hardware unusual;
  unusual.lanes = 4;
  unusual.num_engines = 5;
  return backends_for(unusual.emulator());
}

INSTANTIATE_TEST_SUITE_P(Backends, Properties, testing::ValuesIn(backends_of_any_shape()),
                         [](const auto& param_info) { return param_info.param.name; });

}  // namespace
}  // namespace xw::test
