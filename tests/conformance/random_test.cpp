// Random programs on the RTL and on the functional device: the same words, the same events.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <random>

#include "arch/support/error.hpp"
#include "arch/support/parallel.hpp"
#include "host/backends/functional/functional_device.hpp"
#include "host/runtime/chip_instance.hpp"
#include "tests/conformance/made_program.hpp"
#include "tests/conformance/verilated_models.hpp"
#include "tests/support/paths.hpp"

namespace xw::test {
namespace {

/// Everything random that a case needs, from its seed.
class Draw {
 public:
  explicit Draw(std::uint32_t seed) : random_(seed) {}
  [[nodiscard]] std::uint32_t pick(std::uint32_t low, std::uint32_t high) {
    return std::uniform_int_distribution<std::uint32_t>(low, high)(random_);
  }
  [[nodiscard]] bool coin() { return pick(0, 1) == 1; }
  /// Mostly small, sometimes up to `high`.
  [[nodiscard]] std::uint32_t skewed(std::uint32_t high) { return pick(1, pick(1, high)); }

 private:
  std::mt19937 random_;
};

struct Case {
  Hardware hardware;
  ProgramShape shape;
  runtime::ChipOptions options;
  verilated::Options device;
  std::uint32_t num_vectors = 1, vector_base = 0;
};

[[nodiscard]] Case draw_case(Draw& draw, const arch::EmulatorDescription& emulator) {
  Case made;
  // Tiles need not be of the size of the contexts.
  made.hardware = Hardware::of(emulator, draw.pick(1, 2 * emulator.block_rows), draw.pick(1, 2 * emulator.block_cols));
  made.hardware.dac_bits = draw.pick(2, 8);
  made.hardware.adc_bits = draw.pick(4, 12);
  made.hardware.g_unit = static_cast<int>(draw.pick(32, 127));
  made.hardware.lambda = draw.pick(1, std::min(12U, made.hardware.tile_rows));
  const std::uint32_t calls = draw.pick(1, 2);
  for (std::uint32_t call = 0; call < calls; ++call) {
    ProgramShape::Call& shape = made.shape.calls.emplace_back();
    shape.in_features = draw.skewed(std::min(3 * emulator.block_rows, emulator.xbuf_bytes));
    const std::uint32_t matrices = draw.pick(1, 3);
    for (std::uint32_t m = 0; m < matrices; ++m) shape.out_features.push_back(draw.skewed(3 * emulator.block_cols));
    if (shape.in_features > 2 && draw.coin()) shape.input_cuts.push_back(draw.pick(1, shape.in_features - 1));
  }
  made.shape.mode = static_cast<program::WeightMode>(draw.pick(0, 2));
  made.options.chip_seed = draw.pick(0, 0xFFFFFFFF);
  made.options.noise = draw.coin() ? "ideal" : "pcm-afm";
  made.options.read_sigma = draw.coin() ? 0 : 0.01 * draw.pick(1, 20);
  made.num_vectors = draw.skewed(2 * emulator.max_batch);
  made.vector_base = draw.pick(0, 0xFFFFFFFF);
  if (draw.coin()) {
    made.device.backpressure = 0.05 * draw.pick(1, 12);
    made.device.seed = draw.pick(0, 0xFFFFFFFF);
  }
  if (draw.coin()) made.device.latency_cycles = draw.pick(0, 60);
  if (draw.coin()) made.device.bytes_per_cycle = 0.25 * draw.pick(8, 4 * emulator.lanes);
  if (draw.coin()) made.device.max_outstanding = draw.pick(1, 4);
  return made;
}

/// Words and events of all calls.
struct Result {
  std::vector<std::vector<std::int32_t>> words;
  std::vector<device::RunStats> events;
};

[[nodiscard]] Result run_on(device::Device& device, const std::shared_ptr<const program::Program>& program,
                            const Case& made, std::uint32_t seed, ThreadPool& pool) {
  runtime::ChipInstance chip(program, device, made.options, pool);
  Result result;
  const int dac_max = made.hardware.chip().dac_max();
  for (std::uint32_t call = 0; call < program->manifest().calls.size(); ++call) {
    std::mt19937 random(seed + call);
    std::uniform_int_distribution<int> code(-dac_max, dac_max);
    std::vector<std::int8_t> codes(std::size_t{made.num_vectors} * program->manifest().calls[call].in_features);
    for (std::int8_t& c : codes) c = static_cast<std::int8_t>(code(random));
    result.words.push_back(chip.run_codes(call, codes, made.num_vectors, made.vector_base));
  }
  for (const runtime::CallStats& call : chip.stats()) {
    device::RunStats events = call.device;
    EXPECT_EQ(events.total_cycles > 0, device.info().cycle_accurate);
    result.events.push_back(events);
  }
  return result;
}

/// Without what only devices with cycles tell.
[[nodiscard]] Result without_cycles(Result result) {
  for (device::RunStats& events : result.events) {
    events.total_cycles = 0;
    events.busy_cycles = events.semaphore_stall_cycles = events.memory_stall_cycles = {};
  }
  return result;
}

using Compare =
    std::function<void(const Case& made, const std::shared_ptr<const program::Program>&, std::uint32_t seed)>;

/// `count` programs from seed `first` on.
void for_random_programs(const arch::EmulatorDescription& emulator, std::uint32_t first, std::uint32_t count,
                         const Compare& compare) {
  std::uint32_t compared = 0;
  for (std::uint32_t seed = first; seed < first + count; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Draw draw(seed);
    const Case made = draw_case(draw, emulator);
    std::shared_ptr<const program::Program> program;
    try {
      program = make_program(made.shape, made.hardware, seed);
    } catch (const Error& error) {
      // What does not fit the buffers of the emulator is refused by the compiler, not run.
      ASSERT_EQ(error.code(), ErrorCode::kCapacity) << error.what();
      continue;
    }
    ++compared;
    compare(made, program, seed);
    if (testing::Test::HasFatalFailure()) return;
  }
  EXPECT_GE(compared, count * 3 / 4) << "too few programs fit";
}

void compare_with_functional(const arch::EmulatorDescription& emulator, std::uint32_t first, std::uint32_t count) {
  ThreadPool pool(1);
  for_random_programs(emulator, first, count, [&](const Case& made, const auto& program, std::uint32_t seed) {
    functional::FunctionalDevice functional(made.hardware.emulator(), pool);
    const auto rtl = open_verilated(made.hardware.emulator(), made.device);
    const Result expected = without_cycles(run_on(functional, program, made, seed, pool));
    const Result actual = without_cycles(run_on(*rtl, program, made, seed, pool));
    ASSERT_EQ(actual.words, expected.words);
    ASSERT_EQ(actual.events, expected.events);
  });
}

/// Parameter: name of a model.
class RandomPrograms : public testing::TestWithParam<std::string> {
 protected:
  [[nodiscard]] static arch::EmulatorDescription emulator() {
    const std::string made = (xw::test::source_dir() / "tests/conformance/emulators" / GetParam()).string() + ".toml";
    return arch::load_emulator(std::filesystem::exists(made) ? made : GetParam());
  }
};

TEST_P(RandomPrograms, GiveTheSameOnRtlAndFunctionalDevice) {
  compare_with_functional(emulator(), 1, 75);
}

/// Run by `ctest -L slow`; XW_SEED moves on to other programs.
TEST_P(RandomPrograms, DISABLED_ManyGiveTheSame) {
  const char* seed = std::getenv("XW_SEED");
  compare_with_functional(emulator(),
                          seed != nullptr ? static_cast<std::uint32_t>(std::strtoul(seed, nullptr, 10)) : 1000, 1500);
}

[[nodiscard]] std::vector<std::string> model_names() {
  std::vector<std::string> names;
  for (const verilated::ModelEntry& model : conformance_models()) {
    const bool is_netlist = model.name.ends_with("-netlist");
    if (model.shape.block_rows <= 128 && !is_netlist) names.emplace_back(model.name);
  }
  return names;
}

INSTANTIATE_TEST_SUITE_P(Models, RandomPrograms, testing::ValuesIn(model_names()), [](const auto& param_info) {
  std::string name = param_info.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(RandomPrograms);

/// Models with waveforms are the RTL as synthesised; the others stop clocks and pair lanes to simulate fast.
TEST(FastSimulation, TakesTheSameCyclesAsTheRtlAsSynthesised) {
  const std::filesystem::path trace =
      std::filesystem::temp_directory_path() / ("xw-random-" + std::to_string(::getpid()) + ".fst");
  ThreadPool pool(1);
  std::size_t compared = 0;
  for (const verilated::ModelEntry& model : conformance_models()) {
    if (model.make_traced == nullptr || model.shape.block_rows > 128) continue;
    SCOPED_TRACE(model.name);
    ++compared;
    const std::string made = (xw::test::source_dir() / "tests/conformance/emulators" / model.name).string() + ".toml";
    const auto emulator = arch::load_emulator(std::filesystem::exists(made) ? made : std::string(model.name));
    for_random_programs(emulator, 500, 40, [&](const Case& drawn, const auto& program, std::uint32_t seed) {
      verilated::Options options = drawn.device;
      const auto fast = open_verilated(drawn.hardware.emulator(), options);
      options.trace = trace;
      options.trace_to = 1;
      const auto synthesised = open_verilated(drawn.hardware.emulator(), options);
      const Result expected = run_on(*synthesised, program, drawn, seed, pool);
      const Result actual = run_on(*fast, program, drawn, seed, pool);
      ASSERT_EQ(actual.words, expected.words);
      ASSERT_EQ(actual.events, expected.events);
    });
  }
  std::filesystem::remove(trace);
  if (compared == 0) GTEST_SKIP() << "built without a small model with waveforms (XW_RTL_TRACE)";
}

#ifdef XW_NETLISTS
/// Half of the programs read with noise. Models come in pairs: the RTL, and what Yosys makes of it.
TEST(Netlist, GivesTheSameInTheSameCyclesAsTheRtl) {
  ThreadPool pool(1);
  const std::span<const verilated::ModelEntry> models = conformance_models();
  ASSERT_EQ(models.size() % 2, 0U);
  ASSERT_GT(models.size(), 0U);
  for (std::size_t i = 0; i < models.size(); i += 2) {
    const std::string name(models[i].name);
    ASSERT_EQ(std::string(models[i + 1].name), name + "-netlist");
    const auto emulator =
        arch::load_emulator((xw::test::source_dir() / "tests/conformance/emulators" / name).string() + ".toml");
    for_random_programs(emulator, 2000, 60, [&](const Case& drawn, const auto& program, std::uint32_t seed) {
      const auto run = [&](std::size_t model) {
        verilated::VerilatedDevice device(drawn.hardware.emulator(), drawn.device, models.subspan(model, 1));
        return run_on(device, program, drawn, seed, pool);
      };
      const Result expected = run(i);
      const Result actual = run(i + 1);
      ASSERT_EQ(actual.words, expected.words);
      ASSERT_EQ(actual.events, expected.events);
    });
  }
}
#endif

}  // namespace
}  // namespace xw::test
