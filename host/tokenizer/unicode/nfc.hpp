// Unicode normalization form C.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace xw::tokenizer {

/// `text` in normalization form C (Unicode 14). Bytes that are not well-formed UTF-8 stay and separate what is around them.
[[nodiscard]] std::string to_nfc(std::string_view text);

}  // namespace xw::tokenizer
