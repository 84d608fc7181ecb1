// The text form: what is written, what is refused and where.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "arch/support/error.hpp"
#include "compiler/ir/graph.hpp"
#include "tests/unit/ir/example_graph.hpp"

namespace xw::ir {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

// Written by hand from docs/ir.md.
constexpr const char* kExample = R"(graph "example" {
  meta family = "llama"
  meta num_layers = 1
  %tokens = input() : 1
  %x = embedding(%tokens) {weight = @embed.weight} : 32
  %h = rms_norm(%x) {eps = 1e-05, weight = @norm.weight} : 32
  %qkv.0, %qkv.1, %qkv.2 = aimc_call(%h) {call = 0} : 32, 16, 16
  %a = attention(%qkv.0, %qkv.1, %qkv.2) {head_dim = 8, layer = 0, num_heads = 4, num_kv_heads = 2, rope_dims = 8, rope_scaling = "none", rope_style = "half", rope_theta = 10000.0, scale = 0.3535533905932738, window = 0} : 32
  %o = linear(%a) {bias = @o.bias, name = "layers.0.o_proj", weight = @o.weight[32:64]} : 32
  %sum = add(%x, %o) : 32
  %gated = swiglu(%sum, %sum) : 32
  %soft = geglu(%gated, %sum) : 32
  %logits = linear(%soft) {name = "lm_head", weight = @embed.weight} : 100
  output(%logits)
}
)";

std::string complaint(const std::string& text) {
  try {
    (void)parse(text, "file.ir");
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kFormat);
    return error.what();
  }
  return "accepted";
}

TEST(Print, WritesTheDocumentedForm) {
  EXPECT_EQ(print(test::example_graph()), kExample);
}

TEST(Parse, ReadsTheDocumentedForm) {
  EXPECT_EQ(parse(kExample, "file.ir"), test::example_graph());
}

TEST(Parse, IgnoresSpaceAndComments) {
  const Graph graph = parse(
      "// a model\ngraph\t\"g\"{meta a=-3 meta l=[1,2.5]//list\n%t=input():1\n\r\n output( %t ) }  // end", "file.ir");
  EXPECT_EQ(graph.name, "g");
  EXPECT_EQ(graph.meta.at("a"), Attribute(std::int64_t{-3}));
  EXPECT_EQ(graph.meta.at("l"), Attribute(std::vector<double>{1, 2.5}));
}

TEST(Parse, StringsMayHoldAnyByte) {
  Graph graph = test::example_graph();
  graph.name = std::string("quote\" back\\ line\n nul\0 high\xC3\xA9 del\x7F", 31);
  graph.nodes[test::kNormNode].attributes["weight"] = TensorRef{"a tensor, with [brackets] and \"quotes\""};
  EXPECT_EQ(parse(print(graph), "file.ir"), graph);
}

TEST(Parse, NamesTheFirstProblemAndItsPlace) {
  const struct {
    const char* text;
    const char* expected;
  } cases[] = {
      {"", "file.ir:1:1: expected 'graph', found the end of the text"},
      {"model \"x\" {}", "file.ir:1:1: expected 'graph', found 'model'"},
      {"graph x {}", "file.ir:1:7: expected a string, found 'x'"},
      {"graph \"x", "file.ir:1:7: expected a closing '\"', found the end of the text"},
      {"graph \"x\ny\" {}", "file.ir:1:9: expected '\"' before the end of the line, found byte 10"},
      {"graph \"\\q\" {}", "file.ir:1:9: expected '\"', '\\' or 'xNN' after '\\', found 'q'"},
      {"graph \"\\x4g\" {}", "file.ir:1:11: expected a hexadecimal digit, found 'g'"},
      {"graph \"x\" [", "file.ir:1:11: expected '{', found '['"},
      {"graph \"x\" {\n", "file.ir:2:1: expected '}', found the end of the text"},
      {"graph \"x\" {\n  % = input() : 1", "file.ir:2:4: expected the name of a value, found ' '"},
      {"graph \"x\" {\n  %a input() : 1", "file.ir:2:6: expected '=', found 'input'"},
      {"graph \"x\" {\n  %a = conv(%b) : 1",
       "file.ir:2:8: expected an operation (input, embedding, rms_norm, linear, aimc_call, attention, swiglu, "
       "geglu, add, shift, output), found 'conv'"},
      {"graph \"x\" {\n  %a = meta() : 1", "file.ir:2:8: expected an operation"},
      {"graph \"x\" {\n  !", "file.ir:2:3: expected 'meta', a node or '}', found '!'"},
      {"graph \"x\" {\n  %a = input( : 1", "file.ir:2:15: expected a value such as %x, found ':'"},
      {"graph \"x\" {\n  %a = input()\n}", "file.ir:3:1: expected ':', found '}'"},
      {"graph \"x\" {\n  %a, %b = input() : 1\n}", "file.ir:3:1: expected ',', found '}'"},
      {"graph \"x\" {\n  %a = input() : x", "file.ir:2:18: expected the number of features, found 'x'"},
      {"graph \"x\" {\n  %a = input() : -1", "file.ir:2:18: expected the number of features, found '-'"},
      {"graph \"x\" {\n  %a = input() : 4294967296",
       "file.ir:2:18: expected the number of features in range, found '4294967296'"},
      {"graph \"x\" {\n  %a = add(%b, %b) : 1", "file.ir:2:12: expected a value defined before, found %b"},
      {"graph \"x\" {\n  %a = input() : 1\n  %a = input() : 1", "file.ir:3:3: expected a new value, found %a again"},
      {"graph \"x\" {\n  meta a = 1\n  meta a = 2", "file.ir:3:8: expected every key once, found 'a' again"},
      {"graph \"x\" {\n  meta 1a = 1", "file.ir:2:8: expected a key of letters, digits and '_', found '1a'"},
      {"graph \"x\" {\n  meta a = 99999999999999999999", "file.ir:2:12: expected an integer in range"},
      {"graph \"x\" {\n  meta a = 1e999", "file.ir:2:12: expected a number in range, found '1e999'"},
      {"graph \"x\" {\n  meta a = nan", "file.ir:2:12: expected a finite number"},
      {"graph \"x\" {\n  meta a = 1.2.3", "file.ir:2:12: expected a number, found '1.2.3'"},
      {"graph \"x\" {\n  meta a = [1, 2", "file.ir:2:17: expected ']', found the end of the text"},
      {"graph \"x\" {\n  meta a = }",
       "file.ir:2:12: expected an integer, a number, a string, a tensor or a list, found '}'"},
      {"graph \"x\" {\n  meta a = @", "file.ir:2:13: expected the name of a tensor, found the end of the text"},
      {"graph \"x\" {\n  meta a = @w[1", "file.ir:2:16: expected ':', found the end of the text"},
      {"graph \"x\" {\n  meta a = @w[-1:2]", "file.ir:2:15: expected the first row, found '-'"},
      {"graph \"x\" {\n  %a = input() {x = 1", "file.ir:2:22: expected '}', found the end of the text"},
      {"graph \"x\" { } more", "file.ir:1:15: expected the end of the text, found 'more'"},
      {"graph \"x\" {\xFF}", "file.ir:1:12: expected 'meta', a node or '}', found byte 255"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.text);
    EXPECT_THAT(complaint(c.text), StartsWith(c.expected));
  }
}

TEST(Parse, VerifiesWhatItRead) {
  EXPECT_THAT(
      complaint("graph \"x\" {\n  %a = input() : 2\n  output(%a)\n}"),
      StartsWith("file.ir: graph 'x': 1 problem:\n  node 0 (input): expected a result with 1 features, found 2"));
}

TEST(Parse, BoundsLengthsAndCounts) {
  const std::string head = "graph \"x\" {\n";
  EXPECT_THAT(complaint(head + "%" + std::string(513, 'a') + " = input() : 1"),
              HasSubstr("of at most 512 bytes, found 513 bytes"));
  EXPECT_THAT(complaint("graph \"" + std::string((1U << 20) + 1, 'a') + "\""),
              HasSubstr("a string of at most 1048576 bytes"));
  std::string list = head + "meta l = [0";
  for (int i = 0; i < (1 << 16); ++i) list += ",0";
  EXPECT_THAT(complaint(list), HasSubstr("at most 65536 numbers in a list"));
  std::string inputs = head + "%a = input() : 1\n%b = add(%a";
  for (int i = 0; i < 16; ++i) inputs += ",%a";
  EXPECT_THAT(complaint(inputs), HasSubstr("at most 16 inputs"));
  std::string attributes = head + "%a = input() {";
  for (int i = 0; i < 257; ++i) attributes += (i == 0 ? "k" : ",k") + std::to_string(i) + "=1";
  EXPECT_THAT(complaint(attributes), HasSubstr("at most 256 attributes"));
  std::string results = head + "%r0";
  for (int i = 1; i < 4097; ++i) results += ",%r" + std::to_string(i);
  EXPECT_THAT(complaint(results), HasSubstr("at most 4096 results"));
  std::string meta = head;
  for (int i = 0; i < 4097; ++i) meta += "meta k" + std::to_string(i) + "=1\n";
  EXPECT_THAT(complaint(meta), HasSubstr("at most 4096 attributes"));
}

TEST(Parse, RefusesHugeTexts) {
  EXPECT_THAT(complaint(std::string((64U << 20) + 1, ' ')), HasSubstr("at most 67108864 bytes of graph text"));
}

}  // namespace
}  // namespace xw::ir
