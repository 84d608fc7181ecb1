// Memory that operator new has handed out, for tests that bound it. Linked by those tests only: it replaces the operators.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace xw::test {

/// Bytes in use now.
[[nodiscard]] std::size_t allocated_bytes() noexcept;
/// The most bytes in use since reset_peak().
[[nodiscard]] std::size_t peak_bytes() noexcept;
void reset_peak() noexcept;

}  // namespace xw::test
