// Results of studies as a table of SQLite.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace xw::toolchain {

/// The bytes of a database with one table, "points", a row for each record: options of points as TEXT, figures as REAL, "error" as TEXT; what a
/// record does not have is NULL. Throws Error{kIo} if SQLite fails.
[[nodiscard]] std::string to_sqlite(const std::vector<nlohmann::ordered_json>& records);
/// Records {"point", "figures" | "error": {"message"}} of what to_sqlite() made, in order of the rows. Throws Error{kFileNotFound | kIo},
/// Error{kFormat} for another file.
[[nodiscard]] std::vector<nlohmann::ordered_json> read_sqlite(const std::filesystem::path& path);

}  // namespace xw::toolchain
