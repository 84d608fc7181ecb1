// Tables of SQLite.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/sweep/sqlite.hpp"

#include <sqlite3.h>

#include <memory>
#include <string_view>

#include "arch/support/error.hpp"
#include "arch/support/file.hpp"
#include "host/toolchain/sweep/records.hpp"

namespace xw::toolchain {
namespace {

using Json = nlohmann::ordered_json;
constexpr const char* kError = "error";  ///< its column

struct Close {
  void operator()(sqlite3* database) const { ::sqlite3_close(database); }
  void operator()(sqlite3_stmt* statement) const { ::sqlite3_finalize(statement); }
};
using Database = std::unique_ptr<sqlite3, Close>;
using Statement = std::unique_ptr<sqlite3_stmt, Close>;

void check(int status, sqlite3* database) {
  if (status != SQLITE_OK && status != SQLITE_DONE && status != SQLITE_ROW)
    throw Error(ErrorCode::kIo, std::string("SQLite: ") + ::sqlite3_errmsg(database));
}

Database opened(const std::string& name, int flags) {
  sqlite3* database = nullptr;
  const int status = ::sqlite3_open_v2(name.c_str(), &database, flags, nullptr);
  Database result(database);
  check(status, database);
  return result;
}

Statement prepared(const Database& database, const std::string& sql) {
  sqlite3_stmt* statement = nullptr;
  check(::sqlite3_prepare_v2(database.get(), sql.c_str(), static_cast<int>(sql.size()), &statement, nullptr),
        database.get());
  return Statement(statement);
}

void run(const Database& database, const std::string& sql) {
  check(::sqlite3_step(prepared(database, sql).get()), database.get());
}

std::string identifier(std::string_view name) {
  std::string text = "\"";
  for (const char c : name) {
    text += c;
    if (c == '"') text += c;
  }
  return text + '"';
}

/// `value` may be null: NULL.
void bind(const Statement& statement, int place, const Json* value) {
  if (value == nullptr || value->is_null()) {
    ::sqlite3_bind_null(statement.get(), place);
  } else if (value->is_number()) {
    ::sqlite3_bind_double(statement.get(), place, value->get<double>());
  } else {
    const std::string text = value->is_string() ? value->get<std::string>() : value->dump();
    ::sqlite3_bind_text(statement.get(), place, text.c_str(), static_cast<int>(text.size()), SQLITE_TRANSIENT);
  }
}

const Json* member(const Json& object, const char* group, const std::string& name) {
  const auto found = object.find(group);
  if (found == object.end()) return nullptr;
  const auto value = found->find(name);
  return value == found->end() ? nullptr : &*value;
}

std::string text_at(const Statement& row, int column) {
  const auto* text = ::sqlite3_column_text(row.get(), column);
  return text == nullptr ? std::string() : reinterpret_cast<const char*>(text);
}

}  // namespace

std::string to_sqlite(const std::vector<Json>& records) {
  const auto [options, figures] = columns_of(records);
  const Database database = opened(":memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
  std::string columns, places;
  for (const std::string& name : options) columns += identifier(name) + " TEXT, ";
  for (const std::string& name : figures) columns += identifier(name) + " REAL, ";
  for (std::size_t i = 0; i < options.size() + figures.size(); ++i) places += "?, ";
  run(database, "CREATE TABLE points (" + columns + identifier(kError) + " TEXT)");
  run(database, "BEGIN");
  const Statement insert = prepared(database, "INSERT INTO points VALUES (" + places + "?)");
  for (const Json& record : records) {
    int place = 0;
    for (const std::string& name : options) bind(insert, ++place, member(record, "point", name));
    for (const std::string& name : figures) bind(insert, ++place, member(record, "figures", name));
    bind(insert, ++place, member(record, kError, "message"));
    check(::sqlite3_step(insert.get()), database.get());
    check(::sqlite3_reset(insert.get()), database.get());
  }
  run(database, "COMMIT");
  sqlite3_int64 size = 0;
  const std::unique_ptr<unsigned char, decltype(&::sqlite3_free)> bytes(
      ::sqlite3_serialize(database.get(), "main", &size, 0), &::sqlite3_free);
  if (bytes == nullptr) throw Error(ErrorCode::kIo, "SQLite: no memory for the table");
  return {reinterpret_cast<const char*>(bytes.get()), static_cast<std::size_t>(size)};
}

std::vector<Json> read_sqlite(const std::filesystem::path& path) {
  static_cast<void>(first_bytes(path, 1));  // whether it is there, and its message if not
  std::vector<Json> records;
  try {
    const Database database = opened(path.string(), SQLITE_OPEN_READONLY);
    const Statement rows = prepared(database, "SELECT * FROM points");
    const int columns = ::sqlite3_column_count(rows.get());
    for (int status = 0; (status = ::sqlite3_step(rows.get())) != SQLITE_DONE;) {
      check(status, database.get());
      Json record = {{"point", Json::object()}};
      for (int column = 0; column < columns; ++column) {
        if (::sqlite3_column_type(rows.get(), column) == SQLITE_NULL) continue;
        const std::string name = ::sqlite3_column_name(rows.get(), column);
        const char* type = ::sqlite3_column_decltype(rows.get(), column);
        if (name == kError && column == columns - 1) {
          record[kError] = {{"message", text_at(rows, column)}};
        } else if (type != nullptr && std::string_view(type) == "REAL") {
          record["figures"][name] = ::sqlite3_column_double(rows.get(), column);
        } else {
          record["point"][name] = text_at(rows, column);
        }
      }
      records.push_back(std::move(record));
    }
  } catch (const Error& error) {
    throw Error(
        ErrorCode::kFormat,
        path.string() + ": expected a table 'points' as `crossweave sweep merge --sqlite` writes it: " + error.what());
  }
  return records;
}

}  // namespace xw::toolchain
