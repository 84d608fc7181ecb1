// The Chrome trace format.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/report/trace_events.hpp"

#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace xw::report {
namespace {

constexpr std::size_t kPieceBytes = std::size_t{1} << 20;

/// Microseconds with three digits.
[[nodiscard]] std::string microseconds(std::int64_t ns) {
  char text[40];
  std::snprintf(text, sizeof text, "%lld.%03d", static_cast<long long>(ns / 1000), static_cast<int>(ns % 1000));
  return text;
}

[[nodiscard]] std::string place(TraceThread thread) {
  return ",\"pid\":" + std::to_string(thread.process) + ",\"tid\":" + std::to_string(thread.thread);
}

}  // namespace

std::int64_t whole_nanoseconds(double ns) {
  return std::llround(ns);
}

std::string TraceEvents::number(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

std::string TraceEvents::quoted(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void TraceEvents::begin(const std::string& about) {
  text_ = "{\"displayTimeUnit\":\"ns\",\"otherData\":{" + about + "},\"traceEvents\":[";
}

void TraceEvents::name_process(int process, const std::string& name, int sort_index) {
  const std::string begin = "{\"ph\":\"M\",\"pid\":" + std::to_string(process) + ",\"tid\":0,\"name\":\"process_";
  add(begin + "name\",\"args\":{\"name\":" + quoted(name) + "}}");
  add(begin + "sort_index\",\"args\":{\"sort_index\":" + std::to_string(sort_index) + "}}");
}

void TraceEvents::name_thread(TraceThread thread, const std::string& name) {
  const std::string begin = "{\"ph\":\"M\"" + place(thread) + ",\"name\":\"thread_";
  add(begin + "name\",\"args\":{\"name\":" + quoted(name) + "}}");
  add(begin + "sort_index\",\"args\":{\"sort_index\":" + std::to_string(thread.thread) + "}}");
}

void TraceEvents::span(TraceThread thread, const char* category, const std::string& name, double begin_ns,
                       double end_ns, const std::string& arguments) {
  const std::int64_t begin = whole_nanoseconds(begin_ns), end = whole_nanoseconds(end_ns);
  add("{\"ph\":\"X\",\"cat\":" + quoted(category) + ",\"name\":" + quoted(name) + place(thread) +
      ",\"ts\":" + microseconds(begin) + ",\"dur\":" + microseconds(end - begin) + ",\"args\":{" + arguments + "}}");
}

void TraceEvents::counter(int process, const std::string& name, std::int64_t ns, const std::string& values) {
  add("{\"ph\":\"C\",\"name\":" + quoted(name) + ",\"pid\":" + std::to_string(process) +
      ",\"tid\":0,\"ts\":" + microseconds(ns) + ",\"args\":{" + values + "}}");
}

void TraceEvents::flow(Flow kind, std::uint64_t id, TraceThread thread, const char* category, std::int64_t ns) {
  static constexpr const char* kPhases[] = {"s", "t", "f"};
  add(std::string("{\"ph\":\"") + kPhases[static_cast<int>(kind)] + "\",\"cat\":" + quoted(category) +
      ",\"name\":\"token\",\"id\":" + std::to_string(id) + place(thread) + ",\"ts\":" + microseconds(ns) +
      (kind == Flow::kEnd ? ",\"bp\":\"e\"}" : "}"));
}

void TraceEvents::finish() {
  text_ += "\n]}\n";
  write_(text_);
}

void TraceEvents::add(const std::string& event) {
  text_ += first_ ? "\n" : ",\n";
  first_ = false;
  text_ += event;
  if (text_.size() < kPieceBytes) return;
  write_(text_);
  text_.clear();
}

}  // namespace xw::report
