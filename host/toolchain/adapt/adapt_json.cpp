// What an adaptation did, for people and scripts.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/adapt/adapt_json.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace xw::toolchain {
namespace {

double decibel(double ratio) {
  return 10 * std::log10(ratio);
}

/// "model.layers.3.mlp.down_proj" -> "down_proj".
std::string kind_of(const std::string& layer) {
  const std::size_t dot = layer.rfind('.');
  return dot == std::string::npos ? layer : layer.substr(dot + 1);
}

/// Every step is a plan of its own: the Pareto front of expected loss against digital work and tiles.
nlohmann::ordered_json search_json(const AdaptSummary& summary) {
  double loss = 0;
  for (const passes::SiteOffer& offer : summary.offers) loss += passes::expected_loss(offer, {});
  nlohmann::ordered_json steps = nlohmann::ordered_json::array();
  for (const passes::SpendingStep& step : summary.search) {
    const passes::SiteOffer& offer = summary.offers[step.site];
    steps.push_back({{"site", summary.sites[step.site].name},
                     {"rank", offer.ranks[step.choice.rank_index]},
                     {"replicas", step.choice.replicas},
                     {"expected_loss_nats", step.loss},
                     {"digital_macs", step.macs},
                     {"extra_tiles", step.tiles}});
  }
  return {{"expected_loss_nats_before", loss}, {"steps", std::move(steps)}};
}

}  // namespace

std::vector<AdaptedKind> by_kind(const AdaptSummary& summary) {
  std::vector<AdaptedKind> kinds;
  std::vector<double> counts;
  for (const AdaptedSite& site : summary.sites) {
    for (const AdaptedLayer& layer : site.layers) {
      const std::string name = kind_of(layer.name);
      auto found = std::find_if(kinds.begin(), kinds.end(), [&](const AdaptedKind& kind) { return kind.name == name; });
      if (found == kinds.end()) {
        kinds.push_back({name, 0, 0, 0, 0});
        counts.push_back(0);
        found = kinds.end() - 1;
      }
      found->noise_before_db += layer.noise_before;
      found->noise_after_db += layer.noise_after;
      found->change_db += layer.change;
      found->clip_level += layer.clip_level;
      ++counts[static_cast<std::size_t>(found - kinds.begin())];
    }
  }
  for (std::size_t k = 0; k < kinds.size(); ++k) {
    kinds[k].noise_before_db = decibel(kinds[k].noise_before_db / counts[k]);
    kinds[k].noise_after_db = decibel(kinds[k].noise_after_db / counts[k]);
    kinds[k].change_db = decibel(kinds[k].change_db / counts[k]);
    kinds[k].clip_level /= counts[k];
  }
  return kinds;
}

nlohmann::ordered_json adapt_json(const AdaptSummary& summary, const std::filesystem::path& output) {
  nlohmann::ordered_json json;
  json["crossweave_adaptation"] = 1;
  json["output"] = output.string();
  json["tokens"] = summary.tokens;
  json["seconds"] = summary.seconds;
  json["macs"] = {{"analog", summary.analog_macs}, {"digital", summary.digital_macs}};
  for (const SortedFeatures& group : summary.sorted) {
    json["sorted_rows"].push_back({{"features", group.features},
                                   {"sites", group.sites},
                                   {"noise_over_signal_before", group.noise_before},
                                   {"noise_over_signal_after", group.noise_after}});
  }
  json["sites"] = nlohmann::ordered_json::array();
  for (const AdaptedSite& site : summary.sites) {
    nlohmann::ordered_json layers = nlohmann::ordered_json::array();
    for (const AdaptedLayer& layer : site.layers) {
      layers.push_back({{"name", layer.name},
                        {"noise_over_signal_before", layer.noise_before},
                        {"noise_over_signal_after", layer.noise_after},
                        {"clipping_over_signal", layer.change},
                        {"clip_level", layer.clip_level}});
    }
    json["sites"].push_back({{"name", site.name},
                             {"input_strength", site.strengths.inputs},
                             {"weight_strength", site.strengths.weights},
                             {"power_taken_from_the_chip", site.held},
                             {"rank", site.rank},
                             {"replicas", site.replicas},
                             {"layers", std::move(layers)}});
  }
  if (!summary.offers.empty()) json["search"] = search_json(summary);
  return json;
}

}  // namespace xw::toolchain
