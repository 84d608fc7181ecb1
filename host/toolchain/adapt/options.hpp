// What adaptation may do to a model.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "compiler/mapping/plan.hpp"

namespace xw::toolchain {

/// The passes of an adaptation; each is documented where it is (compiler/passes) and in docs/adaptation.md.
struct AdaptPasses {
  bool sort_rows = false;  ///< features stand in the order that makes the rows of a block alike, before all else
  bool equalise = false;
  bool centre = false;
  bool first_token = false;  ///< position 0 of a context is computed digitally; calibration leaves it out
  std::uint32_t rank = 0;    ///< directions of every site that are taken digitally
  bool clip = false;
  bool compensate = true;  ///< of clip
  double ridge = 0.1;      ///< of clip, per feature and token of the calibration: fewer tokens are trusted less
};

/// A budget that is spent where it lowers the loss most: directions per site instead of as many everywhere, and copies on the chip.
struct AdaptSearch {
  double digital_macs = 0.06;  ///< digital multiply-adds beside those of the chip, as a part of these
  double extra_tiles = 0;      ///< tiles beside one copy of everything
  std::uint32_t max_replicas = 4;
  std::uint32_t tokens = 2048;   ///< of the calibration text, that losses are measured on
  std::uint32_t chip_seed = 77;  ///< of the chip that they are measured on
  /// Per call what it loses alone on the chip, nats per token, with the passes below (rank 0, no clipping). Empty: measured.
  std::map<std::string, double> losses;
};

struct AdaptOptions {
  AdaptPasses passes;
  std::optional<AdaptSearch> search;  ///< decides ranks instead of passes.rank, and replicas
  std::filesystem::path text;         ///< to calibrate on; empty: the built-in text
  std::uint32_t tokens = 16384;       ///< of it, at most
  std::uint32_t context = 512;        ///< tokens that are read together
  std::string noise;                  ///< cell model that is adapted to; empty: the chip description's
  mapping::RowCuts row_cuts = mapping::RowCuts::kFewestTiles;  ///< as the program will have them
  std::uint64_t memory =
      4ULL << 30;  ///< bytes for statistics; what does not fit is done in further passes over the text
};

/// Levels, each with all before it: "none", "fold" (equalise), "centre" (and first token), "bypass" (rank 16), "clip".
/// Throws Error{kInvalidArgument} listing them.
[[nodiscard]] AdaptPasses adapt_level(const std::string& level);
/// The levels in a sentence.
[[nodiscard]] std::string adapt_level_help();

}  // namespace xw::toolchain
