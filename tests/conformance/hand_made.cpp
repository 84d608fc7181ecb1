// A device with a small program written by hand, to be broken in one place at a time.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/conformance/hand_made.hpp"

#include <cstring>

#include "arch/generated/xw_arch.hpp"
#include "host/runtime/device_program.hpp"
#include "tests/support/paths.hpp"

namespace xw::test {
namespace {

using program::Instruction;
using program::Opcode;

constexpr std::uint32_t kLanes = 16;
constexpr std::uint32_t kProgramBytes = 64 * 1024;
constexpr std::uint32_t kImageMemoryBytes = 16 * 1024;

[[nodiscard]] std::vector<std::byte> make_image(const analog::ImageHeader& header, std::uint32_t salt) {
  std::vector<std::byte> image(analog::image_bytes(header.rows, header.cols, header.lanes));
  for (std::uint32_t col = 0; col < header.cols; ++col) {
    const std::uint16_t entry[2] = {static_cast<std::uint16_t>(40000 + 97 * col),
                                    static_cast<std::uint16_t>(1000 + col)};
    std::memcpy(image.data() + arch::kBlockImageHeaderBytes + 4 * col, entry, sizeof entry);
  }
  for (std::uint32_t col = 0; col < header.cols; ++col) {
    const std::int32_t offset = 5000 * (static_cast<std::int32_t>(col) % 7 - 3);
    std::memcpy(image.data() + analog::adc_offsets_offset(header.cols) + std::size_t{4} * col, &offset, sizeof offset);
  }
  for (std::uint32_t col = 0; col < header.cols; ++col) {
    for (std::uint32_t row = 0; row < header.rows; ++row) {
      const auto cell = static_cast<std::int8_t>(static_cast<int>((row * 37 + col * 101 + salt * 53) % 255) - 127);
      image[analog::cells_offset(header.cols) + (col / header.lanes * header.rows + row) * header.lanes +
            col % header.lanes] = static_cast<std::byte>(cell);
    }
  }
  analog::seal_image(image, header);
  return image;
}

[[nodiscard]] Instruction load_x(std::uint8_t signal_id) {
  Instruction i;
  i.opcode = Opcode::kLoadX;
  i.length = HandMade::kRows;
  i.stride = HandMade::kStride / arch::kMemoryAlignment;
  i.signal = true;
  i.signal_id = signal_id;
  return i;
}

[[nodiscard]] Instruction load_block(std::uint8_t engine, std::uint32_t image_bytes) {
  Instruction i;
  i.opcode = Opcode::kLoadBlock;
  i.engine = engine;
  i.context = 1;
  i.image_length = image_bytes / arch::kMemoryAlignment;
  i.signal = true;
  i.signal_id = static_cast<std::uint8_t>(2 + engine);
  return i;
}

[[nodiscard]] Instruction mvm(std::uint8_t engine) {
  Instruction i;
  i.opcode = Opcode::kMvm;
  i.engine = engine;
  i.context = 1;
  i.rows = HandMade::kRows;
  i.cols = HandMade::kCols;
  i.wait0_id = engine;
  i.wait0_count = 1;
  i.wait1_id = static_cast<std::uint8_t>(2 + engine);
  i.wait1_count = 1;
  i.signal = true;
  i.signal_id = static_cast<std::uint8_t>(4 + engine);
  return i;
}

}  // namespace

arch::EmulatorDescription hand_made_emulator() {
  return arch::load_emulator(xw::test::source_dir() / "tests/conformance/emulators/hand-made.toml");
}

HandMade::HandMade(const Backend& backend) : device(backend.open(hand_made_emulator())) {
  for (std::uint32_t engine = 0; engine < 2; ++engine) {
    analog::ImageHeader& h = headers[engine];
    h.rows = kRows;
    h.cols = kCols;
    h.tile_uid = 7 + engine;
    h.row0 = 3 * engine;
    h.col0 = 5;
    h.adc_shift = 25;
    h.adc_bits = 8;
    h.lanes = kLanes;
    h.read_sigma_q = 3000000;
    images[engine] = make_image(h, engine);
  }
  const auto image_bytes = static_cast<std::uint32_t>(images[0].size());
  Instruction sync;
  sync.opcode = Opcode::kSync;
  sync.unit = arch::kUnitYStore;
  sync.wait0_id = 4;
  sync.wait0_count = 1;
  Instruction store;
  store.opcode = Opcode::kStoreY;
  store.engine_mask = 3;
  store.length = kCols;
  store.stride = kStride / arch::kMemoryAlignment;
  store.wait1_id = 5;
  store.wait1_count = 1;
  Instruction fence;
  fence.opcode = Opcode::kFence;
  Instruction halt;
  halt.opcode = Opcode::kHalt;
  code = {load_x(0), load_x(1), load_block(0, image_bytes), load_block(1, image_bytes), mvm(0), mvm(1), sync, store,
          fence,     halt};
  for (std::uint32_t i = 0; i < kVectors * kRows; ++i) {
    x.push_back(static_cast<std::int8_t>(static_cast<int>((i * 61 + 11) % 255) - 127));
  }
  arguments.program_base = device->allocate(kProgramBytes, {});
  arguments.x_base = device->allocate(std::uint64_t{4} * kStride, {});
  arguments.y_base = device->allocate(std::uint64_t{4} * kStride, {});
  arguments.completion_base = device->allocate(arch::kCompletionBytes, {});
  for (int engine = 0; engine < 2; ++engine) {
    arguments.image_base[static_cast<std::size_t>(engine)] = device->allocate(kImageMemoryBytes, {engine});
  }
  arguments.num_vectors = kVectors;
  arguments.vector_base = 1000;
  arguments.chip_seed = 99;
  arguments.watchdog_cycles = 5000;
  load();
}

void HandMade::load() {
  if (raw.empty()) {
    std::vector<program::EncodedInstruction> encoded;
    for (const Instruction& instruction : code) encoded.push_back(program::encode(instruction));
    device->write(arguments.program_base, runtime::device_program(encoded));
  } else {
    device->write(arguments.program_base, runtime::device_program(raw));
  }
  if (num_instructions_override != 0) {
    device->write(arguments.program_base + arch::kProgramHeaderNumInstructionsOffset,
                  std::as_bytes(std::span(&num_instructions_override, 1)));
  }
  for (std::size_t engine = 0; engine < 2; ++engine) device->write(arguments.image_base[engine], images[engine]);
  for (std::uint32_t v = 0; v < kVectors; ++v) {
    device->write(arguments.x_base + std::uint64_t{v} * kStride,
                  std::as_bytes(std::span(x)).subspan(std::size_t{v} * kRows, kRows));
  }
}

void HandMade::poke_image(std::uint32_t engine, std::uint32_t offset, std::span<const std::byte> bytes) {
  device->write(arguments.image_base[engine] + offset, bytes);
}

std::vector<std::int32_t> HandMade::read_y() {
  std::vector<std::int32_t> y(std::size_t{kVectors} * kCols);
  for (std::uint32_t v = 0; v < kVectors; ++v) {
    device->read(arguments.y_base + std::uint64_t{v} * kStride,
                 std::as_writable_bytes(std::span(y)).subspan(std::size_t{v} * kCols * 4, kCols * 4));
  }
  return y;
}

std::vector<std::int32_t> HandMade::expected_y() const {
  std::vector<std::int32_t> y(std::size_t{kVectors} * kCols);
  for (std::size_t engine = 0; engine < 2; ++engine) {
    const analog::ImageHeader& h = headers[engine];
    const auto* tables = reinterpret_cast<const std::uint16_t*>(images[engine].data() + arch::kBlockImageHeaderBytes);
    const auto* offsets =
        reinterpret_cast<const std::int32_t*>(images[engine].data() + analog::adc_offsets_offset(h.cols));
    const auto* cells = reinterpret_cast<const std::int8_t*>(images[engine].data() + analog::cells_offset(h.cols));
    for (std::uint32_t v = 0; v < kVectors; ++v) {
      for (std::uint32_t col = 0; col < kCols; ++col) {
        std::int64_t sum = 0;
        for (std::uint32_t row = 0; row < kRows; ++row) {
          sum += cells[(col / kLanes * kRows + row) * kLanes + col % kLanes] * x[v * kRows + row];
        }
        sum += analog::read_noise(h.read_sigma_q, analog::noise_h(arguments.chip_seed, h.tile_uid,
                                                                  arguments.vector_base + v, h.row0, h.col0 + col));
        sum = static_cast<std::int32_t>(static_cast<std::uint32_t>(sum) + static_cast<std::uint32_t>(offsets[col]));
        bool saturated = false;
        y[v * kCols + col] +=
            analog::adc_convert(sum, tables[2 * col], h.adc_shift, (1 << (h.adc_bits - 1)) - 1, saturated) *
            tables[2 * col + 1];
      }
    }
  }
  return y;
}

device::RunStats HandMade::read_completion() {
  std::vector<std::byte> record(arch::kCompletionBytes);
  device->read(arguments.completion_base, record);
  return device::decode_completion(record);
}

}  // namespace xw::test
