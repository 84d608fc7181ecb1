// The template language against Jinja2 (tests/fixtures/jinja): what it renders and what it refuses.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "arch/support/error.hpp"
#include "host/tokenizer/jinja/template.hpp"
#include "tests/unit/tokenizer/jinja/fixture.hpp"

namespace xw::tokenizer::jinja {
namespace {

TEST(JinjaVectors, RenderAsJinja2) {
  const nlohmann::ordered_json fixture = test::jinja_fixture();
  const Value context = test::value_of(fixture.at("context"));
  std::size_t rendered = 0;
  for (const auto& vector : fixture.at("cases")) {
    const auto source = vector.at("template").get<std::string>();
    SCOPED_TRACE(source);
    if (vector.contains("error")) {
      EXPECT_THROW((void)Template(source).render(context), Error);
      continue;
    }
    ++rendered;
    try {
      EXPECT_EQ(Template(source).render(context), vector.at("expected").get<std::string>());
    } catch (const Error& error) {
      ADD_FAILURE() << error.what();
    }
  }
  EXPECT_GT(rendered, 100U);
}

}  // namespace
}  // namespace xw::tokenizer::jinja
