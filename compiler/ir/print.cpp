// The text form of graphs: writing.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <charconv>

#include "compiler/ir/graph.hpp"
#include "compiler/ir/operations.hpp"

namespace xw::ir {
namespace {

std::string in_quotes(std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7F) {
      out += "\\x";
      out += kHex[byte >> 4];
      out += kHex[byte & 15U];
    } else {
      out += c;
    }
  }
  return out + '"';
}

/// Shortest text that reads back as the same double and cannot be taken for an integer.
std::string number(double value) {
  std::array<char, 40> buffer{};
  const auto result = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  std::string text(buffer.data(), result.ptr);
  if (text.find_first_of(".einf") == std::string::npos) text += ".0";
  return text;
}

struct AttributePrinter {
  std::string operator()(std::int64_t value) const { return std::to_string(value); }
  std::string operator()(double value) const { return number(value); }
  std::string operator()(const std::string& value) const { return in_quotes(value); }
  std::string operator()(const TensorRef& value) const {
    std::string out = "@" + (is_value_name(value.tensor) ? value.tensor : in_quotes(value.tensor));
    if (value.row_begin == 0 && value.all_rows()) return out;
    return out + "[" + std::to_string(value.row_begin) + ":" + std::to_string(value.row_end) + "]";
  }
  std::string operator()(const std::vector<double>& values) const {
    std::string out = "[";
    for (std::size_t i = 0; i < values.size(); ++i) out += (i == 0 ? "" : ", ") + number(values[i]);
    return out + "]";
  }
};

std::string value_names(const Graph& graph, const std::vector<ValueId>& ids) {
  std::string out;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (i != 0) out += ", ";
    out +=
        "%" + (ids[i] < graph.values.size() ? graph.values[ids[i]].name : "<no value " + std::to_string(ids[i]) + ">");
  }
  return out;
}

}  // namespace

std::string print(const Graph& graph) {
  std::string out = "graph " + in_quotes(graph.name) + " {\n";
  for (const auto& [key, value] : graph.meta)
    out += "  meta " + key + " = " + std::visit(AttributePrinter{}, value) + "\n";
  for (const Node& node : graph.nodes) {
    out += "  ";
    if (!node.results.empty()) out += value_names(graph, node.results) + " = ";
    out += std::string(name(node.kind)) + "(" + value_names(graph, node.inputs) + ")";
    if (!node.attributes.empty()) {
      out += " {";
      bool first = true;
      for (const auto& [key, value] : node.attributes) {
        out += (first ? "" : ", ") + key + " = " + std::visit(AttributePrinter{}, value);
        first = false;
      }
      out += "}";
    }
    for (std::size_t k = 0; k < node.results.size(); ++k) {
      const ValueId id = node.results[k];
      out += (k == 0 ? " : " : ", ") + std::to_string(id < graph.values.size() ? graph.values[id].features : 0);
    }
    out += "\n";
  }
  return out + "}\n";
}

}  // namespace xw::ir
