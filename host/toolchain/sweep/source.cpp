// Results by study, folder or table.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/sweep/source.hpp"

#include "arch/support/error.hpp"
#include "arch/support/file.hpp"
#include "host/toolchain/sweep/sqlite.hpp"
#include "host/toolchain/sweep/sweep.hpp"

namespace xw::toolchain {

namespace fs = std::filesystem;

fs::path default_folder(const fs::path& study) {
  return fs::path(study).replace_extension(".sweep");
}

SweepSource read_source(const fs::path& path, const fs::path& folder) {
  SweepSource source;
  source.place = path;
  std::error_code error;
  if (fs::is_directory(path, error)) {
    try {
      source.records = merged(read_records(path));
    } catch (const Error& problem) {
      if (problem.code() != ErrorCode::kInvalidArgument) throw;
      throw Error(problem.code(), path.string() + ": " + problem.what());
    }
  } else if (first_bytes(path, 15) == "SQLite format 3") {
    source.records = read_sqlite(path);
  } else {
    const Study study = parse_study(read_text_file(path), path);
    source.place = folder.empty() ? default_folder(path) : folder;
    source.records = merged(study, measure_of(study), read_records(source.place));
    source.points = study.points.size();
    return source;
  }
  source.points = source.records.size();
  return source;
}

}  // namespace xw::toolchain
