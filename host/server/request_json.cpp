// What bodies of requests have in common.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/server/request_json.hpp"

#include "arch/support/error.hpp"
#include "arch/support/printable.hpp"
#include "host/server/openai_request.hpp"

namespace xw::server {

using nlohmann::json;

void refuse(const std::string& key, const std::string& expected, const json& found) {
  std::string text = found.dump(-1, ' ', true, json::error_handler_t::replace);
  if (text.size() > 80) text = text.substr(0, 77) + "...";
  throw Error(ErrorCode::kInvalidArgument, printable(key) + ": expected " + expected + ", found " + text);
}

json parse_body(std::string_view body) {
  if (body.size() > kMaxBody)
    throw Error(ErrorCode::kInvalidArgument,
                "body: expected at most " + std::to_string(kMaxBody) + " bytes, found " + std::to_string(body.size()));
  bool too_deep = false;
  json parsed = json::parse(
      body,
      [&](int at, json::parse_event_t, json&) {
        too_deep = too_deep || at > 32;
        return !too_deep;
      },
      false);
  if (too_deep || !parsed.is_object()) throw Error(ErrorCode::kInvalidArgument, "body: expected a JSON object");
  return parsed;
}

const json* find(const json& body, const char* key) {
  const auto found = body.find(key);
  return found == body.end() || found->is_null() ? nullptr : &*found;
}

bool boolean(const json& body, const char* key, bool otherwise) {
  const json* value = find(body, key);
  if (value == nullptr) return otherwise;
  if (!value->is_boolean()) refuse(key, "true or false", *value);
  return value->get<bool>();
}

std::vector<std::int32_t> token_ids(const json& list, const char* key, std::size_t vocabulary) {
  std::vector<std::int32_t> ids;
  for (const json& id : list) {
    if (!id.is_number_integer() || (!id.is_number_unsigned() && id.get<std::int64_t>() < 0))
      refuse(key, "token ids", id);
    if (id.get<std::uint64_t>() >= vocabulary) refuse(key, "token ids below " + std::to_string(vocabulary), id);
    ids.push_back(id.get<std::int32_t>());
  }
  return ids;
}

}  // namespace xw::server
