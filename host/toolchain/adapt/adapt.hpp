// Adapting a checkpoint to a chip without training it: from a checkpoint to an adapted checkpoint.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "arch/description/description.hpp"
#include "compiler/passes/budget.hpp"
#include "compiler/passes/equalise.hpp"
#include "host/toolchain/adapt/options.hpp"
#include "host/toolchain/checkpoint.hpp"
#include "host/toolchain/options.hpp"

namespace xw {
class ThreadPool;
}

namespace xw::toolchain {

/// What was done to one layer of the chip, and what it is expected to give.
struct AdaptedLayer {
  std::string name;
  double noise_before = 0,
         noise_after = 0;  ///< of programming and converters, over the variance of the outputs; after: of all copies
  double change = 0;       ///< by clipping, over the same
  double clip_level = 1;   ///< full scale over the largest weight, mean over the outputs
};

/// What was done to the layers that read one value.
struct AdaptedSite {
  std::string name;
  passes::Strengths strengths;
  double held = 0;  ///< part of the inputs' power that is taken from the chip: mean and directions
  std::vector<AdaptedLayer> layers;
  std::uint32_t rank = 0;      ///< directions that are taken digitally
  std::uint32_t replicas = 1;  ///< copies on the chip, of the reader with most
};

/// Features that were put into another order, and what that is expected to give.
struct SortedFeatures {
  std::uint32_t features = 0;
  std::uint32_t sites = 0;  ///< that read them
  double
      noise_before = 0,
      noise_after =
          0;  ///< of programming and converters, over the variance of the outputs, summed over the layers that read them
};

struct AdaptSummary {
  std::vector<SortedFeatures> sorted;  ///< where sorting lowers the noise
  std::vector<AdaptedSite> sites;
  std::uint64_t tokens = 0;        ///< calibrated on
  std::uint64_t analog_macs = 0;   ///< of a token
  std::uint64_t digital_macs = 0;  ///< that the adaptation adds to a token
  double seconds = 0;
  std::vector<passes::SiteOffer> offers;     ///< of a search: per site
  std::vector<passes::SpendingStep> search;  ///< what was bought in which order: expected loss against costs
};

/// Adapts the layers `analog` of a checkpoint to `chip` and writes an adapted checkpoint to `output`
/// (compiler/checkpoint/adapted.hpp), which is replaced only on success. The same arguments give the same file whatever the number
/// of threads. Copies of layers that the graph asks for (ir::kReplicas) count in what noise is expected, and stay in the adapted graph.
/// Throws Error{kInvalidArgument} for no tokenizer or too little text, Error{kUnsupported} for a checkpoint that
/// is adapted already, Error{kNotFinite} naming the layer, Error{kIo}.
AdaptSummary adapt(const OpenedCheckpoint& opened, const arch::ChipDescription& chip,
                   const std::vector<std::string>& analog, const AdaptOptions& options,
                   const std::filesystem::path& output, ThreadPool& pool);

/// The same from paths: opens the checkpoint and the chip, takes the layers that `compile` would map, with the copies that it
/// asks for. A search without losses measures
/// them first (search.hpp).
AdaptSummary adapt_checkpoint(const std::filesystem::path& model, const CompileOptions& compile,
                              const AdaptOptions& options, const std::filesystem::path& output, ThreadPool& pool);

}  // namespace xw::toolchain
