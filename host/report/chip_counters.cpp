// Counters of the timeline of a simulated chip.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/report/chip_counters.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

namespace xw::report {
namespace {

using systemc::Activity;
using systemc::ChipResult;
using systemc::Track;

constexpr std::int64_t kMostIntervals = 2000;

constexpr std::size_t kNumParts = static_cast<std::size_t>(ChipPart::kMemory) + 1;
constexpr std::array<const char*, kNumParts> kPartNames = {"tiles", "links", "digital", "memory"};

struct Interval {
  std::array<double, kNumParts> energy_pj{}, busy_ns{};
};

/// Work that is shorter than an interval counts in those that it touches, by time.
[[nodiscard]] std::vector<Interval> intervals_of(const ChipResult& result, std::int64_t width) {
  const double length = static_cast<double>(width);
  std::vector<Interval> intervals(static_cast<std::size_t>(std::floor(result.total_ns / length)) + 1);
  for (const Activity& activity : result.activities) {
    const double duration = activity.end_ns - activity.begin_ns;
    const auto part = static_cast<std::size_t>(part_of(activity.track));
    auto at = static_cast<std::size_t>(std::max(activity.begin_ns, 0.0) / length);
    for (double begin = activity.begin_ns; begin < activity.end_ns && at < intervals.size(); ++at) {
      const double end = std::min(activity.end_ns, length * static_cast<double>(at + 1));
      intervals[at].busy_ns[part] += end - begin;
      intervals[at].energy_pj[part] += activity.energy_pj * (end - begin) / duration;
      begin = end;
    }
  }
  return intervals;
}

}  // namespace

ChipPart part_of(Track track) {
  switch (track) {
    case Track::kTile:
      return ChipPart::kTiles;
    case Track::kInputLink:
    case Track::kOutputLink:
    case Track::kHostLink:
    case Track::kChipLink:
      return ChipPart::kLinks;
    case Track::kAccumulator:
    case Track::kDigital:
      break;
    case Track::kBuffer:
    case Track::kMemory:
      return ChipPart::kMemory;
  }
  return ChipPart::kDigital;
}

void add_counters(const ChipResult& result, int process, TraceEvents& events) {
  const std::int64_t total = std::max<std::int64_t>(static_cast<std::int64_t>(std::ceil(result.total_ns)), 1);
  const std::int64_t width = (total + kMostIntervals - 1) / kMostIntervals;
  const double static_mw = result.total_ns > 0 ? result.energy_pj[systemc::Component::kStatic] / result.total_ns : 0;
  std::string last_power, last_busy;
  std::int64_t time = 0;
  const auto add = [&](const std::string& name, const std::string& values, std::string& last) {
    if (values != last) events.counter(process, name, time, values);
    last = values;
  };
  for (const Interval& interval : intervals_of(result, width)) {
    const double length = std::min(static_cast<double>(width), result.total_ns - static_cast<double>(time));
    if (length <= 0) break;
    std::string power, busy;
    for (std::size_t part = 0; part < kNumParts; ++part)
      power +=
          "\"" + std::string(kPartNames[part]) + "\":" + TraceEvents::number(interval.energy_pj[part] / length) + ",";
    for (const auto part : {static_cast<std::size_t>(ChipPart::kTiles), static_cast<std::size_t>(ChipPart::kLinks)})
      busy += std::string(busy.empty() ? "" : ",") + "\"" + kPartNames[part] +
              "\":" + TraceEvents::number(interval.busy_ns[part] / length);
    add("power, mW", power + "\"static\":" + TraceEvents::number(static_mw), last_power);
    add("busy", busy, last_busy);
    time += width;
  }
  time = total;
  add("power, mW", "\"tiles\":0,\"links\":0,\"digital\":0,\"memory\":0,\"static\":0", last_power);
  add("busy", "\"tiles\":0,\"links\":0", last_busy);
  for (std::size_t i = 0; i < result.buffer_levels.size(); ++i) {
    const std::int64_t at = whole_nanoseconds(result.buffer_levels[i].begin_ns);
    // Changes of one moment are one.
    if (i + 1 < result.buffer_levels.size() && whole_nanoseconds(result.buffer_levels[i + 1].begin_ns) == at) continue;
    events.counter(process, "activations, bytes", at, "\"alive\":" + std::to_string(result.buffer_levels[i].bytes));
  }
}

}  // namespace xw::report
