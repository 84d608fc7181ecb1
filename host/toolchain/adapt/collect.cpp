// Data for adaptation.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/adapt/collect.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <unordered_map>

#include "arch/support/error.hpp"
#include "arch/support/parallel.hpp"
#include "arch/support/progress.hpp"
#include "host/toolchain/checkpoint_source.hpp"
#include "host/transformer/kernels.hpp"
#include "host/transformer/model.hpp"

namespace xw::toolchain {
namespace {

constexpr std::size_t kKept = 512;  ///< vectors of a site that are kept for choosing converters

/// The name under which a site is observed.
const std::string& reader_name(const ir::Graph& graph, const passes::Site& site) {
  return ir::attr_string(graph.nodes[site.readers.front()], "name");
}

/// Positions of a context that no reader leaves to the chip.
std::size_t digital_positions(const ir::Graph& graph, const passes::Site& site) {
  std::int64_t positions = INT32_MAX;
  for (const std::size_t reader : site.readers) {
    const ir::Node& node = graph.nodes[reader];
    positions =
        std::min(positions, ir::has_attr(node, "digital_positions") ? ir::attr_int(node, "digital_positions") : 0);
  }
  return static_cast<std::size_t>(positions);
}

bool reads_for_logits(const ir::Graph& graph, const passes::Site& site) {
  return std::any_of(site.readers.begin(), site.readers.end(), [&](std::size_t reader) {
    return graph.nodes[reader].results[0] == graph.nodes.back().inputs[0];
  });
}

}  // namespace

std::uint64_t data_bytes(const passes::Site& site, std::uint32_t context) {
  return passes::InputStatistics::bytes(site.features, kKept) + std::uint64_t{context} * site.features * sizeof(float);
}

std::vector<SiteData> collect(const OpenedCheckpoint& opened, std::span<const passes::Site> sites,
                              std::span<const std::vector<std::int32_t>> contexts, ThreadPool& pool) {
  std::vector<SiteData> data;
  std::vector<std::vector<float>> seen(sites.size());  // vectors of the context at hand
  std::unordered_map<std::string, std::size_t> by_reader;
  transformer::LogitsOf logits = transformer::LogitsOf::kNone;
  for (const passes::Site& site : sites) {
    by_reader[reader_name(opened.graph, site)] = data.size();
    data.push_back({passes::InputStatistics(site.features, kKept), passes::Matrix(0, site.features)});
    if (reads_for_logits(opened.graph, site)) logits = transformer::LogitsOf::kAll;
  }
  transformer::Model model(opened.graph, std::make_shared<CheckpointSource>(opened.file), nullptr, pool);
  model.observe([&](const std::string& name, std::span<const float> x, std::uint32_t) {
    const auto found = by_reader.find(name);
    if (found != by_reader.end()) seen[found->second].insert(seen[found->second].end(), x.begin(), x.end());
  });
  const auto add = [&](std::size_t s) {
    const std::size_t features = sites[s].features;
    std::span<const float> x = seen[s];
    const std::size_t apart = std::min(digital_positions(opened.graph, sites[s]), x.size() / features);
    data[s].beside.data.insert(data[s].beside.data.end(), x.begin(),
                               x.begin() + static_cast<std::ptrdiff_t>(apart * features));
    data[s].beside.rows += apart;
    x = x.subspan(apart * features);
    try {
      data[s].chip.add(x, transformer::kernels().matmul_f32);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kNotFinite) throw;
      throw Error(ErrorCode::kNotFinite, opened.file->path().string() + ": the input of " +
                                             reader_name(opened.graph, sites[s]) +
                                             " on the calibration text: " + error.what());
    }
  };
  std::size_t tokens = 0;
  for (const std::vector<std::int32_t>& context : contexts) tokens += context.size();
  Progress progress("observe", tokens, "tokens");
  transformer::Session session(model);
  for (const std::vector<std::int32_t>& context : contexts) {
    session.reset();
    for (std::vector<float>& vectors : seen) vectors.clear();
    (void)session.forward(context, logits);
    pool.for_each(sites.size(), add);
    progress.advance(context.size());
  }
  return data;
}

}  // namespace xw::toolchain
