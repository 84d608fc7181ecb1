// The container: edits of a valid program, with repaired checksums so that the checks behind them are reached, and raw bytes.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "arch/support/error.hpp"
#include "compiler/program/assembler.hpp"
#include "compiler/program/check.hpp"
#include "compiler/program/container.hpp"
#include "compiler/program/program.hpp"
#include "tests/unit/program/program_fixture.hpp"

namespace {

std::vector<std::byte> make_base() {
  const xw::test::TemporaryDirectory directory;
  xw::test::make_parts().write(directory / "base.xwp");
  return xw::test::read_bytes(directory / "base.xwp");
}

/// What a user of a program would touch.
void use(const xw::program::Program& program) {
  for (std::uint32_t i = 0; i < program.blocks().size(); ++i) {
    program.check_targets(i);
    if (program.targets16(program.blocks()[i]).empty() && program.targets8(program.blocks()[i]).empty())
      __builtin_trap();
  }
  (void)xw::program::assemble(xw::program::disassemble(program), "again");
  const auto emulator = xw::test::make_emulator(2, 16, 32, 32, 2, 64, 64);
  for (const auto& call : program.manifest().calls) {
    const xw::program::CallMemory memory = {
        call.x_stride_bytes, call.y_stride_bytes, program.manifest().engine_image_bytes, {}};
    (void)xw::program::check_call(program.code(), call.entry, emulator, memory);
  }
}

/// Input: a mode byte, then edits of 4 bytes: section, offset (2), value. An edit of a JSON section inserts what a mutator likes.
std::vector<std::byte> edited(std::span<const std::uint8_t> edits) {
  static const std::vector<std::byte> base = make_base();
  std::vector<std::byte> bytes = base;
  for (std::size_t i = 0; i + 4 <= edits.size(); i += 4) {
    const std::uint32_t section = edits[i] % (xw::program::kSectionNames.size() + 1);
    const std::uint32_t offset = edits[i + 1] | static_cast<std::uint32_t>(edits[i + 2]) << 8;
    std::uint64_t begin = 0;
    std::uint64_t length =
        xw::program::kFileHeaderBytes + xw::program::kSectionNames.size() * xw::program::kSectionEntryBytes;
    if (section > 0) {
      const auto entry = xw::program::load_at<xw::program::SectionEntry>(
          base, xw::program::kFileHeaderBytes + (section - 1) * xw::program::kSectionEntryBytes);
      begin = entry.offset;
      length = entry.bytes;
    }
    if (length != 0) bytes[begin + offset % length] = static_cast<std::byte>(edits[i + 3]);
  }
  xw::program::reseal_container(bytes);
  return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::span<const std::uint8_t> rest(data + 1, size - 1);
  std::vector<std::byte> bytes;
  if (data[0] % 8 == 0) {
    const auto raw = std::as_bytes(rest);
    bytes.assign(raw.begin(), raw.end());
    xw::program::reseal_container(bytes);
  } else {
    bytes = edited(rest);
  }
  try {
    use(*xw::program::Program::from_bytes(std::move(bytes), "fuzz"));
  } catch (const xw::Error&) {
  }
  return 0;
}
