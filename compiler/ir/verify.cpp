// The rules that every graph obeys.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <unordered_set>

#include "arch/support/error.hpp"
#include "compiler/ir/graph.hpp"
#include "compiler/ir/operations.hpp"

namespace xw::ir {
namespace {

constexpr std::size_t kMaxListedProblems = 200;

/// A name as it may be shown: without control characters, not too long.
std::string printable(std::string text) {
  if (text.size() > 80) text.resize(80);
  std::replace_if(
      text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }, '?');
  return text;
}

class Verifier {
 public:
  explicit Verifier(const Graph& graph) : graph_(graph) {}

  void run() {
    check_names();
    for (const auto& [key, value] : graph_.meta) check_attribute_value("meta", key, value);
    for (index_ = 0; index_ < graph_.nodes.size(); ++index_) check_node(graph_.nodes[index_]);
    if (defined_ < graph_.values.size()) {
      problem("value %" + graph_.values[defined_].name + " (id " + std::to_string(defined_) +
              "): expected a node that defines it, found none");
    }
    if (num_inputs_ != 1) problem("expected one input node, found " + std::to_string(num_inputs_));
    if (num_outputs_ != 1) problem("expected one output node, found " + std::to_string(num_outputs_));
    finish();
  }

 private:
  void problem(const std::string& what) {
    ++num_problems_;
    if (num_problems_ <= kMaxListedProblems) problems_ += "\n  " + what;
  }
  void node_problem(const std::string& what) {
    problem("node " + std::to_string(index_) + " (" + std::string(name(graph_.nodes[index_].kind)) + "): " + what);
  }
  void expect(bool condition, const std::string& expected, const std::string& found) {
    if (!condition) node_problem("expected " + expected + ", found " + found);
  }

  void check_names() {
    std::unordered_set<std::string_view> seen;
    for (const Value& value : graph_.values) {
      if (!is_value_name(value.name)) {
        problem("value name '" + printable(value.name) + "': expected letters, digits, '_' and '.'");
      } else if (!seen.insert(value.name).second) {
        problem("value %" + value.name + ": expected a unique name, found two values of that name");
      }
      if (value.features == 0 || value.features > kMaxFeatures) {
        problem("value %" + value.name + ": expected 1 to " + std::to_string(kMaxFeatures) + " features, found " +
                std::to_string(value.features));
      }
    }
  }

  void check_attribute_value(const std::string& where, const std::string& key, const Attribute& attribute) {
    const std::string place = where + ": attribute '" + key + "': ";
    if (!is_key(key)) problem(place + "expected a key of letters, digits and '_'");
    if (const auto* number = std::get_if<double>(&attribute); number != nullptr && !std::isfinite(*number)) {
      problem(place + "expected a finite number, found " + std::to_string(*number));
    }
    if (const auto* list = std::get_if<std::vector<double>>(&attribute)) {
      const bool finite = std::all_of(list->begin(), list->end(), [](double v) { return std::isfinite(v); });
      if (!finite) problem(place + "expected finite numbers");
    }
    if (const auto* tensor = std::get_if<TensorRef>(&attribute)) {
      if (tensor->tensor.empty()) problem(place + "expected the name of a tensor, found an empty one");
      const bool whole = tensor->row_begin == 0 && tensor->all_rows();
      if (!whole && tensor->row_begin >= tensor->row_end) {
        problem(place + "expected a row range, found [" + std::to_string(tensor->row_begin) + ":" +
                std::to_string(tensor->row_end) + "]");
      }
    }
  }

  /// True if the node may be looked at further.
  bool check_signature(const Node& node) {
    const Operation& op = operation(node.kind);
    bool usable = true;
    if (node.inputs.size() != op.num_inputs) {
      node_problem("expected " + std::to_string(op.num_inputs) + " inputs, found " +
                   std::to_string(node.inputs.size()));
      usable = false;
    }
    if (node.results.size() < op.min_results || node.results.size() > op.max_results) {
      node_problem("expected " + std::to_string(op.min_results) +
                   (op.max_results == op.min_results ? "" : " to " + std::to_string(op.max_results)) +
                   " results, found " + std::to_string(node.results.size()));
      usable = false;
    }
    for (const ValueId id : node.inputs) {
      if (id >= graph_.values.size()) {
        node_problem("input id " + std::to_string(id) + ": expected one of " + std::to_string(graph_.values.size()) +
                     " values");
        usable = false;
      } else if (id >= defined_) {
        node_problem("input %" + graph_.values[id].name + ": expected a value defined before, found an undefined one");
      }
    }
    for (const ValueId id : node.results) {
      if (id >= graph_.values.size()) {
        node_problem("result id " + std::to_string(id) + ": expected one of " + std::to_string(graph_.values.size()) +
                     " values");
        usable = false;
      } else if (id < defined_) {
        node_problem("result %" + graph_.values[id].name + ": expected a new value, found one that is defined before");
      } else if (id > defined_) {
        node_problem("result %" + graph_.values[id].name + ": expected ids in order of definition (" +
                     std::to_string(defined_) + "), found " + std::to_string(id));
      }
      if (id < graph_.values.size()) defined_ = std::max<std::size_t>(defined_, std::size_t{id} + 1);
    }
    return check_attributes(node, op) && usable;
  }

  bool check_attributes(const Node& node, const Operation& op) {
    bool usable = true;
    for (const AttributeSpec& spec : op.attributes) {
      const auto found = node.attributes.find(std::string(spec.key));
      if (found == node.attributes.end()) {
        if (!spec.required) continue;
        node_problem("attribute '" + std::string(spec.key) + "': expected " + std::string(name(spec.type)) +
                     ", found none");
        usable = false;
      } else if (!has_type(found->second, spec.type)) {
        node_problem("attribute '" + found->first + "': expected " + std::string(name(spec.type)) + ", found " +
                     std::string(type_name(found->second)));
        usable = false;
      }
    }
    for (const auto& attribute : node.attributes) {
      const std::string& key = attribute.first;
      check_attribute_value("node " + std::to_string(index_) + " (" + std::string(op.name) + ")", key,
                            attribute.second);
      const bool known = std::any_of(op.attributes.begin(), op.attributes.end(),
                                     [&](const AttributeSpec& spec) { return spec.key == key; });
      if (!known) node_problem("attribute '" + key + "': unknown to this operation");
    }
    return usable;
  }

  std::uint32_t input_features(const Node& node, std::size_t k) const { return graph_.values[node.inputs[k]].features; }
  std::uint32_t result_features(const Node& node) const { return graph_.values[node.results[0]].features; }

  void expect_features(const std::string& what, std::uint64_t expected, std::uint64_t found) {
    expect(expected == found, what + " with " + std::to_string(expected) + " features", std::to_string(found));
  }
  void expect_rows(const Node& node, const std::string& key, std::uint64_t rows) {
    const TensorRef& tensor = attr_tensor(node, key);
    if (tensor.all_rows()) return;
    const std::uint64_t found = tensor.rows(0).size();
    expect(found == rows, "'" + key + "' with " + std::to_string(rows) + " rows", std::to_string(found));
  }

  void check_node(const Node& node) {
    num_inputs_ += node.kind == OpKind::kInput ? 1 : 0;
    num_outputs_ += node.kind == OpKind::kOutput ? 1 : 0;
    if (!check_signature(node)) return;
    switch (node.kind) {
      case OpKind::kInput:
        expect_features("a result", 1, result_features(node));
        break;
      case OpKind::kEmbedding:
        expect_features("an input", 1, input_features(node, 0));
        break;
      case OpKind::kRmsNorm:
        expect_features("a result", input_features(node, 0), result_features(node));
        expect(attr_float(node, "eps") >= 0, "eps >= 0", std::to_string(attr_float(node, "eps")));
        if (has_attr(node, "add_unit")) {
          const std::int64_t add_unit = attr_int(node, "add_unit");
          expect(add_unit == 0 || add_unit == 1, "add_unit 0 or 1", std::to_string(add_unit));
        }
        if (has_attr(node, "groups")) {
          const std::int64_t groups = attr_int(node, "groups");
          expect(groups >= 1 && input_features(node, 0) % groups == 0,
                 "groups that divide " + std::to_string(input_features(node, 0)) + " features", std::to_string(groups));
        }
        break;
      case OpKind::kLinear:
        expect_rows(node, "weight", result_features(node));
        if (has_attr(node, "bias")) expect_rows(node, "bias", result_features(node));
        expect(!attr_string(node, "name").empty(), "a name", "an empty one");
        if (has_attr(node, "digital")) {
          const std::int64_t digital = attr_int(node, "digital");
          expect(digital == 0 || digital == 1, "digital 0 or 1", std::to_string(digital));
        }
        if (!linears_.insert(attr_string(node, "name")).second) {
          node_problem("linear '" + attr_string(node, "name") + "': expected a unique name, found it twice");
        }
        check_digital_positions(node);
        if (has_attr(node, kReplicas)) {
          const std::int64_t count = attr_int(node, kReplicas);
          expect(count >= 1 && count <= std::int64_t{kMaxReplicas},
                 "replicas from 1 to " + std::to_string(kMaxReplicas), std::to_string(count));
        }
        break;
      case OpKind::kAimcCall: {
        const std::int64_t call = attr_int(node, "call");
        expect(call >= 0 && call <= UINT32_MAX, "a call index", std::to_string(call));
        if (!calls_.insert(call).second)
          node_problem("call " + std::to_string(call) + ": expected one node, found two");
        check_digital_positions(node);
        break;
      }
      case OpKind::kAttention:
        check_attention(node);
        break;
      case OpKind::kSwiGlu:
      case OpKind::kGeGlu:
      case OpKind::kAdd:
        expect_features("equal inputs", input_features(node, 0), input_features(node, 1));
        expect_features("a result", input_features(node, 0), result_features(node));
        break;
      case OpKind::kShift: {
        expect_features("a result", input_features(node, 0), result_features(node));
        const TensorRef& vector = attr_tensor(node, "vector");
        if (!vector.all_rows()) {
          expect(vector.rows(0).size() == result_features(node),
                 "'vector' with " + std::to_string(result_features(node)) + " elements",
                 std::to_string(vector.rows(0).size()));
        }
        break;
      }
      case OpKind::kOutput:
        break;
    }
  }

  void check_digital_positions(const Node& node) {
    if (!has_attr(node, kDigitalPositions)) return;
    const std::int64_t positions = attr_int(node, kDigitalPositions);
    expect(positions >= 0 && positions <= INT32_MAX, std::string(kDigitalPositions) + " from 0 to 2147483647",
           std::to_string(positions));
  }

  void check_attention(const Node& node) {
    const std::int64_t heads = attr_int(node, "num_heads");
    const std::int64_t kv_heads = attr_int(node, "num_kv_heads");
    const std::int64_t head_dim = attr_int(node, "head_dim");
    const auto in_range = [](std::int64_t n) { return n >= 1 && n <= std::int64_t{kMaxFeatures}; };
    const std::string found = std::to_string(heads) + ", " + std::to_string(kv_heads) + ", " + std::to_string(head_dim);
    if (!in_range(heads) || !in_range(kv_heads) || !in_range(head_dim)) {
      node_problem("expected positive num_heads, num_kv_heads and head_dim, found " + found);
      return;
    }
    expect(heads % kv_heads == 0, "num_heads to be a multiple of num_kv_heads",
           std::to_string(heads) + " and " + std::to_string(kv_heads));
    expect_features("queries", static_cast<std::uint64_t>(heads * head_dim), input_features(node, 0));
    expect_features("keys", static_cast<std::uint64_t>(kv_heads * head_dim), input_features(node, 1));
    expect_features("values", static_cast<std::uint64_t>(kv_heads * head_dim), input_features(node, 2));
    expect_features("a result", static_cast<std::uint64_t>(heads * head_dim), result_features(node));
    const std::int64_t layer = attr_int(node, "layer");
    expect(layer >= 0, "layer >= 0", std::to_string(layer));
    if (!attention_layers_.insert(layer).second)
      node_problem("layer " + std::to_string(layer) + ": expected one attention, found two");
    expect(attr_int(node, "window") >= 0, "window >= 0", std::to_string(attr_int(node, "window")));
    check_rope(node, head_dim);
  }

  void check_rope(const Node& node, std::int64_t head_dim) {
    const std::string& style = attr_string(node, "rope_style");
    if (style == "none") return;
    if (style != "half" && style != "interleaved") {
      node_problem("expected rope_style \"half\", \"interleaved\" or \"none\", found \"" + style + "\"");
      return;
    }
    if (!require(node, {"rope_dims", "rope_theta", "rope_scaling"}, "rope_style \"" + style + "\"")) return;
    const std::int64_t dims = attr_int(node, "rope_dims");
    expect(dims >= 2 && dims % 2 == 0 && dims <= head_dim, "even rope_dims from 2 to " + std::to_string(head_dim),
           std::to_string(dims));
    expect(attr_float(node, "rope_theta") > 0, "rope_theta > 0", std::to_string(attr_float(node, "rope_theta")));
    const std::string& scaling = attr_string(node, "rope_scaling");
    const std::string why = "rope_scaling \"" + scaling + "\"";
    for (const char* key : {"rope_factor", "rope_attention_factor"}) {
      if (has_attr(node, key)) expect(attr_float(node, key) > 0, std::string(key) + " > 0", "less");
    }
    if (scaling == "linear") {
      static_cast<void>(require(node, {"rope_factor"}, why));
    } else if (scaling == "llama3") {
      static_cast<void>(require(
          node, {"rope_factor", "rope_low_freq_factor", "rope_high_freq_factor", "rope_original_context"}, why));
    } else if (scaling == "longrope") {
      if (!require(node, {"rope_short", "rope_long", "rope_original_context", "rope_attention_factor"}, why)) return;
      for (const char* key : {"rope_short", "rope_long"}) {
        const std::size_t size = std::get<std::vector<double>>(node.attributes.at(key)).size();
        expect(static_cast<std::int64_t>(size) == dims / 2,
               std::string(key) + " with " + std::to_string(dims / 2) + " numbers", std::to_string(size));
      }
    } else {
      expect(scaling == "none", "rope_scaling \"none\", \"linear\", \"llama3\" or \"longrope\"", "\"" + scaling + "\"");
    }
  }

  bool require(const Node& node, std::initializer_list<const char*> keys, const std::string& why) {
    bool all = true;
    for (const char* key : keys) {
      if (has_attr(node, key)) continue;
      node_problem("attribute '" + std::string(key) + "': required by " + why + ", found none");
      all = false;
    }
    return all;
  }

  void finish() const {
    if (num_problems_ == 0) return;
    std::string message = "graph '" + printable(graph_.name) + "': " + std::to_string(num_problems_) + " problem" +
                          (num_problems_ == 1 ? "" : "s") + ":" + problems_;
    if (num_problems_ > kMaxListedProblems)
      message += "\n  and " + std::to_string(num_problems_ - kMaxListedProblems) + " more";
    throw Error(ErrorCode::kFormat, message);
  }

  const Graph& graph_;
  std::size_t index_ = 0;
  std::size_t defined_ = 0;  ///< values 0..defined_ are defined by the nodes before
  std::size_t num_inputs_ = 0, num_outputs_ = 0;
  std::set<std::int64_t> calls_, attention_layers_;
  std::set<std::string, std::less<>> linears_;
  std::size_t num_problems_ = 0;
  std::string problems_;
};

}  // namespace

void verify(const Graph& graph) {
  Verifier(graph).run();
}

}  // namespace xw::ir
