// Files of tasks.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/evaluation/task_file.hpp"

#include <optional>
#include <utility>

#include "arch/support/error.hpp"
#include "arch/support/file.hpp"
#include "arch/support/interrupt.hpp"
#include "host/evaluation/task_line.hpp"

namespace xw::evaluation {
namespace {

void check_choices(const TaskLine& line, std::size_t count) {
  if (count < 2 || count > kMaxChoices)
    line.fail("from 2 to " + std::to_string(kMaxChoices) + " choices", std::to_string(count));
}

/// A line in a format of this project, or of llm-foundry.
TaskKind read_own(const TaskLine& line, TaskItem& item) {
  const std::string delimiter = line.text("delimiter", " ");
  const auto gold = [&](std::size_t choices) {
    check_choices(line, choices);
    if (!line.has("gold")) line.fail("the right choice as \"gold\"", std::string("none"));
    item.gold = line.indices(line.object["gold"], "a \"gold\"", choices);
  };
  const char* contexts = line.has("contexts") ? "contexts" : line.has("context_options") ? "context_options" : nullptr;
  if (contexts != nullptr) {
    const std::string continuation = delimiter + line.text("continuation");
    for (std::string& context : line.texts(contexts)) item.requests.push_back({std::move(context), continuation});
    gold(item.requests.size());
    return TaskKind::kChoice;
  }
  const char* query = line.has("context") ? "context" : line.has("query") ? "query" : nullptr;
  if (query == nullptr) {
    line.fail("a string \"context\" or \"query\", a list \"contexts\", or the \"arguments\" of an export",
              "an object without them");
  }
  const std::string context = line.text(query);
  if (line.has("choices")) {
    const std::vector<std::string> choices = line.texts("choices");
    gold(choices.size());
    measure_choices(line, choices, item);
    for (const std::string& choice : choices) item.requests.push_back({context, delimiter + choice});
    return TaskKind::kChoice;
  }
  if (line.has("continuation")) {
    item.requests = {{context, delimiter + line.text("continuation")}};
    return TaskKind::kContinuation;
  }
  if (!line.has("answers") && !line.has("answer"))
    line.fail("\"choices\", a \"continuation\" or \"answers\"", std::string("none of them"));
  item.requests = {{context, ""}};
  if (line.has("answers")) item.answers = line.texts("answers");
  if (line.has("answer")) item.answers.push_back(line.text("answer"));
  if (line.has("aliases") && !line.object["aliases"].empty()) {
    for (std::string& alias : line.texts("aliases")) item.answers.push_back(std::move(alias));
  }
  GenerationRule& rule = item.generation;
  if (line.has("until")) rule.until = line.texts("until");
  rule.max_tokens = line.count("max_tokens", rule.max_tokens, kMaxGeneratedTokens);
  rule.filter = answer_filter(line, line.text("filter", "strip"));
  rule.ignore_case = line.flag("ignore_case");
  rule.ignore_punctuation = line.flag("ignore_punctuation");
  return TaskKind::kGeneration;
}

}  // namespace

Task parse_task(std::string_view text, const std::string& origin, const std::string& name, std::uint64_t limit) {
  Task task;
  task.name = name;
  std::optional<std::string> filter;  // of the first exported sample
  std::size_t number = 0;
  for (std::size_t begin = 0; begin < text.size() && (limit == 0 || task.items.size() < limit);) {
    if (number % 256 == 0) throw_if_interrupted();
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view content = text.substr(begin, end - begin);
    begin = end + 1;
    TaskLine line{{}, origin + ":" + std::to_string(++number)};
    if (content.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    line.object = TaskLine::Json::parse(content, nullptr, false);
    if (line.object.is_discarded()) line.fail("one JSON object", std::string("no valid JSON"));
    if (!line.object.is_object()) line.fail("one JSON object", line.object);
    TaskItem item;
    item.place = line.place;
    const bool exported = line.has("arguments");
    if (exported) {
      const std::string own = line.text("filter", "");
      if (!filter) filter = own;
      if (own != *filter) continue;
    }
    const TaskKind kind = exported ? read_exported(line, item) : read_own(line, item);
    const bool normalized = !item.characters.empty();
    if (task.items.empty()) {
      task.kind = kind;
      task.normalized = normalized;
    } else if (kind != task.kind || normalized != task.normalized) {
      line.fail(std::string("a ") + evaluation::name(task.kind) + " like the lines before",
                std::string("a ") + evaluation::name(kind) + (kind == task.kind ? " of another form" : ""));
    }
    if (task.items.size() == kMaxTaskItems)
      line.fail("at most " + std::to_string(kMaxTaskItems) + " items", std::string("more"));
    task.items.push_back(std::move(item));
  }
  if (task.items.empty()) throw Error(ErrorCode::kFormat, origin + ": expected at least one item, found none");
  return task;
}

Task read_task(const std::filesystem::path& path, std::uint64_t limit) {
  return parse_task(read_text_file(path, kMaxTaskBytes), path.string(), task_name(path), limit);
}

std::string task_name(const std::filesystem::path& path) {
  std::string name = path.stem().string();
  if (!name.starts_with("samples_")) return name;
  name.erase(0, 8);
  // "_2026-01-31T12-00-00.123456" at the end
  const std::size_t date = name.rfind('_');
  const auto digits = [&](std::size_t begin, std::size_t count) {
    const std::string part = name.substr(std::min(begin, name.size()), count);
    return part.size() == count && part.find_first_not_of("0123456789") == std::string::npos;
  };
  if (date != std::string::npos && date > 0 && digits(date + 1, 4) && name.substr(date + 5, 1) == "-" &&
      digits(date + 6, 2)) {
    name.erase(date);
  }
  return name;
}

}  // namespace xw::evaluation
