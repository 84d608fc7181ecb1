// Results of a long evaluation, kept as they come: a second call with the same settings goes on where the first ended.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

namespace xw::evaluation {

/// A number that every run has, at run[kind][name].
struct JournalFigure {
  std::string kind, name;
};

/// A JSON document {<head>, "settings": {...}, "complete": false, "runs": [{"chip_seed": N, ...}, ...], "unfinished":
/// {"chip_seed": N, ...}, <summary>}. The file is always whole: it is replaced in one step.
class Journal {
 public:
  using Json = nlohmann::ordered_json;

  /// Reads `path` if it holds such a document. `path` may be empty or "-": then nothing is read or written. `head` are
  /// members for readers; `settings` decide what the results are: model, data, options. Every run has all `figures`.
  /// Throws Error{kInvalidArgument} if the document was made with other settings, naming the first that differs, or has
  /// a run of a seed that is not in `seeds`; Error{kFormat} if its runs are damaged. A file that holds something else is
  /// left alone until add().
  Journal(const std::filesystem::path& path, Json head, Json settings, std::span<const std::uint32_t> seeds,
          std::vector<JournalFigure> figures = {});
  /// Writes what was added since the last time; errors are left unsaid, since the way here may be one.
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  /// The run of a seed, if it is there already.
  [[nodiscard]] const Json* find(std::uint32_t seed) const;
  [[nodiscard]] std::size_t size() const { return runs_.size(); }
  /// What is known of a run that was interrupted, as keep() was told.
  [[nodiscard]] const Json* find_unfinished(std::uint32_t seed) const;
  /// Adds a run; the file is written at most once a second, seldom enough that writing takes a twentieth of the time, and
  /// at the end.
  void add(std::uint32_t seed, Json run);
  /// True if the file may be written again: time to call keep().
  [[nodiscard]] bool due() const { return !path_.empty() && std::chrono::steady_clock::now() >= next_write_; }
  /// Remembers what there is of a run; the next run that is added replaces it. Writes the file if it is due().
  void keep(std::uint32_t seed, Json unfinished);
  /// Writes the document with "complete": true and the members of `summary`; returns it.
  Json finish(const Json& summary);
  /// The document as it is written: lists of numbers on one line each.
  [[nodiscard]] static std::string text(const Json& document);

 private:
  [[nodiscard]] Json document(bool complete) const;
  void read(std::span<const std::uint32_t> seeds);
  [[nodiscard]] bool is_run(const Json& run) const;
  void write(const Json& document);

  std::filesystem::path path_;
  Json head_, settings_;
  std::vector<JournalFigure> figures_;
  std::map<std::uint32_t, Json> runs_;
  Json unfinished_;  ///< null, or a run that is not whole
  bool unsaved_ = false;
  std::chrono::steady_clock::time_point next_write_{};
};

}  // namespace xw::evaluation
