// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/runtime/chip_instance.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "arch/support/error.hpp"
#include "arch/support/parallel.hpp"
#include "host/backends/functional/functional_device.hpp"
#include "tests/conformance/made_program.hpp"
#include "tests/conformance/reference.hpp"
#include "tests/support/expect_error.hpp"

namespace xw::runtime {
namespace {

using test::Hardware;
using test::make_program;
using test::ProgramShape;
using xw::test::expect_error;

const ProgramShape kShape{{{70, {40, 30}, {}}, {30, {70}, {}}}, program::WeightMode::kAnalog, true};
const ChipOptions kNoisy{17, "pcm-afm", 0.03};

/// A device without host views, as one behind a bus, that counts its allocations.
class RemoteDevice final : public device::Device {
 public:
  RemoteDevice(const arch::EmulatorDescription& emulator, ThreadPool& pool) : inner_(emulator, pool) {}
  [[nodiscard]] const device::DeviceInfo& info() const override { return inner_.info(); }
  [[nodiscard]] device::Address allocate(std::uint64_t bytes, device::MemoryPort port) override {
    ++live;
    ports.push_back(port.engine);
    return inner_.allocate(bytes, port);
  }
  void free(device::Address address) override {
    --live;
    inner_.free(address);
  }
  void write(device::Address destination, std::span<const std::byte> source) override {
    inner_.write(destination, source);
  }
  void read(device::Address source, std::span<std::byte> destination) override { inner_.read(source, destination); }
  [[nodiscard]] std::span<std::byte> host_view(device::Address, std::uint64_t) override { return {}; }
  void written(device::Address, std::uint64_t) override { ADD_FAILURE() << "written() without a view"; }
  device::RunStats run(const device::RunArguments& arguments) override { return inner_.run(arguments); }

  int live = 0;
  std::vector<int> ports;

 private:
  functional::FunctionalDevice inner_;
};

/// Outputs of a call for random x.
struct Outputs {
  Outputs(const program::Program& program, std::uint32_t call, std::uint32_t num_vectors) {
    for (const std::uint32_t matrix : program.manifest().calls[call].matrices) {
      reals.emplace_back(std::size_t{num_vectors} * program.manifest().matrices[matrix].out_features);
    }
    spans.assign(reals.begin(), reals.end());
  }
  std::vector<std::vector<float>> reals;
  std::vector<std::span<float>> spans;
};

[[nodiscard]] std::vector<float> ramp(std::size_t count) {
  std::vector<float> x(count);
  for (std::size_t i = 0; i < count; ++i) x[i] = static_cast<float>(static_cast<int>(i * 29 % 101) - 50) / 20.0F;
  return x;
}

class ChipInstanceTest : public testing::Test {
 protected:
  ThreadPool pool{2};
  Hardware hardware;
  std::shared_ptr<const program::Program> program = make_program(kShape, hardware, 3);
};

TEST_F(ChipInstanceTest, DeviceWithoutViewsGivesTheSameResults) {
  functional::FunctionalDevice near(hardware.emulator(), pool);
  RemoteDevice far(hardware.emulator(), pool);
  {
    ChipInstance a(program, near, kNoisy, pool);
    ChipInstance b(program, far, kNoisy, pool);
    for (std::uint32_t call = 0; call < 2; ++call) {
      const std::uint32_t n = 7;
      const std::vector<float> x = ramp(n * program->manifest().calls[call].in_features);
      Outputs ya(*program, call, n);
      Outputs yb(*program, call, n);
      a.run_call(call, x, n, 100, ya.spans);
      b.run_call(call, x, n, 100, yb.spans);
      EXPECT_EQ(ya.reals, yb.reals);
      EXPECT_EQ(a.stats()[call].device, b.stats()[call].device);
    }
    EXPECT_EQ(far.live, 4);  // one engine's images, code, x, results
    EXPECT_THAT(far.ports, testing::ElementsAre(0, -1, -1, -1));
  }
  EXPECT_EQ(far.live, 0);
}

TEST_F(ChipInstanceTest, SeedsAreDifferentChipsAndOneSeedIsOneChip) {
  functional::FunctionalDevice device(hardware.emulator(), pool);
  const std::vector<std::int8_t> codes(70, 50);
  const auto run = [&](std::uint32_t seed, const std::string& noise, double read_sigma) {
    ChipInstance chip(program, device, ChipOptions{seed, noise, read_sigma}, pool);
    return chip.run_codes(0, codes, 1, 9);
  };
  EXPECT_EQ(run(1, "pcm-afm", 0), run(1, "pcm-afm", 0));
  EXPECT_NE(run(1, "pcm-afm", 0), run(2, "pcm-afm", 0));
  EXPECT_NE(run(1, "ideal", 0.05), run(2, "ideal", 0.05));
  EXPECT_EQ(run(1, "ideal", 0), run(2, "ideal", 0));
}

TEST_F(ChipInstanceTest, TimeSinceProgrammingChangesTheChip) {
  functional::FunctionalDevice device(hardware.emulator(), pool);
  const std::vector<std::int8_t> codes(70, 50);
  const auto run = [&](double seconds) {
    ChipInstance chip(program, device,
                      ChipOptions{.chip_seed = 5, .noise = "pcm-aihwkit", .read_sigma = 0, .seconds = seconds}, pool);
    EXPECT_EQ(chip.options().seconds, seconds);
    return chip.run_codes(0, codes, 1, 9);
  };
  const std::vector<std::int32_t> fresh = run(0);
  const std::vector<std::int32_t> year = run(3.15e7);
  EXPECT_EQ(run(0), fresh);
  EXPECT_EQ(run(3.15e7), year);
  EXPECT_NE(year, fresh);
  // A chip that ages is the one that is as old from the beginning, and a refused time leaves it alone.
  ChipInstance old(program, device, ChipOptions{.chip_seed = 5, .noise = "pcm-aihwkit", .read_sigma = 0}, pool);
  EXPECT_TRUE(old.drifts());
  old.age(3.15e7);
  EXPECT_EQ(old.options().seconds, 3.15e7);
  EXPECT_EQ(old.run_codes(0, codes, 1, 9), year);
  expect_error(ErrorCode::kInvalidArgument, "must be 0..1e10", [&] { old.age(-1); });
  EXPECT_EQ(old.run_codes(0, codes, 1, 9), year);
  old.age(0);
  EXPECT_EQ(old.run_codes(0, codes, 1, 9), fresh);
  expect_error(ErrorCode::kInvalidArgument, "'gaussian' has no drift", [&] {
    ChipInstance chip(program, device, ChipOptions{1, "gaussian", 0, 60}, pool);
  });
}

TEST_F(ChipInstanceTest, DefaultsComeFromTheChip) {
  functional::FunctionalDevice device(hardware.emulator(), pool);
  ChipInstance chip(program, device, ChipOptions{}, pool);
  EXPECT_EQ(chip.options().noise, "ideal");
  EXPECT_EQ(chip.options().read_sigma, 0.0);
  EXPECT_EQ(chip.options().seconds, 0.0);
  ChipInstance noisy(program, device, kNoisy, pool);
  EXPECT_EQ(noisy.options().noise, "pcm-afm");
  EXPECT_EQ(noisy.options().read_sigma, 0.03);
  ChipInstance gaussian(program, device, ChipOptions{.noise = "gaussian"}, pool);
  EXPECT_EQ(gaussian.options().noise, "gaussian:gamma=0.03");
  EXPECT_EQ(&noisy.program(), program.get());
  EXPECT_EQ(&noisy.device(), &device);
}

TEST_F(ChipInstanceTest, RefusesCellsThatAreInAFileAndNotInTheProgram) {
  Hardware with_file;
  with_file.noise = "custom:t0=10,table=old/cells.csv";
  const auto old = make_program(kShape, with_file, 5);
  functional::FunctionalDevice device(with_file.emulator(), pool);
  expect_error(ErrorCode::kFormat, {old->path(), "'old/cells.csv', which is not part of the program"},
               [&] { ChipInstance(old, device, {}, pool); });
  ChipOptions named;
  named.noise = "gaussian";
  EXPECT_EQ(ChipInstance(old, device, named, pool).options().noise, "gaussian:gamma=0.03");
}

TEST_F(ChipInstanceTest, CountsCallsUntilReset) {
  functional::FunctionalDevice device(hardware.emulator(), pool);
  ChipInstance chip(program, device, kNoisy, pool);
  (void)chip.run_codes(1, std::vector<std::int8_t>(30 * 9), 9, 0);
  EXPECT_EQ(chip.stats()[0].runs, 0U);
  EXPECT_EQ(chip.stats()[1].runs, 3U);  // 4 + 4 + 1 vectors
  EXPECT_EQ(chip.stats()[1].vectors, 9U);
  EXPECT_EQ(chip.stats()[1].device.macs, 9U * 30 * 70);
  EXPECT_GT(chip.stats()[1].device_seconds, 0);
  EXPECT_GT(chip.programming_seconds(), 0);
  chip.reset_stats();
  EXPECT_EQ(chip.stats()[1].runs, 0U);
  EXPECT_EQ(chip.stats()[1].device, device::RunStats{});
}

TEST_F(ChipInstanceTest, NoVectorsAreNoRun) {
  functional::FunctionalDevice device(hardware.emulator(), pool);
  ChipInstance chip(program, device, kNoisy, pool);
  Outputs none(*program, 0, 0);
  chip.run_call(0, {}, 0, 0, none.spans);
  EXPECT_TRUE(chip.run_codes(0, {}, 0, 0).empty());
  EXPECT_EQ(chip.stats()[0].runs, 0U);
}

TEST_F(ChipInstanceTest, NamesWhatIsNotFinite) {
  functional::FunctionalDevice device(hardware.emulator(), pool);
  ChipInstance chip(program, device, kNoisy, pool);
  std::vector<float> x = ramp(std::size_t{6} * 70);
  Outputs y(*program, 0, 6);
  x[5 * 70 + 13] = std::numeric_limits<float>::quiet_NaN();  // in the second batch
  expect_error(ErrorCode::kNotFinite, "call \"call.0\": input 13 of vector 5 is",
               [&] { chip.run_call(0, x, 6, 0, y.spans); });
  x[2 * 70 + 69] = -std::numeric_limits<float>::infinity();
  expect_error(ErrorCode::kNotFinite, "call \"call.0\": input 69 of vector 2 is -inf",
               [&] { chip.run_call(0, x, 6, 0, y.spans); });
  chip.run_call(0, ramp(std::size_t{6} * 70), 6, 0, y.spans);
}

TEST_F(ChipInstanceTest, RefusesWrongShapesAndCalls) {
  functional::FunctionalDevice device(hardware.emulator(), pool);
  ChipInstance chip(program, device, kNoisy, pool);
  Outputs y(*program, 0, 2);
  const std::vector<float> x = ramp(140);
  expect_error(ErrorCode::kShapeMismatch, "numbers of x: expected 140, found 139",
               [&] { chip.run_call(0, std::span(x).first(139), 2, 0, y.spans); });
  expect_error(ErrorCode::kShapeMismatch, "outputs: expected 2, found 1",
               [&] { chip.run_call(0, x, 2, 0, std::span(y.spans).first(1)); });
  y.spans[1] = y.spans[1].first(59);
  expect_error(ErrorCode::kShapeMismatch, "numbers of output 1: expected 60, found 59",
               [&] { chip.run_call(0, x, 2, 0, y.spans); });
  expect_error(ErrorCode::kInvalidArgument, "no call 2", [&] { chip.run_call(2, x, 2, 0, y.spans); });
  expect_error(ErrorCode::kInvalidArgument, "no call 2", [&] { (void)chip.run_codes(2, {}, 0, 0); });
  expect_error(ErrorCode::kShapeMismatch, "expected 70 codes, found 1",
               [&] { (void)chip.run_codes(0, std::vector<std::int8_t>(1), 1, 0); });
}

TEST_F(ChipInstanceTest, RefusesAnotherEmulator) {
  Hardware other = hardware;
  other.num_engines = 2;
  other.lanes = 8;
  functional::FunctionalDevice device(other.emulator(), pool);
  expect_error(ErrorCode::kContractMismatch, "num_engines 1 (device 2), lanes 16 (device 8)",
               [&] { ChipInstance chip(program, device, kNoisy, pool); });
}

TEST_F(ChipInstanceTest, SaysWhenDeviceMemoryIsFull) {
  arch::EmulatorDescription small = hardware.emulator();
  small.memory_bytes = 16384;
  functional::FunctionalDevice device(small, pool);
  expect_error(ErrorCode::kCapacity, "device memory", [&] { ChipInstance chip(program, device, kNoisy, pool); });
}

TEST_F(ChipInstanceTest, GivesItsMemoryBack) {
  arch::EmulatorDescription small = hardware.emulator();
  small.memory_bytes = 128 * 1024;  // enough for one instance, not for two
  functional::FunctionalDevice device(small, pool);
  for (int i = 0; i < 5; ++i) {
    ChipInstance chip(program, device, kNoisy, pool);
    (void)chip.run_codes(0, std::vector<std::int8_t>(70), 1, 0);
  }
}

TEST_F(ChipInstanceTest, RefusesUnknownModelsAndImpossibleNoise) {
  functional::FunctionalDevice device(hardware.emulator(), pool);
  expect_error(ErrorCode::kInvalidArgument, "no-such-model", [&] {
    ChipInstance chip(program, device, ChipOptions{1, "no-such-model", 0}, pool);
  });
  expect_error(ErrorCode::kInvalidArgument, "read noise", [&] {
    ChipInstance chip(program, device, ChipOptions{1, "ideal", 1e9}, pool);
  });
}

}  // namespace
}  // namespace xw::runtime
