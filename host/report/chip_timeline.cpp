// The timeline of a simulated chip.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/report/chip_timeline.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "host/report/chip_counters.hpp"
#include "host/report/trace_events.hpp"

namespace xw::report {
namespace {

using systemc::Activity;
using systemc::ChipPlan;
using systemc::ChipResult;
using systemc::Track;

constexpr int kCounterProcess = 1, kTokenProcess = 2;

[[nodiscard]] int process_of(Track track) {
  return kTokenProcess + 1 + static_cast<int>(track);
}

[[nodiscard]] TraceThread thread_of(const Activity& activity) {
  return {process_of(activity.track), activity.index + 1};
}

/// What a kind of server is called above its rows.
[[nodiscard]] const char* title_of(Track track) {
  switch (track) {
    case Track::kTile:
      return "Tiles";
    case Track::kInputLink:
      return "Links to tiles";
    case Track::kOutputLink:
      return "Links from tiles";
    case Track::kAccumulator:
      return "Accumulators";
    case Track::kBuffer:
      return "Buffer";
    case Track::kDigital:
      return "Digital units";
    case Track::kMemory:
      return "Memory";
    case Track::kHostLink:
      return "Link to the host";
    case Track::kChipLink:
      return "Links between chips";
  }
  return "?";
}

[[nodiscard]] const char* category_of(Track track) {
  constexpr std::array<const char*, 4> kCategories = {"tile", "link", "digital", "memory"};  // by ChipPart
  return kCategories.at(static_cast<std::size_t>(part_of(track)));
}

/// "layers.0.qkv 512x512, layers.0.o 64x512": blocks on a tile, the first few of them.
[[nodiscard]] std::map<std::uint32_t, std::string> contents(const ChipPlan& plan) {
  constexpr std::size_t kNamed = 3;
  std::map<std::uint32_t, std::string> texts;
  std::map<std::uint32_t, std::size_t> counts;
  for (const systemc::CallWork& call : plan.calls) {
    for (std::uint32_t copy = 0; copy < call.num_copies(); ++copy) {
      for (const systemc::BlockWork& block : call.blocks_of(copy)) {
        if (++counts[block.tile] > kNamed) continue;
        std::string& text = texts[block.tile];
        text += (text.empty() ? "" : ", ") + call.name + " " + std::to_string(block.rows) + "x" +
                std::to_string(block.cols);
      }
    }
  }
  for (auto& [tile, text] : texts)
    if (counts[tile] > kNamed) text += " and " + std::to_string(counts[tile] - kNamed) + " more";
  return texts;
}

void name_servers(const ChipPlan& plan, const ChipResult& result, TraceEvents& events) {
  std::set<std::pair<Track, std::uint32_t>> servers;
  for (const Activity& activity : result.activities) servers.emplace(activity.track, activity.index);
  const std::map<std::uint32_t, std::string> held = contents(plan);
  std::set<Track> named;
  for (const auto& [track, index] : servers) {
    if (named.insert(track).second) events.name_process(process_of(track), title_of(track), process_of(track));
    std::string name = std::string(systemc::name(track)) + " " + std::to_string(index);
    if (track == Track::kTile && held.contains(index)) name += ": " + held.at(index);
    events.name_thread({process_of(track), index + 1}, name);
  }
}

[[nodiscard]] std::string arguments_of(std::uint32_t sequence, std::uint32_t position) {
  return "\"sequence\":" + std::to_string(sequence) + ",\"position\":" + std::to_string(position);
}

using TokenId = std::pair<std::uint32_t, std::uint32_t>;  ///< sequence, position

/// Tokens of a prompt are under way at the same time; events of one thread must not overlap, so each gets the first
/// lane of its sequence that is free. Returns where the tokens are.
[[nodiscard]] std::map<TokenId, TraceThread> add_tokens(const ChipResult& result, TraceEvents& events) {
  events.name_process(kTokenProcess, "Tokens: what the host waits for", kTokenProcess);
  std::vector<systemc::TokenTime> tokens = result.tokens;
  std::sort(tokens.begin(), tokens.end(), [](const systemc::TokenTime& a, const systemc::TokenTime& b) {
    return std::tie(a.sequence, a.begin_ns, a.position) < std::tie(b.sequence, b.begin_ns, b.position);
  });
  std::map<TokenId, TraceThread> places;
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
        const std::string more = lanes.size() == 1 ? "" : ", lane " + std::to_string(lanes.size());
        events.name_thread({kTokenProcess, thread + static_cast<std::uint32_t>(lanes.size())},
                           "sequence " + std::to_string(sequence) + more);
      }
      *lane = token.end_ns;
      const TraceThread place{kTokenProcess, thread + 1 + static_cast<std::uint32_t>(lane - lanes.begin())};
      places[{token.sequence, token.position}] = place;
      events.span(place, "token", (token.prompt ? "prompt token " : "token ") + std::to_string(token.position),
                  token.begin_ns, token.end_ns, arguments_of(token.sequence, token.position));
    }
    thread += static_cast<std::uint32_t>(lanes.size());
    begin = end;
  }
  return places;
}

/// From the token's own row to the first tile of every call, in the order of time.
void add_flows(const ChipResult& result, const std::map<TokenId, TraceThread>& places, TraceEvents& events) {
  std::map<TokenId, std::map<std::uint32_t, const Activity*>> firsts;  // by step
  for (const Activity& activity : result.activities) {
    if (activity.track != Track::kTile) continue;
    const Activity*& first = firsts[{activity.sequence, activity.position}][activity.step];
    if (first == nullptr || activity.begin_ns < first->begin_ns) first = &activity;
  }
  std::uint64_t id = 0;
  for (const systemc::TokenTime& token : result.tokens) {
    const TokenId key{token.sequence, token.position};
    const auto steps = firsts.find(key);
    if (steps == firsts.end()) continue;  // no call was in tiles
    ++id;
    events.flow(TraceEvents::Flow::kBegin, id, places.at(key), "token", whole_nanoseconds(token.begin_ns));
    for (auto step = steps->second.begin(); step != steps->second.end(); ++step) {
      const Activity& activity = *step->second;
      const bool is_last = std::next(step) == steps->second.end();
      events.flow(is_last ? TraceEvents::Flow::kEnd : TraceEvents::Flow::kStep, id, thread_of(activity), "token",
                  whole_nanoseconds(activity.begin_ns));
    }
  }
}

}  // namespace

void write_timeline(const ChipPlan& plan, const ChipResult& result, const std::string& chip,
                    const std::function<void(std::string_view)>& write) {
  TraceEvents events(write);
  events.begin("\"chip\":" + TraceEvents::quoted(chip));
  events.name_process(kCounterProcess, "Chip " + chip, kCounterProcess);
  name_servers(plan, result, events);
  const std::map<TokenId, TraceThread> places = add_tokens(result, events);
  for (const Activity& activity : result.activities) {
    events.span(thread_of(activity), category_of(activity.track), plan.steps[activity.step].name, activity.begin_ns,
                activity.end_ns,
                arguments_of(activity.sequence, activity.position) + ",\"layer\":" +
                    std::to_string(plan.steps[activity.step].layer) + ",\"step\":" + std::to_string(activity.step) +
                    ",\"energy_pj\":" + TraceEvents::number(activity.energy_pj));
  }
  add_flows(result, places, events);
  add_counters(result, kCounterProcess, events);
  events.finish();
}

}  // namespace xw::report
