// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/program/instruction.hpp"

#include <gtest/gtest.h>

#include <random>

#include "arch/generated/xw_arch.hpp"
#include "arch/support/error.hpp"

namespace xw::program {
namespace {

constexpr auto kIllegalOpcode = static_cast<std::uint32_t>(arch::DeviceError::kIllegalOpcode);
constexpr auto kIllegalField = static_cast<std::uint32_t>(arch::DeviceError::kIllegalField);

/// The contract, typed again by hand from docs: where every bit of every opcode's own words goes. An oracle for the encoder.
struct Place {
  Opcode opcode;
  unsigned word, low, width;
  void (*set)(Instruction&, std::uint32_t);
};
const Place kPlaces[] = {
    {Opcode::kLoadX, 1, 0, 16, [](Instruction& i, std::uint32_t v) { i.xbuf_offset = static_cast<std::uint16_t>(v); }},
    {Opcode::kLoadX, 1, 16, 16, [](Instruction& i, std::uint32_t v) { i.length = static_cast<std::uint16_t>(v); }},
    {Opcode::kLoadX, 2, 0, 32, [](Instruction& i, std::uint32_t v) { i.x_offset = v; }},
    {Opcode::kLoadX, 3, 0, 16, [](Instruction& i, std::uint32_t v) { i.stride = static_cast<std::uint16_t>(v); }},
    {Opcode::kLoadBlock, 1, 0, 8, [](Instruction& i, std::uint32_t v) { i.engine = static_cast<std::uint8_t>(v); }},
    {Opcode::kLoadBlock, 1, 8, 8, [](Instruction& i, std::uint32_t v) { i.context = static_cast<std::uint8_t>(v); }},
    {Opcode::kLoadBlock, 2, 0, 32, [](Instruction& i, std::uint32_t v) { i.image_offset = v; }},
    {Opcode::kLoadBlock, 3, 0, 32, [](Instruction& i, std::uint32_t v) { i.image_length = v; }},
    {Opcode::kMvm, 1, 0, 8, [](Instruction& i, std::uint32_t v) { i.engine = static_cast<std::uint8_t>(v); }},
    {Opcode::kMvm, 1, 8, 8, [](Instruction& i, std::uint32_t v) { i.context = static_cast<std::uint8_t>(v); }},
    {Opcode::kMvm, 1, 16, 1, [](Instruction& i, std::uint32_t v) { i.accumulate = v != 0; }},
    {Opcode::kMvm, 2, 0, 16, [](Instruction& i, std::uint32_t v) { i.xbuf_offset = static_cast<std::uint16_t>(v); }},
    {Opcode::kMvm, 2, 16, 16, [](Instruction& i, std::uint32_t v) { i.ybuf_offset = static_cast<std::uint16_t>(v); }},
    {Opcode::kMvm, 3, 0, 16, [](Instruction& i, std::uint32_t v) { i.rows = static_cast<std::uint16_t>(v); }},
    {Opcode::kMvm, 3, 16, 16, [](Instruction& i, std::uint32_t v) { i.cols = static_cast<std::uint16_t>(v); }},
    {Opcode::kStoreY, 1, 0, 16, [](Instruction& i, std::uint32_t v) { i.engine_mask = static_cast<std::uint16_t>(v); }},
    {Opcode::kStoreY, 1, 16, 16,
     [](Instruction& i, std::uint32_t v) { i.ybuf_offset = static_cast<std::uint16_t>(v); }},
    {Opcode::kStoreY, 2, 0, 32, [](Instruction& i, std::uint32_t v) { i.y_offset = v; }},
    {Opcode::kStoreY, 3, 0, 16, [](Instruction& i, std::uint32_t v) { i.length = static_cast<std::uint16_t>(v); }},
    {Opcode::kStoreY, 3, 16, 16, [](Instruction& i, std::uint32_t v) { i.stride = static_cast<std::uint16_t>(v); }},
};
const Place kCommonPlaces[] = {
    {Opcode::kNop, 0, 4, 6, [](Instruction& i, std::uint32_t v) { i.wait0_id = static_cast<std::uint8_t>(v); }},
    {Opcode::kNop, 0, 10, 3, [](Instruction& i, std::uint32_t v) { i.wait0_count = static_cast<std::uint8_t>(v); }},
    {Opcode::kNop, 0, 13, 6, [](Instruction& i, std::uint32_t v) { i.wait1_id = static_cast<std::uint8_t>(v); }},
    {Opcode::kNop, 0, 19, 3, [](Instruction& i, std::uint32_t v) { i.wait1_count = static_cast<std::uint8_t>(v); }},
    {Opcode::kNop, 0, 22, 6, [](Instruction& i, std::uint32_t v) { i.signal_id = static_cast<std::uint8_t>(v); }},
    {Opcode::kNop, 0, 28, 1, [](Instruction& i, std::uint32_t v) { i.signal = v != 0; }},
};

Instruction with_opcode(Opcode opcode) {
  Instruction instruction;
  instruction.opcode = opcode;
  if (opcode == Opcode::kSync) instruction.unit = 1;
  return instruction;
}

void expect_round_trip(const Instruction& instruction, const EncodedInstruction& expected) {
  EXPECT_EQ(encode(instruction), expected);
  const Decoded decoded = decode(expected);
  EXPECT_EQ(decoded.error, 0U);
  EXPECT_EQ(decoded.instruction, instruction);
  EXPECT_EQ(from_text(to_text(instruction), "here"), instruction) << to_text(instruction);
}

TEST(Instruction, EveryFieldBitStandsWhereTheContractSays) {
  for (const Place& place : kPlaces) {
    for (unsigned bit = 0; bit < place.width; ++bit) {
      Instruction instruction = with_opcode(place.opcode);
      place.set(instruction, 1U << bit);
      EncodedInstruction expected{};
      expected[0] = static_cast<std::uint32_t>(place.opcode);
      expected[place.word] |= 1U << (place.low + bit);
      expect_round_trip(instruction, expected);
    }
  }
}

TEST(Instruction, EveryWaitAndSignalBitStandsWhereTheContractSays) {
  for (const Opcode opcode : {Opcode::kSync, Opcode::kLoadX, Opcode::kLoadBlock, Opcode::kMvm, Opcode::kStoreY}) {
    for (const Place& place : kCommonPlaces) {
      for (unsigned bit = 0; bit < place.width; ++bit) {
        Instruction instruction = with_opcode(opcode);
        place.set(instruction, 1U << bit);
        EncodedInstruction expected{};
        expected[0] = static_cast<std::uint32_t>(opcode);
        expected[1] = opcode == Opcode::kSync ? 1 : 0;
        expected[place.word] |= 1U << (place.low + bit);
        expect_round_trip(instruction, expected);
      }
    }
  }
}

/// Every single bit of every opcode either is a field (and survives decode, encode, text) or is reserved (and is refused).
TEST(Instruction, EveryBitIsAFieldOrRefused) {
  for (std::uint32_t opcode = 0; opcode < 16; ++opcode) {
    for (unsigned position = 4; position < 128; ++position) {
      EncodedInstruction words{};
      words[0] = opcode;
      if (opcode == 1) words[1] = 2;
      words[position / 32] ^= 1U << (position % 32);
      const Decoded decoded = decode(words);
      if (opcode >= arch::kNumOpcodes) {
        EXPECT_EQ(decoded.error, kIllegalOpcode);
        continue;
      }
      const bool is_field = (arch::kInstructionMask[opcode][position / 32] >> (position % 32) & 1U) != 0;
      if (!is_field) {
        EXPECT_EQ(decoded.error, kIllegalField) << opcode << " bit " << position;
      } else if (decoded.error == 0) {
        EXPECT_EQ(encode(decoded.instruction), words);
        EXPECT_EQ(encode(from_text(to_text(decoded.instruction), "here")), words);
      } else {
        EXPECT_EQ(decoded.error, kIllegalField);
        EXPECT_THROW((void)encode(decoded.instruction), Error);
      }
    }
  }
}

TEST(Instruction, WaitsAndSignalsOfDispatchAreIllegal) {
  for (const Opcode opcode : {Opcode::kNop, Opcode::kFence, Opcode::kHalt}) {
    for (const unsigned bit : {10U, 11U, 12U, 19U, 20U, 21U, 28U}) {
      EXPECT_EQ(decode({static_cast<std::uint32_t>(opcode) | 1U << bit, 0, 0, 0}).error, kIllegalField) << bit;
    }
    Instruction instruction = with_opcode(opcode);
    instruction.wait1_count = 1;
    EXPECT_THROW((void)encode(instruction), Error);
    instruction = with_opcode(opcode);
    instruction.signal = true;
    EXPECT_THROW((void)encode(instruction), Error);
  }
}

TEST(Instruction, SyncNeedsAUnitWithAQueue) {
  for (std::uint32_t unit = 0; unit < 256; ++unit) {
    const bool is_queue = unit == 1 || unit == 2 || (unit >= 8 && unit < 24);
    EXPECT_EQ(decode({1, unit, 0, 0}).error, is_queue ? 0 : kIllegalField) << unit;
    Instruction sync = with_opcode(Opcode::kSync);
    sync.unit = static_cast<std::uint8_t>(unit);
    if (is_queue) {
      EXPECT_EQ(from_text(to_text(sync), "here"), sync);
    } else {
      EXPECT_THROW((void)encode(sync), Error);
    }
  }
}

/// Random words: decode never accepts what encode would not write.
TEST(Instruction, HostileWordsAreRefusedOrExact) {
  std::mt19937 random(1);
  int accepted = 0;
  for (int i = 0; i < 200000; ++i) {
    EncodedInstruction words{};
    for (std::uint32_t& word : words) word = static_cast<std::uint32_t>(random());
    words[0] &= random() % 2 == 0 ? 0x1FFFFFF7U : 0xFFFFFFFFU;
    const Decoded decoded = decode(words);
    if (decoded.error != 0) continue;
    ++accepted;
    ASSERT_EQ(encode(decoded.instruction), words);
    ASSERT_EQ(encode(from_text(to_text(decoded.instruction), "here")), words);
  }
  EXPECT_GT(accepted, 1000);
}

TEST(Instruction, EncodeRefusesWhatDoesNotFit) {
  const auto refuse = [](Opcode opcode, auto&& change) {
    Instruction instruction = with_opcode(opcode);
    change(instruction);
    try {
      (void)encode(instruction);
      ADD_FAILURE() << "accepted " << to_text(instruction);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    }
  };
  refuse(Opcode::kMvm, [](auto& i) { i.wait0_id = 64; });
  refuse(Opcode::kMvm, [](auto& i) { i.wait0_count = 8; });
  refuse(Opcode::kMvm, [](auto& i) { i.wait1_id = 64; });
  refuse(Opcode::kMvm, [](auto& i) { i.wait1_count = 8; });
  refuse(Opcode::kMvm, [](auto& i) { i.signal_id = 64; });
  refuse(Opcode::kMvm, [](auto& i) { i.length = 1; });
  refuse(Opcode::kMvm, [](auto& i) { i.image_length = 1; });
  refuse(Opcode::kMvm, [](auto& i) { i.unit = 1; });
  refuse(Opcode::kLoadX, [](auto& i) { i.engine = 1; });
  refuse(Opcode::kLoadX, [](auto& i) { i.y_offset = 1; });
  refuse(Opcode::kLoadBlock, [](auto& i) { i.accumulate = true; });
  refuse(Opcode::kStoreY, [](auto& i) { i.rows = 1; });
  refuse(Opcode::kHalt, [](auto& i) { i.context = 1; });
  refuse(static_cast<Opcode>(8), [](auto&) {});
}

TEST(Instruction, UnitOf) {
  EXPECT_EQ(unit_of(with_opcode(Opcode::kLoadX)), arch::kUnitXLoad);
  EXPECT_EQ(unit_of(with_opcode(Opcode::kStoreY)), arch::kUnitYStore);
  for (const Opcode opcode : {Opcode::kNop, Opcode::kFence, Opcode::kHalt})
    EXPECT_EQ(unit_of(with_opcode(opcode)), arch::kUnitDispatch);
  Instruction instruction = with_opcode(Opcode::kMvm);
  instruction.engine = 3;
  EXPECT_EQ(unit_of(instruction), 19);
  instruction.opcode = Opcode::kLoadBlock;
  EXPECT_EQ(unit_of(instruction), 11);
  instruction.engine = 8;
  EXPECT_EQ(unit_of(instruction), 0xFF);
  EXPECT_EQ(unit_of(with_opcode(Opcode::kSync)), 1);
}

TEST(InstructionText, IsReadable) {
  Instruction mvm = with_opcode(Opcode::kMvm);
  mvm.engine = 1;
  mvm.rows = 288;
  mvm.cols = 320;
  mvm.ybuf_offset = 64;
  mvm.accumulate = true;
  mvm.wait0_id = 4;
  mvm.wait0_count = 1;
  mvm.wait1_id = 9;
  mvm.wait1_count = 1;
  mvm.signal = true;
  mvm.signal_id = 6;
  EXPECT_EQ(to_text(mvm), "mvm engine=1 context=0 rows=288 cols=320 xbuf=0 ybuf=64 acc wait=s4:1 wait=s9:1 signal=s6");
  Instruction sync = with_opcode(Opcode::kSync);
  sync.unit = 17;
  sync.signal = true;
  EXPECT_EQ(to_text(sync), "sync unit=mvm[1] signal=s0");
}

TEST(InstructionText, AcceptsAnyOrderHexAndComments) {
  const Instruction a = from_text("store_y engines=3 ybuf=16 length=5 y=64 stride=2", "here");
  EXPECT_EQ(from_text("\t store_y  stride=0x2 y=0x40 length=5 ybuf=16 engines=0x3 ; all of it\r", "here"), a);
  EXPECT_EQ(from_text("halt;", "here"), with_opcode(Opcode::kHalt));
}

TEST(InstructionText, ErrorsSayWhereAndWhat) {
  const auto expect = [](const char* line, const char* what) {
    try {
      (void)from_text(line, "file.s:12");
      ADD_FAILURE() << "accepted " << line;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kFormat);
      const std::string message = error.what();
      EXPECT_EQ(message.rfind("file.s:12: ", 0), 0U) << message;
      EXPECT_NE(message.find(what), std::string::npos) << message;
    }
  };
  expect("", "expected an instruction");
  expect("; only a comment", "expected an instruction");
  expect("jump to=3", "expected an instruction, found \"jump\"");
  expect("load_x xbuf=0 length=1 x=0", "\"stride\" is missing");
  expect("load_x xbuf=0 xbuf=0 length=1 x=0 stride=1", "given twice");
  expect("load_x xbuf=0 length=1 x=0 stride=1 rows=3", "does not understand \"rows=3\"");
  expect("load_x xbuf=0 length=70000 x=0 stride=1", "length: 70000 is too large");
  expect("load_x xbuf=0 length=1 x=4294967296 stride=1", "expected a number below 2^32");
  expect("load_x xbuf=0 length=1 x=-1 stride=1", "expected a number");
  expect("load_x xbuf=0 length=1 x=0x stride=1", "expected a number");
  expect("load_x xbuf=0 length= x=0 stride=1", "expected a number");
  expect("load_x xbuf length=1 x=0 stride=1", "does not understand \"xbuf\"");
  expect("mvm engine=1 context=0 rows=1 cols=1 xbuf=0 ybuf=0 acc=1", "does not understand \"acc=1\"");
  expect("mvm engine=1 context=0 rows=1 cols=1 xbuf=0 ybuf=0 wait=4:1", "expected a semaphore");
  expect("mvm engine=1 context=0 rows=1 cols=1 xbuf=0 ybuf=0 wait=s4", "expected wait=s4:1");
  expect("mvm engine=1 context=0 rows=1 cols=1 xbuf=0 ybuf=0 wait=s64:1", "at most 63");
  expect("mvm engine=1 context=0 rows=1 cols=1 xbuf=0 ybuf=0 wait=s4:8", "at most 7");
  expect("mvm engine=1 context=0 rows=1 cols=1 xbuf=0 ybuf=0 wait=s1:1 wait=s2:1 wait=s3:1", "at most two waits");
  expect("mvm engine=1 context=0 rows=1 cols=1 xbuf=0 ybuf=0 signal=s1 signal=s1", "at most one signal");
  expect("sync unit=gpu", "expected x_load");
  expect("sync unit=dispatch", "has no queue");
  expect("halt signal=s1", "illegal here");
}

}  // namespace
}  // namespace xw::program
