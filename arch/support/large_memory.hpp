// Memory for much that is read over and over.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>

namespace xw {

/// At least `bytes` bytes, aligned to 64, not initialised, on pages of 2 MiB where the system gives them: where one of 4 KiB takes
/// two walks through tables, as in virtual machines, a core reads such memory nearly twice as fast. What is asked for in small pieces shares
/// regions of 32 MiB; a region goes back to the system when the last of its pieces does, so this is for weights and caches, not for working memory. Thread safe. Throws
/// std::bad_alloc.
[[nodiscard]] std::shared_ptr<std::byte> large_memory(std::size_t bytes);

}  // namespace xw
