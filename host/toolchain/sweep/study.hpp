// Studies: the same measurements at many points of models, chips, seeds, times and options.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "host/toolchain/evaluate.hpp"

namespace xw::toolchain {

/// "model" and options of host/toolchain/settings.hpp with their texts, by name.
using StudyPoint = std::map<std::string, std::string>;

struct Study {
  std::filesystem::path file;
  std::filesystem::path text;                ///< whose perplexity is measured; empty: none
  std::vector<std::filesystem::path> tasks;  ///< JSON lines
  std::uint64_t limit = 0;                   ///< first items of every task; 0: all
  /// Name of a function of the program that runs the study; it measures in place of text and tasks. Options of points are then any names.
  std::string function;
  EvaluationPlan plan;  ///< how; texts and tasks are not in it
  /// All different. Those of one chip, which differ by time only, stand beside each other with growing times, as do chips of one program.
  std::vector<StudyPoint> points;
  std::vector<std::size_t> chip;  ///< of every point: the number of its chip, ascending from 0
};

/// The point with paths from where this process is: in studies, and in the records of them, they are relative to the study's folder.
[[nodiscard]] StudyPoint resolved(const Study& study, StudyPoint point);

/// Reads a study (docs/sweep.md): tables [measure], [options], [grid], [[points]]. Of one with a function every point is a chip. Throws
/// Error{kFormat} naming `file` for what is no study, Error{kInvalidArgument} for options that there are not and texts that mean nothing, no points, and more
/// than a million of them.
[[nodiscard]] Study parse_study(std::string_view toml, const std::filesystem::path& file);

/// The part of a study whose chips have a number that is `index` modulo `count`.
struct Shard {
  std::size_t index = 0, count = 1;
};
/// "0/8" to "7/8". Throws Error{kInvalidArgument}.
[[nodiscard]] Shard parse_shard(const std::string& text);

}  // namespace xw::toolchain
