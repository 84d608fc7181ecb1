// What bodies of requests have in common: JSON objects whose mistakes are named by key.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace xw::server {

/// Throws Error{kInvalidArgument}: key, what was expected, what was found, shortened.
[[noreturn]] void refuse(const std::string& key, const std::string& expected, const nlohmann::json& found);
/// A body as an object. Throws Error{kInvalidArgument} for more than kMaxBody bytes, more than 32 levels, and what is no JSON object.
[[nodiscard]] nlohmann::json parse_body(std::string_view body);
/// The value of a key, or nullptr where it is absent or null.
[[nodiscard]] const nlohmann::json* find(const nlohmann::json& body, const char* key);
/// `otherwise` where it is absent. Throws Error{kInvalidArgument} for anything but true and false.
[[nodiscard]] bool boolean(const nlohmann::json& body, const char* key, bool otherwise = false);
/// A list of ids of a vocabulary of `vocabulary` tokens. Throws Error{kInvalidArgument} naming `key` and the first that is none.
[[nodiscard]] std::vector<std::int32_t> token_ids(const nlohmann::json& list, const char* key, std::size_t vocabulary);

}  // namespace xw::server
