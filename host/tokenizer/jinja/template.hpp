// The Jinja template language, as far as chat templates go.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "host/tokenizer/jinja/budget.hpp"
#include "host/tokenizer/jinja/value.hpp"

namespace xw::tokenizer::jinja {

struct Node;

/// A parsed template. It renders as Jinja2 does in the environment of Hugging Face's transformers: a sandbox in which
/// nothing but namespaces changes, trim_blocks, lstrip_blocks, {% break %} and {% continue %}, {% generation %}, tojson
/// without HTML escapes. What is not supported throws only when rendering comes to it.
class Template {
 public:
  /// Throws Error{kUnsupported} for what is no template, Error{kInterrupted} after Ctrl-C.
  explicit Template(std::string_view source, const Limits& limits = {});
  ~Template();
  Template(Template&&) noexcept;
  Template& operator=(Template&&) noexcept;

  /// Renders with the members of `context` (an object with text keys) as variables. Throws Error{kUnsupported} for what
  /// is not supported or exceeds the limits, Error{kInvalidArgument} where the template calls raise_exception or uses an
  /// undefined value, Error{kInterrupted} after Ctrl-C.
  [[nodiscard]] std::string render(const Value& context, const Limits& limits = {}) const;

 private:
  std::unique_ptr<const std::vector<Node>> nodes_;
};

}  // namespace xw::tokenizer::jinja
