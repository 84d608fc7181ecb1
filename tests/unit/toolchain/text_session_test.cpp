// Text from opened models.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/text_session.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "arch/support/error.hpp"
#include "host/toolchain/device_totals.hpp"
#include "tests/support/expect_error.hpp"
#include "tests/unit/toolchain/compiled_model.hpp"

namespace xw::toolchain {
namespace {

class TextSessionTest : public test::CompiledModel {
 protected:
  static transformer::GenerateOptions tokens(std::uint32_t most) {
    transformer::GenerateOptions options;
    options.max_tokens = most;
    return options;
  }
};

TEST_F(TextSessionTest, WhatIsEmittedIsTheTextOfTheNewTokens) {
  OpenedModel opened(program_, {}, {}, 1);
  TextSession session(opened, tokens(6), false);
  std::string emitted;
  session.complete("abc", [&](const std::string& text) { emitted += text; });
  const TextTotals& totals = session.totals();
  EXPECT_EQ(totals.tokens.size(), 6U);
  EXPECT_EQ(totals.text, emitted);
  EXPECT_EQ(totals.stop, "max_tokens");
  EXPECT_EQ(totals.prefill.tokens, prompt_tokens(opened.tokenizer(), "abc").size());
  EXPECT_EQ(totals.decode.tokens, 5U);  // the first new token came with the prompt
  EXPECT_LE(totals.prefill.device_seconds, totals.prefill.seconds);
}

TEST_F(TextSessionTest, ASecondContinuationStartsAfresh) {
  OpenedModel opened(program_, {}, {}, 1);
  TextSession session(opened, tokens(5), false);
  const auto drop = [](const std::string&) {};
  session.complete("abc", drop);
  session.complete("abc", drop);
  const std::vector<std::int32_t>& all = session.totals().tokens;
  ASSERT_EQ(all.size(), 10U);
  EXPECT_EQ(std::vector(all.begin(), all.begin() + 5), std::vector(all.begin() + 5, all.end()));
}

TEST_F(TextSessionTest, JsonHasTheCountersOfTheDevice) {
  RunOptions run;
  run.chip.checksum_y = true;
  OpenedModel opened(program_, run, {}, 1);
  TextSession session(opened, tokens(3), false);
  session.complete("abc", [](const std::string&) {});
  const nlohmann::ordered_json json = run_json(opened, session.totals(), "m.xwp");
  EXPECT_EQ(json["model"], "m.xwp");
  EXPECT_EQ(json["tokens"].size(), 3U);
  EXPECT_EQ(json["device"]["y_crc32"], y_checksum(*opened.chip()));
  EXPECT_EQ(json["device"]["macs"], device_totals(*opened.chip()).stats.macs);
  EXPECT_FALSE(json["device"].contains("chip_ns"));
}

TEST_F(TextSessionTest, MessagesHoldNoControlTokens) {
  OpenedModel opened(checkpoint_, {}, {}, 1);
  const std::string control = opened.tokenizer().data().tokens[1];
  test::expect_error(ErrorCode::kInvalidArgument, "control token",
                     [&] { refuse_control_tokens(opened.tokenizer(), "a" + control + "b"); });
  EXPECT_NO_THROW(refuse_control_tokens(opened.tokenizer(), "plain text"));
}

TEST_F(TextSessionTest, RefusesImpossibleSampling) {
  OpenedModel opened(checkpoint_, {}, {}, 1);
  transformer::GenerateOptions options = tokens(1);
  options.sampler.top_p = 0;
  test::expect_error(ErrorCode::kInvalidArgument, "top", [&] { TextSession(opened, options, true); });
}

}  // namespace
}  // namespace xw::toolchain
