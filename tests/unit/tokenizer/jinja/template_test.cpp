// The template language: values worked out by hand from Jinja's documentation.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/tokenizer/jinja/template.hpp"

#include "tests/unit/tokenizer/tokenizer_samples.hpp"

namespace xw::tokenizer::jinja {
namespace {

using Variables = std::vector<std::pair<std::string, Value>>;

std::string render(std::string_view source) {
  const Value context =
      Value::object(Variables{{"name", Value::string("World")},
                              {"n", Value::integer(7)},
                              {"yes", Value::boolean(true)},
                              {"items", Value::list({Value::string("a"), Value::string("b"), Value::string("c")})},
                              {"map", Value::object(Variables{{"k", Value::string("v")}, {"z", Value::integer(1)}})},
                              {"nothing", Value::none()}});
  return Template(source).render(context);
}

TEST(Jinja, Expressions) {
  EXPECT_EQ(render("Hello {{ name }}!"), "Hello World!");
  EXPECT_EQ(render("{{ 1 + 2 * 3 - 8 // 3 }}{{ -7 // 2 }}{{ -7 % 3 }}"), "5-42");
  EXPECT_EQ(render("{{ 'a' + 'b' ~ 1 ~ true }}"), "ab1True");
  EXPECT_EQ(render("{{ 'a' 'b' }}{{ \"it's\" }}{{ '\\n\\t\\x41\\u00e4\\\\' }}"), "abit's\n\tA\xC3\xA4\\");
  EXPECT_EQ(render("{{ items[0] }}{{ items[-1] }}{{ map.k }}{{ map['z'] }}{{ items[5] }}"), "acv1");
  EXPECT_EQ(render("{{ items[1:] | join('+') }}{{ items[:-1] | join }}{{ items[::-1] | join }}{{ 'abcd'[1:3] }}"),
            "b+cabcbabc");
  EXPECT_EQ(render("{{ ['x', 'y'][1] }}{{ {'a': 5}['a'] }}{{ (1) }}"), "y51");
  EXPECT_EQ(render("{{ 'a' if n > 5 else 'b' }}{{ 'a' if n < 5 }}{{ missing }}"), "a");
  EXPECT_EQ(render("{{ nothing }}{{ yes }}{{ not yes }}"), "NoneTrueFalse");
  EXPECT_EQ(render("{{ name or 'x' }}{{ '' or 'x' }}{{ '' and 'x' }}{{ 1 and 2 }}"), "Worldx2");
  EXPECT_EQ(render("{{ 'or' in name }}{{ 'b' in items }}{{ 'k' in map }}{{ 'q' not in items }}"), "TrueTrueTrueTrue");
  EXPECT_EQ(render("{{ 1 == 1 }}{{ 'a' != 'b' }}{{ 1 == 'a' }}{{ true == 1 }}{{ 'a' < 'b' }}{{ 2 >= 3 }}"),
            "TrueTrueFalseTrueTrueFalse");
  EXPECT_EQ(render("{{ not 1 == 2 and (yes != false) }}"), "True");
}

TEST(Jinja, FiltersTestsMethods) {
  EXPECT_EQ(render("{{ '  x \n' | trim }}|{{ '  x ' | trim + 'y' }}|{{ 'xxaxx'.strip('x') }}|{{ ' a '.lstrip() }}|{{ ' "
                   "a '.rstrip() }}"),
            "x|xy|a|a | a");
  EXPECT_EQ(render("{{ name | upper | lower }}{{ items | length }}{{ '\xC3\xA4' | length }}{{ items | first }}{{ items "
                   "| last }}"),
            "world31ac");
  EXPECT_EQ(render("{{ missing | default('d') }}{{ '' | default('d', true) }}{{ name | default('d') }}"), "ddWorld");
  EXPECT_EQ(render("{{ name is defined }}{{ missing is defined }}{{ missing is not defined }}{{ nothing is none }}{{ "
                   "name is string }}{{ map is mapping }}{{ n is odd }}"),
            "TrueFalseTrueTrueTrueTrueTrue");
  EXPECT_EQ(render("{{ n is equalto 7 }}{{ not missing is defined }}"), "TrueTrue");
  EXPECT_EQ(render("{{ name.startswith('W') }}{{ name.endswith('x') }}{{ 'a,b'.split(',')[1] }}{{ 'aba'.replace('a', "
                   "'c') }}{{ map.get('q', 3) }}{{ map.get('k') }}"),
            "TrueFalsebcbc3v");
  EXPECT_EQ(render("{% for k, v in map.items() %}{{ k }}={{ v }};{% endfor %}{% for k in map %}{{ k }}{% endfor %}"),
            "k=v;z=1;kz");
}

TEST(Jinja, Statements) {
  EXPECT_EQ(render("{% if n == 1 %}a{% elif n == 7 %}b{% else %}c{% endif %}"), "b");
  EXPECT_EQ(render("{% for i in items %}{{ loop.index }}{{ i }}{% if not loop.last %},{% endif %}{% endfor %}"),
            "1a,2b,3c");
  EXPECT_EQ(
      render("{% for i in items if i != 'b' %}{{ loop.index0 }}{{ i }}{{ loop.first }}{% else %}none{% endfor %}"),
      "0aTrue1cFalse");
  EXPECT_EQ(render("{% for i in [] %}x{% else %}none{% endfor %}{% for i in range(2, 5) %}{{ i }}{% endfor %}"),
            "none234");
  EXPECT_EQ(render("{% set x = 1 %}{% for i in items %}{% set x = 2 %}{{ x }}{% endfor %}{{ x }}"), "2221")
      << "loops have their own scope";
  EXPECT_EQ(render("{% set ns = namespace(a=1) %}{% for i in items %}{% set ns.a = ns.a + 1 %}{% endfor %}{{ ns.a }}"),
            "4");
  EXPECT_EQ(render("{% set a, b = items[:2] %}{{ b }}{{ a }}{% set t %}<{{ n }}>{% endset %}{{ t }}"), "ba<7>");
  EXPECT_EQ(render("{% if yes %}{% set y = 3 %}{% endif %}{{ y }}"), "3") << "conditions have no scope";
  EXPECT_EQ(render("{% macro f(x) %}{{ x }}{% endmacro %}ok"), "ok");
  EXPECT_EQ(render("{{ loop_items }}{% for i in items %}{{ loop.previtem }}{{ loop.nextitem }}{{ loop.revindex }}{{ "
                   "loop.length }} {% endfor %}"),
            "b33 ac23 b13 ");
}

TEST(Jinja, WhiteSpace) {
  EXPECT_EQ(render("a\n  {% if yes %}\n  b\n  {% endif %}\nc"), "a\n  b\nc") << "blocks swallow their line";
  EXPECT_EQ(render("a {%- if yes -%} b {%- endif -%} \n c"), "abc");
  EXPECT_EQ(render("a\n  {{ n }}\n b"), "a\n  7\n b");
  EXPECT_EQ(render("a\n  {{- n -}}\n b"), "a7b");
  EXPECT_EQ(render("a{# comment #}\nb\n{#- x -#}\n c"),
            "ab"
            "c");
  EXPECT_EQ(render("x {% if yes %}y{% endif %} \n"), "x y ") << "the last newline does not count";
  EXPECT_EQ(render("{{ '}}' }}{{ '%}' }}{% if '%}' == '%}' %}q{% endif %}"), "}}%}q");
  EXPECT_EQ(render("{% set d = {'a': {'b': 1}} %}{{ d.a.b }}"), "1");
  EXPECT_EQ(render(""), "");
}

TEST(Jinja, RefusesWhatItDoesNotKnow) {
  for (const char* source : {"{{ x",
                             "{% if yes %}",
                             "{% endif %}",
                             "{% frobnicate %}",
                             "{{ 'abc }}",
                             "{# x",
                             "{{ 1 ! 2 }}",
                             "{{ }}",
                             "{% for %}{% endfor %}",
                             "{% set = 3 %}",
                             "{{ foo() }}",
                             "{{ name | foo }}",
                             "{{ name is foo }}",
                             "{{ name - 1 }}",
                             "{{ [1}}",
                             "{{ 99999999999999999999 }}",
                             "{{ 9223372036854775807 + 1 }}",
                             "{{ 2 ** 64 }}",
                             "{{ -9223372036854775807 - 2 }}",
                             "{{ 1 // 0 }}",
                             "{{ '\\x4' }}",
                             "{{ '\\ud800' }}",
                             "{{ range(1000000) | length }}",
                             "{% for i in n %}{% endfor %}",
                             "{% set q.a = 1 %}",
                             "{% set a, b = items %}",
                             "{% for i in items %}{% endif %}{% endfor %}",
                             "{{ yes < 'a' }}",
                             "{% break %}",
                             "{% for i in items %}{% macro m() %}{% break %}{% endmacro %}{% endfor %}",
                             "{{ range }}",
                             "{{ items.append('d') }}",
                             "{% set ns = namespace() %}{% set ns.me = ns %}",
                             "{% set ns = namespace() %}{% set ns.me = [[ns]] %}",
                             "{{ name | round }}"}) {
    test::expect_error(ErrorCode::kUnsupported, {"chat template: ", "is not supported"}, [&] { (void)render(source); });
  }
  test::expect_error(ErrorCode::kUnsupported, {"line 3"}, [] { (void)render("a\n\n{{ 1 ! 2 }}"); });
  test::expect_error(ErrorCode::kUnsupported, {"frobnicate", "line 2"}, [] { (void)render("a\n{% frobnicate 1 %}"); });
  test::expect_error(ErrorCode::kInvalidArgument, {"refuses", "no luck"},
                     [] { (void)render("{{ raise_exception('no luck') }}"); });
  for (const char* source : {"{{ missing.x }}", "{{ missing + 'a' }}", "{{ missing[0] }}", "{{ missing.strip() }}",
                             "{{ items[9]['role'] }}"}) {
    test::expect_error(ErrorCode::kInvalidArgument, {"is undefined"}, [&] { (void)render(source); });
  }
}

TEST(Jinja, WhatIsNotReachedNeverRefuses) {
  EXPECT_EQ(
      render("{% if not yes %}{% frobnicate 1, 2 %}{% include 'x' %}{{ name | foo(1) }}{{ foo() }}{{ name is foo }}"
             "{% trans %}{{ n }}{% endtrans %}{% endif %}ok"),
      "ok");
}

}  // namespace
}  // namespace xw::tokenizer::jinja
