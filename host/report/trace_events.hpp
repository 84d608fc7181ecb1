// Writes events in the Chrome trace format, which Perfetto and chrome://tracing open.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace xw::report {

/// A row of the timeline.
struct TraceThread {
  int process = 0;
  std::uint32_t thread = 0;
};

/// Whole nanoseconds of a time: Perfetto keeps no less, and rounds begin and length apart, so that neighbours would overlap. Rounding keeps
/// the order of times.
[[nodiscard]] std::int64_t whole_nanoseconds(double ns);

/// Hands one JSON object on in pieces. Names may be any text; texts called `arguments` are the inside of a JSON object. Times are ns.
class TraceEvents {
 public:
  explicit TraceEvents(const std::function<void(std::string_view)>& write) : write_(write) {}
  /// The first call. `about` is the inside of a JSON object.
  void begin(const std::string& about);
  void name_process(int process, const std::string& name, int sort_index);
  void name_thread(TraceThread thread, const std::string& name);
  void span(TraceThread thread, const char* category, const std::string& name, double begin_ns, double end_ns,
            const std::string& arguments);
  /// Values of a counter from `ns` on; `values` is the inside of a JSON object of numbers.
  void counter(int process, const std::string& name, std::int64_t ns, const std::string& values);
  enum class Flow : std::uint8_t { kBegin, kStep, kEnd };
  /// A point of the arrow `id`, bound to the span of `thread` that is there at `ns`.
  void flow(Flow kind, std::uint64_t id, TraceThread thread, const char* category, std::int64_t ns);
  /// The last call.
  void finish();

  /// Six digits.
  [[nodiscard]] static std::string number(double value);
  /// `text` as a JSON string.
  [[nodiscard]] static std::string quoted(std::string_view text);

 private:
  void add(const std::string& event);
  const std::function<void(std::string_view)>& write_;
  std::string text_;
  bool first_ = true;
};

}  // namespace xw::report
