// The losses of a model's parts for readers and scripts.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/sensitivity/report.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <vector>

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

bool has_regained(const Sensitivity& sensitivity) {
  return std::ranges::any_of(sensitivity.groups,
                             [](const SensitivityGroup& group) { return group.regained.mean != 0; });
}

void append_table(std::string& text, const Sensitivity& sensitivity, SensitivityBy by) {
  std::vector<const SensitivityGroup*> rows;
  std::size_t width = 5;
  for (const SensitivityGroup& group : sensitivity.groups) {
    if (group.by != by) continue;
    rows.push_back(&group);
    width = std::max(width, std::min<std::size_t>(group.name.size(), 60));
  }
  if (rows.empty()) return;
  std::ranges::stable_sort(rows, [](const auto* a, const auto* b) { return a->alone.mean > b->alone.mean; });
  const int columns = static_cast<int>(width);
  append(text, "\nby %s, 1000 x nats per token\n  %-*s %8s %16s %16s %16s %18s\n", name(by), columns, "group", "tiles",
         "alone", "of it ranges", "of it noise", "regained if off");
  for (const SensitivityGroup* row : rows) {
    append(text, "  %-*.*s %8.1f", columns, columns, row->name.c_str(), row->tiles);
    for (const LossDifference* loss : {&row->alone, &row->ranges, &row->noise, &row->regained})
      append(text, " %9.2f ±%5.2f", 1000 * loss->mean, 1000 * loss->standard_error);
    text += '\n';
  }
}

}  // namespace

Json to_json(const Sensitivity& sensitivity) {
  Json groups = Json::array();
  const bool regained = has_regained(sensitivity);
  for (const SensitivityGroup& group : sensitivity.groups) {
    Json one = {{"by", name(group.by)},
                {"name", group.name},
                {"calls", group.calls},
                {"tiles", group.tiles},
                {"macs", group.macs},
                {"alone", to_json(group.alone)},
                {"ranges", to_json(group.ranges)},
                {"noise", to_json(group.noise)}};
    if (regained) one["regained"] = to_json(group.regained);
    groups.push_back(std::move(one));
  }
  return {{"unit", "nats per token"},
          {"tokens", sensitivity.tokens},
          {"chips", sensitivity.chips},
          {"reference_nll_nats", sensitivity.reference},
          {"ranges", to_json(sensitivity.ranges)},
          {"all", to_json(sensitivity.all)},
          {"groups", std::move(groups)}};
}

std::string to_text(const Sensitivity& sensitivity) {
  std::string text;
  append(text,
         "nothing on the chip: %.4f nats per token, perplexity %.3f (%llu tokens)\n"
         "everything, cells without noise: +%.4f ± %.4f, perplexity %.3f\n"
         "everything, %u chip%s: +%.4f ± %.4f, perplexity %.3f\n",
         sensitivity.reference, std::exp(sensitivity.reference), static_cast<unsigned long long>(sensitivity.tokens),
         sensitivity.ranges.mean, sensitivity.ranges.standard_error,
         std::exp(sensitivity.reference + sensitivity.ranges.mean), sensitivity.chips,
         sensitivity.chips == 1 ? "" : "s", sensitivity.all.mean, sensitivity.all.standard_error,
         std::exp(sensitivity.reference + sensitivity.all.mean));
  for (const SensitivityBy by : {SensitivityBy::kKind, SensitivityBy::kLayer, SensitivityBy::kCall})
    append_table(text, sensitivity, by);
  return text;
}

std::string to_csv(const Sensitivity& sensitivity) {
  std::string text =
      "by,name,tiles,macs,alone,alone_error,ranges,ranges_error,noise,noise_error,regained,regained_error\r\n";
  for (const SensitivityGroup& group : sensitivity.groups) {
    std::string quoted = "\"";
    for (const char c : group.name) {
      quoted += c;
      if (c == '"') quoted += c;
    }
    quoted += '"';
    text += name(group.by);
    text += ',' + quoted;
    append(text, ",%.6g,%llu", group.tiles, static_cast<unsigned long long>(group.macs));
    for (const LossDifference* loss : {&group.alone, &group.ranges, &group.noise, &group.regained})
      append(text, ",%.9g,%.9g", loss->mean, loss->standard_error);
    text += "\r\n";
  }
  return text;
}

}  // namespace xw::toolchain
