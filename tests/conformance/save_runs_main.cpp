// Saves runs of random programs, memory before and after, as the functional device makes them: stimuli and expected results
// for benches that are not in C++ (scripts/axi_verification.sh).
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>
#include <random>
#include <string>

#include "arch/support/error.hpp"
#include "arch/support/parallel.hpp"
#include "host/backends/functional/functional_device.hpp"
#include "host/device/run_capture.hpp"
#include "host/runtime/chip_instance.hpp"
#include "tests/conformance/made_program.hpp"

namespace xw::test {
namespace {

using device::Address;

/// The functional device, each of whose runs leaves two files: <n>.before.xwrun and <n>.after.xwrun.
class SavingDevice final : public device::Device {
 public:
  SavingDevice(const arch::EmulatorDescription& emulator, ThreadPool& pool, std::filesystem::path folder,
               unsigned& number)
      : device_(emulator, pool), folder_(std::move(folder)), number_(number) {}

  [[nodiscard]] const device::DeviceInfo& info() const override { return device_.info(); }
  [[nodiscard]] Address allocate(std::uint64_t bytes, device::MemoryPort port) override {
    const Address address = device_.allocate(bytes, port);
    allocations_[address] = bytes;
    return address;
  }
  void free(Address address) override {
    device_.free(address);
    allocations_.erase(address);
  }
  void write(Address destination, std::span<const std::byte> source) override { device_.write(destination, source); }
  void read(Address source, std::span<std::byte> destination) override { device_.read(source, destination); }
  [[nodiscard]] std::span<std::byte> host_view(Address address, std::uint64_t bytes) override {
    return device_.host_view(address, bytes);
  }
  void written(Address address, std::uint64_t bytes) override { device_.written(address, bytes); }
  device::RunStats run(const device::RunArguments& arguments) override {
    save("before", arguments);
    device::RunStats stats = device_.run(arguments);
    save("after", arguments);
    ++number_;
    return stats;
  }

 private:
  void save(const std::string& when, const device::RunArguments& arguments) {
    device::DeviceMemory copy(info().emulator.memory_bytes);
    for (const auto& [address, bytes] : allocations_) {
      copy.allocate_at(address, bytes);
      device_.read(address, {copy.find(address, bytes), static_cast<std::size_t>(bytes)});
    }
    device::save_capture(folder_ / (std::to_string(number_) + "." + when + ".xwrun"), info(), arguments, "", copy);
  }

  functional::FunctionalDevice device_;
  std::filesystem::path folder_;
  unsigned& number_;
  std::map<Address, std::uint64_t> allocations_;
};

/// One program, all of its calls. False if it does not fit the emulator.
[[nodiscard]] bool save_program(const arch::EmulatorDescription& emulator, std::uint32_t seed,
                                const std::filesystem::path& folder, unsigned& number) {
  std::mt19937 random(seed);
  const auto pick = [&](std::uint32_t low, std::uint32_t high) {
    return std::uniform_int_distribution<std::uint32_t>(low, high)(random);
  };
  Hardware hardware = Hardware::of(emulator, pick(1, emulator.block_rows), pick(1, emulator.block_cols));
  hardware.lambda = std::min<double>(hardware.lambda, hardware.tile_rows);
  hardware.dac_bits = pick(2, 8);
  hardware.adc_bits = pick(4, 12);
  ProgramShape shape;
  ProgramShape::Call& call = shape.calls.emplace_back();
  call.in_features = pick(1, std::min(2 * emulator.block_rows, emulator.xbuf_bytes));
  for (std::uint32_t matrix = pick(1, 2); matrix > 0; --matrix) {
    call.out_features.push_back(pick(1, 2 * emulator.block_cols));
  }
  runtime::ChipOptions options;
  options.chip_seed = pick(0, 0xFFFFFFFF);
  options.noise = pick(0, 1) == 0 ? "ideal" : "pcm-afm";
  options.read_sigma = 0.01 * pick(0, 10);
  std::shared_ptr<const program::Program> program;
  try {
    program = make_program(shape, hardware, seed);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kCapacity) return false;
    throw;
  }
  ThreadPool pool(1);
  SavingDevice device(hardware.emulator(), pool, folder, number);
  runtime::ChipInstance chip(program, device, options, pool);
  const int dac_max = hardware.chip().dac_max();
  const std::uint32_t num_vectors = pick(1, emulator.max_batch);
  std::vector<std::int8_t> codes(std::size_t{num_vectors} * program->manifest().calls[0].in_features);
  for (std::int8_t& code : codes) {
    code = static_cast<std::int8_t>(static_cast<int>(pick(0, 2 * static_cast<unsigned>(dac_max))) - dac_max);
  }
  (void)chip.run_codes(0, codes, num_vectors, pick(0, 0xFFFFFFFF));
  return true;
}

}  // namespace
}  // namespace xw::test

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fprintf(stderr, "usage: save_runs EMULATOR RUNS SEED FOLDER\n");
    return 2;
  }
  try {
    const xw::arch::EmulatorDescription emulator = xw::arch::load_emulator(argv[1]);
    const unsigned wanted = static_cast<unsigned>(std::stoul(argv[2]));
    auto seed = static_cast<std::uint32_t>(std::stoul(argv[3]));
    std::filesystem::create_directories(argv[4]);
    for (unsigned number = 0; number < wanted; ++seed) {
      (void)xw::test::save_program(emulator, seed, argv[4], number);
    }
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return 1;
  }
}
