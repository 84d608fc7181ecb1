// "key=value,key=value": the options of a device, whatever its keys.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <set>
#include <string>
#include <string_view>

#include "arch/support/error.hpp"

namespace xw::device {

/// The names of a table of keys (each with a member `name`), with commas.
template <typename Keys>
[[nodiscard]] std::string key_names(const Keys& keys) {
  std::string names;
  for (const auto& key : keys) names += (names.empty() ? "" : ", ") + std::string(key.name);
  return names;
}

/// Calls set(key, value) for every item of `text`, in its order, and returns the names that were given. `device` begins the messages.
/// Throws Error{kInvalidArgument} for an item that is not key=value, an unknown key and one that is given twice.
template <typename Keys, typename Set>
std::set<std::string_view> read_option_list(std::string_view text, const std::string& device, const Keys& keys,
                                            const Set& set) {
  std::set<std::string_view> given;
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    const std::string_view item = text.substr(0, comma);
    text = comma == std::string_view::npos ? std::string_view{} : text.substr(comma + 1);
    const std::size_t equals = item.find('=');
    const std::string_view name = item.substr(0, equals);
    const auto key = std::find_if(keys.begin(), keys.end(), [&](const auto& k) { return k.name == name; });
    if (key == keys.end() || equals == std::string_view::npos) {
      throw Error(ErrorCode::kInvalidArgument, device + ": expected key=value with one of the keys " + key_names(keys) +
                                                   ", found '" + std::string(item) + "'");
    }
    if (!given.insert(name).second)
      throw Error(ErrorCode::kInvalidArgument, device + ": " + std::string(name) + " is given twice");
    set(*key, item.substr(equals + 1));
  }
  return given;
}

}  // namespace xw::device
