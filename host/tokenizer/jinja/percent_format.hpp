// Python's formatting with %.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "host/tokenizer/jinja/functions.hpp"

namespace xw::tokenizer::jinja {

/// Python's format % arguments: %s %r %d %i %x %X %o %f %e %g %c %% with flags, width, precision and (name).
[[nodiscard]] Value format_percent(const std::string& format, const Arguments& arguments, Budget& budget);

}  // namespace xw::tokenizer::jinja
