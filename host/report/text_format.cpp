// Lines and numbers of reports as text.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/report/text_format.hpp"

#include <cstdarg>
#include <cstdio>

#include "arch/support/printable.hpp"

namespace xw::report {

void line(std::ostream& out, const char* format, ...) {
  for (; *format == '\n'; ++format) out << '\n';
  va_list arguments, again;
  va_start(arguments, format);
  va_copy(again, arguments);
  const int length = std::vsnprintf(nullptr, 0, format, arguments);
  va_end(arguments);
  std::string text(static_cast<std::size_t>(length < 0 ? 0 : length) + 1, '\0');  // one more for the final zero
  std::vsnprintf(text.data(), text.size(), format, again);
  va_end(again);
  text.pop_back();
  out << printable(text) << '\n';
}

std::string scaled(double value, const char* unit) {
  static constexpr struct {
    double factor;
    const char* prefix;
  } kPrefixes[] = {{1e12, "T"}, {1e9, "G"},  {1e6, "M"},  {1e3, "k"},  {1, ""},
                   {1e-3, "m"}, {1e-6, "u"}, {1e-9, "n"}, {1e-12, "p"}};
  for (const auto& prefix : kPrefixes) {
    if (value >= prefix.factor * 0.9995 || prefix.factor == 1e-12) {
      char text[48];
      std::snprintf(text, sizeof text, "%.3g %s%s", value / prefix.factor, prefix.prefix, unit);
      return text;
    }
  }
  return "0";
}

std::string percent(double share) {
  char text[32];
  if (share > 0 && share < 0.000005) return "< 0.001 %";
  std::snprintf(text, sizeof text, share > 0 && share < 0.0005 ? "%.3f %%" : "%.1f %%", 100 * share);
  return text;
}

}  // namespace xw::report
