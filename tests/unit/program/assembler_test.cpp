// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/program/assembler.hpp"

#include <gtest/gtest.h>

#include "arch/support/error.hpp"
#include "tests/unit/program/program_fixture.hpp"

namespace xw::program {
namespace {

TEST(Assembler, RoundTripOfAWholeProgramIsExact) {
  const test::TemporaryDirectory directory;
  test::ProgramParts parts = test::make_parts();
  parts.manifest.calls[0].name = "a \"quoted\\ name\n; x";
  parts.write(directory / "p.xwp");
  const auto program = Program::open(directory / "p.xwp");
  const std::string text = disassemble(*program);
  const Assembly assembly = assemble(text, "p.s");
  EXPECT_EQ(assembly.code, parts.code);
  ASSERT_EQ(assembly.calls.size(), parts.manifest.calls.size());
  for (std::size_t i = 0; i < assembly.calls.size(); ++i) {
    EXPECT_EQ(assembly.calls[i].name, parts.manifest.calls[i].name);
    EXPECT_EQ(assembly.calls[i].entry, parts.manifest.calls[i].entry);
    EXPECT_EQ(assembly.calls[i].num_instructions, parts.manifest.calls[i].num_instructions);
  }
  EXPECT_NE(text.find("; m0 in 0..20 out 0.."), std::string::npos) << text;
  EXPECT_EQ(assemble(disassemble(assembly), "again"), assembly);
}

TEST(Assembler, InstructionsMayStandBeforeTheFirstCall) {
  const Assembly assembly = assemble("nop\n\n ; comment\ncall \"a\": ; label\n  halt\ncall \"\":\nnop\nhalt", "text");
  EXPECT_EQ(assembly.code.size(), 4U);
  EXPECT_EQ(assembly.calls, (std::vector<CallLabel>{{"a", 1, 1}, {"", 2, 2}}));
  EXPECT_EQ(assemble(disassemble(assembly), "again"), assembly);
}

TEST(Assembler, EmptyTextIsEmptyCode) {
  EXPECT_EQ(assemble("", "text"), Assembly{});
}

TEST(Assembler, ErrorsNameTheLine) {
  const auto expect = [](const char* text, const char* where, const char* what) {
    try {
      (void)assemble(text, "f.s");
      ADD_FAILURE() << "accepted " << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kFormat);
      EXPECT_EQ(std::string(error.what()).rfind(where, 0), 0U) << error.what();
      EXPECT_NE(std::string(error.what()).find(what), std::string::npos) << error.what();
    }
  };
  expect("nop\nbad", "f.s:2: ", "expected an instruction");
  expect("call a:", "f.s:1: ", "name in quotes");
  expect("call \"a", "f.s:1: ", "does not end");
  expect("call \"a\\", "f.s:1: ", "digits");
  expect("call \"a\\x0\":", "f.s:1: ", "digits");
  expect("call \"a\\n\":", "f.s:1: ", "digits");
  expect("call \"a\"", "f.s:1: ", "expected :");
  expect("call \"a\": halt", "f.s:1: ", "end of the line");
}

TEST(Assembler, DisassembleRefusesWhatTextCannotSay) {
  EXPECT_THROW((void)disassemble(Assembly{{{15, 0, 0, 0}}, {}}), Error);
  EXPECT_THROW((void)disassemble(Assembly{{{7, 0, 0, 0}}, {{"a", 0, 0}}}), Error);
  EXPECT_THROW((void)disassemble(Assembly{{{7, 0, 0, 0}, {7, 0, 0, 0}}, {{"b", 1, 1}, {"a", 0, 1}}}), Error);
}

}  // namespace
}  // namespace xw::program
