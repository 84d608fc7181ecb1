// Adapting a checkpoint to a chip without training it.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/adapt/adapt.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <utility>

#include "arch/support/error.hpp"
#include "arch/support/parallel.hpp"
#include "arch/support/progress.hpp"
#include "compiler/checkpoint/adapted.hpp"
#include "compiler/passes/first_token.hpp"
#include "compiler/passes/replicas.hpp"
#include "compiler/passes/select_analog.hpp"
#include "compiler/pipeline/chip_cells.hpp"
#include "compiler/pipeline/row_cuts.hpp"
#include "host/toolchain/adapt/collect.hpp"
#include "host/toolchain/adapt/offers.hpp"
#include "host/toolchain/adapt/order.hpp"
#include "host/toolchain/adapt/reordered.hpp"
#include "host/toolchain/adapt/search.hpp"
#include "host/toolchain/adapt/solve.hpp"
#include "host/toolchain/adapt/tensors.hpp"
#include "host/toolchain/calibration/contexts.hpp"
#include "host/toolchain/calibration/default_text.hpp"
#include "host/toolchain/temporary_file.hpp"
#include "models/cells/cell_error.hpp"

namespace xw::toolchain {
namespace {

constexpr std::size_t kCellPoints = 257;    ///< magnitudes at which cell errors are measured
constexpr std::size_t kCellSamples = 8192;  ///< cells per magnitude
constexpr std::uint32_t kCellSeed = 0x5EED;

passes::ChipErrors errors_of(const arch::ChipDescription& chip, const std::string& noise) {
  cells::ProgrammingOptions programming;
  programming.noise = noise.empty() ? chip.noise : noise;
  programming.chip_seed = kCellSeed;
  programming.g_unit = chip.g_unit;
  passes::ChipErrors errors;
  errors.cell = cells::mean_square_errors(programming, kCellPoints, kCellSamples);
  errors.dac_max = chip.dac_max();
  // The ADC rounds to steps of lambda / adc_max; read noise comes before it.
  const double step = static_cast<double>(chip.lambda) / chip.adc_max();
  const auto read = static_cast<double>(chip.read_sigma);
  errors.output_variance = step * step / 12 + read * read;
  return errors;
}

class Adapter {
 public:
  Adapter(OpenedCheckpoint& opened, const arch::ChipDescription& chip, const std::vector<std::string>& analog,
          const AdaptOptions& options, ThreadPool& pool)
      : opened_(opened),
        options_(options),
        pool_(pool),
        errors_(errors_of(chip, options.noise)),
        cells_of_a_tile_(static_cast<double>(chip.rows) * chip.cols),
        sites_(passes::find_sites(opened.graph, analog)) {
    find_blocks(chip, analog);
    for (const passes::Site& site : sites_) {
      const std::uint32_t rank = std::min(options.passes.rank, site.features);
      forms_.push_back({options.passes.centre, rank});
    }
    CalibrationOptions calibration;
    calibration.text = options.text;
    calibration.tokens = options.tokens;
    calibration.context = options.context;
    std::optional<tokenizer::Tokenizer> tokenizer;
    if (opened.tokenizer) tokenizer.emplace(*opened.tokenizer);
    contexts_ = calibration_contexts(calibration, {general_text(), options.tokens}, tokenizer ? &*tokenizer : nullptr,
                                     opened.graph);
  }

  /// Orders of the groups of `free` (order.hpp).
  passes::Orders choose_orders(const passes::FreeOrders& free, std::vector<SortedFeatures>& sorted) {
    AdaptSummary unused;
    unused.sites.resize(sites_.size());
    scales_.resize(sites_.size());
    std::vector<SiteRows> rows(sites_.size());
    const std::vector<std::size_t> batches = cut_batches();
    for (std::size_t b = 0; b + 1 < batches.size(); ++b) {
      const std::vector<SiteData> data = collect_batch(batches[b], batches[b + 1]);
      choose_scales_of(batches[b], data, unused);
      pool_.for_each(data.size(), [&](std::size_t i) {
        const std::size_t s = batches[b] + i;
        rows[s] = site_rows(problem(s, data[i]), passes::spread(sites_[s], scales_[s]), options_.passes.centre);
      });
    }
    const auto weights_of = [&](std::size_t s) {
      std::vector<passes::Matrix> weights;
      for (const std::size_t reader : sites_[s].readers) {
        weights.push_back(read_weights(opened_, reader));
        scale_columns(weights.back(), passes::spread(sites_[s], scales_[s]));
      }
      return weights;
    };
    return toolchain::choose_orders(free, rows, weights_of, errors_, pool_, sorted);
  }

  AdaptSummary write(const std::filesystem::path& output) {
    AdaptSummary summary;
    for (const std::vector<std::int32_t>& context : contexts_) summary.tokens += context.size();
    scales_.resize(sites_.size());
    const std::vector<std::size_t> batches = cut_batches();
    for (const passes::Site& site : sites_) summary.sites.push_back({site.name, {}, 0, {}, 0, 1});
    for (std::size_t s = 0; s < sites_.size(); ++s) summary.sites[s].replicas = std::ranges::max(copies_of(s));
    if (options_.search) summary.offers.resize(sites_.size());
    // All scales are known before the first weight is written: rows are scaled by sites behind them.
    const bool one_batch = batches.size() == 2;
    std::vector<SiteData> data;
    for (std::size_t b = 0; b + 1 < batches.size(); ++b) {
      data = collect_batch(batches[b], batches[b + 1]);
      choose_scales_of(batches[b], data, summary);
    }
    if (options_.search) spend_budget(summary);
    count_macs(summary);
    const AdaptedTensors tensors(opened_, sites_, forms_, scales_);
    AdaptedWriter writer(output, tensors, opened_);
    for (std::size_t b = 0; b + 1 < batches.size(); ++b) {
      if (!one_batch) data = collect_batch(batches[b], batches[b + 1]);
      solve_batch(batches[b], data, tensors, writer, summary);
    }
    writer.finish();
    return summary;
  }

 private:
  void find_blocks(const arch::ChipDescription& chip, const std::vector<std::string>& analog) {
    const std::vector<passes::LinearNode> nodes = passes::linear_nodes(opened_.graph, analog);
    const std::vector<std::vector<std::uint32_t>> cuts = compiler::row_cuts(nodes, chip, options_.row_cuts);
    std::map<ir::ValueId, std::set<std::uint32_t>> begins;
    for (std::size_t i = 0; i < nodes.size(); ++i) begins[nodes[i].input].insert(cuts[i].begin(), cuts[i].end());
    for (const passes::Site& site : sites_) {
      const std::set<std::uint32_t>& cut = begins.at(site.value);
      blocks_.push_back({{cut.begin(), cut.end()}, site.features});
    }
  }

  void count_macs(AdaptSummary& summary) const {
    summary.analog_macs = summary.digital_macs = 0;
    for (std::size_t s = 0; s < sites_.size(); ++s) {
      const std::uint64_t outputs = outputs_of(s);
      summary.analog_macs += outputs * sites_[s].features;
      summary.digital_macs += std::uint64_t{forms_[s].rank} * (2 * std::uint64_t{sites_[s].features} + outputs);
    }
  }

  /// First sites of the batches whose data fits in memory, and the end.
  [[nodiscard]] std::vector<std::size_t> cut_batches() const {
    std::vector<std::size_t> begins = {0};
    std::uint64_t bytes = 0;
    for (std::size_t s = 0; s < sites_.size(); ++s) {
      const std::uint64_t more = data_bytes(sites_[s], options_.context);
      if (bytes > 0 && bytes + more > options_.memory) {
        begins.push_back(s);
        bytes = 0;
      }
      bytes += more;
    }
    begins.push_back(sites_.size());
    return begins;
  }

  [[nodiscard]] std::vector<SiteData> collect_batch(std::size_t begin, std::size_t end) const {
    return collect(opened_, std::span(sites_).subspan(begin, end - begin), contexts_, pool_);
  }

  [[nodiscard]] SiteProblem problem(std::size_t s, const SiteData& data) const {
    SiteProblem problem{&sites_[s], &data, blocks_[s], {}};
    for (const std::size_t reader : sites_[s].readers) problem.weights.push_back(read_weights(opened_, reader));
    return problem;
  }

  void choose_scales_of(std::size_t begin, const std::vector<SiteData>& data, AdaptSummary& summary) {
    Progress progress("equalise", data.size(), "layers");
    pool_.for_each(data.size(), [&](std::size_t i) {
      const std::size_t s = begin + i;
      scales_[s].assign(sites_[s].num_scales, 1.0F);
      if (options_.passes.equalise) {
        passes::Equalisation found = choose_scales(problem(s, data[i]), options_.passes, errors_);
        scales_[s] = std::move(found.scales);
        summary.sites[s].strengths = found.strengths;
      }
      if (options_.search) summary.offers[s] = offer(s, data[i]);
      progress.advance();
    });
  }

  [[nodiscard]] passes::SiteOffer offer(std::size_t s, const SiteData& data) const {
    passes::SiteOffer made =
        make_offer(problem(s, data), passes::spread(sites_[s], scales_[s]), options_.passes, errors_);
    const auto loss = options_.search->losses.find(sites_[s].name);
    if (loss == options_.search->losses.end()) {
      throw Error(ErrorCode::kInvalidArgument, "adapt: no loss is known of \"" + sites_[s].name +
                                                   "\"; measure the sensitivity of a program of this model by call");
    }
    made.loss_per_noise = std::max(0.0, loss->second) / (made.copied_noise[0] + made.shared_noise[0]);
    made.max_replicas = options_.search->max_replicas;
    made.tiles = static_cast<double>(outputs_of(s)) * sites_[s].features / cells_of_a_tile_;
    return made;
  }

  /// Ranks and copies of the sites, and the copies in the graph.
  void spend_budget(AdaptSummary& summary) {
    count_macs(summary);
    const passes::AdaptBudget budget{options_.search->digital_macs * static_cast<double>(summary.analog_macs),
                                     options_.search->extra_tiles};
    summary.search = passes::spend(summary.offers, budget);
    const std::vector<passes::SiteChoice> choices = passes::choices_after(summary.search, sites_.size());
    for (std::size_t s = 0; s < sites_.size(); ++s) {
      forms_[s].rank = summary.offers[s].ranks[choices[s].rank_index];
      summary.sites[s].replicas = choices[s].replicas;
      if (choices[s].replicas == 1) continue;
      for (const std::size_t reader : sites_[s].readers) {
        opened_.graph.nodes[reader].attributes[ir::kReplicas] = std::int64_t{choices[s].replicas};
      }
    }
  }

  /// Per reader.
  [[nodiscard]] std::vector<std::uint32_t> copies_of(std::size_t s) const {
    std::vector<std::uint32_t> copies;
    for (const std::size_t reader : sites_[s].readers) copies.push_back(ir::replicas(opened_.graph.nodes[reader]));
    return copies;
  }

  [[nodiscard]] std::uint64_t outputs_of(std::size_t s) const {
    std::uint64_t outputs = 0;
    for (const std::size_t reader : sites_[s].readers)
      outputs += opened_.graph.values[opened_.graph.nodes[reader].results[0]].features;
    return outputs;
  }

  void solve_batch(std::size_t begin, const std::vector<SiteData>& data, const AdaptedTensors& tensors,
                   AdaptedWriter& writer, AdaptSummary& summary) {
    Progress progress("adapt", data.size(), "layers");
    const std::size_t at_once = pool_.num_threads();
    for (std::size_t first = 0; first < data.size(); first += at_once) {
      const std::size_t count = std::min(at_once, data.size() - first);
      std::vector<SolvedSite> solved(count);
      pool_.for_each(count, [&](std::size_t i) {
        const std::size_t s = begin + first + i;
        AdaptPasses of_site = options_.passes;
        of_site.rank = forms_[s].rank;
        solved[i] = solve_site(problem(s, data[first + i]), passes::spread(sites_[s], scales_[s]),
                               tensors.row_scales(s), of_site, errors_, copies_of(s));
        progress.advance();
      });
      for (std::size_t i = 0; i < count; ++i) {
        const std::size_t s = begin + first + i;
        writer.add(s, solved[i]);
        solved[i].report.strengths = summary.sites[s].strengths;
        for (std::size_t r = 0; r < solved[i].report.layers.size(); ++r)
          solved[i].report.layers[r].name = ir::attr_string(opened_.graph.nodes[sites_[s].readers[r]], "name");
        solved[i].report.rank = forms_[s].rank;
        solved[i].report.replicas = summary.sites[s].replicas;
        summary.sites[s] = std::move(solved[i].report);
      }
    }
  }

  OpenedCheckpoint& opened_;
  const AdaptOptions& options_;
  ThreadPool& pool_;
  passes::ChipErrors errors_;
  double cells_of_a_tile_;
  std::vector<passes::Site> sites_;
  std::vector<passes::RowBlocks> blocks_;
  std::vector<passes::SiteForm> forms_;
  std::vector<std::vector<std::int32_t>> contexts_;
  std::vector<std::vector<float>> scales_;  ///< per site, one per number
};

/// Writes the checkpoint with its features in better orders, if there are some.
std::vector<SortedFeatures> sort_rows(OpenedCheckpoint& opened, const arch::ChipDescription& chip,
                                      const std::vector<std::string>& analog, AdaptOptions options,
                                      const std::filesystem::path& output, ThreadPool& pool) {
  const auto shape_of = [&](const std::string& tensor) { return tensor_shape(opened, tensor); };
  options.search.reset();
  const passes::FreeOrders free = passes::find_free_orders(opened.graph, shape_of);
  std::vector<SortedFeatures> sorted;
  const passes::Orders orders = Adapter(opened, chip, analog, options, pool).choose_orders(free, sorted);
  if (!sorted.empty()) write_reordered(opened, passes::tensor_orders(opened.graph, free, orders, shape_of), output);
  return sorted;
}

}  // namespace

AdaptSummary adapt(const OpenedCheckpoint& opened, const arch::ChipDescription& chip,
                   const std::vector<std::string>& analog, const AdaptOptions& options,
                   const std::filesystem::path& output, ThreadPool& pool) {
  if (opened.file->format() == checkpoint::kAdaptedFormat) {
    throw Error(ErrorCode::kUnsupported,
                opened.file->path().string() + ": is adapted already; adapt the checkpoint it was made of");
  }
  const auto start = std::chrono::steady_clock::now();
  OpenedCheckpoint marked = opened;
  if (options.passes.first_token) passes::set_digital_positions(marked.graph, analog, 1);
  const TemporaryFile reordered("crossweave", "reordered.safetensors");
  std::vector<SortedFeatures> sorted;
  if (options.passes.sort_rows) {
    sorted = sort_rows(marked, chip, analog, options, reordered.path(), pool);
    if (!sorted.empty()) marked.file = checkpoint::open_checkpoint(reordered.path());
  }
  AdaptSummary summary = Adapter(marked, chip, analog, options, pool).write(output);
  summary.sorted = std::move(sorted);
  summary.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return summary;
}

AdaptSummary adapt_checkpoint(const std::filesystem::path& model, const CompileOptions& compile,
                              const AdaptOptions& options, const std::filesystem::path& output, ThreadPool& pool) {
  const arch::ChipDescription chip = compiler::with_known_cells(arch::load_chip(compile.chip));
  OpenedCheckpoint opened = open_checkpoint(model, compile.tokenizer);
  AdaptOptions with_cuts = options;
  with_cuts.row_cuts = compile.row_cuts;
  const std::vector<std::string> analog = passes::select_analog(opened.graph, compile.lm_head_analog, compile.digital);
  if (with_cuts.search && !compile.replicas.empty())
    throw Error(ErrorCode::kInvalidArgument,
                "adapt: a budget decides about copies of layers; it takes none that are given");
  passes::set_replicas(opened.graph, analog, compile.replicas);
  if (with_cuts.search && with_cuts.search->losses.empty())
    with_cuts.search->losses = measure_losses(opened, compile, with_cuts, pool);
  return adapt(opened, chip, analog, with_cuts, output, pool);
}

}  // namespace xw::toolchain
