// Results of a long evaluation, kept as they come.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/evaluation/journal.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "arch/support/error.hpp"
#include "arch/support/file.hpp"
#include "arch/support/json_text.hpp"

namespace xw::evaluation {

namespace {

using Json = Journal::Json;

constexpr std::chrono::seconds kInterval{1};

/// A value in a message.
[[nodiscard]] std::string shown(const Json& value) {
  return value.is_string() ? "'" + value.get<std::string>() + "'" : value.dump();
}

void compare_settings(const std::filesystem::path& path, const Json& found, const Json& wanted) {
  const auto refuse = [&](const std::string& name, const std::string& was, const std::string& is) {
    throw Error(ErrorCode::kInvalidArgument, path.string() + ": holds results of other settings: " + name + " was " +
                                                 was + " and is " + is + "; name another file, or remove this one");
  };
  for (const auto& item : wanted.items()) {
    const auto other = found.find(item.key());
    if (other == found.end()) refuse(item.key(), "absent", shown(item.value()));
    if (*other != item.value()) refuse(item.key(), shown(*other), shown(item.value()));
  }
  for (const auto& item : found.items()) {
    if (!wanted.contains(item.key())) refuse(item.key(), shown(item.value()), "absent");
  }
}

}  // namespace

Journal::Journal(const std::filesystem::path& path, Json head, Json settings, std::span<const std::uint32_t> seeds,
                 std::vector<JournalFigure> figures)
    : path_(path == "-" ? std::filesystem::path() : path),
      head_(std::move(head)),
      settings_(Json::parse(json_text(settings, -1))),  // as it will be read back
      figures_(std::move(figures)) {
  std::error_code error;
  if (!path_.empty() && std::filesystem::exists(path_, error)) read(seeds);
}

Journal::~Journal() {
  if (!unsaved_) return;
  try {
    write(document(false));
  } catch (const std::exception&) {  // an error is on its way already
  }
}

bool Journal::is_run(const Json& run) const {
  if (!run.is_object() || !run.contains("chip_seed") || !run["chip_seed"].is_number_unsigned()) return false;
  if (run["chip_seed"].get<std::uint64_t>() > std::numeric_limits<std::uint32_t>::max()) return false;
  return std::ranges::all_of(figures_, [&](const JournalFigure& figure) {
    if (!run.contains(figure.kind) || !run[figure.kind].is_object()) return false;
    const auto number = run[figure.kind].find(figure.name);
    return number != run[figure.kind].end() && number->is_number() && std::isfinite(number->get<double>());
  });
}

void Journal::read(std::span<const std::uint32_t> seeds) {
  const std::string text = read_text_file(path_, std::uint64_t{1} << 30U);
  const Json found = Json::parse(text, nullptr, false);
  if (!found.is_object() || !found.contains("settings") || !found.contains("runs")) return;
  compare_settings(path_, found["settings"], settings_);
  const auto damaged = [&](const std::string& place) {
    std::string expected = "an object with a chip_seed of its own";
    for (const JournalFigure& figure : figures_) expected += ", a number " + figure.kind + "." + figure.name;
    throw Error(ErrorCode::kFormat, path_.string() + ": runs: " + place + " is damaged: expected " + expected +
                                        "; name another file, or remove this one");
  };
  if (!found["runs"].is_array()) damaged("the list");
  std::vector<std::uint32_t> asked(seeds.begin(), seeds.end());
  std::ranges::sort(asked);
  for (const Json& run : found["runs"]) {
    const std::string place = "run " + std::to_string(&run - &found["runs"][0]);
    if (!is_run(run)) damaged(place);
    const auto seed = run["chip_seed"].get<std::uint32_t>();
    if (!std::ranges::binary_search(asked, seed)) {
      throw Error(ErrorCode::kInvalidArgument, path_.string() + ": holds a result of chip seed " +
                                                   std::to_string(seed) +
                                                   ", which is not asked for; name another file, or remove this one");
    }
    if (!runs_.emplace(seed, run).second) damaged(place);
  }
}

const Json* Journal::find(std::uint32_t seed) const {
  const auto found = runs_.find(seed);
  return found == runs_.end() ? nullptr : &found->second;
}

Json Journal::document(bool complete) const {
  Json document = head_;
  document["settings"] = settings_;
  document["complete"] = complete;
  document["runs"] = Json::array();
  for (const auto& [seed, run] : runs_) document["runs"].push_back(run);
  return document;
}

void Journal::write(const Json& document) {
  if (!path_.empty()) write_text_file(path_, json_text(document, 2) + "\n");
  unsaved_ = false;
  next_write_ = std::chrono::steady_clock::now() + kInterval;
}

void Journal::add(std::uint32_t seed, Json run) {
  runs_[seed] = std::move(run);
  unsaved_ = true;
  if (std::chrono::steady_clock::now() >= next_write_) write(document(false));
}

Json Journal::finish(const Json& summary) {
  Json complete = document(true);
  for (const auto& item : summary.items()) complete[item.key()] = item.value();
  write(complete);
  return complete;
}

}  // namespace xw::evaluation
