// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/checkpoint/json.hpp"

#include <cmath>
#include <set>

#include "arch/support/error.hpp"
#include "compiler/checkpoint/byte_reader.hpp"

namespace xw::checkpoint {
namespace {

constexpr int kMaxNesting = 64;
constexpr std::size_t kMaxShownCharacters = 60;

}  // namespace

nlohmann::json parse_json(std::string_view text, const std::string& origin) {
  std::vector<std::set<std::string>> keys;  // of the objects that are open
  const auto check = [&](int depth, nlohmann::json::parse_event_t event, nlohmann::json& parsed) {
    using Event = nlohmann::json::parse_event_t;
    if (depth > kMaxNesting) {
      throw Error(ErrorCode::kFormat,
                  origin + ": expected JSON nested at most " + std::to_string(kMaxNesting) + " deep, found more");
    }
    if (event == Event::object_start) keys.emplace_back();
    if (event == Event::object_end) keys.pop_back();
    if (event == Event::key && !keys.back().insert(parsed.get<std::string>()).second) {
      throw Error(ErrorCode::kFormat,
                  origin + ": expected each key once, found \"" + printable(parsed.get<std::string>()) + "\" twice");
    }
    return true;
  };
  nlohmann::json json;
  try {
    json = nlohmann::json::parse(text, check);
  } catch (const nlohmann::json::exception& error) {
    throw Error(ErrorCode::kFormat, origin + ": expected JSON, found: " + printable(error.what(), 300));
  }
  if (!json.is_object())
    throw Error(ErrorCode::kFormat, origin + ": expected a JSON object, found " + json.type_name());
  return json;
}

JsonObject::JsonObject(const nlohmann::json& json, const std::string& what) : json_(json), what_(what) {
  if (!json.is_object()) throw Error(ErrorCode::kFormat, what + ": expected an object, found " + json.type_name());
}

const nlohmann::json* JsonObject::find(const char* key) const {
  const auto found = json_.find(key);
  return found == json_.end() || found->is_null() ? nullptr : &*found;
}

void JsonObject::throw_expected(const char* key, const std::string& expected) const {
  const auto found = json_.find(key);
  throw Error(ErrorCode::kFormat,
              what_ + ": \"" + key + "\": expected " + expected + ", found " +
                  (found == json_.end() ? "nothing" : printable(found->dump(), kMaxShownCharacters)));
}

std::optional<std::string> JsonObject::find_string(const char* key) const {
  const nlohmann::json* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_string()) throw_expected(key, "a string");
  return value->get<std::string>();
}

std::string JsonObject::get_string(const char* key) const {
  std::optional<std::string> text = find_string(key);
  if (!text.has_value()) throw_expected(key, "a string");
  return *std::move(text);
}

std::optional<bool> JsonObject::find_bool(const char* key) const {
  const nlohmann::json* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_boolean()) throw_expected(key, "true or false");
  return value->get<bool>();
}

std::optional<std::uint64_t> JsonObject::find_uint(const char* key, std::uint64_t max) const {
  const nlohmann::json* value = find(key);
  if (value == nullptr) return std::nullopt;
  const std::string expected = "an integer of 0 to " + std::to_string(max);
  std::uint64_t number = 0;
  if (value->is_number_unsigned()) {
    number = value->get<std::uint64_t>();
  } else if (value->is_number_float()) {
    const double real = value->get<double>();
    if (!(real >= 0 && real <= 0x1p53) || real != std::floor(real)) throw_expected(key, expected);
    number = static_cast<std::uint64_t>(real);
  } else {
    throw_expected(key, expected);
  }
  if (number > max) throw_expected(key, expected);
  return number;
}

std::optional<double> JsonObject::find_number(const char* key) const {
  const nlohmann::json* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_number()) throw_expected(key, "a number");
  return value->get<double>();
}

std::vector<std::uint64_t> JsonObject::get_uints(const char* key) const {
  const nlohmann::json* value = find(key);
  if (value == nullptr || !value->is_array()) throw_expected(key, "a list of integers");
  std::vector<std::uint64_t> numbers;
  for (const nlohmann::json& element : *value) {
    if (!element.is_number_unsigned()) throw_expected(key, "a list of integers that are not negative");
    numbers.push_back(element.get<std::uint64_t>());
  }
  return numbers;
}

std::vector<double> JsonObject::get_numbers(const char* key) const {
  const nlohmann::json* value = find(key);
  if (value == nullptr || !value->is_array()) throw_expected(key, "a list of numbers");
  std::vector<double> numbers;
  for (const nlohmann::json& element : *value) {
    if (!element.is_number()) throw_expected(key, "a list of numbers");
    numbers.push_back(element.get<double>());
  }
  return numbers;
}

std::vector<std::int64_t> JsonObject::find_token_ids(const char* key) const {
  const nlohmann::json* value = find(key);
  if (value == nullptr) return {};
  std::vector<std::int64_t> ids;
  const auto append = [&](const nlohmann::json& element) {
    const bool is_huge = element.is_number_unsigned() && element.get<std::uint64_t>() > INT64_MAX;
    if (!element.is_number_integer() || is_huge) throw_expected(key, "a token id or a list of them");
    ids.push_back(element.get<std::int64_t>());
  };
  if (value->is_array()) {
    for (const nlohmann::json& element : *value) {
      if (!element.is_null()) append(element);
    }
  } else {
    append(*value);
  }
  return ids;
}

}  // namespace xw::checkpoint
