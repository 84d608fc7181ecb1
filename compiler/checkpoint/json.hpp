// JSON of untrusted files, with messages that name the file and the key.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace xw::checkpoint {

/// Parses a JSON object. Throws Error{kFormat}: syntax, invalid UTF-8, a key twice in one object, nesting above 64, not
/// an object.
[[nodiscard]] nlohmann::json parse_json(std::string_view text, const std::string& origin);

/// Typed access to one object; `what` stands in front of messages. Null counts as absent.
/// The get functions throw Error{kFormat} if the key is absent or has another type, the find functions only for the
/// type.
class JsonObject {
 public:
  /// Keeps references to both.
  JsonObject(const nlohmann::json& json, const std::string& what);

  [[nodiscard]] const nlohmann::json* find(const char* key) const;
  [[nodiscard]] bool has(const char* key) const { return find(key) != nullptr; }
  /// Whether the key is there at all, null or not.
  [[nodiscard]] bool contains(const char* key) const { return json_.contains(key); }
  [[nodiscard]] std::string get_string(const char* key) const;
  [[nodiscard]] std::optional<std::string> find_string(const char* key) const;
  [[nodiscard]] std::optional<bool> find_bool(const char* key) const;
  /// An integer in [0, max]; numbers like 1e6 count.
  [[nodiscard]] std::optional<std::uint64_t> find_uint(const char* key, std::uint64_t max) const;
  [[nodiscard]] std::optional<double> find_number(const char* key) const;
  [[nodiscard]] std::vector<std::uint64_t> get_uints(const char* key) const;
  [[nodiscard]] std::vector<double> get_numbers(const char* key) const;
  /// One integer or a list of integers; empty if absent.
  [[nodiscard]] std::vector<std::int64_t> find_token_ids(const char* key) const;

 private:
  const nlohmann::json& json_;
  const std::string& what_;

  [[noreturn]] void throw_expected(const char* key, const std::string& expected) const;
};

}  // namespace xw::checkpoint
