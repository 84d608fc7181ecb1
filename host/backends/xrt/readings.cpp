// Numbers in the texts with which XRT describes a card.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/backends/xrt/readings.hpp"

#include <charconv>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace xw::xrt_device {
namespace {

using Json = nlohmann::json;

/// XRT writes numbers as texts, others may write numbers.
[[nodiscard]] std::optional<double> positive(const Json& value) {
  double number = 0;
  if (value.is_number()) {
    number = value.get<double>();
  } else if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end == text.data()) return std::nullopt;
  }
  if (!(number > 0)) return std::nullopt;
  return number;
}

constexpr std::size_t kMostText = 1U << 20U;

/// Documents nest a few levels; a card's own would have to be hostile to nest more.
[[nodiscard]] Json parse(std::string_view text) {
  if (text.size() > kMostText) return {};
  const auto shallow = [](int depth, Json::parse_event_t, Json&) { return depth <= 16; };
  return Json::parse(text, shallow, false);
}

[[nodiscard]] bool is_data_clock(const Json& object) {
  const auto is = [&](const char* key, std::string_view text) {
    const auto found = object.find(key);
    return found != object.end() && found->is_string() && found->get_ref<const std::string&>() == text;
  };
  return is("id", "DATA_CLK") || is("description", "Data");
}

[[nodiscard]] std::optional<double> find_clock(const Json& json) {
  if (json.is_object() && json.contains("freq_mhz") && is_data_clock(json)) return positive(json["freq_mhz"]);
  if (!json.is_structured()) return std::nullopt;
  for (const Json& element : json) {
    if (const auto found = find_clock(element)) return found;
  }
  return std::nullopt;
}

}  // namespace

std::optional<double> power_in(std::string_view electrical) {
  const Json json = parse(electrical);
  if (!json.is_object() || !json.contains("power_consumption_watts")) return std::nullopt;
  return positive(json["power_consumption_watts"]);
}

std::optional<double> clock_in(std::string_view platform) {
  return find_clock(parse(platform));
}

}  // namespace xw::xrt_device
