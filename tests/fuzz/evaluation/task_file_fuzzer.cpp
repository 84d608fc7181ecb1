// Any text is a task whose results come back from JSON, or an xw::Error that names a place.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "arch/support/error.hpp"
#include "host/evaluation/score.hpp"
#include "host/evaluation/task_file.hpp"
#include "host/evaluation/task_result.hpp"

namespace {

using xw::evaluation::ItemResult;
using xw::evaluation::Task;
using xw::evaluation::TaskItem;
using xw::evaluation::TaskKind;

void check(const Task& task) {
  xw::evaluation::TaskResult result;
  for (const TaskItem& item : task.items) {
    if (item.requests.empty() || item.requests.size() > 2 * xw::evaluation::kMaxChoices) std::abort();
    for (const std::uint32_t gold : item.gold) {
      if (gold >= item.requests.size()) std::abort();
    }
    if (task.kind == TaskKind::kChoice && item.gold.empty()) std::abort();
    if (task.normalized && item.characters.size() != item.requests.size()) std::abort();
    if (!item.recorded.empty() && item.recorded.size() != item.requests.size()) std::abort();
    ItemResult& one = result.items.emplace_back();
    if (task.kind == TaskKind::kGeneration) {
      one.answer = xw::evaluation::filtered_answer(item.requests[0].context, item.generation.filter);
      if (!xw::evaluation::is_answer(item.answers.at(0), item.answers, item.generation)) std::abort();
    } else {
      for (std::size_t i = 0; i < item.requests.size(); ++i)
        one.log_likelihoods.push_back(-0.25 * static_cast<double>(i));
    }
  }
  const auto json = xw::evaluation::kept_json(task, result);
  if (xw::evaluation::parse_task_result(task, nlohmann::ordered_json::parse(json.dump()), "x").items != result.items)
    std::abort();
  static_cast<void>(xw::evaluation::to_text(task, result));
  static_cast<void>(xw::evaluation::identity(task));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    check(xw::evaluation::parse_task(text, "file", "task"));
  } catch (const xw::Error& error) {
    if (!std::string_view(error.what()).starts_with("file")) std::abort();
  }
  return 0;
}
