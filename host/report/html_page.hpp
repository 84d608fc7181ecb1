// Results as pages: one file with the record, the charts and what draws them; nothing is loaded from anywhere.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>

namespace xw::report {

/// Licence of something that a page holds.
struct PageLicence {
  std::string_view name, text;
};

/// What pages are made of (host/report/html), compiled in.
struct PageParts {
  std::string_view page;   ///< markup with places like @RECORD@
  std::string_view style;  ///< CSS
  std::span<const std::string_view> scripts;
  std::span<const PageLicence> licences;
  bool charts = false;  ///< the charting library is among the scripts
};
[[nodiscard]] const PageParts& page_parts();

/// Throws Error{kUnsupported} saying how to get it if this build has no charting library.
void check_html_pages();

/// `record` is the JSON output of a command with its key "about" (docs/schemas). The page holds all of it and shows it by its "about.output". Any
/// text may stand in it. Throws what check_html_pages() does.
[[nodiscard]] std::string html_page(const nlohmann::ordered_json& record);

}  // namespace xw::report
