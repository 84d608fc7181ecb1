// Keys of a config.json that ask for mathematics which no supported family has.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>

namespace xw::checkpoint {

/// Throws Error{kUnsupported} naming `origin`, the key and what is supported, if a key is there with a value that
/// changes what the model computes. Keys that only speak of training, storage or generation pass, and so do those that
/// the family reads (`used`).
void check_hf_keys(const nlohmann::json& document, std::span<const std::string_view> used, const std::string& origin);

}  // namespace xw::checkpoint
