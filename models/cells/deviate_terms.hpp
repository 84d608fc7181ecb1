// The terms of normal deviates of version 2; docs/numerics.md#random-numbers-of-programming.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

namespace xw::cells {

/// Rounds of Threefry 2x32 for deviates of version 2: the fewest that its authors found to pass all their statistical tests.
inline constexpr unsigned kDeviateRounds = 13;
inline constexpr std::size_t kDeviateTermCount = 32;
inline constexpr float kDeviateUnit = 1.0F / 8192;

/// Terms by number, in units of kDeviateUnit; those from 16 on are the first 16 with the other sign. Three make half a deviate. Their
/// variance is 1/6 and the fourth cumulant 0; the others were chosen by a search for the smallest differences between the distribution
/// function of six terms and the normal one.
alignas(64) inline constexpr std::int16_t kDeviateTerms[kDeviateTermCount] = {
    355,  609,  840,  1122,  1564,  1690,  1903,  2416,  2832,  3050,  3350,  3418,  3715,  4436,  4563,  8198,
    -355, -609, -840, -1122, -1564, -1690, -1903, -2416, -2832, -3050, -3350, -3418, -3715, -4436, -4563, -8198,
};

}  // namespace xw::cells
