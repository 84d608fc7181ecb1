// Programs whose instructions a user has edited.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "arch/support/file.hpp"
#include "tests/unit/app/command.hpp"
#include "tests/unit/app/tiny_model.hpp"
#include "tests/unit/checkpoint/builders.hpp"

namespace xw {
namespace {

using test::crossweave;
using test::Outcome;
using ::testing::HasSubstr;

class Assemble : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::string model = test::write_tiny_model(folder_.path()).string();
    const Outcome compiled = crossweave("compile " + model + " --chip tiny-64 -o " + file("first.xwp"));
    ASSERT_EQ(compiled.status, 0) << compiled.output;
    const Outcome code = crossweave("inspect --code " + file("first.xwp"));
    ASSERT_EQ(code.status, 0);
    code_ = code.output;
  }

  [[nodiscard]] std::string file(const std::string& name) const { return (folder_.path() / name).string(); }
  [[nodiscard]] Outcome assemble(const std::string& code) const {
    folder_.write("edited.xwa", code);
    return crossweave("assemble " + file("first.xwp") + " --code " + file("edited.xwa") + " -o " + file("edited.xwp"));
  }
  /// Ids and checksum of a run, which no time is part of.
  [[nodiscard]] Outcome run(const std::string& name) const {
    return test::shell(test::crossweave_command() + " run " + file(name) +
                       " -p ab -n 4 --noise pcm-afm --y-checksum --ids --stats 2>&1 </dev/null | grep -E '^[0-9]|CRC'");
  }
  /// The code with the first occurrence of `found` behind the first of `from` replaced.
  [[nodiscard]] std::string with(const std::string& from, const std::string& found,
                                 const std::string& replacement) const {
    std::string code = code_;
    const std::size_t at = code.find(found, code.find(from));
    EXPECT_NE(at, std::string::npos) << found;
    return code.replace(at, found.size(), replacement);
  }

  test::TemporaryDirectory folder_;
  std::string code_;
};

TEST_F(Assemble, WhatInspectPrintsIsTheSameProgram) {
  const Outcome outcome = assemble(code_);
  EXPECT_EQ(outcome.status, 0) << outcome.output;
  EXPECT_EQ(crossweave("inspect --code " + file("edited.xwp")).output, code_);
  const Outcome expected = run("first.xwp");
  EXPECT_THAT(expected.output, HasSubstr("CRC"));
  EXPECT_EQ(run("edited.xwp").output, expected.output);
  EXPECT_EQ(crossweave("inspect --verify " + file("edited.xwp")).status, 0);
}

TEST_F(Assemble, AnEditedProgramRuns) {
  const Outcome outcome = assemble(with("call ", "  halt\n", "  nop\n  fence\n  halt\n"));
  EXPECT_EQ(outcome.status, 0) << outcome.output;
  EXPECT_THAT(crossweave("inspect --code " + file("edited.xwp")).output, HasSubstr("  nop\n  fence\n  halt\n"));
  EXPECT_EQ(run("edited.xwp").output, run("first.xwp").output);
}

TEST_F(Assemble, CodeThatIsNotProvenIsRefused) {
  const std::string first =
      code_.substr(code_.find("call "), code_.find('\n', code_.find("call ")) - code_.find("call "));
  const std::string name = first.substr(6, first.find('"', 6) - 6);
  const std::string image = code_.substr(code_.find("  load_block"),
                                         code_.find('\n', code_.find("  load_block")) + 1 - code_.find("  load_block"));
  for (const auto& [code, what] : std::vector<std::pair<std::string, std::string>>{
           {with("call ", image, ""), "call \"" + name + "\" is not safe to run"},
           {with("call ", "  halt\n", ""), "its code does not end with its only HALT"},
           {with("call ", "call \"" + name, "call \"other"), "expected call \"" + name + "\", found \"other\""},
           {code_ + "call \"more\":\n  halt\n", "expected no further call, found \"more\""},
           {code_.substr(0, code_.rfind("call ")), "found none"},
           {with("call ", "  halt", "  hault"), "edited.xwa:"},
           {"", "found none"}}) {
    const Outcome outcome = assemble(code);
    EXPECT_EQ(outcome.status, 3) << what;
    EXPECT_THAT(outcome.output, HasSubstr("edited.xwa"));
    EXPECT_THAT(outcome.output, HasSubstr(what));
    EXPECT_FALSE(std::filesystem::exists(file("edited.xwp")));
  }
}

TEST_F(Assemble, OneCallIsShownByItsName) {
  const std::size_t begin = code_.rfind("call \"");
  const std::string name = code_.substr(begin + 6, code_.find('"', begin + 6) - begin - 6);
  EXPECT_EQ(crossweave("inspect --code --call " + name + " " + file("first.xwp")).output, code_.substr(begin));
  const Outcome unknown = crossweave("inspect --code --call none " + file("first.xwp"));
  EXPECT_EQ(unknown.status, 2);
  EXPECT_THAT(unknown.output, HasSubstr("no call \"none\"; it has "));
  EXPECT_EQ(crossweave("inspect --call " + name + " " + file("first.xwp")).status, 2);
}

}  // namespace
}  // namespace xw
