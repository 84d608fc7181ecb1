// Executes syntax trees.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "host/tokenizer/jinja/budget.hpp"
#include "host/tokenizer/jinja/syntax.hpp"
#include "host/tokenizer/jinja/value.hpp"

namespace xw::tokenizer::jinja {

/// The text of `nodes` with the members of `context` as variables; see Template::render.
[[nodiscard]] std::string render(const Nodes& nodes, const Value& context, Budget& budget);

}  // namespace xw::tokenizer::jinja
