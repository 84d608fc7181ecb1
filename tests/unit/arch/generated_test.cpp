// The generated header against numbers taken from the contract by hand.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>

#include "arch/generated/xw_arch.hpp"
#include "arch/generated/xw_instruction.hpp"

namespace {

namespace arch = xw::arch;

static_assert(arch::kMaxEngines == 8 && arch::kNumSemaphores == 64 && arch::kMemoryAlignment == 64);
static_assert(arch::kCellMax == 127 && arch::kDefaultGUnit == 96 && arch::kThreefryRounds == 13);
static_assert(arch::kIsaVersion == (arch::kIsaMajor << 16 | arch::kIsaMinor));
static_assert(arch::kMvmCols.word == 3 && arch::kMvmCols.low == 16 && arch::kMvmCols.width == 16);
static_assert(arch::kCommonWait0Id.low == 4 && arch::kCommonWait0Id.width == 6 && arch::kCommonSignal.width == 1);
static_assert(arch::kLoadXXOffset.max() == 0xFFFFFFFFU && arch::kCommonWait0Count.max() == arch::kMaxWaitCount);
static_assert(arch::kProgramHeaderBytes == 64 && arch::kProgramHeaderMagic == 0x47505758);
static_assert(arch::kCompletionTotalCyclesOffset == 0x20 && arch::kCompletionBusyCyclesCount == arch::kNumUnits);
static_assert(arch::kRegControl == 0 && arch::kRegControlIdle == 4 && arch::kArgProgramBase == 0x10);
static_assert(arch::kArgImageBaseCount == arch::kMaxEngines && arch::kRegisterWindowBytes > arch::kRegMvms);

TEST(GeneratedHeader, MagicsSpellTheirNames) {
  const auto text = [](std::uint32_t magic) {
    std::string result;
    for (int i = 0; i < 4; ++i) result += static_cast<char>((magic >> (8 * i)) & 0xFFU);
    return result;
  };
  EXPECT_EQ(text(arch::kProgramHeaderMagic), "XWPG");
  EXPECT_EQ(text(arch::kBlockImageHeaderMagic), "XWB2");
  EXPECT_EQ(text(arch::kCompletionMagic), "XWCR");
}

TEST(GeneratedHeader, FieldsReadWhatTheyWrite) {
  std::array<std::uint32_t, 4> words{};
  arch::kMvmEngine.set(words, 5);
  arch::kMvmAccumulate.set(words, 1);
  arch::kMvmYbufOffset.set(words, 0xBEEF);
  EXPECT_EQ(words, (std::array<std::uint32_t, 4>{0, 0x00010005, 0xBEEF0000, 0}));
  EXPECT_EQ(arch::kMvmEngine.get(words), 5U);
  EXPECT_EQ(arch::kMvmYbufOffset.get(words), 0xBEEFU);
  EXPECT_EQ(arch::kMvmContext.get(words), 0U);
}

TEST(GeneratedHeader, MasksCoverTheFieldsOfAnOpcodeOnly) {
  EXPECT_EQ(arch::kInstructionMask[arch::opcode_value(arch::Opcode::kNop)],
            (std::array<std::uint32_t, 4>{0x1FFFFFFF, 0, 0, 0}));
  EXPECT_EQ(arch::kInstructionMask[arch::opcode_value(arch::Opcode::kMvm)],
            (std::array<std::uint32_t, 4>{0x1FFFFFFF, 0x0001FFFF, 0xFFFFFFFF, 0xFFFFFFFF}));
  EXPECT_EQ(arch::kInstructionMask[arch::opcode_value(arch::Opcode::kLoadX)],
            (std::array<std::uint32_t, 4>{0x1FFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0x0000FFFF}));
}

TEST(GeneratedHeader, InstructionsAreVisitedFieldByField) {
  arch::Instruction instruction;
  EXPECT_EQ(instruction.opcode, arch::Opcode::kNop);
  instruction.opcode = arch::Opcode::kMvm;
  std::string names;
  arch::visit_fields(instruction,
                     [&names](const char* text, const arch::Field& field, auto& member, arch::FieldStyle style) {
                       names += std::string(text) + (style == arch::FieldStyle::kFlag ? "? " : " ");
                       member = static_cast<std::remove_reference_t<decltype(member)>>(field.max());
                     });
  EXPECT_EQ(names, "engine context rows cols xbuf ybuf acc? ");
  EXPECT_EQ(instruction.cols, 0xFFFF);
  EXPECT_TRUE(instruction.accumulate);
  EXPECT_EQ(instruction.length, 0) << "not a field of MVM";
  unsigned common = 0;
  arch::visit_common(std::as_const(instruction), [&common](const arch::Field& field, auto) { common += field.width; });
  EXPECT_EQ(common, 6U + 3U + 6U + 3U + 6U + 1U);
}

TEST(GeneratedHeader, AnInstructionKnowsItsUnit) {
  const auto unit = [](arch::Opcode opcode, std::uint8_t engine) {
    arch::Instruction instruction;
    instruction.opcode = opcode;
    instruction.engine = engine;
    instruction.unit = 9;
    return arch::unit_of(instruction);
  };
  EXPECT_EQ(unit(arch::Opcode::kHalt, 0), 0);
  EXPECT_EQ(unit(arch::Opcode::kSync, 0), 9);
  EXPECT_EQ(unit(arch::Opcode::kLoadX, 3), 1);
  EXPECT_EQ(unit(arch::Opcode::kStoreY, 3), 2);
  EXPECT_EQ(unit(arch::Opcode::kLoadBlock, 3), 11);
  EXPECT_EQ(unit(arch::Opcode::kMvm, 7), 23);
  EXPECT_EQ(unit(arch::Opcode::kMvm, 8), 0xFF);
  EXPECT_EQ(arch::unit_engine(11), 3U);
  EXPECT_EQ(arch::unit_engine(16), 0U);
  EXPECT_EQ(arch::unit_engine(23), 7U);
  EXPECT_EQ(arch::unit_engine(arch::kUnitYStore), 0U);
  EXPECT_TRUE(arch::is_dispatch_opcode(arch::Opcode::kFence));
  EXPECT_FALSE(arch::is_dispatch_opcode(arch::Opcode::kSync));
  EXPECT_TRUE(arch::is_opcode(7));
  EXPECT_FALSE(arch::is_opcode(8));
}

TEST(GeneratedHeader, NamesUnits) {
  EXPECT_EQ(arch::unit_name(arch::kUnitDispatch), "dispatch");
  EXPECT_EQ(arch::unit_name(arch::kUnitXLoad), "x_load");
  EXPECT_EQ(arch::unit_name(arch::kUnitBlockLoad + 1), "block_load[1]");
  EXPECT_EQ(arch::unit_name(arch::kUnitMvm + 7), "mvm[7]");
  EXPECT_EQ(arch::unit_name(5), "unit 5");
  EXPECT_EQ(arch::unit_name(24), "unit 24");
  EXPECT_TRUE(arch::is_unit(23));
  EXPECT_FALSE(arch::is_unit(24));
  EXPECT_FALSE(arch::is_unit(3));
}

TEST(GeneratedHeader, NamesOpcodesAndErrors) {
  EXPECT_EQ(arch::opcode_name(arch::Opcode::kLoadBlock), "load_block");
  EXPECT_EQ(arch::opcode_name(arch::kNumOpcodes), "");
  EXPECT_EQ(arch::error_name(arch::DeviceError::kImageHeaderCrc), "image_header_crc");
  EXPECT_EQ(arch::error_name(14), "image_header_crc");
  EXPECT_EQ(arch::error_name(9999), "unknown_error");
  EXPECT_EQ(arch::error_doc(arch::DeviceError::kOk), "Success.");
  for (std::uint32_t code = 0; code < arch::kNumDeviceErrors; ++code) {
    EXPECT_NE(arch::error_name(code), "unknown_error") << code;
    EXPECT_FALSE(arch::error_doc(code).empty()) << code;
  }
}

TEST(GeneratedHeader, HashAndItsTextAgree) {
  std::string text;
  for (const std::uint8_t byte : arch::kContractHash) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15U];
  }
  EXPECT_EQ(text, arch::kContractHashText);
  EXPECT_FALSE(std::all_of(text.begin(), text.end(), [](char c) { return c == '0'; }));
}

}  // namespace
