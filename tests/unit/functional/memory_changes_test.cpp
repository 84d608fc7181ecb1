// The functional device remembers what it decoded and checked only as long as memory stays as it was.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "arch/generated/xw_arch.hpp"
#include "arch/support/error.hpp"
#include "arch/support/parallel.hpp"
#include "host/backends/functional/functional_device.hpp"
#include "tests/conformance/hand_made.hpp"

namespace xw::functional {
namespace {

using test::HandMade;

/// On two threads, so that calls are scheduled; the pool lives as long as the process.
[[nodiscard]] test::Backend functional_backend() {
  static ThreadPool pool(2);
  test::Backend backend;
  backend.name = "functional";
  backend.open = [](const arch::EmulatorDescription& emulator) {
    return std::make_unique<FunctionalDevice>(emulator, pool);
  };
  return backend;
}

class MemoryChanges : public testing::Test {
 protected:
  MemoryChanges() : made(functional_backend()) { (void)made.device->run(made.arguments); }

  void expect_failure(const std::string& text) {
    try {
      (void)made.device->run(made.arguments);
      ADD_FAILURE() << "no failure; expected " << text;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), testing::HasSubstr(text));
    }
  }
  void expect_good() {
    (void)made.device->run(made.arguments);
    EXPECT_EQ(made.read_y(), made.expected_y());
  }

  HandMade made;
};

TEST_F(MemoryChanges, ImageRewrittenThroughAViewIsUsed) {
  analog::ImageHeader header = made.headers[1];
  header.tile_uid = 1234;
  analog::seal_image(made.images[1], header);
  made.headers[1] = header;
  const std::span<std::byte> view = made.device->host_view(made.arguments.image_base[1], made.images[1].size());
  std::copy(made.images[1].begin(), made.images[1].end(), view.begin());
  made.device->written(made.arguments.image_base[1], made.images[1].size());
  expect_good();
}

TEST_F(MemoryChanges, OneChangedCellIsSeen) {
  made.device->host_view(made.arguments.image_base[0] + 300, 1)[0] ^= std::byte{1};
  made.device->written(made.arguments.image_base[0] + 300, 1);
  expect_failure("image_payload_sum");
  made.device->host_view(made.arguments.image_base[0] + 300, 1)[0] ^= std::byte{1};
  made.device->written(made.arguments.image_base[0] + 300, 1);
  expect_good();
}

TEST_F(MemoryChanges, ImagesElsewhereAreFound) {
  const device::Address other = made.device->allocate(made.images[0].size(), {0});
  made.arguments.image_base[0] = other;
  expect_failure("image_magic in block_load[0]");
  made.device->write(other, made.images[0]);
  expect_good();
}

TEST_F(MemoryChanges, FreedImageMemoryIsGone) {
  made.device->free(made.arguments.image_base[1]);
  expect_failure("memory_decerr in block_load[1] at instruction 3");
  // The same place again: zeroed, so that the old image is not there.
  EXPECT_EQ(made.device->allocate(16 * 1024, {1}), made.arguments.image_base[1]);
  expect_failure("image_magic in block_load[1]");
}

TEST_F(MemoryChanges, FreedProgramMemoryIsGone) {
  made.device->free(made.arguments.program_base);
  expect_failure("memory_decerr in dispatch at instruction 0");
}

TEST_F(MemoryChanges, RewrittenInstructionIsDecodedAgain) {
  made.code[HandMade::kStoreY].engine_mask = 1;
  made.load();
  (void)made.device->run(made.arguments);
  EXPECT_NE(made.read_y(), made.expected_y());
}

TEST_F(MemoryChanges, ResultsStoredOverTheProgramChangeIt) {
  made.arguments.y_base = made.arguments.program_base;
  (void)made.device->run(made.arguments);
  expect_failure("in dispatch at instruction 0");
}

TEST_F(MemoryChanges, HostAccessOutsideAllocationsIsRefused) {
  const std::vector<std::byte> bytes(64);
  std::vector<std::byte> target(64);
  EXPECT_THROW(made.device->write(0, bytes), Error);
  EXPECT_THROW(made.device->read(made.arguments.x_base + 512, target), Error);
  EXPECT_THROW((void)made.device->host_view(made.arguments.completion_base + 1, 1024), Error);
  EXPECT_THROW(made.device->written(1, 1), Error);
}

TEST(FunctionalDevice, SaysWhatItIs) {
  ThreadPool pool(1);
  const arch::EmulatorDescription emulator = test::hand_made_emulator();
  const FunctionalDevice device(emulator, pool);
  EXPECT_EQ(device.info().name, "functional");
  EXPECT_EQ(device.info().emulator, emulator);
  EXPECT_EQ(device.info().contract_hash, arch::kContractHash);
  EXPECT_FALSE(device.info().cycle_accurate);
}

TEST(FunctionalDevice, RefusesEmulatorsBeyondTheContract) {
  ThreadPool pool(1);
  const auto refuse = [&](auto change, const std::string& text) {
    arch::EmulatorDescription emulator = test::hand_made_emulator();
    change(emulator);
    try {
      const FunctionalDevice device(emulator, pool);
      ADD_FAILURE() << "accepted; expected " << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
      EXPECT_THAT(error.what(), testing::HasSubstr(text));
    }
  };
  refuse([](auto& e) { e.num_engines = 9; }, "num_engines is 9, expected 1..8");
  refuse([](auto& e) { e.num_engines = 0; }, "num_engines is 0");
  refuse([](auto& e) { e.lanes = 0; }, "lanes is 0");
  refuse([](auto& e) { e.block_rows = 1025; }, "block_rows is 1025, expected 1..1024");
  refuse([](auto& e) { e.block_cols = 0; }, "block_cols is 0");
  refuse([](auto& e) { e.contexts = 257; }, "contexts is 257, expected 1..256");
  refuse([](auto& e) { e.xbuf_bytes = 0; }, "xbuf_bytes is 0");
  refuse([](auto& e) { e.ybuf_words = 1U << 20U; }, "ybuf_words is 1048576");
  refuse([](auto& e) { e.max_batch = 257; }, "max_batch is 257, expected 1..256");
}

}  // namespace
}  // namespace xw::functional
