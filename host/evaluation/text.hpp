// Numbers as text, and white space of texts.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace xw::evaluation {

/// A number with a fixed count of decimals, independent of the locale: to_fixed(2.5, 2) == "2.50".
[[nodiscard]] std::string to_fixed(double value, int decimals);
/// Where the white space at the end of a text begins (Unicode's, as Python's str.rstrip).
[[nodiscard]] std::size_t trimmed_end(std::string_view text);
/// Without white space at both ends.
[[nodiscard]] std::string_view trimmed(std::string_view text);

}  // namespace xw::evaluation
