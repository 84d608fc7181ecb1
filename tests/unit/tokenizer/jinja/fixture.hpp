// The vectors of tests/fixtures/jinja and their variables as values of templates.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "host/tokenizer/jinja/value.hpp"
#include "tests/support/paths.hpp"

namespace xw::test {

/// {"context": {...}, "cases": [{"template", "expected" or "error"}, ...]}.
inline nlohmann::ordered_json jinja_fixture() {
  std::ifstream file(source_dir() / "tests/fixtures/jinja/vectors.json");
  return nlohmann::ordered_json::parse(file);
}

inline tokenizer::jinja::Value value_of(const nlohmann::ordered_json& json) {
  using tokenizer::jinja::Value;
  switch (json.type()) {
    case nlohmann::ordered_json::value_t::boolean:
      return Value::boolean(json.get<bool>());
    case nlohmann::ordered_json::value_t::number_integer:
    case nlohmann::ordered_json::value_t::number_unsigned:
      return Value::integer(json.get<std::int64_t>());
    case nlohmann::ordered_json::value_t::number_float:
      return Value::real(json.get<double>());
    case nlohmann::ordered_json::value_t::string:
      return Value::string(json.get<std::string>());
    case nlohmann::ordered_json::value_t::array: {
      std::vector<Value> items;
      for (const auto& item : json) items.push_back(value_of(item));
      return Value::list(std::move(items));
    }
    case nlohmann::ordered_json::value_t::object: {
      std::vector<std::pair<std::string, Value>> members;
      for (const auto& [key, item] : json.items()) members.emplace_back(key, value_of(item));
      return Value::object(std::move(members));
    }
    default:
      return Value::none();
  }
}

}  // namespace xw::test
