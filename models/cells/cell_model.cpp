// The table of cell models, and how users name a model with its parameters.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "models/cells/cell_model.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>

#include "arch/support/checksum.hpp"
#include "arch/support/error.hpp"
#include "models/cells/custom.hpp"
#include "models/cells/model_list.hpp"

namespace xw::cells {
namespace {

/// The shortest text that reads back as the same number.
std::string number_text(double value) {
  std::array<char, 32> text{};
  return {text.data(), std::to_chars(text.data(), text.data() + text.size(), value).ptr};
}

/// "0..10 w_max"
std::string range_text(const Parameter& parameter) {
  return number_text(parameter.lowest) + ".." + number_text(parameter.highest) + " " + std::string(parameter.unit) +
         (parameter.whole ? ", a whole number" : "");
}

std::string parameter_names(const CellModel& model) {
  if (model.parameters.empty()) return "it has none";
  std::string names;
  for (const Parameter& parameter : model.parameters)
    names += (names.empty() ? "" : ", ") + std::string(parameter.name);
  return "it has: " + names;
}

[[noreturn]] void refuse(const CellModel& model, const std::string& what) {
  throw Error(ErrorCode::kInvalidArgument, "programming model '" + std::string(model.name) + "' " + what);
}

const CellModel& find_model(std::string_view name) {
  const std::span<const CellModel> models = cell_models();
  const auto found = std::find_if(models.begin(), models.end(), [&](const CellModel& m) { return m.name == name; });
  if (found == models.end()) {
    throw Error(ErrorCode::kInvalidArgument,
                "programming model '" + std::string(name) + "' is unknown; known: " + model_names());
  }
  return *found;
}

/// One "PARAMETER=VALUE".
void read_parameter(const CellModel& model, std::string_view text, std::vector<std::optional<double>>& values) {
  const std::size_t equals = text.find('=');
  const std::string_view name = text.substr(0, equals);
  const auto found = std::find_if(model.parameters.begin(), model.parameters.end(),
                                  [&](const Parameter& parameter) { return parameter.name == name; });
  if (found == model.parameters.end()) {
    refuse(model, "has no parameter '" + std::string(name) + "'; " + parameter_names(model));
  }
  std::optional<double>& value = values[static_cast<std::size_t>(found - model.parameters.begin())];
  if (value) refuse(model, "has '" + std::string(name) + "' twice");
  const std::string_view digits = equals == std::string_view::npos ? "" : text.substr(equals + 1);
  double number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  const bool whole = error == std::errc{} && end == digits.data() + digits.size();
  const bool fits =
      number >= found->lowest && number <= found->highest && (!found->whole || number == std::floor(number));
  if (!whole || !fits) {
    refuse(model, "has " + std::string(name) + " '" + std::string(digits) + "', must be " + range_text(*found));
  }
  value = number;
}

}  // namespace

std::span<const CellModel> cell_models() {
  static const std::vector<CellModel> models = [] {
    std::vector<CellModel> rows;
    rows.reserve(std::size(kModels));
    for (CellModel (*row)() : kModels) rows.push_back(row());
    return rows;
  }();
  return models;
}

std::string NoiseChoice::text() const {
  std::string text(model->name);
  if (!custom.empty()) text += ":" + custom;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    text += (i == 0 ? ":" : ",") + std::string(model->parameters[i].name) + "=" + number_text(parameters[i]);
  }
  return text;
}

std::string noise_file(std::string_view text) {
  const std::size_t colon = std::min(text.find(':'), text.size());
  const auto models = cell_models();
  const auto found =
      std::find_if(models.begin(), models.end(), [&](const CellModel& m) { return m.name == text.substr(0, colon); });
  if (found == models.end() || !found->is_custom) return {};
  constexpr std::string_view kKey = "table=";
  for (std::size_t begin = colon + 1; begin < text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    const std::string_view item = text.substr(begin, end - begin);
    if (item.starts_with(kKey)) return std::string(item.substr(kKey.size()));
    begin = end + 1;
  }
  return {};
}

std::string noise_label(const std::string& text) {
  constexpr std::size_t kLongest = 96, kShown = 48;
  if (text.size() <= kLongest) return text;
  return text.substr(0, kShown) + "... (" + std::to_string(text.size()) + " characters, crc32 " +
         crc32_text(crc32(std::as_bytes(std::span(text)))) + ")";
}

NoiseChoice parse_noise(std::string_view text, const std::filesystem::path& folder) {
  const std::size_t colon = text.find(':');
  const CellModel& model = find_model(text.substr(0, colon));
  if (model.is_custom) {
    return {&model, {}, colon == std::string_view::npos ? "" : parse_custom(text.substr(colon + 1), folder).text};
  }
  std::vector<std::optional<double>> values(model.parameters.size());
  if (colon != std::string_view::npos) {
    for (std::string_view rest = text.substr(colon + 1);;) {
      const std::size_t comma = rest.find(',');
      read_parameter(model, rest.substr(0, comma), values);
      if (comma == std::string_view::npos) break;
      rest.remove_prefix(comma + 1);
    }
  }
  NoiseChoice choice;
  choice.model = &model;
  for (std::size_t i = 0; i < values.size(); ++i)
    choice.parameters.push_back(values[i].value_or(model.parameters[i].fallback));
  return choice;
}

std::string model_names(bool only_drifting) {
  std::string names;
  for (const CellModel& model : cell_models()) {
    if (only_drifting && !model.drifts) continue;
    names += (names.empty() ? "" : ", ") + std::string(model.name);
  }
  return names;
}

std::string noise_help() {
  std::string help;
  for (const CellModel& model : cell_models()) {
    help += (help.empty() ? "" : "; ") + std::string(model.name);
    for (std::size_t i = 0; i < model.parameters.size(); ++i) {
      const Parameter& parameter = model.parameters[i];
      help += (i == 0 ? ":" : ",") + std::string(parameter.name) + "=" + number_text(parameter.fallback);
    }
    help += " (" + std::string(model.summary);
    for (const Parameter& parameter : model.parameters) {
      help += "; " + std::string(parameter.name) + ": " + std::string(parameter.meaning) + ", " + range_text(parameter);
    }
    help += ")";
  }
  return help;
}

}  // namespace xw::cells
