// The graph of an adapted model.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/passes/rewrite_sites.hpp"

#include <utility>

namespace xw::passes {
namespace {

using Attributes = std::map<std::string, ir::Attribute>;

class Rewriter {
 public:
  Rewriter(const ir::Graph& graph, std::span<const Site> sites, std::span<const SiteForm> forms)
      : graph_(graph), sites_(sites), forms_(forms), new_id_(graph.values.size(), 0), rests_(sites.size()) {
    for (std::size_t s = 0; s < sites.size(); ++s) {
      for (const std::size_t reader : sites[s].readers) site_of_[reader] = s;
      if (sites[s].fold == FoldKind::kNorm) norm_of_[sites[s].folds_into] = s;
      if (sites[s].fold == FoldKind::kProduct || sites[s].fold == FoldKind::kAttention)
        scaled_[sites[s].folds_into] = s;
    }
  }

  ir::Graph run() {
    result_.name = graph_.name;
    result_.meta = graph_.meta;
    for (std::size_t n = 0; n < graph_.nodes.size(); ++n) {
      const ir::Node& node = graph_.nodes[n];
      if (const auto found = site_of_.find(n); found != site_of_.end()) {
        add_reader(node, found->second);
      } else {
        add_copy(n, node);
      }
    }
    return std::move(result_);
  }

 private:
  struct Rest {
    bool made = false;
    ir::ValueId chip = 0;        ///< what the chip's layers read
    ir::ValueId directions = 0;  ///< V x
  };

  void add_copy(std::size_t n, const ir::Node& node) {
    Attributes attributes = node.attributes;
    if (const auto norm = norm_of_.find(n); norm != norm_of_.end()) {
      attributes["weight"] = ir::TensorRef{norm_tensor(sites_[norm->second])};
      attributes.erase("add_unit");
    }
    if (scaled_.contains(n)) name_tensors(attributes);
    std::vector<ir::ValueId> inputs;
    for (const ir::ValueId id : node.inputs) inputs.push_back(new_id_[id]);
    std::vector<std::uint32_t> features;
    for (const ir::ValueId id : node.results) features.push_back(graph_.values[id].features);
    const ir::ValueId first = result_.add(node.kind, std::move(inputs), std::move(attributes), "", features);
    for (std::size_t k = 0; k < node.results.size(); ++k) {
      new_id_[node.results[k]] = first + static_cast<ir::ValueId>(k);
      result_.values[first + k].name = graph_.values[node.results[k]].name;
    }
  }

  static void name_tensors(Attributes& attributes) {
    const std::string& name = std::get<std::string>(attributes.at("name"));
    attributes["weight"] = ir::TensorRef{weight_tensor(name)};
    if (attributes.contains("bias")) attributes["bias"] = ir::TensorRef{bias_tensor(name)};
  }

  ir::ValueId add_digital(ir::ValueId x, const std::string& name, const std::string& tensor, const std::string& bias,
                          const std::string& result, std::uint32_t features) {
    Attributes attributes = {{"name", name}, {"weight", ir::TensorRef{tensor}}, {"digital", std::int64_t{1}}};
    if (!bias.empty()) attributes["bias"] = ir::TensorRef{bias};
    return result_.add(ir::OpKind::kLinear, {x}, std::move(attributes), result, {features});
  }

  void make_rest(std::size_t s) {
    Rest& rest = rests_[s];
    if (rest.made) return;
    rest.made = true;
    const Site& site = sites_[s];
    const SiteForm& form = forms_[s];
    const std::string& value = graph_.values[site.value].name;
    const ir::ValueId x = new_id_[site.value];
    rest.chip = x;
    if (form.rank > 0) {
      rest.directions =
          add_digital(x, site.name + ".directions", directions_tensor(site), "", value + ".directions", form.rank);
      const ir::ValueId removed =
          add_digital(rest.directions, site.name + ".removal", removal_tensor(site),
                      form.centred ? shift_tensor(site) : "", value + ".removed", site.features);
      rest.chip = result_.add(ir::OpKind::kAdd, {x, removed}, {}, value + ".rest", {site.features});
    } else if (form.centred) {
      rest.chip = result_.add(ir::OpKind::kShift, {x}, {{"vector", ir::TensorRef{shift_tensor(site)}}}, value + ".rest",
                              {site.features});
    }
  }

  void add_reader(const ir::Node& node, std::size_t s) {
    make_rest(s);
    const SiteForm& form = forms_[s];
    const std::string& name = ir::attr_string(node, "name");
    const std::string& value = graph_.values[node.results[0]].name;
    const std::uint32_t features = graph_.values[node.results[0]].features;
    Attributes attributes = node.attributes;
    if (form.centred) attributes["bias"] = ir::TensorRef{bias_tensor(name)};
    name_tensors(attributes);
    ir::ValueId y = result_.add(ir::OpKind::kLinear, {rests_[s].chip}, std::move(attributes),
                                form.rank > 0 ? value + ".chip" : value, {features});
    if (form.rank > 0) {
      const ir::ValueId beside =
          add_digital(rests_[s].directions, name + ".bypass", bypass_tensor(name), "", value + ".beside", features);
      y = result_.add(ir::OpKind::kAdd, {y, beside}, {}, value, {features});
    }
    new_id_[node.results[0]] = y;
  }

  const ir::Graph& graph_;
  std::span<const Site> sites_;
  std::span<const SiteForm> forms_;
  ir::Graph result_;
  std::vector<ir::ValueId> new_id_;
  std::vector<Rest> rests_;
  std::map<std::size_t, std::size_t> site_of_, norm_of_, scaled_;  ///< by node
};

}  // namespace

std::string norm_tensor(const Site& site) {
  return site.name + ".norm";
}
std::string directions_tensor(const Site& site) {
  return site.name + ".directions";
}
std::string removal_tensor(const Site& site) {
  return site.name + ".removal";
}
std::string shift_tensor(const Site& site) {
  return site.name + ".shift";
}
std::string weight_tensor(const std::string& linear) {
  return linear + ".weight";
}
std::string bias_tensor(const std::string& linear) {
  return linear + ".bias";
}
std::string bypass_tensor(const std::string& linear) {
  return linear + ".bypass";
}

ir::Graph rewrite_sites(const ir::Graph& graph, std::span<const Site> sites, std::span<const SiteForm> forms) {
  return Rewriter(graph, sites, forms).run();
}

}  // namespace xw::passes
