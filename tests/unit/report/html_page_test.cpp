// Pages: what stands in a record stays text, and nothing is loaded from anywhere.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/report/html_page.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <regex>
#include <string>

#include "arch/support/error.hpp"

namespace xw::report {
namespace {

using Json = nlohmann::ordered_json;

[[nodiscard]] Json record_with(const std::string& text) {
  return {{"about",
           {{"output", "report"},
            {"schema", 1},
            {"tool_version", "1.2.3"},
            {"contract", "00"},
            {"command", {"crossweave", "report", text}},
            {"inputs", Json::array()}}},
          {"model", text},
          {"chip", "afm-512"},
          {text, 1.5}};
}

/// Content of the script element with this id: up to the first thing that a browser takes for its end.
[[nodiscard]] std::string script(const std::string& page, const std::string& id) {
  const std::size_t tag = page.find("id=\"" + id + "\">");
  if (tag == std::string::npos) return "";
  const std::size_t begin = page.find('>', tag) + 1;
  return page.substr(begin, page.find("</script", begin) - begin);
}

[[nodiscard]] std::size_t count(const std::string& text, const std::string& what) {
  std::size_t found = 0;
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++found;
  return found;
}

class HtmlPage : public testing::Test {
 protected:
  void SetUp() override {
    if (!page_parts().charts) GTEST_SKIP() << "built without the charting library (scripts/fetch_charts.sh)";
  }
};

TEST(HtmlPages, ABuildWithoutChartsSaysWhatIsMissing) {
  if (page_parts().charts) {
    EXPECT_NO_THROW(check_html_pages());
    return;
  }
  try {
    static_cast<void>(html_page(record_with("model")));
    FAIL() << "a page without charts";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
    EXPECT_THAT(error.what(), testing::HasSubstr("scripts/fetch_charts.sh"));
  }
}

TEST_F(HtmlPage, HoldsTheRecordWhateverItsTextsAre) {
  for (const std::string& text :
       {std::string("model"), std::string("</script><script>alert(1)</script>"), std::string("<!-- <script> --> ]]>"),
        std::string("</title></style><img src=x onerror=alert(1)>"), std::string("\"'&amp;&lt;\\u003c \\"),
        std::string("@RECORD@ @SCRIPTS@ @TITLE@"), std::string("tab\tnew\nline \x01 end"),
        std::string("\xe2\x80\xa8\xe2\x80\xa9 caf\xc3\xa9 \xf0\x9f\xa7\xae")}) {
    SCOPED_TRACE(text);
    const Json record = record_with(text);
    const std::string page = html_page(record);
    EXPECT_EQ(Json::parse(script(page, "record")), record);
    const std::string plain = html_page(record_with("model"));
    for (const char* what : {"<script", "</script", "<!--", "<img", "</title"}) {
      EXPECT_EQ(count(page, what), count(plain, what)) << what;
    }
  }
}

TEST_F(HtmlPage, TextsThatAreNotUtf8AreEscapedAsInJson) {
  const std::string page = html_page(record_with("bad \xff name"));
  const Json record = Json::parse(script(page, "record"));
  EXPECT_THAT(record["model"].get<std::string>(), testing::StartsWith("bad "));
  EXPECT_EQ(page.find('\xff'), std::string::npos);
}

TEST_F(HtmlPage, LoadsNothing) {
  const std::string page = html_page(record_with("model"));
  EXPECT_THAT(page, testing::HasSubstr("default-src 'none'"));
  EXPECT_THAT(page, testing::Not(testing::HasSubstr("connect-src")));
  // Outside of the library, whose functions for loading nobody calls and that rule above forbids.
  std::string own(page_parts().page);
  own += page_parts().style;
  for (const std::string_view part : page_parts().scripts) {
    if (part.find("SPDX-FileCopyrightText: The Crossweave authors") != std::string_view::npos) own += part;
  }
  ASSERT_GT(own.size(), 20'000U);
  for (const char* pattern :
       {"(src|href|action|data)\\s*=\\s*[\"'](https?:)?//", "@import", "url\\(", "<link", "\\bfetch\\(",
        "XMLHttpRequest", "\\bimport\\(", "WebSocket", "EventSource", "sendBeacon"}) {
    EXPECT_FALSE(std::regex_search(own, std::regex(pattern))) << pattern;
  }
}

TEST_F(HtmlPage, OwnScriptsMakeTextOnly) {
  for (const std::string_view part : page_parts().scripts) {
    if (part.find("SPDX-FileCopyrightText: The Crossweave authors") == std::string_view::npos) continue;
    for (const char* word :
         {"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "srcdoc"}) {
      EXPECT_EQ(part.find(word), std::string_view::npos) << word << " in " << part.substr(0, 60);
    }
  }
}

TEST_F(HtmlPage, NamesModelAndVersionAndHasTheLicences) {
  const std::string page = html_page(record_with("a < b"));
  EXPECT_THAT(page, testing::HasSubstr("<title>crossweave report: a &lt; b on afm-512</title>"));
  EXPECT_THAT(page, testing::HasSubstr("content=\"crossweave 1.2.3\""));
  EXPECT_THAT(page, testing::HasSubstr("Content-Security-Policy"));
  const Json licences = Json::parse(script(page, "licences"));
  std::string names;
  for (const Json& licence : licences) {
    names += licence["name"].get<std::string>() + ";";
    EXPECT_GT(licence["text"].get<std::string>().size(), 100U);
  }
  EXPECT_EQ(names, "d3 7.9.0;@observablehq/plot 0.6.17;Crossweave;");
}

}  // namespace
}  // namespace xw::report
