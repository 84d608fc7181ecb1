// Lines and numbers of reports as text.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ostream>
#include <string>

namespace xw::report {

/// printf to a stream, a line of any length. Line feeds at the beginning of `format` are empty lines before it; whatever
/// else a terminal would obey is escaped (printable()), since names come from files.
__attribute__((format(printf, 2, 3))) void line(std::ostream& out, const char* format, ...);

/// "12.9 ms": three significant digits, a prefix from T to p before `unit`.
[[nodiscard]] std::string scaled(double value, const char* unit);

/// "99.7 %" of a share of 0.997.
[[nodiscard]] std::string percent(double share);

}  // namespace xw::report
