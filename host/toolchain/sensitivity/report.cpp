// The losses of a model's parts for readers and scripts.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/sensitivity/report.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <vector>

#include "arch/support/csv.hpp"
#include "arch/support/error.hpp"
#include "arch/support/units.hpp"

namespace xw::toolchain {
namespace {

using Json = nlohmann::ordered_json;

Json to_json(const LossDifference& loss) {
  return {{"mean", loss.mean}, {"standard_error", loss.standard_error}};
}

template <typename... Values>
void append(std::string& text, const char* format, Values... values) {
  char line[512];
  std::snprintf(line, sizeof line, format, values...);
  text += line;
}

/// In the order of the columns.
std::vector<const LossDifference*> measured(const SensitivityGroup& group) {
  std::vector<const LossDifference*> losses = {&group.alone, &group.ranges, &group.noise};
  if (group.regained) losses.push_back(&*group.regained);
  return losses;
}

Json groups_json(const SensitivityAtTime& time) {
  Json groups = Json::array();
  for (const SensitivityGroup& group : time.groups) {
    Json one = {{"by", name(group.by)},
                {"name", group.name},
                {"calls", group.calls},
                {"tiles", group.tiles},
                {"macs", group.macs},
                {"alone", to_json(group.alone)},
                {"ranges", to_json(group.ranges)},
                {"noise", to_json(group.noise)}};
    if (group.regained) one["regained"] = to_json(*group.regained);
    groups.push_back(std::move(one));
  }
  return groups;
}

void append_table(std::string& text, const SensitivityAtTime& time, SensitivityBy by) {
  std::vector<const SensitivityGroup*> rows;
  std::size_t width = 5;
  for (const SensitivityGroup& group : time.groups) {
    if (group.by != by) continue;
    rows.push_back(&group);
    width = std::max(width, std::min<std::size_t>(group.name.size(), 60));
  }
  if (rows.empty()) return;
  std::ranges::stable_sort(rows, [](const auto* a, const auto* b) { return a->alone.mean > b->alone.mean; });
  const int columns = static_cast<int>(width);
  append(text, "\nby %s, 1000 x nats per token\n  %-*s %8s %16s %16s %16s %18s\n", name(by), columns, "group", "tiles",
         "alone", "of it ranges", "of it noise", rows.front()->regained ? "regained if off" : "");
  for (const SensitivityGroup* row : rows) {
    append(text, "  %-*.*s %8.1f", columns, columns, row->name.c_str(), row->tiles);
    for (const LossDifference* loss : measured(*row))
      append(text, " %9.2f ±%5.2f", 1000 * loss->mean, 1000 * loss->standard_error);
    text += '\n';
  }
}

}  // namespace

Json to_json(const Sensitivity& sensitivity) {
  const SensitivityAtTime& first = sensitivity.times.at(0);
  Json json = {{"unit", "nats per token"},
               {"tokens", sensitivity.tokens},
               {"chips", sensitivity.chips},
               {"reference_nll_nats", sensitivity.reference},
               {"ranges", to_json(sensitivity.ranges)},
               {"seconds", first.seconds},
               {"all", to_json(first.all)},
               {"groups", groups_json(first)}};
  if (sensitivity.times.size() == 1) return json;
  for (const SensitivityAtTime& time : sensitivity.times) {
    json["times"].push_back({{"seconds", time.seconds},
                             {"time", duration_text(time.seconds)},
                             {"all", to_json(time.all)},
                             {"groups", groups_json(time)}});
  }
  return json;
}

std::string to_text(const Sensitivity& sensitivity) {
  std::string text;
  append(text,
         "nothing on the chip: %.4f nats per token, perplexity %.3f (%llu tokens)\n"
         "everything, cells without noise: %+.4f ± %.4f, perplexity %.3f\n",
         sensitivity.reference, std::exp(sensitivity.reference), static_cast<unsigned long long>(sensitivity.tokens),
         sensitivity.ranges.mean, sensitivity.ranges.standard_error,
         std::exp(sensitivity.reference + sensitivity.ranges.mean));
  const bool one_time = sensitivity.times.size() == 1;
  for (const SensitivityAtTime& time : sensitivity.times) {
    if (!one_time) text += "\n" + duration_text(time.seconds) + " after programming\n";
    append(text, "everything, %u chip%s: %+.4f ± %.4f, perplexity %.3f\n", sensitivity.chips,
           sensitivity.chips == 1 ? "" : "s", time.all.mean, time.all.standard_error,
           std::exp(sensitivity.reference + time.all.mean));
    for (const SensitivityBy by : {SensitivityBy::kKind, SensitivityBy::kLayer, SensitivityBy::kCall})
      append_table(text, time, by);
  }
  return text;
}

std::string to_csv(const Sensitivity& sensitivity) {
  std::string text =
      "seconds,by,name,tiles,macs,alone,alone_error,ranges,ranges_error,noise,noise_error,regained,regained_error\r\n";
  for (const SensitivityAtTime& time : sensitivity.times) {
    for (const SensitivityGroup& group : time.groups) {
      text += Json(time.seconds).dump() + ',' + name(group.by) + ',' + csv_quoted(group.name);
      append(text, ",%.6g,%llu", group.tiles, static_cast<unsigned long long>(group.macs));
      for (const LossDifference* loss : measured(group)) append(text, ",%.9g,%.9g", loss->mean, loss->standard_error);
      text += group.regained ? "\r\n" : ",,\r\n";
    }
  }
  return text;
}

nlohmann::json parse_sensitivity(const std::string& text, const std::string& origin, const std::string& options) {
  const auto refuse = [&](const char* what) {
    throw Error(ErrorCode::kFormat,
                origin + ": " + what + "; expected a complete result of `crossweave sensitivity " + options + "`");
  };
  nlohmann::json json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object() || json.value("report", nlohmann::json()) != "crossweave sensitivity")
    refuse("not a result of sensitivity");
  if (json.value("complete", nlohmann::json()) != true || !json.contains("sensitivity")) refuse("is not complete");
  nlohmann::json& result = json["sensitivity"];
  if (!result.is_object() || !result.contains("groups") || !result["groups"].is_array()) refuse("has no groups");
  return std::move(result);
}

}  // namespace xw::toolchain
