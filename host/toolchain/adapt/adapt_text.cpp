// What an adaptation did, as text.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/adapt/adapt_text.hpp"

#include <cmath>
#include <map>
#include <utility>
#include <vector>

#include "host/report/text_format.hpp"
#include "host/toolchain/adapt/adapt_json.hpp"

namespace xw::toolchain {
namespace {

/// The front of expected loss against costs, thinned to lines that a reader can take in.
void write_search(std::ostream& out, const AdaptSummary& summary) {
  constexpr std::size_t kLines = 12;
  report::line(out, "budget spent: expected loss of the chip's noise before clipping, nats per token");
  report::line(out, "  %14s %12s %10s", "digital MACs", "extra tiles", "loss");
  double before = 0;
  for (const passes::SiteOffer& offer : summary.offers) before += passes::expected_loss(offer, {});
  report::line(out, "  %13.2f%% %12.1f %10.4f", 0.0, 0.0, before);
  const std::size_t steps = summary.search.size();
  for (std::size_t l = 1; l <= kLines && steps > 0; ++l) {
    const std::size_t index = (l * steps + kLines - 1) / kLines - 1;
    if (l > 1 && index == ((l - 1) * steps + kLines - 1) / kLines - 1) continue;
    const passes::SpendingStep& step = summary.search[index];
    report::line(out, "  %13.2f%% %12.1f %10.4f", 100 * step.macs / static_cast<double>(summary.analog_macs),
                 step.tiles, step.loss);
  }
}

/// Groups of one size and as many readers (the insides of all MLPs) on one line.
void write_sorted(std::ostream& out, const std::vector<SortedFeatures>& sorted) {
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::pair<std::size_t, SortedFeatures>> alike;
  for (const SortedFeatures& group : sorted) {
    auto& [groups, sum] = alike[{group.features, group.sites}];
    ++groups;
    sum.noise_before += group.noise_before;
    sum.noise_after += group.noise_after;
  }
  for (const auto& [size, found] : alike) {
    report::line(out, "rows sorted: %zu x %u features, each read by %u sites; expected noise %+.2f dB", found.first,
                 size.first, size.second, 10 * std::log10(found.second.noise_after / found.second.noise_before));
  }
}

}  // namespace

void write_adapt_text(std::ostream& out, const AdaptSummary& summary, const std::filesystem::path& output) {
  report::line(
      out, "%s: %zu sites adapted on %llu tokens in %.1f s; %.2f M digital MACs a token beside %.1f M analog (%.1f %%)",
      output.string().c_str(), summary.sites.size(), static_cast<unsigned long long>(summary.tokens), summary.seconds,
      static_cast<double>(summary.digital_macs) * 1e-6, static_cast<double>(summary.analog_macs) * 1e-6,
      100.0 * static_cast<double>(summary.digital_macs) / static_cast<double>(summary.analog_macs));
  write_sorted(out, summary.sorted);
  report::line(out, "expected noise over signal, dB (mean over layers of a kind):");
  report::line(out, "  %-12s %8s %8s %10s %8s", "kind", "before", "after", "clipping", "level");
  for (const AdaptedKind& kind : by_kind(summary)) {
    report::line(out, "  %-12s %8.1f %8.1f %10.1f %8.2f", kind.name.c_str(), kind.noise_before_db, kind.noise_after_db,
                 kind.change_db, kind.clip_level);
  }
  if (!summary.offers.empty()) write_search(out, summary);
}

}  // namespace xw::toolchain
