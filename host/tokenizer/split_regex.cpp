// Cuts text into pre-tokens with regular expressions.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/tokenizer/split_regex.hpp"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <algorithm>
#include <array>
#include <new>

#include "arch/support/error.hpp"
#include "arch/support/interrupt.hpp"
#include "host/tokenizer/unicode/utf8.hpp"

namespace xw::tokenizer {
namespace {

constexpr std::size_t kMaxPatternBytes = 16384;
constexpr std::uint32_t kMatchLimit = 10'000'000;
constexpr std::string_view kWhiteSpace =
    "\\t-\\r \\x{85}\\x{A0}\\x{1680}\\x{2000}-\\x{200A}\\x{2028}\\x{2029}\\x{202F}\\x{205F}\\x{3000}";

struct CodeDeleter {
  void operator()(pcre2_code* code) const { pcre2_code_free(code); }
};
struct MatchDataDeleter {
  void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
};
struct MatchContextDeleter {
  void operator()(pcre2_match_context* context) const { pcre2_match_context_free(context); }
};
using Code = std::unique_ptr<pcre2_code, CodeDeleter>;
using MatchData = std::unique_ptr<pcre2_match_data, MatchDataDeleter>;
using MatchContext = std::unique_ptr<pcre2_match_context, MatchContextDeleter>;

std::string error_text(int code) {
  std::array<PCRE2_UCHAR, 256> buffer{};
  pcre2_get_error_message(code, buffer.data(), buffer.size());
  return {reinterpret_cast<const char*>(buffer.data())};
}

[[noreturn]] void throw_pattern(std::string_view pattern, const std::string& reason) {
  throw Error(ErrorCode::kUnsupported,
              "tokenizer split regex \"" + std::string(pattern.substr(0, 200)) + "\": " + reason);
}

Code compile(const std::string& pattern) {
  if (pattern.size() > kMaxPatternBytes) {
    throw_pattern(pattern, "longer than " + std::to_string(kMaxPatternBytes) + " bytes");
  }
  const std::string translated = translate_pattern(pattern);
  int error = 0;
  PCRE2_SIZE offset = 0;
  Code code(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(translated.data()), translated.size(),
                          PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C, &error, &offset, nullptr));
  if (code == nullptr) throw_pattern(pattern, error_text(error));
  pcre2_jit_compile(code.get(), PCRE2_JIT_COMPLETE);  // where there is no JIT, matching is slower but the same
  return code;
}

}  // namespace

struct SplitRegexes::Impl {
  std::vector<std::string> patterns;
  std::vector<Code> codes;

  void split_run(std::size_t index, std::string_view run, pcre2_match_data* data, pcre2_match_context* context,
                 std::vector<std::string_view>& out) const {
    const PCRE2_SIZE* ends = pcre2_get_ovector_pointer(data);
    const auto subject = reinterpret_cast<PCRE2_SPTR>(run.data());
    std::size_t begin = 0;   // of what is not yet in `out`
    std::size_t search = 0;  // where the next match may start
    while (search < run.size()) {
      throw_if_interrupted();  // one match may take its whole limit
      int result = pcre2_match(codes[index].get(), subject, run.size(), search, PCRE2_NO_UTF_CHECK, data, context);
      if (result == PCRE2_ERROR_JIT_STACKLIMIT) {
        result = pcre2_match(codes[index].get(), subject, run.size(), search, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, data,
                             context);
      }
      if (result == PCRE2_ERROR_NOMATCH) break;
      if (result < 0) throw_pattern(patterns[index], error_text(result));
      const std::size_t match_begin = ends[0];
      const std::size_t match_end = ends[1];
      if (match_end <= match_begin) {  // empty (or \K beyond the end): step over one character
        const std::size_t at = std::max(search, match_end);
        search = at < run.size() ? at + utf8_at(run, at).length : run.size();
        continue;
      }
      if (match_begin < begin) throw_pattern(patterns[index], "matches before its start are not supported");
      if (match_begin > begin) out.push_back(run.substr(begin, match_begin - begin));
      out.push_back(run.substr(match_begin, match_end - match_begin));
      begin = search = match_end;
    }
    if (begin < run.size()) out.push_back(run.substr(begin));
  }
};

SplitRegexes::SplitRegexes(std::span<const std::string> patterns) : impl_(std::make_unique<Impl>()) {
  for (const std::string& pattern : patterns) {
    impl_->patterns.push_back(pattern);
    impl_->codes.push_back(compile(pattern));
  }
}
SplitRegexes::~SplitRegexes() = default;
SplitRegexes::SplitRegexes(SplitRegexes&&) noexcept = default;
SplitRegexes& SplitRegexes::operator=(SplitRegexes&&) noexcept = default;

std::vector<std::string_view> SplitRegexes::split(std::string_view text) const {
  const MatchContext context(pcre2_match_context_create(nullptr));
  const MatchData data(pcre2_match_data_create(1, nullptr));
  if (context == nullptr || data == nullptr) throw std::bad_alloc();
  pcre2_set_match_limit(context.get(), kMatchLimit);

  std::vector<std::string_view> pieces;
  std::vector<std::string_view> next;
  for (std::size_t pos = 0; pos < text.size();) {
    const std::size_t valid = valid_prefix_length(text, pos);
    if (valid > 0) {
      std::vector<std::string_view> run{text.substr(pos, valid)};
      for (std::size_t i = 0; i < impl_->codes.size(); ++i) {
        next.clear();
        for (const std::string_view piece : run) impl_->split_run(i, piece, data.get(), context.get(), next);
        run.swap(next);
      }
      pieces.insert(pieces.end(), run.begin(), run.end());
      pos += valid;
    }
    std::size_t broken = pos;
    while (broken < text.size() && !utf8_at(text, broken).valid) ++broken;
    if (broken > pos) pieces.push_back(text.substr(pos, broken - pos));
    pos = broken;
  }
  return pieces;
}

std::string translate_pattern(std::string_view pattern) {
  std::string out;
  bool in_class = false;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c == '\\' && i + 1 < pattern.size()) {
      const char escaped = pattern[++i];
      if (escaped == 's') {
        out += in_class ? std::string(kWhiteSpace) : "[" + std::string(kWhiteSpace) + "]";
      } else if (escaped == 'S' && !in_class) {
        out += "[^" + std::string(kWhiteSpace) + "]";
      } else if (escaped == 'S' || escaped == 'h' || escaped == 'H' || escaped == 'Q' || escaped == 'K') {
        throw_pattern(pattern, std::string("\\") + escaped + " is not supported here");
      } else {
        out += c;
        out += escaped;
      }
      continue;
    }
    if (in_class && c == '[') {
      const std::size_t end = pattern.substr(i, 2) == "[:" ? pattern.find(":]", i + 2) : std::string_view::npos;
      if (end == std::string_view::npos) throw_pattern(pattern, "nested character classes are not supported");
      out += pattern.substr(i, end + 2 - i);
      i = end + 1;
      continue;
    }
    if (in_class && c == '&' && pattern.substr(i, 2) == "&&") {
      throw_pattern(pattern, "intersections of character classes are not supported");
    }
    out += c;
    if (in_class && c == ']') {
      in_class = false;
    } else if (!in_class && c == '[') {
      in_class = true;
      if (i + 1 < pattern.size() && pattern[i + 1] == '^') out += pattern[++i];
      if (i + 1 < pattern.size() && pattern[i + 1] == ']') out += pattern[++i];  // a leading ] is a member
    }
  }
  return out;
}

}  // namespace xw::tokenizer
