// Files of tasks: one JSON object per line.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "host/evaluation/task.hpp"

namespace xw::evaluation {

inline constexpr std::uint64_t kMaxTaskBytes = std::uint64_t{1} << 30U;  ///< of a file
inline constexpr std::size_t kMaxTaskItems = 1'000'000;                  ///< of a task
inline constexpr std::size_t kMaxChoices = 1024;                         ///< of an item
inline constexpr std::uint32_t kMaxGeneratedTokens = 65536;              ///< of an answer

/// Reads the first `limit` items (0: all) of text that has, in every line that is not empty, one object:
/// - `{"context", "choices", "gold"}`, or "query" for "context": which choice follows? "gold" is an index or a list;
/// - `{"contexts", "continuation", "gold"}`, or "context_options": after which context is the continuation likeliest?
/// - `{"context", "continuation"}`: is it the greedy one?
/// - `{"context", "answers"}` (or "answer", with "aliases") with "until", "max_tokens", "filter", "ignore_case",
///   "ignore_punctuation": is what is generated an answer?
/// - `{"arguments", "target", ...}`: a sample that lm-evaluation-harness exported, of any of these kinds.
/// Between context and choice or continuation stands "delimiter", a space unless the line says otherwise; exports have it
/// already. Other keys are ignored. All lines are of one kind. Of an export with several filters the first one counts.
/// Throws Error{kFormat} naming `origin` and line, what was expected and what is there; also for no item at all.
[[nodiscard]] Task parse_task(std::string_view text, const std::string& origin, const std::string& name,
                              std::uint64_t limit = 0);
/// The same for a file; its name is task_name(path).
[[nodiscard]] Task read_task(const std::filesystem::path& path, std::uint64_t limit = 0);
/// "arc_easy" for "arc_easy.jsonl" and for "samples_arc_easy_2026-01-31T12-00-00.123456.jsonl".
[[nodiscard]] std::string task_name(const std::filesystem::path& path);

}  // namespace xw::evaluation
