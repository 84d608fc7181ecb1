// Tasks with right and wrong answers.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/evaluation/task.hpp"

#include <span>
#include <string_view>

#include "arch/support/checksum.hpp"

namespace xw::evaluation {

const char* name(TaskKind kind) {
  switch (kind) {
    case TaskKind::kChoice:
      return "choice";
    case TaskKind::kContinuation:
      return "continuation";
    case TaskKind::kGeneration:
      return "generation";
  }
  return "";
}

std::string identity(const Task& task) {
  std::uint32_t crc = 0;
  const auto text = [&](std::string_view value) {
    const std::string length = std::to_string(value.size()) + " ";
    crc = crc32(std::as_bytes(std::span(length)), crc);
    crc = crc32(std::as_bytes(std::span(value)), crc);
  };
  const auto numbers = [&](const auto& values) {
    for (const auto value : values) text(std::to_string(value));
    text("");
  };
  const auto texts = [&](const std::vector<std::string>& values) {
    for (const std::string& value : values) text(value);
    text("");
  };
  text(name(task.kind));
  for (const TaskItem& item : task.items) {
    for (const Request& request : item.requests) {
      text(request.context);
      text(request.continuation);
    }
    numbers(item.gold);
    numbers(item.characters);
    numbers(item.bytes);
    if (task.kind != TaskKind::kGeneration) continue;
    texts(item.answers);
    texts(item.generation.until);
    numbers(std::vector<std::uint32_t>{item.generation.max_tokens, static_cast<std::uint32_t>(item.generation.filter),
                                       item.generation.ignore_case, item.generation.ignore_punctuation});
  }
  return "crc32 " + crc32_text(crc) + ", " + std::to_string(task.items.size()) + " items";
}

}  // namespace xw::evaluation
