// Running a study, or a part of it.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>

#include "host/toolchain/sweep/records.hpp"
#include "host/toolchain/sweep/study.hpp"

namespace xw::toolchain {

/// How far a worker is.
struct SweepProgress {
  std::size_t points = 0;  ///< of its shard
  std::size_t kept = 0;    ///< of these were there before
  std::size_t done = 0;    ///< of these are there now, the failed ones included
  std::size_t failed = 0;
  double seconds = 0;  ///< since it began
  /// At the pace so far; 0 before anything was measured.
  [[nodiscard]] double seconds_left() const;
};

struct SweepOptions {
  std::filesystem::path folder;  ///< of results and programs
  Shard shard;
  unsigned threads = 0;                                   ///< 0: one per core
  std::function<void(const SweepProgress&)> on_progress;  ///< at the beginning and after every point; may throw
  /// What Study::function names: {"figures": {name: number}} or {"error": {"kind", "message"}} of a point. What it throws ends the sweep.
  std::function<nlohmann::ordered_json(const StudyPoint&)> function;
};

/// What of a study decides its figures beside the points: text, tasks and how they are measured, by checksums, or the name of the function, and the
/// version of the toolchain. Throws what reading them throws.
[[nodiscard]] std::string measure_of(const Study& study);

/// Measures the points of the shard that have no results yet and appends each to a file of this worker in the folder. A program is compiled once for
/// all workers of the folder and kept there; a chip is programmed once for all its times. A point that cannot be is recorded with
/// its error, the others go on, and a later call tries it again. Throws Error{kInvalidArgument} for a study with a function without one in `options`, and
/// the other way round; Error{kInterrupted} after Ctrl-C, Error{kIo}, and what reading the study's files throws.
SweepProgress run_sweep(const Study& study, const SweepOptions& options);

}  // namespace xw::toolchain
