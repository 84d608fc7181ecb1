// What only a device with buses and cycles can show: bus errors on every port, memory that never answers, cycles,
// waveforms, saved runs.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <functional>
#include <optional>

#include "arch/generated/xw_arch.hpp"
#include "arch/support/error.hpp"
#include "arch/support/file.hpp"
#include "arch/support/parallel.hpp"
#include "host/backends/functional/functional_device.hpp"
#include "host/device/run_capture.hpp"
#include "tests/conformance/hand_made.hpp"
#include "tests/conformance/verilated_models.hpp"
#include "tests/support/paths.hpp"

namespace xw::test {
namespace {

using arch::DeviceError;
using ::testing::HasSubstr;
using ::testing::Not;
using verilated::MemoryFaults;
using verilated::VerilatedDevice;

[[nodiscard]] VerilatedDevice& device_of(HandMade& made) {
  return dynamic_cast<VerilatedDevice&>(*made.device);
}

void expect_good_run(HandMade& made) {
  const device::RunStats stats = made.device->run(made.arguments);
  EXPECT_EQ(stats.status, 0U);
  EXPECT_GT(stats.total_cycles, 0U);
  EXPECT_EQ(made.read_completion(), stats);
  EXPECT_EQ(made.read_y(), made.expected_y());
}

[[nodiscard]] std::string message_of_failure(HandMade& made) {
  try {
    (void)made.device->run(made.arguments);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kDeviceFault) << error.what();
    return error.what();
  }
  return "";
}

/// A stretch of memory that the hand-made run touches, and who reports when it cannot be reached.
struct Place {
  std::string name;
  std::function<device::Address(const HandMade&)> address;
  bool written = false;
  std::uint32_t unit = 0, instruction = 0;
};

[[nodiscard]] std::vector<Place> places() {
  using H = HandMade;
  const auto image = [](std::size_t engine, std::uint64_t offset) {
    return [=](const H& made) { return made.arguments.image_base[engine] + offset; };
  };
  const std::uint32_t loader = arch::kUnitBlockLoad;
  return {
      {"program_header", [](const H& m) { return m.arguments.program_base; }, false, arch::kUnitDispatch, 0},
      {"first_instructions", [](const H& m) { return m.arguments.program_base + 64; }, false, arch::kUnitDispatch, 0},
      {"later_instructions", [](const H& m) { return m.arguments.program_base + 128; }, false, arch::kUnitDispatch, 4},
      {"x_first_vector", [](const H& m) { return m.arguments.x_base; }, false, arch::kUnitXLoad, H::kLoadX0},
      {"x_second_vector", [](const H& m) { return m.arguments.x_base + H::kStride; }, false, arch::kUnitXLoad,
       H::kLoadX0},
      {"image_header", image(0, 0), false, loader, H::kLoadBlock0},
      {"image_tables", image(1, 128), false, loader + 1, H::kLoadBlock1},
      {"image_offsets", image(0, 192), false, loader, H::kLoadBlock0},
      {"image_cells", image(0, 512), false, loader, H::kLoadBlock0},
      {"image_last_line", image(1, 64 + 256 + 1280 - 64), false, loader + 1, H::kLoadBlock1},
      {"y_first_vector", [](const H& m) { return m.arguments.y_base; }, true, arch::kUnitYStore, H::kStoreY},
      {"y_second_vector", [](const H& m) { return m.arguments.y_base + H::kStride + 64; }, true, arch::kUnitYStore,
       H::kStoreY},
  };
}

class Bus : public testing::TestWithParam<Backend> {};

TEST_P(Bus, SlaveErrorsAreReportedWithTheirLine) {
  HandMade made(GetParam());
  for (const Place& place : places()) {
    SCOPED_TRACE(place.name);
    const device::Address line = place.address(made);
    MemoryFaults faults;
    (place.written ? faults.write_slverr : faults.read_slverr) = {line, line + 64};
    for (int repeat = 0; repeat < 2; ++repeat) {
      device_of(made).inject(faults);
      EXPECT_THAT(message_of_failure(made), HasSubstr("memory_slverr in " + arch::unit_name(place.unit) +
                                                      " at instruction " + std::to_string(place.instruction)));
      const device::RunStats record = made.read_completion();
      EXPECT_EQ(record.status, static_cast<std::uint32_t>(DeviceError::kMemorySlverr));
      EXPECT_EQ(record.error_unit, place.unit);
      EXPECT_EQ(record.error_instruction, place.instruction);
      // A write is answered per burst, and a vector of this program is one.
      const device::Address expected = place.written ? line / HandMade::kStride * HandMade::kStride : line;
      EXPECT_EQ(record.error_detail, expected);
    }
    device_of(made).inject({});
    expect_good_run(made);
  }
}

TEST_P(Bus, RecordsThatCannotBeWrittenAreToldByTheRegisters) {
  HandMade made(GetParam());
  MemoryFaults faults;
  const device::Address record = made.arguments.completion_base;
  faults.write_slverr = {record, record + 64};
  device_of(made).inject(faults);
  EXPECT_THAT(message_of_failure(made),
              HasSubstr("memory_slverr in dispatch at instruction " + std::to_string(HandMade::kHalt)));
  EXPECT_EQ(device_of(made).read_register(arch::kRegErrorCode), static_cast<std::uint32_t>(DeviceError::kMemorySlverr));
  device_of(made).inject({});
  expect_good_run(made);
  EXPECT_EQ(device_of(made).read_register(arch::kRegErrorCode), 0U);
}

TEST_P(Bus, MemoryThatNeverAnswersEndsInTheWatchdog) {
  HandMade made(GetParam());
  made.arguments.watchdog_cycles = 2000;
  for (const Place& place : places()) {
    SCOPED_TRACE(place.name);
    MemoryFaults faults;
    const device::Address line = place.address(made);
    faults.hang = {line, line + 64};
    for (int repeat = 0; repeat < 2; ++repeat) {
      device_of(made).inject(faults);
      EXPECT_THAT(message_of_failure(made), HasSubstr("watchdog in "));
    }
    device_of(made).inject({});
    expect_good_run(made);
  }
  MemoryFaults faults;
  faults.hang = {made.arguments.completion_base, made.arguments.completion_base + 64};
  device_of(made).inject(faults);
  EXPECT_THAT(message_of_failure(made),
              HasSubstr("watchdog in dispatch at instruction " + std::to_string(HandMade::kHalt)));
  device_of(made).inject({});
  expect_good_run(made);
}

TEST_P(Bus, TheSameRunTakesTheSameCycles) {
  const auto cycles = [this] {
    HandMade made(GetParam());
    std::vector<std::uint64_t> all;
    for (int run = 0; run < 5; ++run) all.push_back(made.device->run(made.arguments).total_cycles);
    return all;
  };
  const std::vector<std::uint64_t> first = cycles();
  EXPECT_EQ(cycles(), first);
  // Without random stalls only what stands in XBUF and YBUF differs between runs, and takes no time.
  if (GetParam().name != "verilated_random_stalls") {
    EXPECT_EQ(std::vector<std::uint64_t>(5, first[0]), first);
  }
}

INSTANTIATE_TEST_SUITE_P(Backends, Bus, testing::ValuesIn(verilated_backends()),
                         [](const auto& param_info) { return param_info.param.name; });
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Bus);

#if XW_HAVE_VERILATOR

/// A folder that is removed with the test.
class Verilated : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / ("xw-bus-" + std::to_string(::getpid()) + "-" +
                                                        testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  [[nodiscard]] static Backend with(const verilated::Options& options) {
    return {"verilated", [options](const arch::EmulatorDescription& e) { return open_verilated(e, options); },
            [](const arch::EmulatorDescription&) { return true; }, true};
  }
  [[nodiscard]] std::size_t files() const {
    return static_cast<std::size_t>(
        std::distance(std::filesystem::directory_iterator(folder_), std::filesystem::directory_iterator()));
  }
  std::filesystem::path folder_;
};

/// Times of the first and last change in an FST file, from its header block.
[[nodiscard]] std::pair<std::uint64_t, std::uint64_t> fst_times(const std::filesystem::path& path) {
  const std::string bytes = read_text_file(path);
  EXPECT_GT(bytes.size(), 400U);
  const auto big_endian = [&](std::size_t at) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < 8; ++i) value = value << 8U | static_cast<std::uint8_t>(bytes.at(at + i));
    return value;
  };
  EXPECT_EQ(bytes.at(0), 0) << "not a header block";
  EXPECT_EQ(big_endian(1), 329U) << "size of a header block";
  return {big_endian(9), big_endian(17)};
}

TEST_F(Verilated, WritesWaveformsOfAWindowOfCycles) {
  verilated::Options options;
  options.trace = folder_ / "all.fst";
  std::uint64_t cycles = 0;
  {
    HandMade made(with(options));
    expect_good_run(made);
    EXPECT_FALSE(std::filesystem::exists(options.trace)) << "the file appears when it is whole";
    cycles = device_of(made).cycles();
  }
  EXPECT_EQ(files(), 1U);
  EXPECT_EQ(fst_times(options.trace), std::pair(std::uint64_t{0}, 2 * cycles - 1));

  options.trace = folder_ / "window.fst";
  options.trace_from = 300;
  options.trace_to = 400;
  HandMade made(with(options));
  expect_good_run(made);
  EXPECT_EQ(fst_times(options.trace), std::pair(std::uint64_t{600}, std::uint64_t{799})) << "whole before the end";
  expect_good_run(made);
  EXPECT_EQ(files(), 2U);
}

TEST_F(Verilated, RefusesTracesThatCannotBeWritten) {
  verilated::Options options;
  options.trace = folder_ / "absent" / "a.fst";
  try {
    const HandMade made(with(options));
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kIo);
    EXPECT_THAT(error.what(), HasSubstr((folder_ / "absent" / "a.fst").string() + ": cannot write the trace"));
  }
  options.trace = folder_ / "device";  // what is not a file, like /dev/null, must not be replaced by one
  ASSERT_EQ(::mkfifo(options.trace.c_str(), 0600), 0);
  try {
    const HandMade made(with(options));
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kIo);
    EXPECT_THAT(error.what(), HasSubstr("device: cannot write the trace: it exists and is not a regular file"));
  }
  EXPECT_TRUE(std::filesystem::is_fifo(options.trace));
  EXPECT_EQ(files(), 1U);
}

TEST_F(Verilated, RefusesToSaveWhereItCannotWrite) {
  verilated::Options options;
  options.save = folder_ / "absent" / "failed.xwrun";
  try {
    const HandMade made(with(options));
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kIo);
    EXPECT_THAT(error.what(), HasSubstr(options.save.string() + ": cannot create"));
  }
}

TEST_F(Verilated, TellsTheFailureOfARunThatCouldNotBeSaved) {
  verilated::Options options;
  std::filesystem::create_directory(folder_ / "gone");
  options.save = folder_ / "gone" / "failed.xwrun";
  HandMade made(with(options));
  std::filesystem::remove(folder_ / "gone");
  made.code[HandMade::kMvm1].rows = 39;
  made.load();
  const std::string message = message_of_failure(made);
  EXPECT_THAT(message, HasSubstr("context_shape in mvm[1] at instruction 5"));
  EXPECT_THAT(message, HasSubstr("the run could not be saved: " + options.save.string()));
}

TEST_F(Verilated, SavesTheFirstRunThatFails) {
  verilated::Options options;
  options.save = folder_ / "failed.xwrun";
  {
    HandMade made(with(options));
    expect_good_run(made);
    EXPECT_EQ(files(), 0U);
    made.code[HandMade::kMvm1].rows = 39;
    made.load();
    const std::string message = message_of_failure(made);
    EXPECT_THAT(message, HasSubstr("context_shape in mvm[1] at instruction 5"));
    EXPECT_THAT(message, HasSubstr("; saved in " + options.save.string()));
    made.code[HandMade::kMvm1].rows = 38;
    made.load();
    const std::string second = message_of_failure(made);
    EXPECT_THAT(second, HasSubstr("context_shape"));
    EXPECT_THAT(second, Not(HasSubstr("saved in"))) << "only the first one";
  }
  EXPECT_EQ(files(), 1U);
  const device::RunCapture capture = device::load_capture(options.save);
  EXPECT_THAT(capture.failure, HasSubstr("context_shape in mvm[1] at instruction 5"));
  // Any device runs it again, to the same end.
  ThreadPool pool(1);
  functional::FunctionalDevice functional(capture.emulator, pool);
  const std::unique_ptr<VerilatedDevice> rtl = open_verilated(capture.emulator);
  for (device::Device* device : {static_cast<device::Device*>(&functional), static_cast<device::Device*>(rtl.get())}) {
    const device::RunArguments placed = device::place_capture(capture, *device);
    try {
      (void)device->run(placed);
      ADD_FAILURE();
    } catch (const Error& error) {
      EXPECT_EQ(error.what(), device->info().name + ": " + capture.failure);
    }
  }
}

TEST_F(Verilated, IsUsableAfterAnInterrupt) {
  verilated::Options options;
  options.latency_cycles = 200'000;  // long enough that cycles are reported
  int calls = 0;
  bool interrupt = true;
  options.on_cycles = [&](std::uint64_t cycles) {
    EXPECT_GT(cycles, 0U);
    ++calls;
    if (interrupt) throw Error(ErrorCode::kInterrupted, "interrupted");
  };
  HandMade made(with(options));
  made.arguments.watchdog_cycles = 1'000'000;
  EXPECT_THROW((void)made.device->run(made.arguments), Error);
  EXPECT_EQ(calls, 1);
  interrupt = false;
  expect_good_run(made);
}

/// The kernel itself waits for what memory owes to the run before: nobody resets it.
TEST_F(Verilated, RunsAgainWithoutResetWhenMemoryAnswersLate) {
  verilated::Options options;
  options.reset_after_hang = false;
  HandMade made(with(options));
  made.arguments.watchdog_cycles = 2000;
  std::vector<Place> all = places();
  all.push_back({"record", [](const HandMade& m) { return m.arguments.completion_base; }, true, arch::kUnitDispatch,
                 HandMade::kHalt});
  for (const Place& place : all) {
    SCOPED_TRACE(place.name);
    MemoryFaults faults;
    const device::Address line = place.address(made);
    faults.hang = {line, line + 64};
    device_of(made).inject(faults);
    EXPECT_THAT(message_of_failure(made), HasSubstr("watchdog in "));
    device_of(made).inject({});  // the answers come while the next run begins
    expect_good_run(made);
    // A run that begins while they are still missing ends in the watchdog, before its first instruction.
    device_of(made).inject(faults);
    EXPECT_THAT(message_of_failure(made), HasSubstr("watchdog in "));
    EXPECT_THAT(message_of_failure(made), HasSubstr("watchdog in dispatch at instruction 0"));
    device_of(made).inject({});
    expect_good_run(made);
    expect_good_run(made);
  }
}

TEST_F(Verilated, IsUsableAfterTheShortestReset) {
  constexpr unsigned kShortest = 4;  // cycles; docs/hardware.md
  verilated::Options options;
  options.latency_cycles = 100'000;  // long enough that cycles are reported
  bool interrupt = true;
  options.on_cycles = [&](std::uint64_t) {
    if (interrupt) throw Error(ErrorCode::kInterrupted, "interrupted");
  };
  HandMade made(with(options));
  made.arguments.watchdog_cycles = 1'000'000;
  EXPECT_THROW((void)made.device->run(made.arguments), Error);
  interrupt = false;
  device_of(made).reset(kShortest);
  EXPECT_EQ(device_of(made).read_register(arch::kRegControl), arch::kRegControlIdle);
  EXPECT_EQ(device_of(made).read_register(arch::kArgProgramBase), 0U) << "arguments are forgotten";
  expect_good_run(made);
}

TEST_F(Verilated, GivesUpARunWithoutTransfers) {
  verilated::Options options;
  options.silent_cycles = 50'000;
  HandMade made(with(options));
  made.arguments.watchdog_cycles = 0xFFFFFFFF;
  MemoryFaults faults;
  faults.hang = {made.arguments.x_base, made.arguments.x_base + 64};
  device_of(made).inject(faults);
  try {
    (void)made.device->run(made.arguments);
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kDeviceTimeout);
    EXPECT_THAT(error.what(), HasSubstr("no bus transfer for 50000 cycles"));
  }
  device_of(made).inject({});
  expect_good_run(made);

  options.silent_cycles = 20;  // less than memory takes
  options.latency_cycles = 300;
  HandMade slow(with(options));
  try {
    (void)slow.device->run(slow.arguments);
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kDeviceTimeout);
    EXPECT_THAT(error.what(), HasSubstr("no bus transfer for 20 cycles"));
  }
}

TEST_F(Verilated, RegistersDescribeTheBuild) {
  for (const verilated::ModelEntry& model : conformance_models()) {
    if (model.name == "alveo-u55c") continue;
    SCOPED_TRACE(model.name);
    const arch::EmulatorDescription e = arch::load_emulator(
        model.name == "tiny-64"
            ? std::string(model.name)
            : (xw::test::source_dir() / "tests/conformance/emulators" / model.name).string() + ".toml");
    const auto device = open_verilated(e);
    const std::pair<std::uint32_t, std::uint32_t> expected[] = {
        {arch::kRegVersion, arch::kIsaVersion},
        {arch::kRegNumEngines, e.num_engines},
        {arch::kRegLanes, e.lanes},
        {arch::kRegBlockRows, e.block_rows},
        {arch::kRegBlockCols, e.block_cols},
        {arch::kRegContexts, e.contexts},
        {arch::kRegXbufBytes, e.xbuf_bytes},
        {arch::kRegYbufWords, e.ybuf_words},
        {arch::kRegMaxBatch, e.max_batch},
        {arch::kRegAdcColumnsPerCycle, e.adc_columns_per_cycle},
        {arch::kRegDataWidth, e.data_width_bits},
    };
    for (const auto& [offset, value] : expected) EXPECT_EQ(device->read_register(offset), value) << offset;
    for (std::uint32_t word = 0; word < arch::kRegContractHashCount; ++word) {
      std::uint32_t hash = 0;
      std::memcpy(&hash, arch::kContractHash.data() + 4 * word, sizeof hash);
      EXPECT_EQ(device->read_register(arch::kRegContractHash + 4 * word), hash);
    }
  }
}

#endif

}  // namespace
}  // namespace xw::test
