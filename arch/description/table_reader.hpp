// Checked access to TOML tables: every problem names file, line, key, what was expected and what was found.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "arch/support/error.hpp"

namespace xw::arch {

/// What a number must be: `low` is excluded if `open_low`.
struct RealRange {
  double low = 0;
  double high = 0;
  bool open_low = false;
};

/// One table of a parsed TOML document. Keys that are read are remembered; `finish()` rejects the others.
/// Whatever is wrong with a file is Error{kFormat}: types, missing and unknown keys, impossible values.
class TableReader {
 public:
  /// Parses a whole document of at most 1 MiB.
  TableReader(std::string_view toml_text, const std::string& origin);
  ~TableReader();
  TableReader(TableReader&&) noexcept;
  TableReader& operator=(TableReader&&) = delete;
  TableReader(const TableReader&) = delete;
  TableReader& operator=(const TableReader&) = delete;

  [[nodiscard]] bool has(std::string_view key) const;
  /// The table below `key`; throws if it is missing or not a table.
  [[nodiscard]] TableReader table(std::string_view key);
  [[nodiscard]] std::uint64_t integer(std::string_view key, std::uint64_t low, std::uint64_t high);
  [[nodiscard]] std::uint64_t integer(std::string_view key, std::uint64_t low, std::uint64_t high,
                                      std::uint64_t absent);
  [[nodiscard]] double real(std::string_view key, RealRange range);
  [[nodiscard]] double real(std::string_view key, RealRange range, double absent);
  /// One line of printable text.
  [[nodiscard]] std::string text(std::string_view key);
  [[nodiscard]] std::string text(std::string_view key, const std::string& absent);
  /// Text of letters, digits, '-', '_' and '.', starting with a letter or digit, at most 64 characters.
  [[nodiscard]] std::string identifier(std::string_view key);
  /// An identifier that may be followed by ':' and more of them with '=', ',', '+', '/' and '@' between: "gaussian:gamma=0.05"; at most
  /// 256 KiB, since it may hold measured tables.
  [[nodiscard]] std::string identifier_with_options(std::string_view key);
  /// Throws if the table has a key that was not asked for.
  void finish() const;

  /// Throws Error{kFormat} about a key of this table.
  [[noreturn]] void reject(std::string_view key, const std::string& expected, const std::string& found) const;

 private:
  struct Document;
  struct Node;
  TableReader(std::shared_ptr<Document> document, std::unique_ptr<Node> node);
  [[nodiscard]] std::string place(std::string_view key) const;
  [[noreturn]] void fail(std::string_view key, const std::string& expected, const std::string& found) const;
  [[noreturn]] void missing(std::string_view key, const std::string& expected = "this key") const;
  void known(std::string_view key);

  std::shared_ptr<Document> document_;
  std::unique_ptr<Node> node_;
};

/// The document with another string at `path` (tables, then the key), everything else as it is. `value` needs no escapes. Throws
/// Error{kFormat} for what is no TOML, Error{kInvalidArgument} if there is no string.
[[nodiscard]] std::string replace_text(std::string_view toml_text, std::initializer_list<std::string_view> path,
                                       std::string_view value, const std::string& origin);

}  // namespace xw::arch
