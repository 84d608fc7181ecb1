// Losses of layers and of plans.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/plan/losses.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "arch/support/error.hpp"
#include "host/toolchain/sensitivity/report.hpp"

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

}  // namespace

ModelLosses parse_losses(const std::string& text, const std::string& origin) {
  const Json json = parse_sensitivity(text, origin, "--json");
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
  for (const SensitivityBy by : {SensitivityBy::kCall, SensitivityBy::kKind, SensitivityBy::kLayer}) {
    std::map<std::string, LayerLoss> known;
    for (const PartLoss& part : losses.parts) {
      if (part.by == name(by)) known[part.name] = {part.alone, part.noise};
    }
    if (known.empty()) continue;
    std::vector<std::string> groups;  // by matrix
    std::map<std::string, double> macs;
    for (const program::MatrixInfo& matrix : layers.manifest.matrices) {
      groups.push_back(group_of(layers.manifest.calls[matrix.call].name, by));
      macs[groups.back()] += static_cast<double>(matrix.in_features) * matrix.out_features;
    }
    std::map<std::string, LayerLoss> result;
    for (std::size_t m = 0; m < groups.size(); ++m) {
      const program::MatrixInfo& matrix = layers.manifest.matrices[m];
      const auto found = known.find(groups[m]);
      if (found == known.end()) continue;
      const double share = static_cast<double>(matrix.in_features) * matrix.out_features / macs[groups[m]];
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
