// Results of studies: lines of JSON, a file for every worker.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "host/toolchain/sweep/study.hpp"

namespace xw::toolchain {

/// A file of this worker alone. Lines are whole or, of a worker that was killed, not counted; nothing is locked, so that network file
/// systems do. Not thread safe.
class RecordFile {
 public:
  /// A new file in `folder`, which is made if it is missing. Throws Error{kIo}.
  explicit RecordFile(const std::filesystem::path& folder);
  ~RecordFile();
  RecordFile(const RecordFile&) = delete;
  RecordFile& operator=(const RecordFile&) = delete;
  /// Appends one line, in one write, and waits until it is on the disk. The file is made with its first line. Throws Error{kIo}.
  void add(const nlohmann::ordered_json& record);
  [[nodiscard]] const std::string& worker() const { return worker_; }

 private:
  std::filesystem::path path_;
  std::string worker_;  ///< host and process
  int file_ = -1;
};

/// All records of a folder, by files in order of their names; a last line without its end is left out. None if there is no folder.
/// Throws Error{kFormat} naming file and line for what is no record, Error{kIo}.
[[nodiscard]] std::vector<nlohmann::ordered_json> read_records(const std::filesystem::path& folder);
/// How many lines there are, without reading them as JSON.
[[nodiscard]] std::size_t count_records(const std::filesystem::path& folder);

/// A record for each point of the study that has one, in order of the points: of several, one with results before one with an error.
/// `measure`: measure_of() of the study; records of other measurements are left out.
[[nodiscard]] std::vector<nlohmann::ordered_json> merged(const Study& study, const std::string& measure,
                                                         const std::vector<nlohmann::ordered_json>& records);
/// The same without a study: a record for each point that is there, in order of their options. Throws Error{kInvalidArgument} if they are of
/// several measurements.
[[nodiscard]] std::vector<nlohmann::ordered_json> merged(const std::vector<nlohmann::ordered_json>& records);

/// Names of options and figures that any of the records has, in the order in which they appear.
struct RecordColumns {
  std::vector<std::string> options, figures;
};
[[nodiscard]] RecordColumns columns_of(const std::vector<nlohmann::ordered_json>& records);
/// A line per record: options that differ or that any point has, then every figure; empty fields are not there.
[[nodiscard]] std::string to_csv(const std::vector<nlohmann::ordered_json>& records);

}  // namespace xw::toolchain
