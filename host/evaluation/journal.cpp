// Results of a long evaluation, kept as they come.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/evaluation/journal.hpp"

#include <algorithm>
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

Journal::Journal(const std::filesystem::path& path, Json head, Json settings, std::span<const std::uint32_t> seeds)
    : path_(path == "-" ? std::filesystem::path() : path),
      head_(std::move(head)),
      settings_(Json::parse(json_text(settings, -1))) {  // as it will be read back
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

void Journal::read(std::span<const std::uint32_t> seeds) {
  const std::string text = read_text_file(path_, std::uint64_t{1} << 30U);
  const Json found = Json::parse(text, nullptr, false);
  if (!found.is_object() || !found.contains("settings") || !found.contains("runs")) return;
  compare_settings(path_, found["settings"], settings_);
  const auto damaged = [&] {
    throw Error(ErrorCode::kFormat, path_.string() + ": runs: expected objects, each with a chip_seed of its own");
  };
  if (!found["runs"].is_array()) damaged();
  for (const Json& run : found["runs"]) {
    if (!run.is_object() || !run.contains("chip_seed") || !run["chip_seed"].is_number_unsigned()) damaged();
    const auto seed = run["chip_seed"].get<std::uint64_t>();
    if (seed > std::numeric_limits<std::uint32_t>::max()) damaged();
    if (std::find(seeds.begin(), seeds.end(), static_cast<std::uint32_t>(seed)) == seeds.end()) {
      throw Error(ErrorCode::kInvalidArgument, path_.string() + ": holds a result of chip seed " +
                                                   std::to_string(seed) +
                                                   ", which is not asked for; name another file, or remove this one");
    }
    if (!runs_.emplace(static_cast<std::uint32_t>(seed), run).second) damaged();
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
