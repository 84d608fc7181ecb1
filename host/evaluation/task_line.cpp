// Fields of a line of a file of tasks.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/evaluation/task_line.hpp"

#include "arch/support/error.hpp"
#include "arch/support/utf8.hpp"

namespace xw::evaluation {

std::string shown(const TaskLine::Json& value) {
  switch (value.type()) {
    case TaskLine::Json::value_t::object:
      return "an object";
    case TaskLine::Json::value_t::array:
      return "a list of " + std::to_string(value.size());
    case TaskLine::Json::value_t::string: {
      const std::string& text = value.get_ref<const std::string&>();
      if (text.size() <= 40) return "\"" + text + "\"";
      std::size_t end = 0;
      while (end < 40) end += utf8_at(text, end).length;
      return "\"" + text.substr(0, end) + "...\"";
    }
    default:
      return value.dump();
  }
}

void TaskLine::fail(const std::string& expected, const std::string& found) const {
  throw Error(ErrorCode::kFormat, place + ": expected " + expected + ", found " + found);
}

void TaskLine::fail(const std::string& expected, const Json& found) const {
  fail(expected, shown(found));
}

std::string TaskLine::text(const char* key) const {
  const std::string expected = std::string("a string \"") + key + "\"";
  const auto found = object.find(key);
  if (found == object.end()) fail(expected, std::string("none"));
  if (!found->is_string()) fail(expected, *found);
  return found->get<std::string>();
}

std::string TaskLine::text(const char* key, const std::string& otherwise) const {
  return has(key) ? text(key) : otherwise;
}

std::vector<std::string> TaskLine::texts(const char* key) const {
  const std::string expected = std::string("a list \"") + key + "\" of strings";
  const auto found = object.find(key);
  if (found == object.end()) fail(expected, std::string("none"));
  if (!found->is_array() || found->empty()) fail(expected, *found);
  std::vector<std::string> result;
  for (const Json& value : *found) {
    if (!value.is_string()) fail(expected, value);
    result.push_back(value.get<std::string>());
  }
  return result;
}

bool TaskLine::flag(const char* key) const {
  const auto found = object.find(key);
  if (found == object.end()) return false;
  if (!found->is_boolean()) fail(std::string("true or false for \"") + key + "\"", *found);
  return found->get<bool>();
}

std::uint32_t TaskLine::count(const char* key, std::uint32_t otherwise, std::uint32_t largest) const {
  const auto found = object.find(key);
  if (found == object.end()) return otherwise;
  const bool fits =
      found->is_number_unsigned() && found->get<std::uint64_t>() >= 1 && found->get<std::uint64_t>() <= largest;
  if (!fits) fail(std::string("a number \"") + key + "\" from 1 to " + std::to_string(largest), *found);
  return found->get<std::uint32_t>();
}

std::vector<std::uint32_t> TaskLine::indices(const Json& value, const std::string& what, std::size_t choices) const {
  const std::string expected = what + " from 0 to " + std::to_string(choices - 1) + " or a list of some";
  std::vector<std::uint32_t> result;
  const auto add = [&](const Json& number) {
    if (!number.is_number_unsigned() || number.get<std::uint64_t>() >= choices) fail(expected, number);
    result.push_back(number.get<std::uint32_t>());
  };
  if (value.is_array() && !value.empty()) {
    for (const Json& number : value) add(number);
  } else {
    add(value);
  }
  return result;
}

void measure_choices(const TaskLine& line, const std::vector<std::string>& choices, TaskItem& item) {
  for (std::size_t choice = 0; choice < choices.size(); ++choice) {
    const std::string& text = choices[choice];
    if (text.empty()) line.fail("choices with a text", "nothing in choice " + std::to_string(choice));
    std::uint32_t characters = 0;
    for (std::size_t at = 0; at < text.size(); at += utf8_at(text, at).length) ++characters;
    item.characters.push_back(characters);
    item.bytes.push_back(static_cast<std::uint32_t>(text.size()));
  }
}

AnswerFilter answer_filter(const TaskLine& line, const std::string& name) {
  if (name == "none") return AnswerFilter::kNone;
  if (name == "strip") return AnswerFilter::kStrip;
  if (name == "strict-match") return AnswerFilter::kStrictMatch;
  if (name == "flexible-extract") return AnswerFilter::kFlexibleExtract;
  line.fail("a filter none, strip, strict-match or flexible-extract", TaskLine::Json(name));
}

}  // namespace xw::evaluation
