// Checked access to TOML tables, on toml++.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "arch/description/table_reader.hpp"

#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <utility>

#include "arch/support/printable.hpp"

namespace xw::arch {

namespace {

constexpr std::size_t kMaxTextBytes = std::size_t{1} << 20;
constexpr std::size_t kMaxShownCharacters = 60;
constexpr std::size_t kMaxIdentifier = 64;
constexpr std::size_t kMaxWithOptions = std::size_t{256} << 10;

std::string number_text(double value) {
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%.9g", value);
  return text.data();
}

/// Text of a file as it may be printed, and short.
std::string shown(std::string_view text) {
  return "'" + printable(text.substr(0, kMaxShownCharacters)) + (text.size() > kMaxShownCharacters ? "...'" : "'");
}

std::string shown(const toml::node& node) {
  if (const auto* value = node.as_string()) return "the string " + shown(std::string_view(value->get()));
  if (const auto* value = node.as_integer()) return std::to_string(value->get());
  if (const auto* value = node.as_floating_point()) return number_text(value->get());
  if (const auto* value = node.as_boolean()) return value->get() ? "true" : "false";
  if (node.is_table()) return "a table";
  if (node.is_array()) return "an array";
  return "a date or time";
}

/// Starts with a letter or digit and has only these and `others`.
bool is_made_of(std::string_view text, std::string_view others) {
  const auto alphanumeric = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  return !text.empty() && alphanumeric(text.front()) && std::all_of(text.begin(), text.end(), [&](char c) {
    return alphanumeric(c) || others.find(c) != std::string_view::npos;
  });
}

std::string range_text(std::uint64_t low, std::uint64_t high) {
  return "an integer in " + std::to_string(low) + ".." + std::to_string(high);
}

toml::table parse_document(std::string_view toml_text, const std::string& origin) {
  if (toml_text.size() > kMaxTextBytes) {
    throw Error(ErrorCode::kFormat, origin + ": expected at most " + std::to_string(kMaxTextBytes) +
                                        " bytes of TOML, found " + std::to_string(toml_text.size()));
  }
  try {
    return toml::parse(toml_text);
  } catch (const toml::parse_error& error) {
    throw Error(ErrorCode::kFormat, origin + ":" + std::to_string(error.source().begin.line) +
                                        ": not TOML: " + std::string(error.description()));
  }
}

/// The byte of a place; columns count characters.
std::size_t offset_of(std::string_view text, toml::source_position place) {
  std::size_t at = 0;
  for (toml::source_index line = 1; line < place.line && at < text.size(); ++line) {
    at = std::min(text.find('\n', at), text.size() - 1) + 1;
  }
  const auto continues = [&](std::size_t i) { return (static_cast<unsigned char>(text[i]) & 0xC0U) == 0x80U; };
  for (toml::source_index column = 1; column < place.column && at < text.size(); ++column) {
    ++at;
    while (at < text.size() && continues(at)) ++at;
  }
  return at;
}

}  // namespace

struct TableReader::Document {
  std::string origin;
  toml::table root;
};

struct TableReader::Node {
  const toml::table* table = nullptr;
  std::string prefix;  // "chip.timing."
  std::vector<std::string> known;
};

TableReader::TableReader(std::string_view toml_text, const std::string& origin)
    : document_(std::make_shared<Document>()), node_(std::make_unique<Node>()) {
  document_->origin = origin;
  document_->root = parse_document(toml_text, origin);
  node_->table = &document_->root;
}

TableReader::TableReader(std::shared_ptr<Document> document, std::unique_ptr<Node> node)
    : document_(std::move(document)), node_(std::move(node)) {}

TableReader::~TableReader() = default;
TableReader::TableReader(TableReader&&) noexcept = default;

std::string TableReader::place(std::string_view key) const {
  const toml::node* node = node_->table->get(key);
  if (node == nullptr) node = node_->table;
  std::string text = document_->origin;
  if (const auto line = node->source().begin.line; line > 0) text += ":" + std::to_string(line);
  const std::string full = shown(node_->prefix + std::string(key));
  return text + ": " + full.substr(1, full.size() - 2);
}

void TableReader::fail(std::string_view key, const std::string& expected, const std::string& found) const {
  throw Error(ErrorCode::kFormat, place(key) + ": expected " + expected + ", found " + found);
}

void TableReader::missing(std::string_view key, const std::string& expected) const {
  fail(key, expected, "nothing");
}

void TableReader::reject(std::string_view key, const std::string& expected, const std::string& found) const {
  fail(key, expected, found);
}

void TableReader::known(std::string_view key) {
  node_->known.emplace_back(key);
}

bool TableReader::has(std::string_view key) const {
  return node_->table->contains(key);
}

TableReader TableReader::table(std::string_view key) {
  known(key);
  const toml::node* node = node_->table->get(key);
  if (node == nullptr) missing(key, "a table");
  if (!node->is_table()) fail(key, "a table", shown(*node));
  auto child = std::make_unique<Node>();
  child->table = node->as_table();
  child->prefix = node_->prefix + std::string(key) + ".";
  return {document_, std::move(child)};
}

std::uint64_t TableReader::integer(std::string_view key, std::uint64_t low, std::uint64_t high) {
  known(key);
  const toml::node* node = node_->table->get(key);
  if (node == nullptr) missing(key);
  const auto* value = node->as_integer();
  if (value == nullptr) fail(key, range_text(low, high), shown(*node));
  const std::int64_t found = value->get();
  if (found < 0 || static_cast<std::uint64_t>(found) < low || static_cast<std::uint64_t>(found) > high) {
    reject(key, range_text(low, high), std::to_string(found));
  }
  return static_cast<std::uint64_t>(found);
}

std::uint64_t TableReader::integer(std::string_view key, std::uint64_t low, std::uint64_t high, std::uint64_t absent) {
  known(key);
  return has(key) ? integer(key, low, high) : absent;
}

double TableReader::real(std::string_view key, RealRange range) {
  known(key);
  const toml::node* node = node_->table->get(key);
  if (node == nullptr) missing(key);
  const std::string expected = std::string("a number in ") + (range.open_low ? "(" : "[") + number_text(range.low) +
                               ", " + number_text(range.high) + "]";
  double value = 0;
  if (const auto* integer_value = node->as_integer()) {
    value = static_cast<double>(integer_value->get());
  } else if (const auto* real_value = node->as_floating_point()) {
    value = real_value->get();
  } else {
    fail(key, expected, shown(*node));
  }
  const bool above = range.open_low ? value > range.low : value >= range.low;
  if (!std::isfinite(value) || !above || value > range.high) reject(key, expected, shown(*node));
  return value;
}

double TableReader::real(std::string_view key, RealRange range, double absent) {
  known(key);
  return has(key) ? real(key, range) : absent;
}

std::string TableReader::text(std::string_view key) {
  known(key);
  const toml::node* node = node_->table->get(key);
  if (node == nullptr) missing(key);
  const auto* value = node->as_string();
  if (value == nullptr) fail(key, "a string", shown(*node));
  const std::string& found = value->get();
  const bool printable = std::none_of(found.begin(), found.end(),
                                      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
  if (!printable || found.find_first_not_of(' ') == std::string::npos) {
    fail(key, "one line of text", shown(*node));
  }
  return found;
}

std::string TableReader::text(std::string_view key, const std::string& absent) {
  known(key);
  return has(key) ? text(key) : absent;
}

std::string TableReader::identifier(std::string_view key) {
  std::string found = text(key);
  if (found.size() > kMaxIdentifier || !is_made_of(found, "-_.")) {
    fail(key, "at most 64 letters, digits, '-', '_' and '.'", shown(found));
  }
  return found;
}

std::string TableReader::identifier_with_options(std::string_view key) {
  std::string found = text(key);
  if (found.size() > kMaxWithOptions || !is_made_of(found, "-_.:=,+/@")) {
    fail(key, "at most 262144 letters, digits, '-', '_', '.', ':', '=', ',', '+', '/' and '@'", shown(found));
  }
  return found;
}

void TableReader::finish() const {
  for (const auto& [key, node] : *node_->table) {
    if (std::find(node_->known.begin(), node_->known.end(), key.str()) != node_->known.end()) continue;
    std::vector<std::string> names = node_->known;
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    std::string list;
    for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
    fail(key.str(), "one of the keys " + list, "this unknown key");
  }
}

std::string replace_text(std::string_view toml_text, std::initializer_list<std::string_view> path,
                         std::string_view value, const std::string& origin) {
  const toml::table root = parse_document(toml_text, origin);
  const toml::node* node = &root;
  std::string name;
  for (const std::string_view key : path) {
    name += (name.empty() ? "" : ".") + std::string(key);
    node = node->is_table() ? node->as_table()->get(key) : nullptr;
    if (node == nullptr) break;
  }
  if (node == nullptr || !node->is_string())
    throw Error(ErrorCode::kInvalidArgument, origin + ": " + name + ": expected a string, found none");
  const toml::source_region region = node->source();
  const std::size_t begin = offset_of(toml_text, region.begin), end = offset_of(toml_text, region.end);
  return std::string(toml_text.substr(0, begin)) + '"' + std::string(value) + '"' + std::string(toml_text.substr(end));
}

}  // namespace xw::arch
