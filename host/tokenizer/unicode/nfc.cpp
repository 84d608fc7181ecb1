// Unicode normalization form C (Unicode Standard Annex 15).
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/tokenizer/unicode/nfc.hpp"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <utility>
#include <vector>

#include "host/tokenizer/unicode/utf8.hpp"

namespace xw::tokenizer {
namespace {

struct Class {
  std::uint32_t code_point;
  std::uint8_t combining_class;
};
struct Decomposition {
  std::uint32_t code_point, first, second;  // second 0: none
};
struct Composite {
  std::uint32_t first, second, code_point;
};

#include "host/tokenizer/unicode/nfc_tables.inc"

constexpr std::uint32_t kFirstAffected = 0x300;  // text below is in form C
constexpr std::uint32_t kHangulFirst = 0xAC00, kHangulEnd = 0xD7A4;
constexpr std::uint32_t kLFirst = 0x1100, kVFirst = 0x1161, kTFirst = 0x11A7;
constexpr std::uint32_t kLCount = 19, kVCount = 21, kTCount = 28;

std::uint8_t combining_class(std::uint32_t c) {
  if (c < kFirstAffected) return 0;
  const auto* it = std::ranges::lower_bound(kClasses, c, {}, &Class::code_point);
  return it != std::end(kClasses) && it->code_point == c ? it->combining_class : 0;
}

void decompose(std::uint32_t c, std::vector<std::uint32_t>& out) {
  if (c >= kHangulFirst && c < kHangulEnd) {
    const std::uint32_t index = c - kHangulFirst;
    out.push_back(kLFirst + index / (kVCount * kTCount));
    out.push_back(kVFirst + index % (kVCount * kTCount) / kTCount);
    if (index % kTCount != 0) out.push_back(kTFirst + index % kTCount);
    return;
  }
  const auto* it = std::ranges::lower_bound(kDecompositions, c, {}, &Decomposition::code_point);
  if (it == std::end(kDecompositions) || it->code_point != c) {
    out.push_back(c);
    return;
  }
  decompose(it->first, out);
  if (it->second != 0) out.push_back(it->second);
}

/// The primary composite of two characters, or 0.
std::uint32_t compose(std::uint32_t first, std::uint32_t second) {
  if (first >= kLFirst && first < kLFirst + kLCount && second >= kVFirst && second < kVFirst + kVCount) {
    return kHangulFirst + ((first - kLFirst) * kVCount + (second - kVFirst)) * kTCount;
  }
  const bool is_lv = first >= kHangulFirst && first < kHangulEnd && (first - kHangulFirst) % kTCount == 0;
  if (is_lv && second > kTFirst && second < kTFirst + kTCount) return first + (second - kTFirst);
  const auto key = [](const Composite& c) { return std::pair{c.first, c.second}; };
  const auto* it = std::ranges::lower_bound(kComposites, std::pair{first, second}, {}, key);
  return it != std::end(kComposites) && key(*it) == std::pair{first, second} ? it->code_point : 0;
}

/// Sorts runs of combining characters by class, then joins what has a composite.
void reorder_and_compose(std::vector<std::uint32_t>& text) {
  for (auto begin = text.begin(); begin != text.end();) {
    if (combining_class(*begin) == 0) {
      ++begin;
      continue;
    }
    const auto end = std::find_if(begin, text.end(), [](std::uint32_t c) { return combining_class(c) == 0; });
    std::stable_sort(begin, end,
                     [](std::uint32_t a, std::uint32_t b) { return combining_class(a) < combining_class(b); });
    begin = end;
  }
  std::vector<std::uint32_t> out;
  std::size_t starter = 0;
  bool has_starter = false;
  std::uint8_t last_class = 0;  // of what stands between the starter and the current character
  for (const std::uint32_t c : text) {
    const std::uint8_t current = combining_class(c);
    const bool adjacent = has_starter && starter + 1 == out.size();
    const bool reachable = has_starter && (adjacent || (last_class != 0 && last_class < current));
    if (const std::uint32_t composite = reachable ? compose(out[starter], c) : 0; composite != 0) {
      out[starter] = composite;
      continue;
    }
    if (current == 0) {
      starter = out.size();
      has_starter = true;
    }
    last_class = current;
    out.push_back(c);
  }
  text.swap(out);
}

}  // namespace

std::string to_nfc(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  std::vector<std::uint32_t> run;
  const auto flush = [&] {
    reorder_and_compose(run);
    for (const std::uint32_t c : run) append_utf8(result, c);
    run.clear();
  };
  for (std::size_t pos = 0; pos < text.size();) {
    const Utf8Char c = utf8_at(text, pos);
    if (c.valid) {
      decompose(c.code_point, run);
    } else {
      flush();
      result.push_back(text[pos]);
    }
    pos += c.length;
    // A plain character starts afresh unless something affected may follow; ASCII cuts runs short.
    if (c.valid && c.code_point < 0x80 && (pos >= text.size() || static_cast<std::uint8_t>(text[pos]) < 0x80)) flush();
  }
  flush();
  return result;
}

}  // namespace xw::tokenizer
