// Losses of layers and of plans.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/plan/losses.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "arch/support/error.hpp"

namespace xw::toolchain {
namespace {

using Json = nlohmann::json;

double number(const Json& object, const char* key, const std::string& origin) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_object() || !found->contains("mean") || !found->at("mean").is_number()) {
    throw Error(ErrorCode::kFormat, origin + ": \"" + key +
                                        "\": expected { \"mean\": number } as `crossweave sensitivity --json` writes "
                                        "it, found none");
  }
  return found->at("mean").get<double>();
}

/// "layers.3.qkv" -> "qkv"; a name of another form is its own kind.
std::string kind_of(const std::string& call) {
  const std::size_t dot = call.starts_with("layers.") ? call.find('.', 7) : std::string::npos;
  return dot == std::string::npos ? call : call.substr(dot + 1);
}
std::string layer_of(const std::string& call) {
  const std::size_t dot = call.starts_with("layers.") ? call.find('.', 7) : std::string::npos;
  return dot == std::string::npos ? call : call.substr(0, dot);
}

}  // namespace

ModelLosses parse_losses(const std::string& text, const std::string& origin) {
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object() || !json.contains("groups") || !json["groups"].is_array()) {
    throw Error(ErrorCode::kFormat,
                origin + ": expected a report of `crossweave sensitivity --json=FILE`, found something else");
  }
  ModelLosses losses;
  losses.all = number(json, "all", origin);
  losses.noise = losses.all - number(json, "ranges", origin);
  for (const Json& group : json["groups"]) {
    if (!group.is_object() || !group.contains("by") || !group["by"].is_string() || !group.contains("name") ||
        !group["name"].is_string()) {
      throw Error(ErrorCode::kFormat, origin + ": expected groups with \"by\" and \"name\", found one without");
    }
    losses.parts.push_back({group["by"].get<std::string>(), group["name"].get<std::string>(),
                            number(group, "alone", origin), number(group, "noise", origin)});
  }
  return losses;
}

std::map<std::string, LayerLoss> layer_losses(const ModelLosses& losses, const PlannedLayers& layers) {
  for (const char* by : {"call", "kind", "layer"}) {
    std::map<std::string, LayerLoss> known;
    for (const PartLoss& part : losses.parts) {
      if (part.by == by) known[part.name] = {part.alone, part.noise};
    }
    if (known.empty()) continue;
    std::vector<std::string> group_of;  // by matrix
    std::map<std::string, double> macs;
    for (const program::MatrixInfo& matrix : layers.manifest.matrices) {
      const std::string& call = layers.manifest.calls[matrix.call].name;
      group_of.push_back(by == std::string("call") ? call : by == std::string("kind") ? kind_of(call) : layer_of(call));
      macs[group_of.back()] += static_cast<double>(matrix.in_features) * matrix.out_features;
    }
    std::map<std::string, LayerLoss> result;
    for (std::size_t m = 0; m < group_of.size(); ++m) {
      const program::MatrixInfo& matrix = layers.manifest.matrices[m];
      const auto found = known.find(group_of[m]);
      if (found == known.end()) continue;
      const double share = static_cast<double>(matrix.in_features) * matrix.out_features / macs[group_of[m]];
      result[matrix.name] = {share * found->second.alone, share * found->second.noise};
    }
    return result;
  }
  return {};
}

double expected_loss(const ModelLosses& losses, const std::map<std::string, LayerLoss>& by_layer,
                     const PlannedLayers& layers) {
  std::map<std::string, std::uint32_t> copies;
  for (const program::MatrixInfo& matrix : layers.manifest.matrices) copies[matrix.name] = matrix.replicas;
  double saved = 0;
  for (const auto& [name, loss] : by_layer) {
    const auto found = copies.find(name);
    saved += found == copies.end() ? loss.alone : loss.noise * (1 - 1.0 / found->second);
  }
  return std::max(0.0, losses.all - saved);
}

}  // namespace xw::toolchain
