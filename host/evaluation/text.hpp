// Numbers as text.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace xw::evaluation {

/// A number with a fixed count of decimals, independent of the locale: to_fixed(2.5, 2) == "2.50".
[[nodiscard]] std::string to_fixed(double value, int decimals);

}  // namespace xw::evaluation
