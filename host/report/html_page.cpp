// Assembling pages.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/report/html_page.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "arch/support/error.hpp"
#include "arch/support/json_text.hpp"

namespace xw::report {

using Json = nlohmann::ordered_json;

namespace {

/// A place in the markup and what stands there.
using Place = std::pair<std::string_view, std::string>;

[[nodiscard]] std::string escaped(std::string_view text, std::span<const std::pair<char, std::string_view>> escapes) {
  std::string result;
  result.reserve(text.size() + text.size() / 16);
  for (const char c : text) {
    const auto* const found = std::find_if(escapes.data(), escapes.data() + escapes.size(),
                                           [c](const auto& escape) { return escape.first == c; });
    if (found == escapes.data() + escapes.size()) {
      result += c;
    } else {
      result += found->second;
    }
  }
  return result;
}

/// As content of an element.
[[nodiscard]] std::string as_markup(const std::string& text) {
  constexpr std::pair<char, std::string_view> kEscapes[] = {
      {'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}, {'\'', "&#39;"}};
  return escaped(as_utf8(text), kEscapes);
}

/// As content of a script element: nothing in it begins or ends an element or a comment. The same JSON.
[[nodiscard]] std::string as_script(const Json& json) {
  constexpr std::pair<char, std::string_view> kEscapes[] = {{'&', "\\u0026"}, {'<', "\\u003c"}, {'>', "\\u003e"}};
  return escaped(json_text(json, -1), kEscapes);
}

[[nodiscard]] std::string text_of(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

[[nodiscard]] std::string title_of(const Json& record) {
  std::string title = "crossweave " + text_of(record.at("about"), "output");
  if (const std::string model = text_of(record, "model"); !model.empty()) title += ": " + model;
  if (const std::string chip = text_of(record, "chip"); !chip.empty()) title += " on " + chip;
  return title;
}

[[nodiscard]] std::string scripts_of(const PageParts& parts) {
  std::string scripts;
  for (const std::string_view script : parts.scripts) {
    scripts.append("<script>\n").append(script).append("\n</script>\n");
  }
  return scripts;
}

[[nodiscard]] Json licences_of(const PageParts& parts) {
  Json list = Json::array();
  for (const PageLicence& licence : parts.licences) list.push_back({{"name", licence.name}, {"text", licence.text}});
  return list;
}

/// `markup` with what belongs to its places; what is put in is not looked through again.
[[nodiscard]] std::string filled(std::string_view markup, std::span<const Place> places) {
  std::string page;
  for (std::size_t at = 0; at < markup.size();) {
    const Place* place = nullptr;
    for (const Place& one : places) {
      if (markup.substr(at).starts_with(one.first)) place = &one;
    }
    if (place == nullptr) {
      page += markup[at++];
      continue;
    }
    page += place->second;
    at += place->first.size();
  }
  return page;
}

}  // namespace

void check_html_pages() {
  if (page_parts().charts) return;
  throw Error(ErrorCode::kUnsupported,
              "--html: this build has no charting library; run scripts/fetch_charts.sh (it needs npm) and build again, "
              "or use --json");
}

std::string html_page(const Json& record) {
  check_html_pages();
  const PageParts& parts = page_parts();
  const Place places[] = {{"@VERSION@", as_markup(text_of(record.at("about"), "tool_version"))},
                          {"@TITLE@", as_markup(title_of(record))},
                          {"@STYLE@", std::string(parts.style)},
                          {"@RECORD@", as_script(record)},
                          {"@LICENCES@", as_script(licences_of(parts))},
                          {"@SCRIPTS@", scripts_of(parts)}};
  return filled(parts.page, places);
}

}  // namespace xw::report
