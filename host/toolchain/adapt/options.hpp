// What adaptation may do to a model.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "compiler/mapping/plan.hpp"

namespace xw::toolchain {

/// The passes of an adaptation; each is documented where it is (compiler/passes) and in docs/adaptation.md.
struct AdaptPasses {
  bool equalise = false;
  bool centre = false;
  bool first_token = false;  ///< position 0 of a context is computed digitally; calibration leaves it out
  std::uint32_t rank = 0;    ///< directions of every site that are taken digitally
  bool clip = false;
  bool compensate = true;  ///< of clip
  double ridge = 0.1;      ///< of clip, per feature and token of the calibration: fewer tokens are trusted less
};

struct AdaptOptions {
  AdaptPasses passes;
  std::filesystem::path text;    ///< to calibrate on; empty: the built-in text
  std::uint32_t tokens = 16384;  ///< of it, at most
  std::uint32_t context = 512;   ///< tokens that are read together
  std::string noise;             ///< cell model that is adapted to; empty: the chip description's
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
