// Whether a device works, step by step.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/doctor.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <vector>

#include "arch/generated/xw_arch.hpp"
#include "arch/support/error.hpp"
#include "compiler/program/instruction.hpp"
#include "host/backends/registry/devices.hpp"
#include "host/device/device.hpp"
#include "host/runtime/device_buffer.hpp"
#include "host/runtime/device_program.hpp"
#include "models/analog/block_image.hpp"

namespace xw::toolchain {
namespace {

using device::Device;
using device::MemoryPort;
using program::Instruction;
using program::Opcode;
using runtime::DeviceBuffer;

[[nodiscard]] std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

/// Cards on the bus, by AMD's (Xilinx's) vendor number.
[[nodiscard]] unsigned cards_on_bus() {
  unsigned count = 0;
  std::error_code absent;
  for (const auto& entry : std::filesystem::directory_iterator("/sys/bus/pci/devices", absent)) {
    std::string vendor;
    std::ifstream(entry.path() / "vendor") >> vendor;
    if (vendor == "0x10ee") ++count;
  }
  return count;
}

[[nodiscard]] Finding look_at_driver() {
  const std::string mode = variable("XCL_EMULATION_MODE");
  const std::string xrt = variable("XILINX_XRT");
  if (xrt.empty()) {
    return {"driver", false, "XILINX_XRT is not set: source /opt/xilinx/xrt/setup.sh (docs/alveo.md)"};
  }
  if (!mode.empty()) return {"driver", true, "emulation (XCL_EMULATION_MODE=" + mode + "), XRT in " + xrt};
  if (const unsigned cards = cards_on_bus(); cards == 0) {
    return {"driver", false, "no card on the PCIe bus (lspci -d 10ee:); is it powered and seated?"};
  }
  if (!std::filesystem::exists("/sys/module/xocl")) {
    return {"driver", false, "a card is on the bus, the kernel module xocl is not loaded: sudo modprobe xocl"};
  }
  return {"driver", true, std::to_string(cards_on_bus()) + " PCIe functions of AMD, module xocl, XRT in " + xrt};
}

/// Y words of a small multiplication on one engine.
[[nodiscard]] std::vector<std::int32_t> multiply(Device& device, std::uint32_t engine) {
  const arch::EmulatorDescription& e = device.info().emulator;
  const std::uint32_t rows = std::min(e.block_rows, 61U);
  const std::uint32_t cols = std::min(e.block_cols, 48U);
  analog::ImageHeader header;
  header.rows = rows;
  header.cols = cols;
  header.tile_uid = 11 + engine;
  header.adc_shift = 24;
  header.adc_bits = 8;
  header.lanes = e.lanes;
  header.read_sigma_q = 2'000'000;
  std::vector<std::byte> image(analog::image_bytes(rows, cols, e.lanes));
  for (std::size_t i = analog::cells_offset(cols); i < image.size(); ++i) {
    const std::size_t lane = (i - analog::cells_offset(cols)) % e.lanes;
    const std::size_t group = (i - analog::cells_offset(cols)) / e.lanes / rows;
    const bool used = group * e.lanes + lane < cols;
    if (used) image[i] = static_cast<std::byte>(static_cast<int>((i * 37 + engine) % 255) - 127);
  }
  for (std::uint32_t col = 0; col < cols; ++col) {
    const std::uint16_t entry[2] = {static_cast<std::uint16_t>(30'000 + 100 * col),
                                    static_cast<std::uint16_t>(500 + col)};
    std::memcpy(image.data() + arch::kBlockImageHeaderBytes + 4 * col, entry, sizeof entry);
  }
  analog::seal_image(image, header);

  std::vector<Instruction> code(5);
  code[0].opcode = Opcode::kLoadX;
  code[0].length = static_cast<decltype(code[0].length)>(rows);
  code[0].stride = 2;
  code[0].signal = true;
  code[0].signal_id = 0;
  code[1].opcode = Opcode::kLoadBlock;
  code[1].engine = static_cast<std::uint8_t>(engine);
  code[1].image_length = static_cast<decltype(code[1].image_length)>(image.size() / arch::kMemoryAlignment);
  code[1].signal = true;
  code[1].signal_id = 1;
  code[2].opcode = Opcode::kMvm;
  code[2].engine = static_cast<std::uint8_t>(engine);
  code[2].rows = static_cast<decltype(code[2].rows)>(rows);
  code[2].cols = static_cast<decltype(code[2].cols)>(cols);
  code[2].wait0_id = 0;
  code[2].wait0_count = 1;
  code[2].wait1_id = 1;
  code[2].wait1_count = 1;
  code[2].signal = true;
  code[2].signal_id = 2;
  code[3].opcode = Opcode::kStoreY;
  code[3].engine_mask = static_cast<decltype(code[3].engine_mask)>(1U << engine);
  code[3].length = static_cast<decltype(code[3].length)>(cols);
  code[3].stride = 4;
  code[3].wait0_id = 2;
  code[3].wait0_count = 1;
  code[4].opcode = Opcode::kHalt;
  std::vector<program::EncodedInstruction> encoded;
  encoded.reserve(code.size());
  for (const Instruction& instruction : code) encoded.push_back(program::encode(instruction));
  const std::vector<std::byte> program = runtime::device_program(encoded);

  const std::uint32_t vectors = std::min(e.max_batch, 3U);
  std::vector<std::byte> x(std::size_t{128} * vectors);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<std::byte>(static_cast<int>((i * 61 + 11) % 255) - 127);
  const DeviceBuffer program_buffer(device, program.size(), {});
  const DeviceBuffer x_buffer(device, x.size(), {});
  const DeviceBuffer y_buffer(device, std::uint64_t{256} * vectors, {});
  const DeviceBuffer record(device, arch::kCompletionBytes, {});
  const DeviceBuffer image_buffer(device, image.size(), MemoryPort{static_cast<int>(engine)});
  device.write(program_buffer.address(), program);
  device.write(x_buffer.address(), x);
  device.write(image_buffer.address(), image);
  device::RunArguments arguments;
  arguments.program_base = program_buffer.address();
  arguments.num_vectors = vectors;
  arguments.x_base = x_buffer.address();
  arguments.y_base = y_buffer.address();
  arguments.completion_base = record.address();
  arguments.vector_base = 5;
  arguments.chip_seed = 77;
  arguments.image_base[engine] = image_buffer.address();
  (void)device.run(arguments);
  std::vector<std::int32_t> y(std::size_t{64} * vectors);
  device.read(y_buffer.address(), std::as_writable_bytes(std::span(y)));
  for (std::size_t v = 0; v < vectors; ++v)
    std::fill(y.begin() + static_cast<std::ptrdiff_t>(64 * v + cols),
              y.begin() + static_cast<std::ptrdiff_t>(64 * (v + 1)), 0);
  return y;
}

[[nodiscard]] Finding look_at_memory(Device& device) {
  constexpr std::size_t kBytes = std::size_t{1} << 20U;
  std::vector<std::byte> written(kBytes), found(kBytes);
  const auto ports = static_cast<int>(device.info().emulator.num_engines);
  std::vector<DeviceBuffer> buffers;
  for (int port = -1; port < ports; ++port) buffers.emplace_back(device, kBytes, MemoryPort{port});
  for (int pass = 0; pass < 2; ++pass) {  // all are written before any is read: overlaps show
    for (std::size_t b = 0; b < buffers.size(); ++b) {
      std::uint32_t state = 12345U + static_cast<std::uint32_t>(b);
      for (std::byte& byte : written) {
        state = state * 1664525U + 1013904223U;
        byte = static_cast<std::byte>(state >> 24U);
      }
      if (pass == 0) {
        device.write(buffers[b].address(), written);
        continue;
      }
      device.read(buffers[b].address(), found);
      if (found != written) {
        return {"memory", false,
                "1 MiB behind port " + std::to_string(static_cast<int>(b) - 1) + " reads back differently"};
      }
    }
  }
  return {"memory", true, "1 MiB written and read behind each of " + std::to_string(buffers.size()) + " ports"};
}

[[nodiscard]] Finding look_at_engine(Device& device, Device& reference, std::uint32_t engine) {
  const std::vector<std::int32_t> expected = multiply(reference, engine);
  const std::vector<std::int32_t> found = multiply(device, engine);
  std::size_t differing = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) differing += found[i] != expected[i] ? 1 : 0;
  const std::string step = "engine " + std::to_string(engine);
  if (differing > 0) return {step, false, std::to_string(differing) + " words differ from the functional device's"};
  return {step, true, "a multiplication with read noise has the functional device's words"};
}

}  // namespace

bool examine_device(const std::string& uri, const arch::EmulatorDescription& emulator, ThreadPool& pool,
                    const std::function<void(const Finding&)>& tell) {
  const auto look = [&](const char* step, const auto& action) {
    Finding finding;
    try {
      finding = action();
    } catch (const Error& error) {
      if (error.code() == ErrorCode::kInvalidArgument || error.code() == ErrorCode::kInterrupted) throw;
      finding = {step, false, error.what()};
    }
    tell(finding);
    return finding.good;
  };
  if ((uri == "xrt" || uri.starts_with("xrt:")) && !look("driver", look_at_driver)) return false;
  std::unique_ptr<Device> device;
  const bool opened = look("device", [&] {
    device = registry::open(uri, {emulator, pool, {}, nullptr});
    return Finding{
        "device", true,
        device->info().name + ", contract " + std::string(arch::kContractHashText) + ", emulator " + emulator.name};
  });
  if (!opened) return false;
  if (const auto card = registry::card_state(*device)) tell({"card", true, registry::describe(*card)});
  if (!look("memory", [&] { return look_at_memory(*device); })) return false;
  const std::unique_ptr<Device> reference = registry::open("functional", {emulator, pool, {}, nullptr});
  for (std::uint32_t engine = 0; engine < emulator.num_engines; ++engine) {
    const std::string step = "engine " + std::to_string(engine);
    if (!look(step.c_str(), [&] { return look_at_engine(*device, *reference, engine); })) return false;
  }
  return true;
}

}  // namespace xw::toolchain
