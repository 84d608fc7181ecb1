// A testbench of its own: an accelerator of the model beside somebody else's memory, driven over its registers. With the
// argument "chip" in the chip profile, otherwise in the emulator profile.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <tlm_utils/simple_initiator_socket.h>
#include <tlm_utils/simple_target_socket.h>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <memory>
#include <systemc>
#include <tlm>
#include <vector>

#include "arch/description/description.hpp"
#include "compiler/program/image_layout.hpp"
#include "compiler/program/instruction.hpp"
#include "models/analog/block_image.hpp"
#include "systemc/accelerator.hpp"
#include "systemc/chip/chip_accelerator.hpp"

namespace {

namespace arch = xw::arch;
namespace program = xw::program;

constexpr std::uint64_t kBase = 0x1000'0000, kBytes = 1U << 20U;
constexpr std::uint64_t kProgram = kBase, kX = kBase + 0x10000, kY = kBase + 0x20000, kRecord = kBase + 0x30000,
                        kImage = kBase + 0x40000;
constexpr std::uint32_t kRows = 48, kCols = 40;

/// A memory that knows nothing of the model: 40 ns per burst, 8 ns per 64 bytes.
class OtherMemory final : public sc_core::sc_module {
 public:
  tlm_utils::simple_target_socket_tagged<OtherMemory> gmem{"gmem"}, images{"images"};
  std::vector<unsigned char> bytes = std::vector<unsigned char>(kBytes);

  explicit OtherMemory(const sc_core::sc_module_name& name) : sc_core::sc_module(name) {
    gmem.register_b_transport(this, &OtherMemory::b_transport, 0);
    images.register_b_transport(this, &OtherMemory::b_transport, 1);
  }
  template <typename T>
  [[nodiscard]] T* at(std::uint64_t address) {
    return reinterpret_cast<T*>(bytes.data() + (address - kBase));
  }

 private:
  void b_transport(int, tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
    const std::uint64_t address = payload.get_address();
    if (address < kBase || address + payload.get_data_length() > kBase + kBytes) {
      payload.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
      return;
    }
    if (payload.is_read()) std::memcpy(payload.get_data_ptr(), at<char>(address), payload.get_data_length());
    if (payload.is_write()) std::memcpy(at<char>(address), payload.get_data_ptr(), payload.get_data_length());
    delay += sc_core::sc_time(40.0 + payload.get_data_length() / 8.0, sc_core::SC_NS);
    payload.set_response_status(tlm::TLM_OK_RESPONSE);
  }
};

/// The host: writes registers, starts, waits for the interrupt.
class Host final : public sc_core::sc_module {
 public:
  tlm_utils::simple_initiator_socket<Host> registers{"registers"};
  sc_core::sc_in<bool> interrupt{"interrupt"};
  sc_core::sc_time took = sc_core::SC_ZERO_TIME;
  std::uint32_t error = ~0U;

  explicit Host(const sc_core::sc_module_name& name) : sc_core::sc_module(name) {
    SC_HAS_PROCESS(Host);
    SC_THREAD(run);
  }

 private:
  std::uint32_t access(tlm::tlm_command command, std::uint32_t offset, std::uint32_t value) {
    tlm::tlm_generic_payload payload;
    payload.set_command(command);
    payload.set_address(offset);
    payload.set_data_ptr(reinterpret_cast<unsigned char*>(&value));
    payload.set_data_length(sizeof value);
    payload.set_streaming_width(sizeof value);
    sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
    registers->b_transport(payload, delay);
    wait(delay);
    return value;
  }
  void write(std::uint32_t offset, std::uint32_t value) { access(tlm::TLM_WRITE_COMMAND, offset, value); }

  void run() {
    write(arch::kArgProgramBase, kProgram);
    write(arch::kArgNumVectors, 1);
    write(arch::kArgXBase, kX);
    write(arch::kArgYBase, kY);
    write(arch::kArgCompletionBase, kRecord);
    write(arch::kArgChipSeed, 7);
    write(arch::kArgImageBase, kImage);
    write(arch::kRegInterruptGlobal, arch::kRegInterruptGlobalEnable);
    write(arch::kRegInterruptEnable, arch::kRegInterruptEnableDone);
    const sc_core::sc_time begin = sc_core::sc_time_stamp();
    write(arch::kRegControl, arch::kRegControlStart);
    wait(interrupt.posedge_event());
    took = sc_core::sc_time_stamp() - begin;
    error = access(tlm::TLM_READ_COMMAND, arch::kRegErrorCode, 0);
    sc_core::sc_stop();
  }
};

/// One call: load x, load the block, multiply, store y.
[[nodiscard]] std::vector<program::EncodedInstruction> make_code() {
  std::vector<program::Instruction> code(5);
  code[0].opcode = program::Opcode::kLoadX;
  code[0].length = kRows;
  code[0].stride = 1;
  code[0].signal = true;
  code[0].signal_id = 1;
  code[1].opcode = program::Opcode::kLoadBlock;
  code[1].image_length = static_cast<std::uint32_t>(program::image_units(kRows, kCols, 16));
  code[1].signal = true;
  code[1].signal_id = 2;
  code[2].opcode = program::Opcode::kMvm;
  code[2].rows = kRows;
  code[2].cols = kCols;
  code[2].wait0_id = 1;
  code[2].wait0_count = 1;
  code[2].wait1_id = 2;
  code[2].wait1_count = 1;
  code[2].signal = true;
  code[2].signal_id = 3;
  code[3].opcode = program::Opcode::kStoreY;
  code[3].engine_mask = 1;
  code[3].length = kCols;
  code[3].stride = 4;
  code[3].wait0_id = 3;
  code[3].wait0_count = 1;
  code[4].opcode = program::Opcode::kHalt;
  std::vector<program::EncodedInstruction> words;
  words.reserve(code.size());
  for (const program::Instruction& instruction : code) words.push_back(program::encode(instruction));
  return words;
}

/// Fills memory; returns the block for the reference.
[[nodiscard]] xw::analog::BlockView fill(OtherMemory& memory) {
  const auto code = make_code();
  auto* header = memory.at<std::uint32_t>(kProgram);
  header[0] = arch::kProgramHeaderMagic;
  header[1] = arch::kIsaVersion;
  header[2] = static_cast<std::uint32_t>(code.size());
  std::memcpy(memory.at<char>(kProgram + arch::kProgramHeaderContractHashOffset), arch::kContractHash.data(),
              arch::kContractHash.size());
  std::memcpy(memory.at<char>(kProgram + arch::kProgramHeaderBytes), code.data(), code.size() * sizeof code[0]);

  const std::uint64_t image_bytes = xw::analog::image_bytes(kRows, kCols, 16);
  auto* tables = memory.at<std::uint16_t>(kImage + arch::kBlockImageHeaderBytes);
  for (std::uint32_t col = 0; col < kCols; ++col) {
    tables[2 * col] = static_cast<std::uint16_t>(40000 + col);
    tables[2 * col + 1] = static_cast<std::uint16_t>(1 + col);
  }
  auto* cells = memory.at<std::int8_t>(kImage + xw::analog::cells_offset(kCols));
  for (std::uint32_t i = 0; i < (kCols + 15) / 16 * 16 * kRows; ++i) {
    const bool used = i / (16 * kRows) * 16 + i % 16 < kCols;
    cells[i] = used ? static_cast<std::int8_t>(i * 89 % 201) : std::int8_t{0};
  }
  xw::analog::ImageHeader image;
  image.rows = kRows;
  image.cols = kCols;
  image.tile_uid = 5;
  image.adc_shift = 26;
  image.adc_bits = 8;
  image.lanes = 16;
  image.read_sigma_q = 30000;
  const std::span<std::byte> bytes(memory.at<std::byte>(kImage), image_bytes);
  xw::analog::seal_image(bytes, image);
  for (std::uint32_t row = 0; row < kRows; ++row) {
    memory.at<std::int8_t>(kX)[row] = static_cast<std::int8_t>(row * 53 % 255 - 127);
  }
  xw::analog::BlockView view;
  if (xw::analog::open_image(bytes, 64, 64, 16, true, view) != 0) std::fprintf(stderr, "the image is not one\n");
  return view;
}

}  // namespace

int sc_main(int argc, char** argv) {
  const bool in_chip_profile = argc > 1 && std::strcmp(argv[1], "chip") == 0;
  xw::systemc::Settings settings;
  settings.emulator = arch::load_emulator("tiny-64");
  std::unique_ptr<xw::systemc::Accelerator> emulator;
  std::unique_ptr<xw::systemc::ChipAccelerator> chip;
  if (in_chip_profile) {
    chip = std::make_unique<xw::systemc::ChipAccelerator>("chip", settings.emulator.num_engines);
    chip->configure(settings, arch::load_chip("tiny-64"), {});
  } else {
    emulator = std::make_unique<xw::systemc::Accelerator>("accelerator", settings);
  }
  xw::systemc::Accelerator& accelerator = in_chip_profile ? chip->accelerator : *emulator;
  OtherMemory memory("memory");
  Host host("host");
  sc_core::sc_signal<bool> interrupt("interrupt");
  host.registers.bind(accelerator.control);
  accelerator.gmem.bind(memory.gmem);
  accelerator.engine_memory[0].bind(memory.images);
  accelerator.interrupt.bind(interrupt);
  host.interrupt.bind(interrupt);

  const xw::analog::BlockView block = fill(memory);
  sc_core::sc_start();

  std::vector<std::int32_t> expected(kCols);
  xw::analog::MvmBatch batch;
  batch.x = memory.at<std::int8_t>(kX);
  batch.x_stride = kRows;
  batch.y = expected.data();
  batch.y_stride = kCols;
  batch.num_vectors = 1;
  batch.chip_seed = 7;
  xw::analog::tile_mvm_reference(block, batch);
  const bool equal = std::equal(expected.begin(), expected.end(), memory.at<std::int32_t>(kY));
  std::printf("error code %u, y %s the reference, %s from start to interrupt\n", host.error,
              equal ? "equals" : "differs from", host.took.to_string().c_str());
  if (!in_chip_profile) return host.error == 0 && equal ? 0 : 1;
  // Constants of tiny-64: input link, tile, output link.
  constexpr double kExpectedNs = (10 + kRows / 16.0) + (100 + kCols * 0.5) + (10 + 4 * kCols / 16.0);
  const double found = chip->result().total_ns;
  const auto recorded = *memory.at<std::uint64_t>(kRecord + arch::kCompletionTotalCyclesOffset);
  std::printf("the chip takes %.3f ns, expected %.3f; cycles in the record %llu, expected 0; %.3f nJ\n", found,
              kExpectedNs, static_cast<unsigned long long>(recorded), chip->result().energy_pj.total() * 1e-3);
  const bool in_time = std::abs(found - kExpectedNs) < 1e-6 && recorded == 0;  // the chip profile counts no cycles
  return host.error == 0 && equal && in_time ? 0 : 1;
}
