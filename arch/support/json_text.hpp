// JSON as text, whatever bytes its strings have.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>

#include "arch/support/printable.hpp"

namespace xw {

/// `json` (of nlohmann's library) with as_utf8() applied to every string and key.
template <typename Json>
[[nodiscard]] Json utf8_json(const Json& json) {
  if (json.is_string()) return as_utf8(json.template get_ref<const std::string&>());
  if (json.is_object()) {
    Json result = Json::object();
    for (const auto& item : json.items()) result[as_utf8(item.key())] = utf8_json(item.value());
    return result;
  }
  if (json.is_array()) {
    Json result = Json::array();
    for (const Json& element : json) result.push_back(utf8_json(element));
    return result;
  }
  return json;
}

/// The document as every command writes it: names that are not UTF-8 are escaped, and no terminal obeys it.
template <typename Json>
[[nodiscard]] std::string json_text(const Json& json, int indent) {
  return printable_json(utf8_json(json).dump(indent));
}

}  // namespace xw
