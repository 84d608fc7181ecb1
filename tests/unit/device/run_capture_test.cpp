// Saved runs: what is written is read back, moved to other addresses, and anything else is refused.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/device/run_capture.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <random>

#include "arch/generated/xw_arch.hpp"
#include "arch/support/error.hpp"
#include "arch/support/file.hpp"
#include "arch/support/parallel.hpp"
#include "host/backends/functional/functional_device.hpp"

namespace xw::device {
namespace {

using ::testing::HasSubstr;

class RunCaptureTest : public ::testing::Test {
 protected:
  void SetUp() override {
    path_ = std::filesystem::temp_directory_path() / ("xw-capture-" + std::to_string(::getpid()) + ".xwrun");
    info_.name = "verilated";
    info_.emulator = arch::load_emulator("tiny-64");
    arguments_.program_base = memory_.allocate(5000);
    arguments_.x_base = memory_.allocate(64) + 64;  // in the page, beyond what was asked for: stays as it is
    arguments_.y_base = memory_.allocate(10'000) + 4096;
    arguments_.completion_base = 64;  // no memory
    arguments_.image_base[0] = arguments_.program_base + 128;
    arguments_.entry = 7;
    arguments_.num_vectors = 3;
    arguments_.vector_base = 0xFFFFFFFF;
    arguments_.chip_seed = 12;
    arguments_.watchdog_cycles = 13;
    std::mt19937 random(1);
    for (std::byte& b : memory_.host_span(arguments_.program_base, 3000)) b = std::byte(random() & 0xFFU);
    memory_.host_span(arguments_.y_base, 1)[0] = std::byte{9};
  }
  void TearDown() override { std::filesystem::remove(path_); }

  [[nodiscard]] std::string saved() {
    save_capture(path_, info_, arguments_, "watchdog in mvm[0]", memory_);
    const std::string text = read_text_file(path_);
    return text;
  }
  static std::string message(const std::string& bytes) {
    try {
      (void)parse_capture(std::as_bytes(std::span(bytes)), "file");
    } catch (const Error& error) {
      EXPECT_TRUE(error.code() == ErrorCode::kFormat || error.code() == ErrorCode::kInvalidArgument ||
                  error.code() == ErrorCode::kContractMismatch)
          << error.what();
      return error.what();
    }
    return "";
  }
  /// The file with one text of its description replaced.
  [[nodiscard]] std::string with(const std::string& from, const std::string& to) {
    std::string bytes = saved();
    const std::size_t at = bytes.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    bytes.replace(at, from.size(), to);
    std::uint64_t size = 0;
    std::memcpy(&size, bytes.data() + 8, sizeof size);
    size += to.size() - from.size();
    std::memcpy(bytes.data() + 8, &size, sizeof size);
    return bytes;
  }

  std::filesystem::path path_;
  DeviceInfo info_;
  DeviceMemory memory_{1U << 20U};
  RunArguments arguments_;
};

TEST_F(RunCaptureTest, IsReadBack) {
  (void)saved();
  const RunCapture capture = load_capture(path_);
  EXPECT_EQ(capture.device, "verilated");
  EXPECT_EQ(capture.failure, "watchdog in mvm[0]");
  EXPECT_EQ(capture.emulator, info_.emulator);
  EXPECT_EQ(capture.arguments.entry, 7U);
  EXPECT_EQ(capture.arguments.vector_base, 0xFFFFFFFFU);
  EXPECT_EQ(capture.arguments.image_base, arguments_.image_base);
  ASSERT_EQ(capture.segments.size(), 3U);
  EXPECT_EQ(capture.segments[0].bytes, 5000U);
  EXPECT_EQ(capture.segments[0].data.size(), 3000U) << "zeros at the end are not stored";
  EXPECT_EQ(capture.segments[1].data.size(), 0U);
  EXPECT_EQ(capture.segments[2].data.size(), 4097U);
}

TEST_F(RunCaptureTest, IsPlacedAtOtherAddresses) {
  (void)saved();
  const RunCapture capture = load_capture(path_);
  ThreadPool pool(1);
  functional::FunctionalDevice device(capture.emulator, pool);
  (void)device.allocate(100'000, {});
  const RunArguments placed = place_capture(capture, device);
  EXPECT_NE(placed.program_base, arguments_.program_base);
  EXPECT_EQ(placed.image_base[0], placed.program_base + 128);
  EXPECT_EQ(placed.completion_base, 64U);
  EXPECT_EQ(placed.x_base, arguments_.x_base);
  EXPECT_EQ(placed.image_base[1], 0U);
  EXPECT_EQ(placed.num_vectors, 3U);
  std::vector<std::byte> bytes(5000);
  device.read(placed.program_base, bytes);
  const auto expected = memory_.host_span(arguments_.program_base, 5000);
  EXPECT_TRUE(std::equal(bytes.begin(), bytes.end(), expected.begin()));
  std::byte y{};
  device.read(placed.y_base, std::span(&y, 1));
  EXPECT_EQ(y, std::byte{9});
}

TEST_F(RunCaptureTest, AnEmulatorWithoutATextIsDescribedByItsNumbers) {
  const arch::EmulatorDescription original = info_.emulator;
  info_.emulator.text.clear();
  (void)saved();
  arch::EmulatorDescription read = load_capture(path_).emulator;
  read.text = original.text;
  read.doc = original.doc;
  EXPECT_EQ(read, original);
}

/// A few bytes of text must not become gigabytes of memory.
TEST_F(RunCaptureTest, ZerosThatTheFileDoesNotHoldAreBounded) {
  const std::string bytes = with("\"bytes\": 5000", "\"bytes\": 200000000");
  try {
    (void)parse_capture(std::as_bytes(std::span(bytes)), "file", 100'000'000);
    ADD_FAILURE() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kCapacity);
    EXPECT_THAT(error.what(), HasSubstr("have 199997000 bytes that the file does not hold"));
  }
  EXPECT_NO_THROW((void)parse_capture(std::as_bytes(std::span(bytes)), "file"));
  const std::string good = saved();
  EXPECT_NO_THROW((void)parse_capture(std::as_bytes(std::span(good)), "file", 1 << 16));
}

TEST_F(RunCaptureTest, AnythingElseIsRefused) {
  const std::string good = saved();
  EXPECT_EQ(message(good), "");
  EXPECT_THAT(message(""), HasSubstr("not a saved run"));
  EXPECT_THAT(message("XWRUN\n\n" + good.substr(7)), HasSubstr("not a saved run"));
  EXPECT_THAT(message(good.substr(0, 15)), HasSubstr("not a saved run"));
  EXPECT_THAT(message(good.substr(0, 100)), HasSubstr("does not fit the file"));
  EXPECT_THAT(message(good + "x"), HasSubstr("1 bytes after the last segment"));
  EXPECT_THAT(message(good.substr(0, good.size() - 1)), HasSubstr("4097 stored bytes, found 4096"));
  std::string damaged = good;
  damaged.back() ^= 1;
  EXPECT_THAT(message(damaged), HasSubstr("the CRC of a segment is wrong"));
  EXPECT_THAT(message(with("{", "[")), HasSubstr("not JSON"));
  EXPECT_THAT(message(with("\"entry\": 7", "\"entry\": -7")), HasSubstr("entry: expected an integer"));
  EXPECT_THAT(message(with("\"entry\": 7", "\"entry\": 4294967296")), HasSubstr("entry: expected an integer"));
  EXPECT_THAT(message(with("\"entry\": 7", "\"enter\": 7")), HasSubstr("expected member entry"));
  EXPECT_THAT(message(with("\"device\": \"verilated\"", "\"device\": 5")), HasSubstr("device: expected a text"));
  EXPECT_THAT(message(with("num_engines = 1", "num_engines = 9")), HasSubstr("num_engines"));
  EXPECT_THAT(message(with(std::string(arch::kContractHashText), "00")), HasSubstr("contract hash 00"));
  EXPECT_THAT(message(with("\"segments\": [", "\"segments\": [5,")), HasSubstr("expected member address"));
  EXPECT_THAT(message(with("\"bytes\": 5000", "\"bytes\": 0")), HasSubstr("segment of 0 bytes"));
  EXPECT_THAT(message(with("\"bytes\": 5000", "\"bytes\": 5000000000")), HasSubstr("does not fit the memory"));
  EXPECT_THAT(message(with("\"stored\": 3000", "\"stored\": 5001")), HasSubstr("5001 stored bytes"));
  EXPECT_THROW((void)load_capture(path_.string() + ".absent"), Error);
}

}  // namespace
}  // namespace xw::device
