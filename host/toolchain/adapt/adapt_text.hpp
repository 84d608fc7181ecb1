// What an adaptation did, as text.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <ostream>

#include "host/toolchain/adapt/adapt.hpp"

namespace xw::toolchain {

/// Sites, digital work, expected noise of every kind of layer, and how the budget was spent if there was one. `output`:
/// the adapted checkpoint.
void write_adapt_text(std::ostream& out, const AdaptSummary& summary, const std::filesystem::path& output);

}  // namespace xw::toolchain
