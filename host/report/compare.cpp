// Two reports side by side.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/report/compare.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "arch/support/error.hpp"

namespace xw::report {
namespace {

using Json = nlohmann::ordered_json;

constexpr unsigned kDeepest = 64;

/// Parts of a report with a row per layer, call, constant or unit, and words that say how it was made.
constexpr std::array<std::string_view, 8> kDetails = {"layers",    "calls",           "constants",        "steps",
                                                      "each_tile", "each_input_link", "each_output_link", "roofline"};

struct Leaf {
  std::string path, unit, kind;
  std::optional<double> number;
  std::optional<std::string> text;
  bool detail = false;
};

/// All numbers and texts of a report, in its order.
class Flattener {
 public:
  explicit Flattener(const std::string& name) : name_(name) {}
  [[nodiscard]] std::vector<Leaf> flatten(const Json& report) {
    visit(report, "", false, 0);
    return std::move(leaves_);
  }

 private:
  void visit(const Json& json, const std::string& path, bool detail, unsigned depth) {
    if (depth > kDeepest) {
      throw Error(ErrorCode::kFormat,
                  name_ + ": expected at most " + std::to_string(kDeepest) + " levels, found more at " + path);
    }
    if (json.is_object() && json.contains("value") && json.contains("unit") && json["value"].is_number()) {
      add({path, text_of(json, "unit"), text_of(json, "kind"), json["value"].get<double>(), std::nullopt, detail});
    } else if (json.is_object()) {
      for (const auto& [key, value] : json.items()) {
        if (depth == 0 && (key == "about" || key == "tile_map")) continue;  // who asked, and where weights stand
        const bool is_detail = detail || std::find(kDetails.begin(), kDetails.end(), key) != kDetails.end();
        visit(value, path.empty() ? key : path + "." + key, is_detail, depth + 1);
      }
    } else if (json.is_array()) {
      for (std::size_t i = 0; i < json.size(); ++i) {
        std::string label = text_of(json[i], "name");
        if (label.empty()) label = std::to_string(i);
        visit(json[i], path + "[" + label + "]", detail, depth + 1);
      }
    } else if (json.is_number()) {
      add({path, "", "", json.get<double>(), std::nullopt, detail});
    } else if (json.is_string()) {
      add({path, "", "", std::nullopt, json.get<std::string>(), detail});
    } else if (json.is_boolean()) {
      add({path, "", "", std::nullopt, json.get<bool>() ? "true" : "false", detail});
    }
  }
  /// Places of one name, as of two calls that are called alike, are told apart by a number.
  void add(Leaf leaf) {
    const std::string path = leaf.path;
    for (std::uint64_t& count = seen_[path]; !paths_.insert(leaf.path).second;) {
      leaf.path = path + "#" + std::to_string(++count + 1);
    }
    leaves_.push_back(std::move(leaf));
  }
  [[nodiscard]] static std::string text_of(const Json& json, const char* key) {
    if (!json.is_object() || !json.contains(key) || !json[key].is_string()) return "";
    return json[key].get<std::string>();
  }

  const std::string& name_;
  std::vector<Leaf> leaves_;
  std::set<std::string> paths_;
  std::map<std::string, std::uint64_t> seen_;  ///< how often a path came again
};

[[nodiscard]] Json parse(std::string_view text, const std::string& name) {
  Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded()) throw Error(ErrorCode::kFormat, name + ": expected a JSON report, found no valid JSON");
  if (!json.is_object() || !json.contains("report") || !json["report"].is_string()) {
    throw Error(ErrorCode::kFormat, name +
                                        ": expected a report of a program or of a simulation, found JSON "
                                        "without the key 'report'");
  }
  return json;
}

[[nodiscard]] std::string shown(const std::optional<double>& number, const std::optional<std::string>& text) {
  if (number) {
    char digits[40];
    std::snprintf(digits, sizeof digits, "%.6g", *number);
    return digits;
  }
  return text.value_or("-");
}

}  // namespace

Comparison compare(std::string_view first, const std::string& first_name, std::string_view second,
                   const std::string& second_name) {
  const Json first_json = parse(first, first_name), second_json = parse(second, second_name);
  if (first_json["report"] != second_json["report"]) {
    throw Error(ErrorCode::kInvalidArgument,
                "expected two reports of one kind, found '" + first_json["report"].get<std::string>() + "' in " +
                    first_name + " and '" + second_json["report"].get<std::string>() + "' in " + second_name);
  }
  Comparison comparison{first_name, second_name, {}};
  std::map<std::string, std::size_t> places;
  for (Leaf& leaf : Flattener(first_name).flatten(first_json)) {
    places.emplace(leaf.path, comparison.values.size());
    comparison.values.push_back({std::move(leaf.path), std::move(leaf.unit), std::move(leaf.kind), leaf.number,
                                 std::nullopt, std::move(leaf.text), std::nullopt, leaf.detail});
  }
  for (Leaf& leaf : Flattener(second_name).flatten(second_json)) {
    const auto place = places.find(leaf.path);
    if (place == places.end()) {
      comparison.values.push_back({std::move(leaf.path), std::move(leaf.unit), std::move(leaf.kind), std::nullopt,
                                   leaf.number, std::nullopt, std::move(leaf.text), leaf.detail});
      continue;
    }
    ComparedValue& value = comparison.values[place->second];
    if (value.unit.empty()) value.unit = leaf.unit;  // reports of earlier versions name fewer units
    if (value.unit != leaf.unit && !leaf.unit.empty()) {
      throw Error(ErrorCode::kInvalidArgument, value.path + ": expected one unit, found '" + value.unit + "' in " +
                                                   first_name + " and '" + leaf.unit + "' in " + second_name);
    }
    if (value.kind != leaf.kind) value.kind += "/" + leaf.kind;
    value.second_number = leaf.number;
    value.second_text = std::move(leaf.text);
  }
  return comparison;
}

nlohmann::ordered_json to_json(const Comparison& comparison) {
  Json json = {{"report", "crossweave comparison"},
               {"first", comparison.first_name},
               {"second", comparison.second_name},
               {"values", Json::array()}};
  for (const ComparedValue& value : comparison.values) {
    Json row = {{"path", value.path}};
    if (!value.unit.empty()) row["unit"] = value.unit;
    if (!value.kind.empty()) row["kind"] = value.kind;
    if (value.first_number) row["first"] = *value.first_number;
    if (value.first_text) row["first"] = *value.first_text;
    if (value.second_number) row["second"] = *value.second_number;
    if (value.second_text) row["second"] = *value.second_text;
    if (value.first_number && value.second_number) {
      row["difference"] = *value.second_number - *value.first_number;
      if (*value.first_number != 0) row["ratio"] = *value.second_number / *value.first_number;
    }
    json["values"].push_back(std::move(row));
  }
  return json;
}

void print_text(const Comparison& comparison, std::ostream& out, bool details) {
  out << "A  " << comparison.first_name << "\nB  " << comparison.second_name << "\n\n";
  char line[512];
  std::snprintf(line, sizeof line, "%-56s %14s %14s %10s  %s\n", "", "A", "B", "B / A", "unit, kind");
  out << line;
  for (const ComparedValue& value : comparison.values) {
    if (value.detail && !details) continue;
    const bool is_text = value.first_text || value.second_text;
    if (is_text) {
      if (value.equal()) continue;
      out << value.path << "\n    A  " << shown(value.first_number, value.first_text) << "\n    B  "
          << shown(value.second_number, value.second_text) << '\n';
      continue;
    }
    char ratio[32] = "-";
    if (value.first_number && value.second_number && *value.first_number != 0) {
      std::snprintf(ratio, sizeof ratio, "%.4f", *value.second_number / *value.first_number);
    }
    const std::string unit = value.unit + (value.unit.empty() || value.kind.empty() ? "" : ", ") + value.kind;
    std::snprintf(line, sizeof line, "%-56.200s %14s %14s %10s  %.100s\n", value.path.c_str(),
                  shown(value.first_number, std::nullopt).c_str(), shown(value.second_number, std::nullopt).c_str(),
                  ratio, unit.c_str());
    out << line;
  }
}

}  // namespace xw::report
