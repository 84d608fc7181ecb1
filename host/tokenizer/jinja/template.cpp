// Parsed templates.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/tokenizer/jinja/template.hpp"

#include "host/tokenizer/jinja/renderer.hpp"
#include "host/tokenizer/jinja/syntax.hpp"

namespace xw::tokenizer::jinja {

Template::Template(std::string_view source, const Limits& limits) {
  Budget budget(limits);
  nodes_ = std::make_unique<const Nodes>(parse(source, budget));
}

Template::~Template() = default;
Template::Template(Template&&) noexcept = default;
Template& Template::operator=(Template&&) noexcept = default;

std::string Template::render(const Value& context, const Limits& limits) const {
  Budget budget(limits);
  return jinja::render(*nodes_, context, budget);
}

}  // namespace xw::tokenizer::jinja
