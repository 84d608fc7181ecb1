// The text form of graphs: reading.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <charconv>
#include <string>
#include <unordered_map>

#include "arch/support/error.hpp"
#include "compiler/ir/graph.hpp"
#include "compiler/ir/operations.hpp"

namespace xw::ir {
namespace {

constexpr std::size_t kMaxTextBytes = 64U << 20;
constexpr std::size_t kMaxStringBytes = 1U << 20;
constexpr std::size_t kMaxListLength = 1U << 16;
constexpr std::size_t kMaxNodes = 1U << 20;
constexpr std::size_t kMaxAttributes = 256;
constexpr std::size_t kMaxMeta = 4096;
constexpr std::size_t kMaxInputs = 16;

class Parser {
 public:
  Parser(std::string_view text, const std::string& origin) : text_(text), origin_(origin) {}

  Graph run() {
    if (text_.size() > kMaxTextBytes) {
      throw Error(ErrorCode::kFormat, origin_ + ": expected at most " + std::to_string(kMaxTextBytes) +
                                          " bytes of graph text, found " + std::to_string(text_.size()));
    }
    skip_space();
    expect_word("graph");
    graph_.name = parse_string();
    expect('{');
    while (!accept('}')) parse_item();
    if (position_ != text_.size()) fail("the end of the text");
    return std::move(graph_);
  }

 private:
  [[noreturn]] void fail(const std::string& expected) const { fail_at(position_, expected, found()); }
  [[noreturn]] void fail_at(std::size_t position, const std::string& expected, const std::string& found) const {
    std::size_t line = 1;
    std::size_t column = 1;
    for (std::size_t i = 0; i < position; ++i) {
      line += text_[i] == '\n' ? 1 : 0;
      column = text_[i] == '\n' ? 1 : column + 1;
    }
    throw Error(ErrorCode::kFormat, origin_ + ":" + std::to_string(line) + ":" + std::to_string(column) +
                                        ": expected " + expected + ", found " + found);
  }
  std::string found() const {
    if (position_ >= text_.size()) return "the end of the text";
    std::size_t end = position_;
    while (end < text_.size() && end - position_ < 24 && is_word_byte(text_[end])) ++end;
    const std::string_view shown = text_.substr(position_, end > position_ ? end - position_ : 1);
    const auto byte = static_cast<unsigned char>(shown.front());
    if (shown.size() == 1 && (byte < 0x20 || byte >= 0x7F)) return "byte " + std::to_string(byte);
    return "'" + std::string(shown) + "'";
  }

  static bool is_word_byte(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
  }
  void skip_space() {
    while (position_ < text_.size()) {
      const char c = text_[position_];
      if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
        ++position_;
      } else if (text_.substr(position_, 2) == "//") {
        while (position_ < text_.size() && text_[position_] != '\n') ++position_;
      } else {
        return;
      }
    }
  }
  bool at(char c) const { return position_ < text_.size() && text_[position_] == c; }
  bool accept(char c) {
    if (!at(c)) return false;
    ++position_;
    skip_space();
    return true;
  }
  void expect(char c) {
    if (!accept(c)) fail(std::string("'") + c + "'");
  }
  void expect_word(std::string_view word) {
    const std::size_t begin = position_;
    if (parse_word("'" + std::string(word) + "'") != word) {
      position_ = begin;
      fail("'" + std::string(word) + "'");
    }
  }
  std::string parse_word(const std::string& expected) {
    const std::size_t begin = position_;
    while (position_ < text_.size() && is_word_byte(text_[position_])) ++position_;
    if (position_ == begin) fail(expected);
    if (position_ - begin > kMaxNameBytes)
      fail_at(begin, expected + " of at most " + std::to_string(kMaxNameBytes) + " bytes",
              std::to_string(position_ - begin) + " bytes");
    std::string word(text_.substr(begin, position_ - begin));
    skip_space();
    return word;
  }
  std::string parse_key() {
    const std::size_t begin = position_;
    std::string key = parse_word("a key");
    if (!is_key(key)) fail_at(begin, "a key of letters, digits and '_'", "'" + key + "'");
    return key;
  }

  static int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
  }
  std::string parse_string() {
    if (!at('"')) fail("a string");
    const std::size_t begin = position_++;
    std::string out;
    while (!at('"')) {
      if (position_ >= text_.size()) fail_at(begin, "a closing '\"'", "the end of the text");
      if (out.size() >= kMaxStringBytes)
        fail_at(begin, "a string of at most " + std::to_string(kMaxStringBytes) + " bytes", "a longer one");
      char c = text_[position_];
      if (c == '\n') fail("'\"' before the end of the line");
      ++position_;
      if (c == '\\') c = parse_escape();
      out += c;
    }
    ++position_;
    skip_space();
    return out;
  }
  char parse_escape() {
    if (accept_raw('"')) return '"';
    if (accept_raw('\\')) return '\\';
    if (!accept_raw('x')) fail("'\"', '\\' or 'xNN' after '\\'");
    int value = 0;
    for (int i = 0; i < 2; ++i) {
      const int digit = position_ < text_.size() ? hex_digit(text_[position_]) : -1;
      if (digit < 0) fail("a hexadecimal digit");
      value = value * 16 + digit;
      ++position_;
    }
    return static_cast<char>(static_cast<unsigned char>(value));
  }
  bool accept_raw(char c) {
    if (!at(c)) return false;
    ++position_;
    return true;
  }

  /// The characters of a number; whether they are one is from_chars' business.
  std::string_view scan_number() {
    const std::size_t begin = position_;
    while (position_ < text_.size() &&
           (is_word_byte(text_[position_]) || text_[position_] == '-' || text_[position_] == '+'))
      ++position_;
    return text_.substr(begin, position_ - begin);
  }
  template <typename T>
  T parse_number(const std::string& expected) {
    const std::size_t begin = position_;
    const std::string_view digits = scan_number();
    T value{};
    const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (result.ec == std::errc::result_out_of_range)
      fail_at(begin, expected + " in range", "'" + std::string(digits.substr(0, 40)) + "'");
    if (result.ec != std::errc() || result.ptr != digits.data() + digits.size()) {
      position_ = begin;
      fail(expected);
    }
    skip_space();
    return value;
  }
  double parse_float() {
    const std::size_t begin = position_;
    const auto value = parse_number<double>("a number");
    if (value != value || value - value != 0) fail_at(begin, "a finite number", "one that is not");
    return value;
  }

  Attribute parse_attribute() {
    if (at('"')) return parse_string();
    if (accept_raw('@')) return parse_tensor();
    if (accept('[')) return parse_list();
    const std::size_t begin = position_;
    const std::string_view digits = scan_number();
    position_ = begin;
    if (digits.empty()) fail("an integer, a number, a string, a tensor or a list");
    if (digits.find_first_not_of("+-0123456789") == std::string_view::npos)
      return parse_number<std::int64_t>("an integer");
    return parse_float();
  }
  TensorRef parse_tensor() {
    TensorRef tensor;
    tensor.tensor = at('"') ? parse_string() : parse_word("the name of a tensor");
    if (accept('[')) {
      tensor.row_begin = parse_number<std::uint64_t>("the first row");
      expect(':');
      tensor.row_end = parse_number<std::uint64_t>("the row after the last");
      expect(']');
    }
    return tensor;
  }
  std::vector<double> parse_list() {
    std::vector<double> list;
    if (accept(']')) return list;
    do {
      if (list.size() >= kMaxListLength) fail("at most " + std::to_string(kMaxListLength) + " numbers in a list");
      list.push_back(parse_float());
    } while (accept(','));
    expect(']');
    return list;
  }

  void parse_entry(std::map<std::string, Attribute>& attributes, std::size_t limit) {
    const std::size_t begin = position_;
    const std::string key = parse_key();
    expect('=');
    if (attributes.size() >= limit) fail_at(begin, "at most " + std::to_string(limit) + " attributes", "more");
    if (!attributes.emplace(key, parse_attribute()).second) fail_at(begin, "every key once", "'" + key + "' again");
  }

  std::string parse_value_name() {
    if (!accept_raw('%')) fail("a value such as %x");
    return parse_word("the name of a value");
  }

  void parse_item() {
    if (position_ >= text_.size()) fail("'}'");
    Node node;
    std::vector<std::pair<std::string, std::size_t>> results;
    if (at('%')) {
      do {
        if (results.size() >= kMaxResults) fail("at most " + std::to_string(kMaxResults) + " results");
        const std::size_t begin = position_;
        results.emplace_back(parse_value_name(), begin);
      } while (accept(','));
      expect('=');
    }
    const std::size_t begin = position_;
    const std::string word = parse_word("'meta', a node or '}'");
    if (results.empty() && word == "meta") {
      parse_entry(graph_.meta, kMaxMeta);
      return;
    }
    const std::optional<OpKind> kind = kind_from(word);
    if (!kind) fail_at(begin, "an operation (" + operation_list() + ")", "'" + word + "'");
    node.kind = *kind;
    if (graph_.nodes.size() >= kMaxNodes) fail_at(begin, "at most " + std::to_string(kMaxNodes) + " nodes", "more");
    parse_inputs(node);
    if (accept('{')) {
      do {
        parse_entry(node.attributes, kMaxAttributes);
      } while (accept(','));
      expect('}');
    }
    define_results(node, results);
    graph_.nodes.push_back(std::move(node));
  }

  static std::string operation_list() {
    std::string list;
    for (const Operation& op : operations()) list += (list.empty() ? "" : ", ") + std::string(op.name);
    return list;
  }

  void parse_inputs(Node& node) {
    expect('(');
    if (accept(')')) return;
    do {
      const std::size_t begin = position_;
      if (node.inputs.size() >= kMaxInputs) fail("at most " + std::to_string(kMaxInputs) + " inputs");
      const std::string value = parse_value_name();
      const auto found = ids_.find(value);
      if (found == ids_.end()) fail_at(begin, "a value defined before", "%" + value);
      node.inputs.push_back(found->second);
    } while (accept(','));
    expect(')');
  }

  void define_results(Node& node, const std::vector<std::pair<std::string, std::size_t>>& results) {
    for (std::size_t k = 0; k < results.size(); ++k) {
      const auto& [value_name, begin] = results[k];
      expect(k == 0 ? ':' : ',');
      const auto features = parse_number<std::uint32_t>("the number of features");
      const auto id = static_cast<ValueId>(graph_.values.size());
      if (!ids_.emplace(value_name, id).second) fail_at(begin, "a new value", "%" + value_name + " again");
      node.results.push_back(id);
      graph_.values.push_back({value_name, features});
    }
  }

  std::string_view text_;
  const std::string& origin_;
  std::size_t position_ = 0;
  Graph graph_;
  std::unordered_map<std::string, ValueId> ids_;
};

}  // namespace

Graph parse(std::string_view text, const std::string& origin) {
  Graph graph = Parser(text, origin).run();
  try {
    verify(graph);
  } catch (const Error& error) {
    throw Error(error.code(), origin + ": " + error.what());
  }
  return graph;
}

}  // namespace xw::ir
