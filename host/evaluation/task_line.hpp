// One line of a file of tasks, to be read field by field.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "host/evaluation/task.hpp"

namespace xw::evaluation {

/// A parsed object and where it stands. All readers throw Error{kFormat}: place, expected, found.
struct TaskLine {
  using Json = nlohmann::json;
  Json object;
  std::string place;  ///< "file.jsonl:12"

  [[noreturn]] void fail(const std::string& expected, const std::string& found) const;
  [[noreturn]] void fail(const std::string& expected, const Json& found) const;
  [[noreturn]] void fail(const std::string& expected, const char* found) const { fail(expected, std::string(found)); }
  [[nodiscard]] bool has(const char* key) const { return object.contains(key); }
  [[nodiscard]] std::string text(const char* key) const;
  [[nodiscard]] std::string text(const char* key, const std::string& otherwise) const;
  [[nodiscard]] std::vector<std::string> texts(const char* key) const;  ///< a list of at least one
  [[nodiscard]] bool flag(const char* key) const;                       ///< false if absent
  /// From 1 to `largest`.
  [[nodiscard]] std::uint32_t count(const char* key, std::uint32_t otherwise, std::uint32_t largest) const;
  /// An index below `choices` or a list of some.
  [[nodiscard]] std::vector<std::uint32_t> indices(const Json& value, const std::string& what,
                                                   std::size_t choices) const;
};

/// A value in a message, at most a few words of it.
[[nodiscard]] std::string shown(const TaskLine::Json& value);
/// Lengths of the texts of the choices, into `item`. Throws for an empty one.
void measure_choices(const TaskLine& line, const std::vector<std::string>& choices, TaskItem& item);
/// Throws for a name that is none of AnswerFilter's ("none", "strip", "strict-match", "flexible-extract").
[[nodiscard]] AnswerFilter answer_filter(const TaskLine& line, const std::string& name);

/// Reads a line as a sample that lm-evaluation-harness exported; says its kind.
[[nodiscard]] TaskKind read_exported(const TaskLine& line, TaskItem& item);

}  // namespace xw::evaluation
