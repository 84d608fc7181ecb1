// The tensors of an adapted checkpoint.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/adapt/tensors.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "arch/support/error.hpp"
#include "compiler/checkpoint/adapted.hpp"
#include "compiler/pipeline/targets.hpp"
#include "host/tokenizer/tokenizer.hpp"
#include "host/toolchain/adapt/stored.hpp"

namespace xw::toolchain {
namespace {

std::vector<float> read_vector(const OpenedCheckpoint& opened, const ir::TensorRef& reference) {
  const checkpoint::Tensor& tensor = compiler::find_tensor(*opened.file, reference);
  const std::vector<float> all = checkpoint::read_all(tensor);
  const ir::RowRange range = reference.rows(all.size());
  return {all.begin() + static_cast<std::ptrdiff_t>(range.begin), all.begin() + static_cast<std::ptrdiff_t>(range.end)};
}

std::uint32_t outputs_of(const ir::Graph& graph, std::size_t node) {
  return graph.values[graph.nodes[node].results[0]].features;
}

bool folds_into_linear(const passes::Site& site) {
  return site.fold == passes::FoldKind::kProduct || site.fold == passes::FoldKind::kAttention;
}

const std::string& linear_name(const ir::Graph& graph, std::size_t node) {
  return ir::attr_string(graph.nodes[node], "name");
}

}  // namespace

passes::Matrix read_weights(const OpenedCheckpoint& opened, std::size_t node) {
  const ir::TensorRef& reference = ir::attr_tensor(opened.graph.nodes[node], "weight");
  const checkpoint::Tensor& tensor = compiler::find_tensor(*opened.file, reference);
  const ir::RowRange rows = reference.rows(tensor.rows());
  passes::Matrix weights(rows.size(), tensor.row_elements());
  checkpoint::read_rows(tensor, rows.begin, rows.end, weights.data);
  opened.file->release(tensor);
  return weights;
}

std::vector<float> read_bias(const OpenedCheckpoint& opened, std::size_t node) {
  if (!ir::has_attr(opened.graph.nodes[node], "bias")) return {};
  return read_vector(opened, ir::attr_tensor(opened.graph.nodes[node], "bias"));
}

AdaptedTensors::AdaptedTensors(const OpenedCheckpoint& opened, const std::vector<passes::Site>& sites,
                               const std::vector<passes::SiteForm>& forms,
                               const std::vector<std::vector<float>>& scales)
    : opened_(opened), sites_(sites), forms_(forms), scales_(scales) {
  for (std::size_t s = 0; s < sites.size(); ++s) {
    if (folds_into_linear(sites[s])) folded_[sites[s].folds_into] = s;
  }
  graph_ = passes::rewrite_sites(opened.graph, sites, forms);
  ir::verify(graph_);
}

std::vector<float> AdaptedTensors::row_scales_of(std::size_t node) const {
  std::vector<float> factors(outputs_of(opened_.graph, node), 1.0F);
  const auto found = folded_.find(node);
  if (found == folded_.end()) return factors;
  // Row k makes the inputs of number k.
  const std::vector<float>& scales = scales_[found->second];
  for (std::size_t o = 0; o < factors.size(); ++o) factors[o] = 1.0F / scales[o];
  return factors;
}

std::vector<std::vector<float>> AdaptedTensors::row_scales(std::size_t site) const {
  std::vector<std::vector<float>> factors;
  for (const std::size_t reader : sites_[site].readers) factors.push_back(row_scales_of(reader));
  return factors;
}

AdaptedWriter::AdaptedWriter(const std::filesystem::path& output, const AdaptedTensors& tensors,
                             const OpenedCheckpoint& opened)
    : tensors_(tensors), opened_(opened) {
  using checkpoint::Dtype;
  const ir::Graph& old = opened.graph;
  std::set<std::string> made;  // names of tensors that sites write
  std::vector<checkpoint::TensorSpec> specs;
  std::set<std::size_t> readers;
  for (std::size_t s = 0; s < tensors.sites().size(); ++s) {
    const passes::Site& site = tensors.sites()[s];
    const passes::SiteForm& form = tensors.forms()[s];
    const auto add = [&](const std::string& name, std::vector<std::uint64_t> shape) {
      made.insert(name);
      specs.push_back({name, Dtype::kF32, std::move(shape)});
    };
    if (site.fold == passes::FoldKind::kNorm) add(passes::norm_tensor(site), {site.features});
    if (form.rank > 0) {
      add(passes::directions_tensor(site), {form.rank, site.features});
      add(passes::removal_tensor(site), {site.features, form.rank});
    }
    if (form.centred) add(passes::shift_tensor(site), {site.features});
    for (const std::size_t reader : site.readers) {
      readers.insert(reader);
      const std::string& name = linear_name(old, reader);
      const std::uint64_t outputs = outputs_of(old, reader);
      add(passes::weight_tensor(name), {outputs, site.features});
      if (form.centred || ir::has_attr(old.nodes[reader], "bias")) add(passes::bias_tensor(name), {outputs});
      if (form.rank > 0) add(passes::bypass_tensor(name), {outputs, form.rank});
    }
  }
  std::vector<checkpoint::TensorSpec> first;
  for (const passes::Site& site : tensors.sites()) {
    if (!folds_into_linear(site) || readers.contains(site.folds_into)) continue;
    scaled_linears_.push_back(site.folds_into);
    const std::string& name = linear_name(old, site.folds_into);
    const std::uint64_t outputs = outputs_of(old, site.folds_into);
    made.insert(passes::weight_tensor(name));
    first.push_back({passes::weight_tensor(name),
                     Dtype::kF32,
                     {outputs, old.values[old.nodes[site.folds_into].inputs[0]].features}});
    if (!ir::has_attr(old.nodes[site.folds_into], "bias")) continue;
    made.insert(passes::bias_tensor(name));
    first.push_back({passes::bias_tensor(name), Dtype::kF32, {outputs}});
  }
  for (const std::string& name : tensors_of(tensors.graph())) {
    if (made.contains(name)) continue;
    const checkpoint::Tensor& tensor = compiler::find_tensor(*opened.file, {name, 0, 0});
    copied_.push_back(name);
    first.push_back({name, stored_dtype(tensor), tensor.shape});
  }
  // The order of writing: scaled linears, copies, graph, tokenizer, sites.
  const std::string graph_text = ir::print(tensors.graph());
  first.push_back({checkpoint::kGraphTensor, Dtype::kU8, {graph_text.size()}});
  std::vector<std::byte> tokenizer;
  if (opened.tokenizer) tokenizer = tokenizer::serialize(*opened.tokenizer);
  if (!tokenizer.empty()) first.push_back({checkpoint::kTokenizerTensor, Dtype::kU8, {tokenizer.size()}});
  specs.insert(specs.begin(), std::make_move_iterator(first.begin()), std::make_move_iterator(first.end()));
  writer_.emplace(output, std::move(specs),
                  std::map<std::string, std::string>{{"format", "crossweave adapted checkpoint"}});

  for (const std::size_t node : scaled_linears_) {
    passes::Matrix weights = read_weights(opened, node);
    const std::vector<float> factors = tensors.row_scales_of(node);
    for (std::size_t o = 0; o < weights.rows; ++o) {
      for (float& value : weights.row(o)) value *= factors[o];
    }
    writer_->add(passes::weight_tensor(linear_name(old, node)), weights.data);
    std::vector<float> bias = read_bias(opened, node);
    for (std::size_t o = 0; o < bias.size(); ++o) bias[o] *= factors[o];
    if (!bias.empty()) writer_->add(passes::bias_tensor(linear_name(old, node)), bias);
  }
  for (const std::string& tensor : copied_) copy(tensor);
  writer_->add(checkpoint::kGraphTensor, std::as_bytes(std::span(graph_text)));
  if (!tokenizer.empty()) writer_->add(checkpoint::kTokenizerTensor, tokenizer);
}

void AdaptedWriter::copy(const std::string& name) {
  const checkpoint::Tensor& tensor = compiler::find_tensor(*opened_.file, {name, 0, 0});
  write_as_stored(*writer_, tensor);
  opened_.file->release(tensor);
}

void AdaptedWriter::add(std::size_t s, const SolvedSite& solved) {
  const passes::Site& site = tensors_.sites()[s];
  const passes::SiteForm& form = tensors_.forms()[s];
  const ir::Graph& old = opened_.graph;
  if (site.fold == passes::FoldKind::kNorm) {
    const ir::Node& norm = old.nodes[site.folds_into];
    std::vector<float> weight = read_vector(opened_, ir::attr_tensor(norm, "weight"));
    const bool add_unit = ir::has_attr(norm, "add_unit") && ir::attr_int(norm, "add_unit") != 0;
    for (std::size_t i = 0; i < weight.size(); ++i)
      weight[i] = (add_unit ? weight[i] + 1 : weight[i]) / tensors_.scales()[s][i];
    writer_->add(passes::norm_tensor(site), weight);
  }
  if (form.rank > 0) {
    writer_->add(passes::directions_tensor(site), solved.basis.data);
    passes::Matrix removal = passes::transposed(solved.basis);
    for (float& value : removal.data) value = -value;
    writer_->add(passes::removal_tensor(site), removal.data);
  }
  if (form.centred) writer_->add(passes::shift_tensor(site), solved.shift);
  for (std::size_t r = 0; r < site.readers.size(); ++r) {
    const std::string& name = linear_name(old, site.readers[r]);
    writer_->add(passes::weight_tensor(name), solved.weights[r].data);
    std::vector<float> bias = read_bias(opened_, site.readers[r]);
    const std::vector<float> factors = tensors_.row_scales_of(site.readers[r]);
    for (std::size_t o = 0; o < bias.size(); ++o) bias[o] *= factors[o];
    if (form.centred) {
      bias.resize(solved.bias[r].size());
      for (std::size_t o = 0; o < bias.size(); ++o) bias[o] += solved.bias[r][o];
    }
    if (!bias.empty()) writer_->add(passes::bias_tensor(name), bias);
    if (form.rank > 0) writer_->add(passes::bypass_tensor(name), solved.bypass[r].data);
  }
}

void AdaptedWriter::finish() {
  writer_->commit();
}

}  // namespace xw::toolchain
