// Numbers with units, as users write them.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace xw {

/// Seconds of "90", "1.5h", "1d": a finite number of at least 0, with ms, s, min, h, d (24 h), w (7 d) or y (365 d).
/// Nothing for anything else.
[[nodiscard]] std::optional<double> parse_duration(std::string_view text);
/// "1.5 h", "30 d", "90 s": the number in the largest of s, min, h, d, y of which it is a multiple of a quarter, else in seconds with as many
/// digits as needed; "0 s". `seconds` is at least 0.
[[nodiscard]] std::string duration_text(double seconds);
/// Bytes of "4096", "64K", "256M", "8G" (powers of 1024; a B or iB after the letter changes nothing). Nothing for
/// anything else and for more than 2^63.
[[nodiscard]] std::optional<std::uint64_t> parse_bytes(std::string_view text);

}  // namespace xw
