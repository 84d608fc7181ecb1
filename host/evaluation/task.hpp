// Tasks with right and wrong answers: what is asked, and what is right.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace xw::evaluation {

/// How the items of a task are scored.
enum class TaskKind {
  kChoice,        ///< the likeliest of several continuations (or of several contexts before one) must be a right one
  kContinuation,  ///< the given continuation must be the greedy one (LAMBADA)
  kGeneration,    ///< what is generated must equal an answer
};
[[nodiscard]] const char* name(TaskKind kind);  ///< "choice", "continuation", "generation"

/// A text, and what follows it directly: a space between them is the first byte of the continuation.
struct Request {
  std::string context, continuation;
  friend bool operator==(const Request&, const Request&) = default;
};

/// What of a generated text is the answer.
enum class AnswerFilter {
  kNone,             ///< all of it
  kStrip,            ///< all but white space at both ends
  kStrictMatch,      ///< the number behind the first "#### " (GSM8K)
  kFlexibleExtract,  ///< the last number
};

/// How a text is generated and compared.
struct GenerationRule {
  std::vector<std::string> until;  ///< texts that end it, besides the model's own end tokens
  std::uint32_t max_tokens = 256;
  AnswerFilter filter = AnswerFilter::kStrip;
  bool ignore_case = false, ignore_punctuation = false;
  friend bool operator==(const GenerationRule&, const GenerationRule&) = default;
};

struct TaskItem {
  std::string place;                ///< "file.jsonl:12"
  std::vector<Request> requests;    ///< one per choice; otherwise one. kGeneration: no continuation
  std::vector<std::uint32_t> gold;  ///< kChoice: the right ones
  /// kChoice: code points and bytes of the texts of the choices, by which log-likelihoods are divided; empty if the
  /// choices are contexts.
  std::vector<std::uint32_t> characters, bytes;
  std::vector<std::string> answers;  ///< kGeneration: any of them is right
  GenerationRule generation;
  std::vector<double> recorded;  ///< log-likelihoods that another program wrote into the file, nats; may be empty
  friend bool operator==(const TaskItem&, const TaskItem&) = default;
};

/// Items of one kind. Choices may differ in number.
struct Task {
  std::string name;
  TaskKind kind = TaskKind::kChoice;
  bool normalized = false;  ///< kChoice: every item has lengths
  std::vector<TaskItem> items;
  friend bool operator==(const Task&, const Task&) = default;
};

/// Everything that decides a result, as one text ("crc32 1234abcd, 500 items").
[[nodiscard]] std::string identity(const Task& task);

}  // namespace xw::evaluation
