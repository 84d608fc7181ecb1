// Random block MVMs on the Verilated engine, bit for bit against tile_mvm_reference.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "tests/rtl/engine_bench.hpp"

namespace xw::test {
namespace {

using arch::DeviceError;

template <typename Config>
class EngineRtl : public testing::Test {};
using Configs = testing::Types<Engine16, Engine64>;
TYPED_TEST_SUITE(EngineRtl, Configs);

std::uint32_t pick(std::mt19937& random, std::uint32_t low, std::uint32_t high) {
  return low + random() % (high - low + 1);
}

template <typename Config>
analog::ImageHeader random_header(std::mt19937& random) {
  analog::ImageHeader header;
  header.rows = random() % 4 == 0 ? pick(random, 1, 3) : pick(random, 1, Config::kRows);
  header.cols = random() % 4 == 0 ? Config::kCols : pick(random, 1, Config::kCols);
  header.tile_uid = random();
  header.row0 = pick(random, 0, 0xFFFF);
  header.col0 = pick(random, 0, 0x10000 - header.cols);
  header.lanes = Config::kLanes;
  header.adc_bits = pick(random, arch::kMinAdcBits, arch::kMaxAdcBits);
  // Gains are any 16-bit number and sums up to 2^20: this range has conversions that clamp and others that do not.
  header.adc_shift = random() % 8 == 0 ? pick(random, arch::kMinAdcShift, arch::kMaxAdcShift) : pick(random, 20, 32);
  header.read_sigma_q = random() % 3 == 0 ? 0 : random() >> pick(random, 0, 31);
  return header;
}

/// A YBUF range for `cols` outputs.
template <typename Config>
std::uint32_t random_ybuf_offset(std::mt19937& random, std::uint32_t cols) {
  return pick(random, 0, (Config::kYbufWords - cols) / 16) * 16;
}

/// What the engine must hold, kept by the reference.
template <typename Config>
struct Expected {
  std::vector<std::int32_t> y;
  std::uint64_t saturations = 0;

  void mvm(const EngineBench<Config>& bench, const analog::BlockView& view, const MvmCommand& command) {
    analog::MvmBatch batch;
    batch.x = bench.x.data() + command.xbuf_offset;
    batch.x_stride = Config::kXbufBytes;
    batch.y = y.data() + command.ybuf_offset;
    batch.y_stride = Config::kYbufWords;
    batch.num_vectors = bench.top->num_vectors_i;
    batch.vector_base = bench.top->vector_base_i;
    batch.chip_seed = bench.top->chip_seed_i;
    batch.accumulate = command.accumulate;
    saturations += analog::tile_mvm_reference(view, batch);
  }
};

/// Commands one after the other, every load followed by MVMs as soon as it is signalled.
template <typename Config>
void run_random(unsigned seed, unsigned stall_percent, unsigned latency, unsigned num_blocks) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  EngineBench<Config> bench(seed);
  std::mt19937& random = bench.random;
  bench.memory.stall_percent = stall_percent;
  bench.memory.max_latency = latency;
  bench.fill_xbuf();
  Expected<Config> expected;
  expected.y = bench.read_ybuf();  // whatever is there at power-on is kept
  bench.top->chip_seed_i = random();
  for (unsigned block = 0; block < num_blocks; ++block) {
    bench.top->num_vectors_i = pick(random, 1, Config::kMaxBatch);
    bench.top->vector_base_i = random() % 3 == 0 ? 0xFFFFFFFEU : random();  // wraps
    const analog::ImageHeader header = random_header<Config>(random);
    const std::vector<std::byte> image = random_image(random, header);
    const std::uint32_t last_offset =
        static_cast<std::uint32_t>((EngineBench<Config>::kMemoryBytes - image.size()) / 64);
    const LoadCommand load = bench.place(image, pick(random, 0, Config::kContexts - 1), pick(random, 0, last_offset));
    analog::BlockView view;
    ASSERT_EQ(analog::open_image(image, Config::kRows, Config::kCols, Config::kLanes, true, view), 0U);
    bench.load_events = {};
    bench.start_load(load);
    bench.wait("load", [&] { return bench.load_events.done + bench.load_events.errors != 0; });
    ASSERT_EQ(bench.load_events.errors, 0U) << "code " << bench.load_events.code;
    const unsigned num_mvms = pick(random, 1, 3);
    for (unsigned i = 0; i < num_mvms; ++i) {
      MvmCommand command{load.context,
                         pick(random, 0, Config::kXbufBytes - header.rows),
                         random_ybuf_offset<Config>(random, header.cols),
                         header.rows,
                         header.cols,
                         random() % 2 == 0};
      const UnitEvents events = bench.mvm(command);
      ASSERT_EQ(events.errors, 0U) << "code " << events.code;
      ASSERT_EQ(events.done, 1U);
      expected.mvm(bench, view, command);
    }
    ASSERT_EQ(bench.read_ybuf(), expected.y) << "block " << block << ": " << header.rows << " x " << header.cols
                                             << ", vectors " << int{bench.top->num_vectors_i};
    ASSERT_EQ(bench.saturations, expected.saturations);
  }
  EXPECT_GT(expected.saturations, 0U);
  EXPECT_LE(bench.memory.most_bursts, Config::kMaxOutstanding);
}

TYPED_TEST(EngineRtl, AgreesWithTheReference) {
  for (unsigned seed = 1; seed <= 6; ++seed) run_random<TypeParam>(seed, 0, 0, 12);
}

TYPED_TEST(EngineRtl, AgreesWhenMemoryIsSlowAndIrregular) {
  for (unsigned seed = 11; seed <= 16; ++seed) run_random<TypeParam>(seed, 15 * (seed - 10), 80, 8);
}

TYPED_TEST(EngineRtl, LoadsTheNextContextWhileItComputes) {
  using Config = TypeParam;
  EngineBench<Config> bench(21);
  std::mt19937& random = bench.random;
  bench.memory.max_latency = 20;
  bench.fill_xbuf();
  Expected<Config> expected;
  expected.y = bench.read_ybuf();
  bench.top->num_vectors_i = Config::kMaxBatch;
  std::vector<std::vector<std::byte>> images;
  std::vector<LoadCommand> loads;
  std::uint32_t offset = 0;
  for (unsigned i = 0; i < 8; ++i) {
    analog::ImageHeader header = random_header<Config>(random);
    header.rows = Config::kRows - i;
    images.push_back(random_image(random, header));
    loads.push_back(bench.place(images.back(), i % 2, offset));
    offset += loads.back().image_length;
  }
  (void)bench.load(loads[0]);
  for (unsigned i = 0; i < images.size(); ++i) {
    analog::BlockView view;
    ASSERT_EQ(analog::open_image(images[i], Config::kRows, Config::kCols, Config::kLanes, true, view), 0U);
    const MvmCommand command{i % 2, 0, 0, view.rows, view.cols, i != 0};
    bench.load_events = bench.mvm_events = {};
    bench.start_mvm(command);
    if (i + 1 < images.size()) {
      bench.start_load(loads[i + 1]);
      bench.wait("load", [&] { return bench.load_events.done != 0; });
      EXPECT_EQ(bench.mvm_events.done, 0U) << "the load was not behind the MVM";
    }
    bench.wait("MVM", [&] { return bench.mvm_events.done != 0; });
    expected.mvm(bench, view, command);
  }
  EXPECT_EQ(bench.read_ybuf(), expected.y);
}

/// The next image is requested while cells are under way; its beats may come long after the last of them.
TYPED_TEST(EngineRtl, AnImageMayArriveLongAfterTheOneItIsQueuedBehind) {
  using Config = TypeParam;
  for (unsigned seed = 81; seed <= 90; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    EngineBench<Config> bench(seed);
    bench.fill_xbuf();
    Expected<Config> expected;
    expected.y = bench.read_ybuf();
    std::vector<std::vector<std::byte>> images;
    std::vector<LoadCommand> loads;
    for (std::uint32_t i = 0; i < 2; ++i) {
      images.push_back(random_image(bench.random, random_header<Config>(bench.random)));
      loads.push_back(bench.place(images[i], i, i == 0 ? 0 : loads[0].image_length));
    }
    bench.start_load(loads[0]);
    bench.wait("image", [&] { return bench.load_events.done != 0; });
    bench.memory.max_latency = 2000;
    bench.start_load(loads[1]);
    bench.wait("second image", [&] { return bench.load_events.done == 2; });
    EXPECT_EQ(bench.load_events.errors, 0U);
    for (std::uint32_t i = 0; i < 2; ++i) {
      analog::BlockView view;
      ASSERT_EQ(analog::open_image(images[i], Config::kRows, Config::kCols, Config::kLanes, true, view), 0U);
      const MvmCommand command{i, 0, 0, view.rows, view.cols, i != 0};
      ASSERT_EQ(bench.mvm(command).done, 1U);
      expected.mvm(bench, view, command);
    }
    EXPECT_EQ(bench.read_ybuf(), expected.y);
  }
}

TYPED_TEST(EngineRtl, OneBeatPerCycleOnceCellsAreThere) {
  using Config = TypeParam;
  EngineBench<Config> bench(31);
  bench.fill_xbuf();
  bench.top->num_vectors_i = Config::kMaxBatch;
  analog::ImageHeader header = random_header<Config>(bench.random);
  header.rows = Config::kRows;
  header.cols = Config::kCols;
  header.col0 = 0;
  (void)bench.load(bench.place(random_image(bench.random, header), 1, 0));
  const std::uint64_t before = bench.cycles;
  (void)bench.mvm({1, 0, 0, header.rows, header.cols, false});
  const std::uint64_t beats = std::uint64_t{header.rows} * (Config::kCols / Config::kLanes) * Config::kMaxBatch;
  EXPECT_LE(bench.cycles - before, beats + 64) << "setup and drain take more than 64 cycles";
  EXPECT_EQ(bench.stalls, 0U);
}

TYPED_TEST(EngineRtl, ResetAndAbortInMidStreamLeaveAUsableEngine) {
  using Config = TypeParam;
  for (unsigned seed = 41; seed < 61; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    EngineBench<Config> bench(seed);
    bench.memory.max_latency = 30;
    bench.memory.stall_percent = 20;
    bench.fill_xbuf();
    analog::ImageHeader header = random_header<Config>(bench.random);
    header.rows = Config::kRows;
    const std::vector<std::byte> image = random_image(bench.random, header);
    const LoadCommand load = bench.place(image, 0, 5);
    bench.start_load(load);
    bench.wait("load", [&] { return bench.load_events.done != 0; });
    bench.start_mvm({0, 0, 0, header.rows, header.cols, false});
    for (std::uint32_t i = pick(bench.random, 0, 150); i > 0; --i) bench.tick();
    if (seed % 2 == 0) {
      bench.reset();
    } else {
      bench.top->abort_i = 1;
      bench.tick();
      bench.top->abort_i = 0;
      bench.wait("drain", [&] { return bench.top->load_idle_o != 0; });
      EXPECT_TRUE(bench.memory.bursts.empty());
      bench.top->clear_i = 1;
      bench.tick();
      bench.top->clear_i = 0;
    }
    EXPECT_EQ(bench.mvm({0, 0, 0, header.rows, header.cols, false}).code,
              static_cast<std::uint32_t>(DeviceError::kContextEmpty));
    ASSERT_EQ(bench.load(load).done, 1U);
    Expected<Config> expected;
    expected.y = bench.read_ybuf();
    bench.saturations = 0;
    const MvmCommand command{0, 0, 0, header.rows, header.cols, false};
    ASSERT_EQ(bench.mvm(command).done, 1U);
    analog::BlockView view;
    ASSERT_EQ(analog::open_image(image, Config::kRows, Config::kCols, Config::kLanes, true, view), 0U);
    expected.mvm(bench, view, command);
    EXPECT_EQ(bench.read_ybuf(), expected.y);
    EXPECT_EQ(bench.saturations, expected.saturations);
  }
}

TYPED_TEST(EngineRtl, RejectsOperandsThatDoNotFit) {
  using Config = TypeParam;
  EngineBench<Config> bench(71);
  analog::ImageHeader header = random_header<Config>(bench.random);
  header.rows = 20;
  header.cols = 17;
  ASSERT_EQ(bench.load(bench.place(random_image(bench.random, header), 1, 0)).done, 1U);
  struct Case {
    MvmCommand command;
    DeviceError code;
    std::uint64_t detail;
  };
  const std::uint32_t x_end = Config::kXbufBytes + 1, y_offset = Config::kYbufWords - 16;
  const Case cases[] = {
      {{Config::kContexts, 0, 0, 20, 17}, DeviceError::kBadContext, Config::kContexts},
      {{1, x_end - 20, 0, 20, 17}, DeviceError::kXbufRange, x_end},
      {{1, 0, 8, 20, 17}, DeviceError::kMisaligned, 8},
      {{1, 0, y_offset, 20, 17}, DeviceError::kYbufRange, Config::kYbufWords + 1},
      {{0, 0, 0, 20, 17}, DeviceError::kContextEmpty, 0},
      {{1, 0, 0, 19, 17}, DeviceError::kContextShape, 20 | 17U << 16U},
      {{1, 0, 0, 20, 16}, DeviceError::kContextShape, 20 | 17U << 16U},
      {{1, 0, 0, 0, 0}, DeviceError::kContextShape, 20 | 17U << 16U},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(arch::error_name(c.code));
    const UnitEvents events = bench.mvm(c.command);
    EXPECT_EQ(events.errors, 1U);
    EXPECT_EQ(events.done, 0U);
    EXPECT_EQ(events.code, static_cast<std::uint32_t>(c.code));
    EXPECT_EQ(events.detail, c.detail);
  }
  EXPECT_EQ(bench.mvm({1, Config::kXbufBytes - 20, 0, 20, 17}).done, 1U);  // just fits
}

}  // namespace
}  // namespace xw::test
