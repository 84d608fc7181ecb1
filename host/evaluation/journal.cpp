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
#include "arch/support/printable.hpp"

namespace xw::evaluation {

namespace {

using Json = Journal::Json;

constexpr std::chrono::seconds kInterval{1};
constexpr int kShare = 20;  // writing takes at most this part of the time

/// A document of several lines, whose lists of numbers and short texts have one each: results of items are long lists.
void write_lines(const Json& json, const std::string& indent, std::string& text) {
  const auto is_row = [](const Json& value) {
    return value.is_array() && std::ranges::none_of(value, [](const Json& element) {
             return element.is_object() || (element.is_array() && std::ranges::any_of(element, [](const Json& inner) {
                                              return inner.is_structured();
                                            }));
           });
  };
  if (!json.is_structured() || json.empty() || is_row(json)) {
    text += json.dump();
    return;
  }
  const std::string inner = indent + "  ";
  text += json.is_object() ? "{" : "[";
  bool first = true;
  for (const auto& item : json.items()) {
    text += (first ? "\n" : ",\n") + inner;
    first = false;
    if (json.is_object()) text += Json(item.key()).dump() + ": ";
    write_lines(item.value(), inner, text);
  }
  text += "\n" + indent + (json.is_object() ? "}" : "]");
}

/// A value in a message.
[[nodiscard]] std::string shown(const Json& value) {
  return value.is_string() ? "'" + value.get<std::string>() + "'" : value.dump();
}

/// `prefix`: of the names of settings that are parts of another.
void compare_settings(const std::filesystem::path& path, const Json& found, const Json& wanted,
                      const std::string& prefix = "") {
  const auto refuse = [&](const std::string& name, const std::string& was, const std::string& is) {
    throw Error(ErrorCode::kInvalidArgument, path.string() + ": holds results of other settings: " + prefix + name +
                                                 " was " + was + " and is " + is +
                                                 "; name another file, or remove this one");
  };
  for (const auto& item : wanted.items()) {
    const auto other = found.find(item.key());
    if (other == found.end()) refuse(item.key(), "absent", shown(item.value()));
    if (other->is_object() && item.value().is_object()) {
      compare_settings(path, *other, item.value(), prefix + item.key() + ".");
    } else if (*other != item.value()) {
      refuse(item.key(), shown(*other), shown(item.value()));
    }
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
  if (!path_.empty() && std::filesystem::exists(path_, error) && !std::filesystem::is_character_file(path_, error))
    read(seeds);
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
  if (!found.contains("unfinished")) return;
  const Json& rest = found["unfinished"];
  if (!rest.is_object() || !rest.contains("chip_seed") || !rest["chip_seed"].is_number_unsigned()) {
    throw Error(ErrorCode::kFormat, path_.string() +
                                        ": \"unfinished\" is damaged: expected an object with a chip_seed; "
                                        "name another file, or remove this one");
  }
  unfinished_ = rest;
}

const Json* Journal::find(std::uint32_t seed) const {
  const auto found = runs_.find(seed);
  return found == runs_.end() ? nullptr : &found->second;
}

const Json* Journal::find_unfinished(std::uint32_t seed) const {
  return unfinished_.is_object() && unfinished_["chip_seed"] == seed ? &unfinished_ : nullptr;
}

Json Journal::document(bool complete) const {
  Json document = head_;
  document["settings"] = settings_;
  document["complete"] = complete;
  document["runs"] = Json::array();
  for (const auto& [seed, run] : runs_) document["runs"].push_back(run);
  if (unfinished_.is_object() && !complete) document["unfinished"] = unfinished_;
  return document;
}

void Journal::write(const Json& document) {
  const auto start = std::chrono::steady_clock::now();
  if (!path_.empty()) write_text_file(path_, text(document) + "\n");
  unsaved_ = false;
  const auto end = std::chrono::steady_clock::now();
  next_write_ = end + std::max<std::chrono::steady_clock::duration>(kInterval, kShare * (end - start));
}

std::string Journal::text(const Json& document) {
  std::string lines;
  write_lines(utf8_json(document), "", lines);
  return printable_json(lines);
}

void Journal::add(std::uint32_t seed, Json run) {
  runs_[seed] = std::move(run);
  unfinished_ = nullptr;
  unsaved_ = true;
  if (due()) write(document(false));
}

void Journal::keep(std::uint32_t seed, Json unfinished) {
  unfinished_ = std::move(unfinished);
  unfinished_["chip_seed"] = seed;
  unsaved_ = true;
  if (due()) write(document(false));
}

Json Journal::finish(const Json& summary) {
  Json complete = document(true);
  for (const auto& item : summary.items()) complete[item.key()] = item.value();
  write(complete);
  return complete;
}

}  // namespace xw::evaluation
