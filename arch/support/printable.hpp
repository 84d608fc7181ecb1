// Text from files and arguments as it may stand on a terminal, in a message or in JSON.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace xw {

/// `text` as one line of well-formed UTF-8 that no terminal obeys: line feed, carriage return and tab become \n, \r and
/// \t; other control characters (C0, C1, DEL) and bytes that are not UTF-8 become \xHH; characters that reorder, hide
/// or separate text (bidirectional controls, zero-width and tag characters, U+2028 and U+2029) become \u{HEX}.
/// Everything else, backslashes too, stays: the function is idempotent, so whole messages may be escaped whose parts
/// are escaped already. U+200C and U+200D stay as well: words of several scripts need them.
[[nodiscard]] std::string printable(std::string_view text);
/// The same for text of several lines: line feeds and tabs stay.
[[nodiscard]] std::string printable_lines(std::string_view text);
/// `text` as well-formed UTF-8: bytes that are not become \xHH, everything else stays. For names that go into JSON.
[[nodiscard]] std::string as_utf8(std::string_view text);
/// A JSON document (well-formed UTF-8) with the same value whose strings no terminal obeys: what printable() escapes is
/// written as \uXXXX.
[[nodiscard]] std::string printable_json(std::string_view document);

}  // namespace xw
