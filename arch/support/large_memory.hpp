// Memory for much that is read over and over.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>

namespace xw {

#if defined(__SANITIZE_ADDRESS__)
inline constexpr bool kHasAddressSanitizer = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
inline constexpr bool kHasAddressSanitizer = true;
#else
inline constexpr bool kHasAddressSanitizer = false;
#endif
#else
inline constexpr bool kHasAddressSanitizer = false;
#endif

/// At least `bytes` bytes, aligned to 64, not initialised, on pages of 2 MiB where the system gives them: where one of 4 KiB
/// takes two walks through tables, as in virtual machines, a core reads such memory nearly twice as fast. Pieces of up to
/// 8 MiB share regions of 32 MiB; what is given back is used again for pieces of the same size, and a region goes back to the
/// system with the last of its pieces. With the address sanitizer every piece is its own. Thread safe. Throws std::bad_alloc.
[[nodiscard]] std::shared_ptr<std::byte> large_memory(std::size_t bytes);

}  // namespace xw
