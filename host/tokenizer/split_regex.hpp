// Cuts text into pre-tokens with regular expressions.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace xw::tokenizer {

/// Regular expressions applied in order: each cuts every piece of the previous one into its matches and what lies
/// between them. Patterns are PCRE2 with UTF and Unicode properties, except that \s is exactly Unicode White_Space.
/// Thread safe for const use.
class SplitRegexes {
 public:
  /// Throws Error{kUnsupported} with the pattern and the reason if one does not compile.
  explicit SplitRegexes(std::span<const std::string> patterns);
  ~SplitRegexes();
  SplitRegexes(SplitRegexes&&) noexcept;
  SplitRegexes& operator=(SplitRegexes&&) noexcept;

  /// The pieces of `text` in order; together they are `text`. Runs of bytes that are not well-formed UTF-8 are pieces
  /// of their own. Throws Error{kUnsupported} if matching exceeds its limits (a pathological pattern).
  [[nodiscard]] std::vector<std::string_view> split(std::string_view text) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// The pattern with \s and \S written as exactly White_Space, as the tokenizers' own regex engines read them.
/// Throws Error{kUnsupported} for constructs that those engines read differently from PCRE2.
[[nodiscard]] std::string translate_pattern(std::string_view pattern);

}  // namespace xw::tokenizer
