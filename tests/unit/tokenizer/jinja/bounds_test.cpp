// What a hostile template may cost: every value is charged before it is made. The oracle is what operator new handed out.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <ctime>
#include <iostream>
#include <random>

#include "arch/support/error.hpp"
#include "arch/support/interrupt.hpp"
#include "host/tokenizer/jinja/template.hpp"
#include "tests/support/allocations.hpp"
#include "tests/support/random_numbers.hpp"
#include "tests/unit/tokenizer/jinja/fixture.hpp"

namespace xw::tokenizer::jinja {
namespace {

/// What the rendering itself needs beside the values: messages, the first blocks of containers.
constexpr std::size_t kSlack = std::size_t{128} << 10;

struct Cost {
  std::size_t peak = 0;  ///< bytes beyond those in use before
  double seconds = 0;    ///< of CPU time
  std::string error;
  std::size_t size = 0;  ///< of the text
};

Cost cost_of(const std::string& source, const Value& context, const Limits& limits) {
  Cost cost;
  const std::size_t before = test::allocated_bytes();
  test::reset_peak();
  const std::clock_t start = std::clock();
  try {
    cost.size = Template(source, limits).render(context, limits).size();
  } catch (const Error& error) {
    cost.error = error.what();
  }
  cost.seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  cost.peak = test::peak_bytes() - before;
  return cost;
}

/// Parsing and rendering have a budget each; the copy of the source and strings of the lexer are in proportion to it.
std::size_t allowed(const std::string& source, const Limits& limits) {
  return static_cast<std::size_t>(2 * limits.bytes) + 8 * source.size() + kSlack;
}

std::string doubled(const std::string& what, int times) {
  return "{% set ns = namespace(s=" + what + ") %}{% for a in range(" + std::to_string(times) +
         ") %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}";
}

TEST(JinjaBounds, ValuesAreRefusedBeforeTheyAreMade) {
  const std::string big = doubled("'aaaaaaaaaaaaaaaa'", 18);  // 4 MiB of text
  for (const std::string& source : {
           big + "{{ range(10000) | join(ns.s) }}",
           big + "{{ ns.s * 100000 }}",
           big + "{{ [ns.s] * 100000000 }}",
           big + "{{ ns.s | replace('a', ns.s) }}",
           big + "{{ ns.s.replace('', ns.s) }}",
           big + "{{ '%s' * 1000 | format }}{{ ns.s.join(range(1000) | map('string')) }}",
           big + "{% for i in range(1000) %}{{ ns.s }}{% endfor %}",
           big + "{{ ns.s | list | length }}",
           big + "{{ ns.s.split('a') | length }}",
           big + "{{ ns.s | replace('a', 'a\n') | indent(1000) }}",
           big + "{{ [ns.s] * 100 | tojson }}",
           big + "{{ ns.s | e | e | e }}",
           std::string("{{ 'x'.ljust(10000000000) }}"),
           std::string("{{ 'x'.center(9223372036854775807) }}"),
           std::string("{{ 'x'.zfill(10000000000) }}"),
           std::string("{{ 'x' | indent(10000000000) }}"),
           std::string("{{ '%99999d' * 99999 | format }}"),
           std::string("{{ 'x' * 9223372036854775807 }}"),
           std::string("{{ [1] * 9223372036854775807 }}"),
           std::string("{{ [1] | batch(9223372036854775807, 'x') | list }}"),
           std::string("{{ [1] | slice(9223372036854775807) | list }}"),
           std::string(
               "{% set ns = namespace(x=[1]) %}{% for a in range(64) %}{% set ns.x = ns.x + ns.x %}{% endfor %}"),
           std::string(
               "{% set ns = namespace(x=[1]) %}{% for a in range(64) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}"
               "{{ ns.x }}"),
           std::string(
               "{% set ns = namespace(x=[1]) %}{% for a in range(64) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}"
               "{{ ns.x == ns.x + [] }}{{ ns.x | tojson }}"),
           std::string("{% set ns = namespace(l=[]) %}{% for i in range(50) %}"
                       "{% set ns.l = ns.l + [range(99999) | map(attribute='q') | list] %}{% endfor %}"),
           std::string("{% set ns = namespace(l=[]) %}{% for i in range(50) %}"
                       "{% set ns.l = ns.l + [range(99999) | map('string') | map('first') | list] %}{% endfor %}"),
           std::string("{% set ns = namespace(x=1) %}{% for a in range(100000) %}{% set ns.x = [ns.x] %}{% endfor %}"),
           std::string("{% macro f(n) %}{{ f(n) }}{% endmacro %}{{ f(1) }}"),
           std::string("{% macro f(x) %}{{ f(x ~ x) }}{% endmacro %}{{ f('aaaa') }}"),
           std::string("{% for i in [1] recursive %}{{ loop([1]) }}{% endfor %}"),
       }) {
    SCOPED_TRACE(source);
    const Limits limits;
    const Cost cost = cost_of(source, Value::object(std::vector<Member>{}), limits);
    EXPECT_NE(cost.error, "") << cost.size;
    EXPECT_LE(cost.peak, allowed(source, limits));
    EXPECT_LT(cost.seconds, 20);
  }
}

TEST(JinjaBounds, StepsAreInProportionToWork) {
  const std::string long_texts = doubled("'aaaaaaaaaaaaaaaa'", 15) + "{% set t = 'b' * 500000 %}{% set s = ns.s %}";
  const std::string long_names = "{% set names = {s ~ 'a': 1, s ~ 'b': 1, s ~ 'c': 1, s ~ 'd': 1, s ~ 'e': 1} %}";
  for (const std::string& source : {
           std::string("{% for a in range(99999) %}{% for b in range(99999) %}{{ a }}{% endfor %}{% endfor %}"),
           std::string("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"),
           long_texts + "{% for a in range(99999) %}{{ s.strip(t) | length }}{% endfor %}",
           long_texts + "{% for a in range(99999) %}{{ s in t }}{% endfor %}",
           long_texts + "{% for a in range(99999) %}{{ s == t }}{{ s[:-1] ~ 'b' == s }}{% endfor %}",
           long_texts + "{% for a in range(99999) %}{{ (s ~ 'b') in (s ~ s) }}{% endfor %}",
           long_texts + "{% for a in range(99999) %}{{ s | length }}{% endfor %}",
           long_texts + "{% for a in range(99999) %}{{ s is lower }}{{ s.isalpha() }}{% endfor %}",
           // Names of equal lengths that differ in the last letter; a text before `%` takes none of them.
           long_texts + long_names +
               "{% set n = s ~ 'z' %}{% for a in range(99999) %}{{ names[n] is defined }}{% endfor %}",
           long_texts + long_names + "{% for a in range(99999) %}{{ 'x' % names }}{% endfor %}",
           long_texts + long_names +
               "{% set n = s ~ 'z' %}{% for a in range(99999) %}{{ names | attr(n) }}{% endfor %}",
           std::string("{% set l = range(99999) | list %}{% for a in l %}{{ l | unique | length }}{% endfor %}"),
           std::string("{% set l = range(99999) | list %}{{ l | select('in', l) | list | length }}"),
           std::string("{{ range(99999) | map('string') | sort | sort | sort | sort | sort | sort | length }}"
                       "{% for a in range(9) %}{{ range(99999) | sort(reverse=true) | sum }}{% endfor %}"),
       }) {
    SCOPED_TRACE(source);
    const Limits limits;
    const Cost cost = cost_of(source, Value::object(std::vector<Member>{}), limits);
    EXPECT_NE(cost.error.find("is the limit"), std::string::npos) << cost.error << cost.size;
    EXPECT_LE(cost.peak, allowed(source, limits));
    EXPECT_LT(cost.seconds, 20);
  }
}

TEST(JinjaBounds, LongTextsAreStrippedInTimeThatGrowsWithTheirLength) {
  const Cost cost = cost_of("{% set s = 'a' * 2000000 %}{{ s.strip('b' * 200000) | length }}",
                            Value::object(std::vector<Member>{}), {});
  EXPECT_EQ(cost.error, "");
  EXPECT_EQ(cost.size, 7U);
  EXPECT_LT(cost.seconds, 10);
}

TEST(JinjaBounds, RealConversationsFit) {
  std::vector<Value> messages;
  for (int i = 0; i < 400; ++i) {
    messages.push_back(Value::object(
        std::vector<std::pair<std::string, Value>>{{"role", Value::string(i % 2 == 0 ? "user" : "assistant")},
                                                   {"content", Value::string(std::string(5000, 'x'))}}));
  }
  const Value context =
      Value::object(std::vector<std::pair<std::string, Value>>{{"messages", Value::list(std::move(messages))}});
  const std::string source =
      "{% for m in messages %}{{ '<|' + m['role'] + '|>\n' + m['content'] | trim + '<end>' + '\n' }}{% endfor %}";
  const Cost cost = cost_of(source, context, {});
  EXPECT_EQ(cost.error, "");
  EXPECT_GT(cost.size, 2'000'000U);
}

TEST(JinjaBounds, DeepSourcesAreRefused) {
  const auto error_of = [](const std::string& source) {
    return cost_of(source, Value::object(std::vector<Member>{}), {}).error;
  };
  const auto repeated = [](const std::string& part, int count) {
    std::string text;
    for (int i = 0; i < count; ++i) text += part;
    return text;
  };
  EXPECT_NE(error_of("{{ " + repeated("(", 10000) + "1" + repeated(")", 10000) + " }}").find("nesting"),
            std::string::npos);
  EXPECT_NE(error_of("{{ " + repeated("not ", 10000) + "1 }}").find("nesting"), std::string::npos);
  EXPECT_NE(error_of("{{ " + repeated("-", 10000) + "1 }}").find("nesting"), std::string::npos);
  EXPECT_NE(error_of("{{ 1" + repeated("+1", 100000) + " }}").find("levels"), std::string::npos);
  EXPECT_NE(error_of("{{ x" + repeated(".y", 10000) + " }}").find("chain"), std::string::npos);
  EXPECT_NE(error_of("{{ 1" + repeated("|abs", 10000) + " }}").find("chain"), std::string::npos);
  EXPECT_NE(error_of(repeated("{% if yes %}", 10000)).find("nesting"), std::string::npos);
  EXPECT_NE(error_of(repeated("{% frobnicate %}{% endfrobnicate %}", 10000)), "");
  const std::string wide = "{{ [" + repeated("1,", 500000) + "] | length }}";
  const Cost cost = cost_of(wide, Value::object(std::vector<Member>{}), {});
  EXPECT_LE(cost.peak, allowed(wide, {}));
}

TEST(JinjaBounds, CtrlCEndsRendering) {
  install_interrupt_handler();
  const auto render_interrupted = [] {
    std::raise(SIGINT);
    try {
      (void)Template("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}")
          .render(Value::object(std::vector<Member>{}));
    } catch (const Error& error) {
      std::cerr << error.what() << '\n';
      std::_Exit(error.code() == ErrorCode::kInterrupted ? 7 : 1);
    }
    std::_Exit(0);
  };
  EXPECT_EXIT(render_interrupted(), testing::ExitedWithCode(7), "");
}

// ---- mutations

class Mutator {
 public:
  Mutator(std::vector<std::string> sources, std::uint64_t seed) : sources_(std::move(sources)), random_(seed) {}

  std::string next() {
    std::string text = pick(sources_);
    const std::size_t changes = 1 + below(6);
    for (std::size_t i = 0; i < changes; ++i) change(text);
    return text;
  }

 private:
  std::size_t below(std::size_t count) { return std::uniform_int_distribution<std::size_t>(0, count - 1)(random_); }
  const std::string& pick(const std::vector<std::string>& from) { return from[below(from.size())]; }
  std::size_t place(const std::string& text) { return below(text.size() + 1); }

  void change(std::string& text) {
    static const std::vector<std::string> kParts = {" * 99999999",
                                                    " ~ ns.s ~ ns.s",
                                                    "| join(name * 9999)",
                                                    "{% for q in range(99999) %}",
                                                    "{% endfor %}",
                                                    "{% set ns = namespace(s='aaaaaaaa') %}",
                                                    "{% set ns.s = ns.s ~ ns.s %}",
                                                    "{% set ns.s = [ns.s, ns.s] %}",
                                                    "| replace('', name)",
                                                    "9223372036854775807",
                                                    "-1",
                                                    "0",
                                                    "1e308",
                                                    "| list",
                                                    "| tojson(indent=9)",
                                                    "[::-1]",
                                                    "{%",
                                                    "%}",
                                                    "{{",
                                                    "}}",
                                                    "(",
                                                    ")",
                                                    "[",
                                                    "]",
                                                    "{% macro f(a) %}",
                                                    "{{ f(f(a)) }}",
                                                    "{% endmacro %}",
                                                    "'",
                                                    "\"",
                                                    "\\",
                                                    "{#",
                                                    "#}",
                                                    "{% raw %}",
                                                    "{% endraw %}",
                                                    "loop(loop)",
                                                    "| map('string')",
                                                    "| batch(99999, 1)",
                                                    "| center(99999999)",
                                                    "'%99999s'|format(1)",
                                                    " if ",
                                                    " else ",
                                                    " in ",
                                                    " is ",
                                                    "|",
                                                    ",",
                                                    ".",
                                                    "=",
                                                    "**",
                                                    "//",
                                                    "%",
                                                    "~",
                                                    "\xFF",
                                                    "\xC3",
                                                    "\xE2\x96\x81",
                                                    "\n",
                                                    "\r\n",
                                                    "-%}",
                                                    "{%-",
                                                    "{% call f() %}",
                                                    "{% endcall %}",
                                                    "caller()",
                                                    "| sort",
                                                    "recursive",
                                                    "{% break %}",
                                                    "{% filter upper %}",
                                                    "{% endfilter %}",
                                                    "namespace(",
                                                    "dict(",
                                                    ".split('a')",
                                                    ".strip(text)",
                                                    "| unique"};
    switch (below(6)) {
      case 0:
        text.insert(place(text), pick(kParts));
        break;
      case 1:
        if (!text.empty()) text.erase(below(text.size()), 1 + below(8));
        break;
      case 2: {  // a part of another template
        const std::string& other = pick(sources_);
        if (!other.empty()) text.insert(place(text), other.substr(below(other.size()), 1 + below(60)));
        break;
      }
      case 3:  // a part of its own
        if (!text.empty()) text.insert(place(text), text.substr(below(text.size()), 1 + below(40)));
        break;
      case 4:
        if (!text.empty()) text[below(text.size())] = static_cast<char>(below(256));
        break;
      default:
        text = "{% for q in range(300) %}" + text + "{% endfor %}";
    }
    if (text.size() > 20000) text.resize(20000);
  }

  std::vector<std::string> sources_;
  std::mt19937_64 random_;
};

TEST(JinjaBounds, MutatedTemplatesStayWithinTheirLimits) {
  const std::uint32_t seed = xw::test::random_seed();
  const nlohmann::ordered_json fixture = test::jinja_fixture();
  const Value context = test::value_of(fixture.at("context"));
  std::vector<std::string> sources;
  for (const auto& vector : fixture.at("cases")) sources.push_back(vector.at("template").get<std::string>());
  Mutator mutator(std::move(sources), seed);
  const Limits limits{20'000, std::uint64_t{1} << 20};
  std::size_t rendered = 0;
  for (int i = 0; i < 4000; ++i) {
    const std::string source = mutator.next();
    const Cost cost = cost_of(source, context, limits);
    rendered += cost.error.empty() ? 1 : 0;
    ASSERT_LE(cost.peak, allowed(source, limits)) << "mutation " << i << ": " << source << "\n" << cost.error;
    ASSERT_LT(cost.seconds, 5) << "mutation " << i << ": " << source << "\n" << cost.error;
  }
  EXPECT_GT(rendered, 100U) << "mutations that render at all";
}

}  // namespace
}  // namespace xw::tokenizer::jinja
