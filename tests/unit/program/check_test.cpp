// Hand-made calls that break each promise, one by one.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/program/check.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "compiler/program/assembler.hpp"
#include "tests/unit/codegen/model_fixture.hpp"

namespace xw::program {
namespace {

const arch::EmulatorDescription kEmulator = test::make_emulator(2, 16, 64, 64, 2, 256, 128);
const CallMemory kMemory = {64, 256, {64 * 64, 64 * 64}};

// One block of 64 x 16 on each engine, summed: an image of 1 + 1 + 16 units. Lines are numbered for the tests below.
const std::vector<std::string> kGood = {
    /* 0 */ "load_x xbuf=0 length=64 x=0 stride=1 signal=s0",
    /* 1 */ "sync unit=x_load signal=s1",
    /* 2 */ "load_block engine=0 context=0 image=0 length=19 signal=s2",
    /* 3 */ "load_block engine=1 context=0 image=0 length=19 signal=s3",
    /* 4 */ "mvm engine=0 context=0 rows=64 cols=16 xbuf=0 ybuf=0 wait=s0:1 wait=s2:1 signal=s4",
    /* 5 */ "mvm engine=1 context=0 rows=64 cols=16 xbuf=0 ybuf=0 wait=s1:1 wait=s3:1 signal=s5",
    /* 6 */ "store_y engines=0x3 ybuf=0 length=16 y=0 stride=4 wait=s4:1 wait=s5:1",
    /* 7 */ "halt",
};

using Lines = std::vector<std::string>;

std::vector<Violation> check(const Lines& lines, const CallMemory& memory = kMemory) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return check_call(assemble(text, "test").code, 0, kEmulator, memory);
}

std::string describe(const std::vector<Violation>& violations) {
  std::string text;
  for (const Violation& violation : violations)
    text += std::to_string(violation.instruction) + ": " + violation.what + "\n";
  return text;
}

/// Expects exactly one violation, at `instruction`, that says `what`.
void expect_one(std::uint32_t instruction, const std::string& what, const std::function<void(Lines&)>& change,
                const CallMemory& memory = kMemory) {
  Lines lines = kGood;
  change(lines);
  const auto violations = check(lines, memory);
  ASSERT_EQ(violations.size(), 1U) << what << "\n" << describe(violations);
  EXPECT_EQ(violations[0].instruction, instruction) << describe(violations);
  EXPECT_NE(violations[0].what.find(what), std::string::npos) << describe(violations) << "expected: " << what;
}

void replace(std::string& line, const std::string& from, const std::string& to) {
  const std::size_t at = line.find(from);
  ASSERT_NE(at, std::string::npos) << from << " in " << line;
  line.replace(at, from.size(), to);
}

auto edit(std::size_t index, std::string from, std::string to) {
  return [=](Lines& lines) { replace(lines.at(index), from, to); };
}

auto insert(std::size_t index, std::string line) {
  return [=](Lines& lines) { lines.insert(lines.begin() + static_cast<std::ptrdiff_t>(index), line); };
}

TEST(CheckCall, AcceptsAGoodCall) {
  EXPECT_EQ(describe(check(kGood)), "");
}

TEST(CheckCall, AcceptsEntriesInTheMiddle) {
  std::string text = "load_x xbuf=0 length=64 x=0 stride=1 signal=s0\nhalt\n";
  for (const std::string& line : kGood) text += line + "\n";
  EXPECT_EQ(describe(check_call(assemble(text, "test").code, 2, kEmulator, kMemory)), "");
}

TEST(CheckCall, Decoding) {
  auto code = assemble("halt", "test").code;
  code.insert(code.begin(), EncodedInstruction{9, 0, 0, 0});
  code.insert(code.begin(), EncodedInstruction{2, 0, 0, 1U << 31});
  const auto violations = check_call(code, 0, kEmulator, kMemory);
  EXPECT_EQ(describe(violations), "0: does not decode: illegal_field\n1: does not decode: illegal_opcode\n");
}

TEST(CheckCall, NoHalt) {
  EXPECT_NE(describe(check_call({}, 0, kEmulator, kMemory)).find("without HALT"), std::string::npos);
  EXPECT_NE(describe(check_call(assemble("halt", "t").code, 7, kEmulator, kMemory)).find("7: the call runs beyond"),
            std::string::npos);
  expect_one(6, "without HALT", [](Lines& lines) { lines.pop_back(); });
}

TEST(CheckCall, LoadXBounds) {
  expect_one(0, "length is zero", [](Lines& l) { l.insert(l.begin(), "load_x xbuf=0 length=0 x=0 stride=1"); });
  expect_one(0, "XBUF bytes up to 257 are beyond its end, 256", insert(0, "load_x xbuf=193 length=64 x=0 stride=1"));
  expect_one(0, "x offset is not a multiple of 64", insert(0, "load_x xbuf=64 length=1 x=1 stride=1"));
  expect_one(0, "reads beyond the x vector", insert(0, "load_x xbuf=64 length=1 x=64 stride=1"));
  expect_one(0, "x stride is not that of the call", insert(0, "load_x xbuf=64 length=1 x=0 stride=2"));
}

TEST(CheckCall, LoadBlockBounds) {
  expect_one(0, "engine 2 is beyond the emulator's 2", insert(0, "load_block engine=2 context=1 image=0 length=1"));
  expect_one(0, "engine 250 is beyond the emulator's 2", insert(0, "load_block engine=250 context=1 image=0 length=1"));
  expect_one(0, "context 2 is beyond the emulator's 2", insert(0, "load_block engine=0 context=2 image=0 length=1"));
  expect_one(0, "image length is zero", insert(0, "load_block engine=0 context=1 image=0 length=0"));
  expect_one(0, "reads beyond the image memory", insert(0, "load_block engine=0 context=1 image=63 length=2"));
  expect_one(0, "reads beyond the image memory",
             insert(0, "load_block engine=0 context=1 image=4294967295 length=4294967295"));
  expect_one(3, "reads beyond the image memory", [](Lines&) {}, {64, 256, {64 * 64}});
}

TEST(CheckCall, MvmBounds) {
  const auto extra = [](const std::string& fields) { return insert(6, "mvm " + fields); };
  expect_one(6, "engine 2 is beyond", extra("engine=2 context=0 rows=64 cols=16 xbuf=0 ybuf=64"));
  expect_one(6, "context 9 is beyond", extra("engine=0 context=9 rows=64 cols=16 xbuf=0 ybuf=64"));
  expect_one(6, "is not that of the image", extra("engine=0 context=0 rows=60 cols=16 xbuf=0 ybuf=64"));
  expect_one(6, "is not that of the image", extra("engine=0 context=0 rows=64 cols=17 xbuf=0 ybuf=64"));
  for (const char* shape : {"rows=0 cols=16", "rows=65 cols=16", "rows=64 cols=0", "rows=64 cols=65"}) {
    expect_one(6, "does not fit a context", extra(std::string("engine=0 context=0 ") + shape + " xbuf=0 ybuf=0"));
  }
  expect_one(6, "XBUF bytes up to 257", extra("engine=0 context=0 rows=64 cols=16 xbuf=193 ybuf=64"));
  expect_one(6, "YBUF words up to 144", extra("engine=0 context=0 rows=64 cols=16 xbuf=0 ybuf=128"));
  expect_one(6, "YBUF offset is not a multiple of 16", extra("engine=0 context=0 rows=64 cols=16 xbuf=0 ybuf=72"));
}

/// With the images known, shapes are exact and nothing else can be loaded.
TEST(CheckCall, KnownImages) {
  CallMemory memory = kMemory;
  memory.images = {{0, 0, 64, 16}, {1, 0, 64, 16}, {1, 19, 63, 16}};
  EXPECT_EQ(describe(check(kGood, memory)), "");
  expect_one(5, "shape 64 x 16 is not that of the image in context 0", edit(3, "image=0", "image=19"), memory);
  expect_one(2, "there is no image at 1", edit(2, "image=0", "image=1"), memory);
  expect_one(2, "image length is 17, the image has 19", edit(2, "length=19", "length=17"), memory);
}

TEST(CheckCall, StoreYBounds) {
  const auto extra = [](const std::string& fields) { return insert(7, "store_y " + fields); };
  expect_one(7, "engine mask", extra("engines=0 ybuf=0 length=16 y=0 stride=4"));
  expect_one(7, "engine mask", extra("engines=5 ybuf=0 length=16 y=0 stride=4"));
  expect_one(7, "engine mask", extra("engines=0x8001 ybuf=0 length=16 y=0 stride=4"));
  expect_one(7, "length is zero", extra("engines=1 ybuf=0 length=0 y=0 stride=4"));
  expect_one(7, "YBUF words up to 129", extra("engines=1 ybuf=112 length=17 y=0 stride=4"));
  expect_one(7, "YBUF offset is not a multiple of 16", extra("engines=1 ybuf=8 length=8 y=0 stride=4"));
  expect_one(7, "y offset is not a multiple of 64", extra("engines=1 ybuf=0 length=8 y=4 stride=4"));
  expect_one(7, "writes beyond the y vector", extra("engines=1 ybuf=0 length=16 y=256 stride=4"));
  expect_one(7, "writes beyond the y vector", extra("engines=1 ybuf=0 length=16 y=4294967232 stride=4"));
  expect_one(7, "y stride is not that of the call", extra("engines=1 ybuf=0 length=16 y=0 stride=5"));
}

TEST(CheckCall, UnitsOfAbsentEngines) {
  expect_one(0, "mvm[5] is beyond the emulator's engines", insert(0, "sync unit=mvm[5]"));
}

TEST(CheckCall, WouldBlock) {
  expect_one(6, "would block: waits for 1 of semaphore 9, which has 0", insert(6, "sync unit=y_store wait=s9:1"));
  // The token comes only later in the program: with a short queue, dispatch would never get there.
  const auto violations = check({"sync unit=y_store wait=s9:1", "sync unit=x_load signal=s9", "halt"});
  ASSERT_FALSE(violations.empty());
  EXPECT_EQ(violations[0], (Violation{0, "would block: waits for 1 of semaphore 9, which has 0 in program order"}));
  expect_one(6, "would block: waits for 2 of semaphore 4, which has 1", edit(6, "wait=s4:1", "wait=s4:2"));
}

TEST(CheckCall, Leftovers) {
  expect_one(8, "semaphore 9 ends at 1", insert(7, "sync unit=x_load signal=s9"));
  expect_one(9, "semaphore 9 ends at 2", [](Lines& lines) {
    insert(7, "sync unit=x_load signal=s9")(lines);
    insert(7, "sync unit=x_load signal=s9")(lines);
  });
}

TEST(CheckCall, OneProducerAndOneConsumer) {
  expect_one(7, "semaphore 9 is signalled by mvm[0] and x_load", [](Lines& lines) {
    insert(6, "sync unit=x_load signal=s9")(lines);
    insert(7, "sync unit=mvm[0] signal=s9")(lines);
    insert(8, "sync unit=y_store wait=s9:2")(lines);
  });
  expect_one(9, "semaphore 9 is taken by mvm[1] and y_store", [](Lines& lines) {
    insert(6, "sync unit=x_load signal=s9")(lines);
    insert(7, "sync unit=x_load signal=s9")(lines);
    insert(8, "sync unit=y_store wait=s9:1")(lines);
    insert(9, "sync unit=mvm[1] wait=s9:1")(lines);
  });
}

TEST(CheckCall, SignalsFitTheCounter) {
  Lines lines;
  for (int i = 0; i < 65535; ++i) {
    lines.push_back("sync unit=x_load signal=s9");
    lines.push_back("sync unit=y_store wait=s9:1");
  }
  lines.push_back("halt");
  EXPECT_EQ(describe(check(lines)), "");
  lines.insert(lines.end() - 1, {"sync unit=x_load signal=s9", "sync unit=y_store wait=s9:1"});
  const auto violations = check(lines);
  ASSERT_EQ(violations.size(), 1U);
  EXPECT_NE(violations[0].what.find("more often than its counter can hold, 65535"), std::string::npos);
}

TEST(CheckCall, XReadBeforeWritten) {
  expect_one(4, "reads XBUF bytes [1, 65) before it is written", edit(4, "xbuf=0", "xbuf=1"));
}

TEST(CheckCall, XReadWithoutWaiting) {
  expect_one(5, "hazard: reads XBUF bytes [0, 64) without waiting for its writer", [](Lines& lines) {
    replace(lines[5], "wait=s1:1 ", "");
    replace(lines[1], " signal=s1", "");
  });
}

TEST(CheckCall, XOverwrittenWithoutWaiting) {
  expect_one(6, "hazard: overwrites XBUF bytes [63, 64) without waiting for its readers",
             insert(6, "load_x xbuf=63 length=1 x=0 stride=1"));
  // Waiting for one of two readers is not enough.
  expect_one(7, "hazard: overwrites XBUF bytes [0, 1)", [](Lines& lines) {
    insert(6, "sync unit=mvm[0] signal=s9")(lines);
    insert(7, "load_x xbuf=0 length=1 x=0 stride=1 wait=s9:1")(lines);
  });
  // Waiting for both is; so is waiting for the store that waited for both, and touching other bytes.
  Lines lines = kGood;
  insert(6, "sync unit=mvm[0] signal=s9")(lines);
  insert(7, "sync unit=mvm[1] signal=s10")(lines);
  insert(8, "load_x xbuf=0 length=1 x=0 stride=1 wait=s9:1 wait=s10:1")(lines);
  EXPECT_EQ(describe(check(lines)), "");
  lines = kGood;
  replace(lines[6], "wait=s5:1", "wait=s5:1 signal=s9");
  insert(7, "load_x xbuf=0 length=1 x=0 stride=1 wait=s9:1")(lines);
  EXPECT_EQ(describe(check(lines)), "");
  lines = kGood;
  insert(6, "load_x xbuf=64 length=64 x=0 stride=1")(lines);
  EXPECT_EQ(describe(check(lines)), "");
}

TEST(CheckCall, ContextReadBeforeLoaded) {
  expect_one(4, "reads context 1 before it is loaded", edit(4, "context=0", "context=1"));
}

TEST(CheckCall, ContextReadWithoutWaiting) {
  expect_one(4, "hazard: reads context 0 without waiting for its load", [](Lines& lines) {
    replace(lines[4], " wait=s2:1", "");
    replace(lines[2], " signal=s2", "");
  });
}

TEST(CheckCall, ContextOverwrittenWithoutWaiting) {
  const std::string load = "load_block engine=0 context=0 image=19 length=19";
  expect_one(6, "hazard: overwrites context 0 without waiting for its readers", insert(6, load));
  expect_one(5, "hazard: reads context 0 without waiting for its load",
             insert(3, load));  // the token is of the first load
  Lines lines = kGood;
  insert(6, "sync unit=mvm[0] signal=s9")(lines);
  insert(7, load + " wait=s9:1")(lines);
  EXPECT_EQ(describe(check(lines)), "");
}

TEST(CheckCall, YReadBeforeWritten) {
  expect_one(6, "reads YBUF words [0, 17) before it is written",
             [](Lines& lines) { replace(lines[6], "engines=0x3 ybuf=0 length=16", "engines=0x1 ybuf=0 length=17"); });
  expect_one(4, "accumulates to YBUF words [0, 16) before they are written", edit(4, "ybuf=0", "ybuf=0 acc"));
}

TEST(CheckCall, YReadWithoutWaiting) {
  expect_one(6, "hazard: reads YBUF words [0, 16) without waiting for its writer", [](Lines& lines) {
    replace(lines[6], " wait=s5:1", "");
    replace(lines[5], " signal=s5", "");
  });
}

TEST(CheckCall, YOverwrittenWithoutWaiting) {
  const std::string mvm = "mvm engine=0 context=0 rows=64 cols=16 xbuf=0 ybuf=";
  expect_one(7, "hazard: overwrites YBUF words [0, 16) without waiting for its readers", insert(7, mvm + "0"));
  Lines lines = kGood;
  insert(7, mvm + "15")(lines);
  EXPECT_EQ(describe(check(lines)),
            "7: YBUF offset is not a multiple of 16\n"
            "7: hazard: overwrites YBUF words [15, 31) without waiting for its readers\n");
  lines = kGood;
  insert(7, mvm + "16")(lines);
  EXPECT_EQ(describe(check(lines)), "");
  lines = kGood;
  replace(lines[6], "wait=s5:1", "wait=s5:1 signal=s9");
  insert(7, mvm + "0 acc wait=s9:1")(lines);
  EXPECT_EQ(describe(check(lines)), "");
}

/// FENCE orders everything before it against everything after it.
TEST(CheckCall, FenceOrders) {
  Lines lines = kGood;
  lines.insert(lines.begin() + 7,
               {"fence", "load_x xbuf=0 length=64 x=0 stride=1", "load_block engine=0 context=0 image=19 length=19",
                "fence", "nop", "mvm engine=0 context=0 rows=64 cols=16 xbuf=0 ybuf=0", "fence",
                "store_y engines=1 ybuf=0 length=16 y=64 stride=4"});
  EXPECT_EQ(describe(check(lines)), "");
  lines.erase(std::find(lines.begin(), lines.end(), "fence"));
  EXPECT_EQ(check(lines).size(), 2U) << describe(check(lines));
}

}  // namespace
}  // namespace xw::program
