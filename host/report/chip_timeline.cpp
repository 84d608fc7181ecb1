// The Chrome trace of a simulated chip.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/report/chip_timeline.hpp"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

namespace xw::report {
namespace {

constexpr std::size_t kPieceBytes = std::size_t{1} << 20;
constexpr int kHostProcess = 1;

[[nodiscard]] std::string quoted(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

[[nodiscard]] int process_of(systemc::Track track) {
  return kHostProcess + 1 + static_cast<int>(track);
}

/// Collects events and hands them on in pieces.
class Events {
 public:
  explicit Events(const std::function<void(std::string_view)>& write) : write_(write) {}
  void head(const std::string& chip) {
    text_ = "{\"displayTimeUnit\":\"ns\",\"otherData\":{\"chip\":" + quoted(chip) + "},\"traceEvents\":[";
  }
  void name(const char* what, int process, std::uint32_t thread, const std::string& name) {
    add("{\"ph\":\"M\",\"name\":\"" + std::string(what) + "\",\"pid\":" + std::to_string(process) +
        ",\"tid\":" + std::to_string(thread) + ",\"args\":{\"name\":" + quoted(name) + "}}");
  }
  /// `arguments`: the inside of a JSON object.
  void span(int process, std::uint32_t thread, const std::string& quoted_name, double begin_ns, double end_ns,
            const std::string& arguments) {
    char times[96];
    std::snprintf(times, sizeof times, ",\"ts\":%.6f,\"dur\":%.6f", begin_ns * 1e-3, (end_ns - begin_ns) * 1e-3);
    add("{\"ph\":\"X\",\"name\":" + quoted_name + ",\"pid\":" + std::to_string(process) +
        ",\"tid\":" + std::to_string(thread) + times + ",\"args\":{" + arguments + "}}");
  }
  void finish() {
    text_ += "\n]}\n";
    write_(text_);
  }

 private:
  void add(const std::string& event) {
    text_ += first_ ? "\n" : ",\n";
    first_ = false;
    text_ += event;
    if (text_.size() < kPieceBytes) return;
    write_(text_);
    text_.clear();
  }
  const std::function<void(std::string_view)>& write_;
  std::string text_;
  bool first_ = true;
};

[[nodiscard]] std::string arguments_of(std::uint32_t sequence, std::uint32_t position) {
  return "\"sequence\":" + std::to_string(sequence) + ",\"position\":" + std::to_string(position);
}

/// Tokens of a prompt are under way at the same time; events of one thread must not overlap, so each gets the first
/// lane of its sequence that is free.
void add_tokens(const systemc::ChipResult& result, Events& events) {
  std::vector<systemc::TokenTime> tokens = result.tokens;
  std::sort(tokens.begin(), tokens.end(), [](const systemc::TokenTime& a, const systemc::TokenTime& b) {
    return std::tie(a.sequence, a.begin_ns, a.position) < std::tie(b.sequence, b.begin_ns, b.position);
  });
  std::uint32_t thread = 0;
  for (std::size_t begin = 0; begin < tokens.size();) {
    const std::uint32_t sequence = tokens[begin].sequence;
    std::vector<double> lanes;  // end of the last token
    std::size_t end = begin;
    for (; end < tokens.size() && tokens[end].sequence == sequence; ++end) {
      const systemc::TokenTime& token = tokens[end];
      auto lane = std::find_if(lanes.begin(), lanes.end(), [&](double free) { return free <= token.begin_ns; });
      if (lane == lanes.end()) {
        lane = lanes.insert(lanes.end(), 0);
        const std::string more = lanes.size() == 1 ? "" : " (" + std::to_string(lanes.size()) + ")";
        events.name("thread_name", kHostProcess, thread + static_cast<std::uint32_t>(lanes.size()),
                    "sequence " + std::to_string(sequence) + more);
      }
      *lane = token.end_ns;
      events.span(kHostProcess, thread + 1 + static_cast<std::uint32_t>(lane - lanes.begin()),
                  quoted((token.prompt ? "prompt token " : "token ") + std::to_string(token.position)), token.begin_ns,
                  token.end_ns, arguments_of(token.sequence, token.position));
    }
    thread += static_cast<std::uint32_t>(lanes.size());
    begin = end;
  }
}

}  // namespace

void write_timeline(const systemc::ChipPlan& plan, const systemc::ChipResult& result, const std::string& chip,
                    const std::function<void(std::string_view)>& write) {
  Events events(write);
  events.head(chip);
  events.name("process_name", kHostProcess, 0, "host: tokens");
  std::set<std::pair<systemc::Track, std::uint32_t>> servers;
  for (const systemc::Activity& activity : result.activities) servers.emplace(activity.track, activity.index);
  const systemc::Track* last = nullptr;
  for (const auto& [track, index] : servers) {
    const std::string track_name(systemc::name(track));
    if (last == nullptr || *last != track) events.name("process_name", process_of(track), 0, track_name);
    last = &track;
    events.name("thread_name", process_of(track), index + 1, track_name + " " + std::to_string(index));
  }
  add_tokens(result, events);
  std::vector<std::string> names;
  names.reserve(plan.steps.size());
  for (const systemc::Step& step : plan.steps) names.push_back(quoted(step.name));
  for (const systemc::Activity& activity : result.activities) {
    events.span(process_of(activity.track), activity.index + 1, names[activity.step], activity.begin_ns,
                activity.end_ns,
                arguments_of(activity.sequence, activity.position) + ",\"layer\":" +
                    std::to_string(plan.steps[activity.step].layer) + ",\"step\":" + std::to_string(activity.step));
  }
  events.finish();
}

}  // namespace xw::report
