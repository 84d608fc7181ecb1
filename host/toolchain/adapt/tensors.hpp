// The tensors of an adapted checkpoint: which there are, what they are made of, and writing them.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "compiler/checkpoint/safetensors_writer.hpp"
#include "compiler/passes/matrix.hpp"
#include "compiler/passes/rewrite_sites.hpp"
#include "compiler/passes/sites.hpp"
#include "host/toolchain/adapt/solve.hpp"
#include "host/toolchain/checkpoint.hpp"

namespace xw::toolchain {

/// Weights of a linear node as fp32, [out][in].
[[nodiscard]] passes::Matrix read_weights(const OpenedCheckpoint& opened, std::size_t node);
/// Bias of a linear node; empty if it has none.
[[nodiscard]] std::vector<float> read_bias(const OpenedCheckpoint& opened, std::size_t node);

/// The graph of the adapted model, and the scales of rows that follow from those of inputs.
class AdaptedTensors {
 public:
  /// `scales`: per site, one per number of Site::scale_of.
  AdaptedTensors(const OpenedCheckpoint& opened, const std::vector<passes::Site>& sites,
                 const std::vector<passes::SiteForm>& forms, const std::vector<std::vector<float>>& scales);
  [[nodiscard]] const ir::Graph& graph() const { return graph_; }
  /// Per reader of a site, one factor per output.
  [[nodiscard]] std::vector<std::vector<float>> row_scales(std::size_t site) const;
  /// Factors of the rows of a linear node.
  [[nodiscard]] std::vector<float> row_scales_of(std::size_t node) const;
  [[nodiscard]] const std::vector<passes::Site>& sites() const { return sites_; }
  [[nodiscard]] const std::vector<passes::SiteForm>& forms() const { return forms_; }
  [[nodiscard]] const std::vector<std::vector<float>>& scales() const { return scales_; }

 private:
  const OpenedCheckpoint& opened_;
  const std::vector<passes::Site>& sites_;
  const std::vector<passes::SiteForm>& forms_;
  const std::vector<std::vector<float>>& scales_;
  std::map<std::size_t, std::size_t> folded_;  ///< linear node -> site whose scales its rows take
  ir::Graph graph_;
};

/// Writes the file: what no site changes when it is opened, then the sites in their order.
class AdaptedWriter {
 public:
  AdaptedWriter(const std::filesystem::path& output, const AdaptedTensors& tensors, const OpenedCheckpoint& opened);
  void add(std::size_t site, const SolvedSite& solved);
  void finish();

 private:
  void copy(const std::string& tensor);

  const AdaptedTensors& tensors_;
  const OpenedCheckpoint& opened_;
  std::vector<std::string> copied_;          ///< tensors that stay
  std::vector<std::size_t> scaled_linears_;  ///< linears of no site whose rows are scaled
  std::optional<checkpoint::SafetensorsWriter> writer_;
};

}  // namespace xw::toolchain
