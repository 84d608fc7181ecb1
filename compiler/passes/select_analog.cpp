// Which linear layers go to the chip.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/passes/select_analog.hpp"

#include "arch/support/error.hpp"

namespace xw::passes {
namespace {

constexpr std::string_view kLmHead = "lm_head";

}  // namespace

bool matches_glob(std::string_view pattern, std::string_view text) {
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = std::string_view::npos;  // last '*', to which a mismatch returns
  std::size_t resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

std::vector<std::string> select_analog(const ir::Graph& graph, bool lm_head_analog,
                                       std::span<const std::string> digital) {
  std::vector<bool> used(digital.size(), false);
  std::vector<std::string> names;
  for (const ir::Node& node : graph.nodes) {
    if (node.kind != ir::OpKind::kLinear) continue;
    if (ir::has_attr(node, "digital") && ir::attr_int(node, "digital") != 0) continue;
    const std::string& name = ir::attr_string(node, "name");
    bool analog = lm_head_analog || name != kLmHead;
    for (std::size_t i = 0; i < digital.size(); ++i) {
      if (!matches_glob(digital[i], name)) continue;
      used[i] = true;
      analog = false;
    }
    if (analog) names.push_back(name);
  }
  for (std::size_t i = 0; i < digital.size(); ++i) {
    if (!used[i]) {
      throw Error(ErrorCode::kInvalidArgument, "digital layers: expected a name or pattern of a linear layer, found '" +
                                                   digital[i] + "', which matches none (such as '" +
                                                   (names.empty() ? std::string(kLmHead) : names.front()) + "')");
    }
  }
  return names;
}

}  // namespace xw::passes
